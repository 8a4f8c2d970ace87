"""Nobody checks their own work, nobody's source is written to, and one department's outage is its own."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from catalogue.errors import NotAllowedError, OwnRequestError, SeparatedRolesError
from exchange.acts.register import ActError
from exchange.demo import district
from exchange.demo import setup as demo
from exchange.demo.setup import DEPOSIT, SYSTEM, agree, ask_for
from gateway.errors import SourceError
from tests.fakes.dialect import SCHEME, register_dialect
from tests.fakes.node import DEPARTMENTS, Standing, codes, lines
from tests.stories.test_items import request_for, wanted


@pytest.mark.proves("G1")
def test_nobody_of_the_requesting_side_agrees_to_its_own_request(here: Standing) -> None:
    asked = request_for(here, SYSTEM, "307/000001", items=["entName"])
    for officer in ("hall.operator", "hall.head", "planning.head"):
        with pytest.raises(NotAllowedError):
            here.act(officer, "grant.give", request=asked, terms={})
    assert here.act("market.head", "grant.give", request=asked, terms={})["state"] == "active"


@pytest.mark.proves("G1")
def test_who_drafted_a_request_does_not_sign_it_off_too(here: Standing) -> None:
    # The role is there; the second person is not.
    operator = here.place.ids["hall.operator"]
    here.act("administrator", "officer.roles", officer=operator, roles=["operator", "head"])
    drafted = here.act("hall.operator", "request.create", wanted=wanted(SYSTEM, "307/000001"))
    with pytest.raises(OwnRequestError):
        here.act("hall.operator", "request.sign", request=drafted["id"])
    signed = here.act("hall.head", "request.sign", request=drafted["id"])
    assert signed["state"] == "submitted"


def test_a_resource_is_served_while_its_next_revision_is_prepared(here: Standing) -> None:
    code = "307/000001"
    standing = here.node.live.load().resources[code]
    kept = tuple(item for item in standing.items if item.graphql_name != "phone")
    changed = replace(standing, items=kept, abstract="第二版")
    here.act("market.operator", "resource.draft", resource=msgspec.to_builtins(changed))
    told = here.act("market.head", "resource.show", code=code)
    assert (told["state"], told["revision"]) == ("announced", 1)
    assert told["prepared"] == {"revision": 2, "state": "draft"}
    assert here.act("market.head", "resource.check", code=code)["grants"]
    demo.examine(here.place, "market", code)
    here.act("market.head", "resource.submit", code=code)
    answer = here.ask()
    assert lines(answer)["businessLicence"]["outcome"] == "given"
    assert answer.data is not None
    assert answer.data["enterprise"]["businessLicence"]["phone"]
    here.act("authority", "resource.announce", code=code)
    # What the revision no longer has is not given from the act on; the rest goes on under the same grant.
    refused = here.send(here.signed(here.write()))
    assert "NAME_UNKNOWN" in refused.text
    told = here.ask(DEPARTMENTS)
    assert lines(told)["businessLicence"]["outcome"] == "given"


@pytest.mark.proves("G8")
@pytest.mark.parametrize(
    "roles",
    [
        ["administrator", "auditor"],
        ["policy-approver", "auditor"],
        ["administrator", "policy-approver"],
    ],
)
def test_nobody_holds_two_of_the_three_separated_roles(here: Standing, roles: list[str]) -> None:
    auditor = here.place.ids["auditor"]
    with pytest.raises(SeparatedRolesError):
        here.act("administrator", "officer.roles", officer=auditor, roles=roles)
    held = here.node.live.load().officers[auditor].roles
    assert {role.value for role in held} == {"auditor"}


@pytest.mark.proves("G2")
def test_an_administrator_approves_nothing_and_an_auditor_changes_nothing(here: Standing) -> None:
    asked = request_for(here, SYSTEM, "307/000001", items=["entName"])
    for officer in ("administrator", "auditor"):
        with pytest.raises(NotAllowedError):
            here.act(officer, "grant.give", request=asked, terms={})
    with pytest.raises(ActError, match="auditor"):
        here.act("administrator", "audit.verify-log")


@pytest.mark.proves("G3")
def test_an_auditors_search_is_itself_an_entry(here: Standing) -> None:
    size = here.node.log.size
    here.act("auditor", "audit.search", decision="refused")
    assert here.kinds(since=size) == ["log.searched"]


@pytest.mark.proves("S10")
def test_a_source_whose_login_may_write_is_taken_only_with_a_reason(
    here: Standing, tmp_path: Path
) -> None:
    register_dialect()
    path = tmp_path / "theirs.db"
    sqlite3.connect(path).close()
    source: dict[str, Any] = {
        "name": "theirs",
        "department": district.MARKET.code,
        "kind": "sql",
        "address": f"{SCHEME}:///{path}",
    }
    with pytest.raises(ActError) as refused:
        here.act("market.head", "source.add", **source)
    assert refused.value.code == "SOURCE_WRITABLE"
    assert "theirs" not in here.node.live.load().sources
    said = here.act("market.head", "source.add", **source, write_reason="厂商不提供只读账号")
    assert said["can_write"]
    assert here.node.live.load().sources["theirs"].write_reason == "厂商不提供只读账号"
    assert here.node.writable_sources() == []


@pytest.mark.proves("S10")
def test_a_file_is_opened_read_only_whatever_its_address_asks_for(
    here: Standing, tmp_path: Path
) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
    connection.close()
    address = f"sqlite:///file:{path}?mode=rwc&uri=true"
    said = here.act(
        "market.head",
        "source.add",
        name="theirs",
        department=district.MARKET.code,
        kind="sql",
        address=address,
    )
    assert said["can_write"] == []


@pytest.mark.parametrize("address", ["nosuch://somewhere/x", "no address", "sqlite://"])
def test_a_source_that_cannot_be_opened_is_refused_with_a_code(
    here: Standing, address: str
) -> None:
    with pytest.raises(SourceError):
        here.act(
            "market.head",
            "source.add",
            name="theirs",
            department=district.MARKET.code,
            kind="sql",
            address=address,
        )


@pytest.mark.proves("S1", "S7")
def test_a_source_that_refuses_connections_costs_its_own_part_and_no_other(
    here: Standing,
) -> None:
    agree(here.place, ask_for(here.place, DEPOSIT), DEPOSIT)
    assert codes(here.ask(DEPARTMENTS))["wageDeposit"] is None
    here.labour.stop()
    try:
        answer = here.ask(DEPARTMENTS)
    finally:
        here.labour.start()
    told = lines(answer)
    assert told["wageDeposit"]["outcome"] == "unavailable"
    assert told["wageDeposit"]["code"] == "SOURCE_UNAVAILABLE"
    assert answer.data is not None
    assert answer.data["enterprise"]["wageDeposit"] is None
    for name in ("businessLicence", "planningPermit", "qualification"):
        assert answer.data["enterprise"][name], name
        assert told[name]["code"] is None
    outcomes = {step["resource"]: step["outcome"] for step in here.entry(answer)["steps"]}
    assert outcomes[DEPOSIT] == "unavailable"
    assert set(outcomes.values()) - {"unavailable"} == {"given"}
    found = here.act("auditor", "audit.search", decision="unavailable")["entries"]
    assert [row["resource"] for row in found] == [DEPOSIT]


def test_health_and_the_public_face_of_the_log_need_no_right(here: Standing) -> None:
    answer = here.ask()
    with httpx.Client(trust_env=False, base_url=here.url) as anybody:
        assert anybody.get("/health/live").json() == {"status": "live"}
        assert anybody.get("/health/ready").json()["status"] == "ready"
        assert anybody.get("/log/key").text.splitlines()[0] == f"{here.node.vkey} 0 -"
        checkpoint = anybody.get("/log/checkpoint").text
        size = int(checkpoint.splitlines()[1])
        assert size == int(answer.entry["index"]) + 1
        tile = anybody.get(f"/log/tile/0/000.p/{size}")
        assert len(tile.content) == 32 * size
        assert anybody.get(f"/log/tile/entries/000.p/{size}").status_code == 404
        assert anybody.get("/log/tile/0/999").status_code == 404
