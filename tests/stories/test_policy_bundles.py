"""A policy comes into force on two people's word, is recorded, and gives way only to a newer one."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from catalogue.errors import (
    CatalogueError,
    DuplicateError,
    InvalidError,
    NotAllowedError,
    StateError,
)
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.demo import district
from policies.bundle import build, load_archive, release
from policies.engine import LoadError
from tests.fakes.bundles import KEY_ID, a_release, closing, signed
from tests.fakes.node import Standing, codes

CLOSED = closing(district.MARKET.code)
TEST = """package departments.closed_test

test_nothing_is_denied_without_a_request if {{
	count(data.departments["{code}"].deny) == {count} with input as {{"requests": []}}
}}
"""


def an_archive(
    serial: int = 1, departments: dict[str, str] | None = None, *, days: int = 90
) -> bytes:
    expires = int((now() + timedelta(days=days)).timestamp())
    return signed(a_release(serial, expires=expires, departments=departments))


def proposed(here: Standing, archive: bytes, **more: Any) -> str:
    said = here.act("approver", "policy.propose", archive=b64encode(archive).decode(), **more)
    return str(said["digest"])


def in_force(here: Standing, archive: bytes) -> str:
    digest = proposed(here, archive)
    here.act("approver.second", "policy.activate", digest=digest)
    return digest


def shown(here: Standing) -> dict[str, Any]:
    return dict(here.act("auditor", "policy.show"))


def test_until_the_first_bundle_the_packaged_policy_decides(here: Standing) -> None:
    said = shown(here)
    assert said["decides"]["packaged"]
    assert said["in_force"] is None
    assert said["waiting"] == said["past"] == []
    assert (said["approvers"], said["keys"]) == (2, [KEY_ID])


def test_a_bundle_decides_from_the_call_after_its_second_approval_on_and_each_step_is_recorded(
    here: Standing,
) -> None:
    before = here.entry(here.ask())["policy"]
    size = here.node.log.size
    archive = an_archive(1, CLOSED)
    digest = proposed(here, archive)
    assert codes(here.ask()) == {"businessLicence": None}
    assert [row["digest"] for row in shown(here)["waiting"]] == [digest]

    activated = here.act("approver.second", "policy.activate", digest=digest)
    answer = here.ask()
    assert codes(answer) == {"businessLicence": "MARKET_CLOSED"}
    assert here.entry(answer)["policy"] == load_archive(archive).revision != before
    kinds = here.kinds(since=size)
    assert [kind for kind in kinds if kind.startswith("policy.")] == [
        "policy.proposed",
        "policy.activated",
    ]
    assert kinds[activated["proposal"] - size] == "policy.proposed"
    assert kinds[activated["activation"] - size] == "policy.activated"
    said = shown(here)
    assert said["in_force"]["digest"] == said["decides"]["digest"] == digest
    assert said["waiting"] == []


@pytest.mark.proves("P9")
def test_a_call_under_way_while_a_bundle_comes_into_force_is_ruled_anew_under_it(
    here: Standing,
) -> None:
    digest = proposed(here, an_archive(1, CLOSED))
    # While the call is fetching, under the policy before, the second approver acts.
    here.sources.meanwhile = lambda: here.act("approver.second", "policy.activate", digest=digest)
    answer = here.ask()
    assert here.sources.reads != []
    assert codes(answer) == {"businessLicence": "MARKET_CLOSED"}
    assert answer.data == {"enterprise": {"businessLicence": None}}
    assert here.entry(answer)["policy"].endswith(".1")


def test_who_proposed_a_bundle_does_not_put_it_in_force(here: Standing) -> None:
    digest = proposed(here, an_archive())
    with pytest.raises(NotAllowedError) as refused:
        here.act("approver", "policy.activate", digest=digest)
    assert refused.value.code == "SECOND_OFFICER"
    assert shown(here)["decides"]["packaged"]


@pytest.mark.parametrize("officer", ["administrator", "auditor", "authority", "market.head"])
def test_nobody_but_a_policy_approver_proposes_activates_or_withdraws(
    here: Standing, officer: str
) -> None:
    archive = an_archive()
    digest = proposed(here, archive)
    with pytest.raises(NotAllowedError):
        here.act(officer, "policy.propose", archive=b64encode(an_archive(2)).decode())
    for act in ("policy.activate", "policy.withdraw"):
        with pytest.raises(NotAllowedError):
            here.act(officer, act, digest=digest)
    assert [row["state"] for row in shown(here)["waiting"]] == ["proposed"]


def test_a_department_does_not_read_what_waits(here: Standing) -> None:
    for act, more in (("policy.show", {}), ("policy.compare", {"digest": "0" * 64})):
        with pytest.raises(ActError, match="needed"):
            here.act("market.head", act, **more)


def test_a_withdrawn_proposal_comes_into_force_no_more_and_is_not_proposed_again(
    here: Standing,
) -> None:
    archive = an_archive()
    digest = proposed(here, archive)
    here.act("approver", "policy.withdraw", digest=digest, reason="改用新版")
    with pytest.raises(StateError):
        here.act("approver.second", "policy.activate", digest=digest)
    with pytest.raises(DuplicateError):
        proposed(here, archive)
    assert [row["state"] for row in shown(here)["past"]] == ["withdrawn"]


@pytest.mark.proves("P14")
def test_an_old_bundle_does_not_come_back_under_its_own_serial(here: Standing) -> None:
    old = an_archive(1)
    first = in_force(here, old)
    second = in_force(here, an_archive(2, CLOSED))
    for attempt in (
        lambda: proposed(here, old),
        lambda: here.act("approver.second", "policy.activate", digest=first),
        # Signed anew with another expiry, its serial is still not above the newest.
        lambda: proposed(here, an_archive(1, days=80)),
        lambda: proposed(here, an_archive(2, days=80)),
    ):
        with pytest.raises(CatalogueError) as refused:
            attempt()
        assert refused.value.code in {"DUPLICATE", "STATE", "BUNDLE_SERIAL"}
    assert shown(here)["in_force"]["digest"] == second
    assert codes(here.ask()) == {"businessLicence": "MARKET_CLOSED"}


@pytest.mark.proves("P14")
def test_a_waiting_bundle_that_a_newer_one_overtook_is_not_put_in_force(here: Standing) -> None:
    waiting = proposed(here, an_archive(1))
    in_force(here, an_archive(2, CLOSED))
    with pytest.raises(StateError) as refused:
        here.act("approver.second", "policy.activate", digest=waiting)
    assert refused.value.code == "BUNDLE_SERIAL"


@pytest.mark.proves("P14")
def test_an_old_archive_in_the_place_of_the_newer_one_is_not_loaded(here: Standing) -> None:
    first = in_force(here, an_archive(1))
    second = in_force(here, an_archive(2, CLOSED))
    folder = here.node.settings.home / "bundles"
    old = (folder / f"{first}.tar.gz").read_bytes()
    (folder / f"{second}.tar.gz").write_bytes(old)
    # The one that was loaded goes on; a start finds none, and refuses.
    assert codes(here.ask()) == {"businessLicence": "MARKET_CLOSED"}
    here.restart()
    assert codes(here.ask()) == {"businessLicence": "POLICY_UNAVAILABLE"}
    health = here.send(httpx.Request("GET", f"{here.url}/health/ready"))
    assert health.status_code == 503
    assert "another one" in health.json()["broken"]["policy"]


@pytest.mark.proves("P14", "R1")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE policy_bundle SET state = 'in-force' WHERE serial = 1",
        "UPDATE policy_bundle SET state = 'past' WHERE serial = 2",
        "DELETE FROM policy_bundle WHERE serial = 2",
        "DELETE FROM policy_bundle",
        "UPDATE policy_bundle SET expires = expires + 1000 WHERE serial = 2",
    ],
)
def test_the_register_edited_by_hand_brings_no_other_policy_into_force(
    here: Standing, statement: str
) -> None:
    in_force(here, an_archive(1))
    in_force(here, an_archive(2, CLOSED))
    assert here.raw_sql(statement) >= 1
    assert codes(here.ask())["businessLicence"] in {"MARKET_CLOSED", "POLICY_UNAVAILABLE"}
    here.restart()
    assert codes(here.ask())["businessLicence"] in {"MARKET_CLOSED", "POLICY_UNAVAILABLE"}
    assert [row.table for row in here.node.live.load().absent] == ["policy_bundle"] * (
        2 if statement == "DELETE FROM policy_bundle" else 1
    )


def test_the_way_back_is_a_new_bundle_of_the_earlier_rules(here: Standing) -> None:
    first = in_force(here, an_archive(1))
    in_force(here, an_archive(2, CLOSED))
    assert codes(here.ask()) == {"businessLicence": "MARKET_CLOSED"}
    kept = load_archive(b64decode(here.act("approver", "policy.archive", digest=first)["archive"]))
    again = release(kept.modules, kept.data, serial=3, expires=kept.expires)
    in_force(here, signed(again))
    assert codes(here.ask()) == {"businessLicence": None}
    past = [(row["serial"], row["state"]) for row in shown(here)["past"]]
    assert sorted(past) == [(1, "past"), (2, "past")]


Spoil = Callable[[bytes], bytes]


def _unsigned(archive: bytes) -> bytes:
    return build(load_archive(archive))


def _flipped(archive: bytes) -> bytes:
    return archive[:200] + bytes([archive[200] ^ 1]) + archive[201:]


@pytest.mark.parametrize("spoil", [_unsigned, _flipped, lambda _: b"no archive"])
def test_what_no_trusted_key_signed_is_refused_before_anything_changes(
    here: Standing, spoil: Spoil
) -> None:
    size = here.node.log.size
    with pytest.raises(InvalidError) as refused:
        proposed(here, spoil(an_archive()))
    assert refused.value.code == "BUNDLE_REFUSED"
    assert here.kinds(since=size) == []


@pytest.mark.proves("P6")
@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("input.request.weather.sunny(1)", "weather.sunny"),
        ("http.send({})", "http.send"),
        ("units.horoscope(1)", "units.horoscope"),
    ],
)
def test_a_bundle_with_a_term_that_nobody_knows_is_not_published(
    here: Standing, source: str, named: str
) -> None:
    (rules,) = closing(district.MARKET.code).values()
    unknown = rules.replace("in input.requests\n", f"in input.requests\n\t{source}\n")
    with pytest.raises((InvalidError, LoadError), match=named):
        proposed(here, an_archive(1, {next(iter(CLOSED)): unknown}))
    assert shown(here)["waiting"] == []


@pytest.mark.proves("P6")
def test_rules_of_a_department_that_nobody_knows_are_not_published(here: Standing) -> None:
    # They would stand there and deny nothing.
    with pytest.raises(InvalidError, match=r"departments\.market"):
        proposed(here, an_archive(1, closing("market")))
    assert shown(here)["waiting"] == []


def test_a_bundle_whose_tests_do_not_hold_is_refused(here: Standing) -> None:
    code = district.MARKET.code
    name = f"departments/{code}/rules_test.rego"
    archive = an_archive(1, CLOSED)
    with pytest.raises(InvalidError, match="do not hold"):
        proposed(here, archive, tests={name: TEST.format(code=code, count=1)})
    digest = proposed(here, archive, tests={name: TEST.format(code=code, count=0)})
    (waiting,) = shown(here)["waiting"]
    assert waiting["digest"] == digest
    assert waiting["tests"] > 1


def test_a_test_that_stands_in_for_a_rule_is_refused(here: Standing) -> None:
    with pytest.raises(InvalidError, match="its package in _test"):
        proposed(
            here,
            an_archive(),
            tests={"exchange/authz_test.rego": "package exchange.authz\n\ntest_x if true\n"},
        )


def test_an_expired_bundle_is_not_proposed(here: Standing) -> None:
    with pytest.raises(StateError) as refused:
        proposed(here, an_archive(1, days=-1))
    assert refused.value.code == "BUNDLE_EXPIRED"


def test_a_comparison_shows_files_and_lines_that_differ(here: Standing) -> None:
    digest = proposed(here, an_archive(1, CLOSED))
    said = here.act("auditor", "policy.compare", digest=digest)
    told = {file["file"]: file for file in said["files"]}
    (name,) = CLOSED
    assert told[name]["change"] == "added"
    assert any("MARKET_CLOSED" in line for line in told[name]["lines"])
    assert {"data.json", ".manifest"} <= told.keys()
    assert told[".manifest"]["change"] == "changed"


def test_the_archive_in_force_is_served_under_its_digest(here: Standing) -> None:
    address = f"{here.url}/bundles/exchange.tar.gz"
    packaged = here.send(httpx.Request("GET", address))
    archive = an_archive(1)
    digest = in_force(here, archive)
    served = here.send(
        httpx.Request("GET", address, headers={"if-none-match": packaged.headers["etag"]})
    )
    assert served.status_code == 200
    assert served.content == archive
    assert served.headers["etag"] == f'"{digest}"'
    again = here.send(httpx.Request("GET", address, headers={"if-none-match": f'W/"{digest}"'}))
    assert (again.status_code, again.content) == (304, b"")
    head = here.send(httpx.Request("HEAD", address))
    assert head.headers["etag"] == served.headers["etag"]
    assert head.content == b""
    (here.node.settings.home / "bundles" / f"{digest}.tar.gz").unlink()
    here.restart()
    gone = here.send(httpx.Request("GET", f"{here.url}/bundles/exchange.tar.gz"))
    assert gone.status_code == gone.json()["status"] == 503
    assert gone.json()["code"] == "POLICY_UNAVAILABLE"


@pytest.mark.proves("P2")
def test_a_bundle_whose_key_is_trusted_no_more_is_not_loaded_at_a_start(here: Standing) -> None:
    in_force(here, an_archive(1))
    here.serving.stop()
    here.serve(replace(here.node.settings, policy_keys=""))
    assert codes(here.ask()) == {"businessLicence": "POLICY_UNAVAILABLE"}
    assert "not configured" in shown(here)["problem"]


def health(here: Standing) -> tuple[int, dict[str, Any]]:
    said = here.send(httpx.Request("GET", f"{here.url}/health/ready"))
    return said.status_code, dict(said.json())


@pytest.mark.proves("P3", "H3")
@pytest.mark.parametrize(
    ("days", "status", "word"),
    [(86.0, 200, "ready"), (88.0, 200, "degraded"), (89.5, 503, "not ready")],
)
def test_a_policy_near_its_end_is_told_well_before_it_ends(
    here: Standing, days: float, status: int, word: str
) -> None:
    in_force(here, an_archive(1))
    here.go_ahead(days=days)
    found, said = health(here)
    assert (found, said["status"]) == (status, word)
    assert ("policy-expiry" in said["broken"]) is (word != "ready")
