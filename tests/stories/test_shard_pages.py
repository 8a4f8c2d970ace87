"""The log's parts by hand: an auditor has one checked and decided again, an administrator archives."""

import json
import re
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from audit.canonical import decode_strict
from audit.entry import Draft
from audit.merkle import TILE_WIDTH
from audit.policy_file import format_policy
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.demo import district
from exchange.demo.witness import DepartmentWitness
from tests.fakes.node import Standing
from tests.stories.test_emergency_pages import Browsing
from tests.stories.test_policy_past import told_otherwise
from tests.stories.test_shards import past_the_program, turn
from tests.stories.test_witness import NAME, a_policy

WAIT_S = 30.0


def signed_in(here: Standing, officer: str) -> Browsing:
    return Browsing(here, officer, two_factor=False)


def fill(here: Standing, bundles: int = 1) -> None:
    """Close so many bundles, and begin another."""
    pending = [
        here.node.log._enter(Draft(kind="strangers.counted", clear={"codes": {}}))
        for _ in range(bundles * TILE_WIDTH)
    ]
    for each in pending:
        each.result()


def tomorrow(here: Standing) -> str:
    """Serve as it is in two days; returns a day that is over by then, and later than every entry so far."""
    here.go_ahead(days=2)
    return (now() + timedelta(days=1)).astimezone(here.node.zone).date().isoformat()


def over(here: Standing, officer: str, job: str) -> dict[str, Any]:
    """Wait until a job is over, one way or the other; returns what is told of it."""
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends:
        told: dict[str, Any] = here.act(officer, "job.show", job=job)
        if told["state"] != "running":
            return told
        time.sleep(0.05)
    raise AssertionError(f"the job did not end in {WAIT_S} s")


def id_of(page: str) -> str:
    return page.rpartition("/")[2]


def test_the_list_says_of_each_part_what_it_is_and_where_the_log_goes_on(here: Standing) -> None:
    auditor = signed_in(here, "auditor")
    alone = auditor.go("/audit/shards?lang=en")
    assert "No part has ended yet." in alone
    assert 'href="/audit/shards/first"' in alone
    old = here.node.log.origin
    turn(here)
    auditor = signed_in(here, "auditor")
    listed = auditor.go("/audit/shards?lang=en")
    for words in (
        old,
        here.node.log.origin,
        "Frozen",
        "Being written",
        "exchange audit shard open",
    ):
        assert words in listed
    first = auditor.go("/audit/shards/first?lang=en")
    assert f'href="/audit/shards/{here.node.shards[-1].name}"' in first
    assert "both ends were held together" in first
    assert here.node.older[0].need().checkpoint.splitlines()[2] in first
    second = auditor.go(f"/audit/shards/{here.node.shards[-1].name}?lang=en")
    assert f"{old} with its" in second


def test_the_list_names_the_witness_whose_signature_holds_and_no_other(
    here: Standing, tmp_path: Path
) -> None:
    node = here.node
    witness = DepartmentWitness(tmp_path / "witness", name=NAME, now=node.ports.now)
    witness.start(origin=node.log.origin, key=node.keys.signer.verifier)
    policy = format_policy(a_policy(node.keys.signer.verifier, witness))
    (node.settings.home / "witnesses").write_text(policy, encoding="utf-8")
    here.serving.stop()
    here.serve(replace(node.settings, witness_policy="witnesses"))
    try:
        here.node.witnessing.round()
        note = here.node.witnessing.newest()
        (told,) = here.act("auditor", "audit.shard-list")["shards"]
        assert told["cosigned"]["witnesses"] == [NAME]
        assert 0 < told["cosigned"]["size"] <= told["size"]
        assert NAME in signed_in(here, "auditor").go("/audit/shards")
        assert NAME in signed_in(here, "auditor").go("/audit/shards/first")
        # A line that somebody else signed counts for nothing, and neither does one that was changed.
        own = "\n".join(line for line in note.split("\n") if NAME not in line)
        assert here.node.witnessing.cosigners(own) == ()
        origin, size, rest = note.split("\n", 2)
        assert here.node.witnessing.cosigners(f"{origin}\n{int(size) + 1}\n{rest}") == ()
    finally:
        witness.stop()


def test_the_command_tells_what_the_page_tells(here: Standing) -> None:
    turn(here)
    told = here.act("administrator", "audit.shard-show", shard="first")
    assert told["state"] == "frozen"
    assert told["chain"]["names"] == told["next"] == here.node.log.origin
    assert told["size"] == here.node.older[0].need().size
    assert told["begun"] < told["newest"]
    assert {one["retention"]: one["months"] for one in told["terms"]} == {
        "standard": 36,
        "session": 12,
    }
    with pytest.raises(ActError, match="auditor or an administrator"):
        here.act("hall.operator", "audit.shard-show", shard="first")


def test_a_part_that_grew_is_named_on_its_page_and_offers_nothing(here: Standing) -> None:
    turn(here)
    with past_the_program(here) as database:
        database.exec_driver_sql(
            "INSERT INTO audit_entry SELECT idx + 1, body, leaf FROM audit_entry"
            " ORDER BY idx DESC LIMIT 1"
        )
    auditor = signed_in(here, "auditor")
    assert "Does not hold" in auditor.go("/audit/shards?lang=en")
    page = auditor.go("/audit/shards/first?lang=en")
    assert "was frozen with" in page
    assert "<form" not in re.split("<main", page)[1]


def test_an_auditor_has_a_part_checked_and_the_page_says_when_and_what_was_found(
    here: Standing,
) -> None:
    here.ask()
    auditor = signed_in(here, "auditor")
    assert "Never, as far as the log says" in auditor.go("/audit/shards/first?lang=en")
    page = auditor.send("/audit/shards/first", {}, to="/audit/shards/first/check").url.path
    told = over(here, "auditor", id_of(page))
    assert (told["state"], told["said"]["holds"]) == ("done", True)
    assert "未发现问题" in auditor.go(page)
    shown = auditor.go("/audit/shards/first?lang=en")
    assert "Nothing was found wrong" in shown
    kinds = here.kinds()
    begun, verified, ended = (
        kinds.index(one) for one in ("job.begun", "log.verified", "job.ended")
    )
    assert begun < verified < ended
    assert told["begun"] == {"shard": "first", "index": begun}
    entry = decode_strict(here.node.log.entry(begun))
    assert entry["facts"]["errand"] == "check"
    assert (
        entry["department"] == here.node.live.load().officers[here.place.ids["auditor"]].department
    )


@pytest.mark.proves("L1")
def test_a_check_begun_on_the_page_names_an_entry_that_was_changed(here: Standing) -> None:
    turn(here)
    with past_the_program(here) as database:
        database.exec_driver_sql("UPDATE audit_entry SET body = x'00' WHERE idx = 5")
    auditor = signed_in(here, "auditor")
    page = auditor.send("/audit/shards/first", {}, to="/audit/shards/first/check").url.path
    assert over(here, "auditor", id_of(page))["said"]["holds"] is False
    shown = auditor.go(f"{page}?lang=en")
    assert "/audit/entries/5?shard=first" in shown
    assert "It was changed." in shown


def test_decisions_of_a_frozen_part_are_put_again_and_all_are_equal(here: Standing) -> None:
    here.ask()
    here.ask(e=district.STRANGER)
    turn(here)
    auditor = signed_in(here, "auditor")
    page = auditor.send("/audit/shards/first", {}, to="/audit/shards/first/replay").url.path
    told = over(here, "auditor", id_of(page))
    assert told["said"]["holds"] is True
    assert told["said"]["equal"] == told["said"]["calls"] >= 2
    assert told["done"] == told["total"] == here.node.older[0].need().size
    assert "全部一致" in auditor.go(page)
    kept = json.loads(auditor.fetch(f"{page}/result.json"))
    assert kept["said"] == told["said"]
    assert "job.looked" in here.kinds()
    assert f"{told['said']['calls']} calls, 0 decided otherwise" in auditor.go(
        "/audit/shards/first?lang=en"
    )


def test_a_decision_that_comes_out_otherwise_is_named_with_what_differs(here: Standing) -> None:
    index = int(here.ask().entry["index"])
    forged = told_otherwise(here, index, decision={"valid_until": 7})
    gone = told_otherwise(here, index, policy="exchange-gone")
    lost = told_otherwise(here, index, keep=False)
    job = here.act("auditor", "job.begin", errand="replay")["id"]
    said = over(here, "auditor", job)["said"]
    assert (said["holds"], said["different"]) == (False, 1)
    page = signed_in(here, "auditor").go(f"/audit/shards/jobs/{job}?lang=en")
    for words in ("Not all equal", "/valid_until", "exchange-gone"):
        assert words in page
    for entry in (forged, lost):
        assert f"/audit/entries/{entry}?shard=first" in page
    assert f"/audit/entries/{gone}?" not in page
    # What the command prints adds up to the same.
    told = here.act("auditor", "policy.replay")
    assert [one["index"] for one in told["differing"]] == [
        one["index"] for one in said["differing"]
    ]


def test_a_replay_has_its_days_and_a_day_that_is_none_is_named(here: Standing) -> None:
    auditor = signed_in(here, "auditor")
    replay = "/audit/shards/first/replay"
    told = auditor.send("/audit/shards/first", {"since": "31.12.", "until": ""}, to=replay)
    assert told.status_code == 400
    assert 'href="#since"' in told.text
    days = {"since": "2026-05-02", "until": "2026-05-01"}
    assert 'href="#until"' in auditor.send("/audit/shards/first", days, to=replay).text
    days = {"since": "2001-05-01", "until": "2001-05-02"}
    nothing = auditor.send("/audit/shards/first", days, to=replay)
    assert nothing.status_code == 400
    assert "JOB_NOTHING" in nothing.text


@pytest.mark.proves("L13")
def test_an_administrator_archives_a_closed_range_on_the_page(here: Standing) -> None:
    index = int(here.ask().entry["index"])
    fill(here, 2)
    before, day = here.node.log.entry(index), tomorrow(here)
    administrator = signed_in(here, "administrator")
    page = "/audit/shards/first/archive"
    assert page in administrator.go("/audit/shards/first")
    plan = administrator.go(f"{page}?before={day}&lang=en")
    closed = here.act("administrator", "archive.list")["closed"]
    assert f"Closed bundles: {closed}, that is {closed * TILE_WIDTH} entries" in plan
    job = administrator.send(f"{page}?before={day}", {"before": day}, to=page).url.path
    told = over(here, "administrator", id_of(job))
    assert told["state"] == "done"
    assert told["said"]["entries"] == told["said"]["bundles"] * TILE_WIDTH == closed * TILE_WIDTH
    shown = administrator.go(job)
    folder = here.node.settings.home / "archive"
    assert str(folder) in shown
    assert len(list(folder.rglob("tile/entries/**/*"))) >= closed
    kinds = here.kinds()
    assert kinds.index("job.begun") < kinds.index("log.archived") < kinds.index("job.ended")
    assert here.node.log.entry(index) == before
    assert here.act("auditor", "audit.fsck")["holds"] is True
    # Who may read the log sees what was moved; the administrator reads no entry.
    assert "/audit/entries/" not in shown
    assert "/audit/entries/" in signed_in(here, "auditor").go(job)
    listed = administrator.go("/audit/shards?lang=en")
    assert f"{closed * TILE_WIDTH:,}" in listed
    again = administrator.send(f"{page}?before=2001-01-01", {"before": "2001-01-01"}, to=page)
    assert "JOB_NOTHING" in again.text


def test_nobody_archives_what_is_not_theirs_and_a_day_that_is_not_over_is_refused(
    here: Standing,
) -> None:
    fill(here)
    page = "/audit/shards/first/archive"
    auditor = signed_in(here, "auditor")
    assert "归档由系统管理员办理" in auditor.go(page)
    assert page not in auditor.go("/audit/shards/first")
    refused = auditor.send("/audit/shards/first", {"before": "2026-01-01"}, to=page)
    assert "ROLE_MISSING" in refused.text
    administrator = signed_in(here, "administrator")
    for day in ("2126-01-01", "soon"):
        told = administrator.send("/audit/shards", {"before": day}, to=page)
        assert told.status_code == 400
        assert 'href="#before"' in told.text
    shown = administrator.go("/audit/shards/first")
    for errand in ("check", "replay"):
        assert f'action="/audit/shards/first/{errand}"' not in shown
    for errand in ("check", "replay"):
        told = administrator.send("/audit/shards", {}, to=f"/audit/shards/first/{errand}")
        assert "ROLE_MISSING" in told.text


def test_a_department_has_no_such_room(here: Standing) -> None:
    operator = signed_in(here, "hall.operator")
    assert "/audit/shards" not in operator.go("/")
    told = operator.send("/requests", {}, to="/audit/shards/first/check")
    assert "ROLE_MISSING" in told.text


def test_each_is_shown_the_work_that_is_theirs(here: Standing) -> None:
    fill(here)
    day = tomorrow(here)
    before = f"{day}T00:00:00+08:00"
    archive = here.act("administrator", "job.begin", errand="archive", before=before)["id"]
    replay = here.act("approver", "job.begin", errand="replay")["id"]
    for officer, shown in (
        ("administrator", {archive}),
        ("auditor", {archive, replay}),
        ("approver", {replay}),
        ("hall.head", set()),
    ):
        rows = here.act(officer, "job.list")["rows"]
        assert {one["id"] for one in rows} == shown, officer
    with pytest.raises(ActError, match="shown to you"):
        here.act("administrator", "job.show", job=replay)
    with pytest.raises(ActError, match=r"archive\.run is for: administrator"):
        here.act("auditor", "job.cancel", job=archive)


def held_job(here: Standing) -> tuple[str, Event]:
    """Begin a replay whose first page is under way and waits for the event to be set."""
    begun, go, entries = Event(), Event(), here.node.log.entries

    def waiting(first: int, end: int) -> list[bytes]:
        begun.set()
        assert go.wait(WAIT_S)
        return entries(first, end)

    here.node.log.entries = waiting  # type: ignore[method-assign] # of this one log, held back
    job = here.act("auditor", "job.begin", errand="replay")["id"]
    assert begun.wait(WAIT_S)
    return str(job), go


def test_work_is_stopped_on_its_page_and_what_it_did_meanwhile_changes_nothing(
    here: Standing,
) -> None:
    job, go = held_job(here)
    page = f"/audit/shards/jobs/{job}"
    auditor = signed_in(here, "auditor")
    shown = auditor.go(f"{page}?lang=en")
    assert "Going on" in shown
    assert "Look again" in shown
    again = auditor.send("/audit/shards/first", {}, to="/audit/shards/first/replay")
    assert again.status_code == 400
    assert "JOB_STATE" in again.text
    assert "已完成的部分有效" in auditor.send(page, {}, to=f"{page}/stop").text
    go.set()
    late = auditor.send("/audit/shards/first", {}, to=f"{page}/stop")
    assert "JOB_STATE" in late.text
    assert here.act("auditor", "job.show", job=job)["state"] == "cancelled"


def test_work_on_a_part_goes_on_though_it_is_frozen_meanwhile(here: Standing) -> None:
    here.ask()
    job, go = held_job(here)
    old = here.node.log.origin
    here.act("administrator", "audit.shard-open", reason="年度更替")
    go.set()
    here.restart()
    told = over(here, "auditor", job)
    assert (told["state"], told["shard"]) == ("done", "first")
    assert told["said"]["holds"] is True
    assert told["said"]["calls"] == told["said"]["equal"] >= 1
    assert told["begun"]["shard"] == "first"
    assert told["ended"]["shard"] == here.node.shards[-1].called != "first"
    ended = decode_strict(here.node.log.entry(told["ended"]["index"]))
    assert ended["facts"]["shard"] == old
