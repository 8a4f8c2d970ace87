"""A person asks to be forgotten: the authority applies, an auditor approves, and every proof still holds."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from audit import tables
from audit.canonical import decode_strict
from catalogue.errors import CatalogueError
from catalogue.model import Actor
from catalogue.rows import ERASURE, OFFICER
from exchange.acts import keeping
from exchange.acts.register import ActError
from exchange.clock import now
from exchange.demo import district
from exchange.home import locked
from tests.fakes.node import Standing
from tests.stories.test_command_line import Terminal

OVER_DAYS = 3 * 366 + 60
FIRM = ("enterprise", district.APPLICANT)
ABOUT = {"type": "enterprise", "identifier": district.APPLICANT}
ASKED = {
    **ABOUT,
    "legal_basis": "《中华人民共和国个人信息保护法》第四十七条",
    "document": "云数〔2026〕12号",
}


@pytest.fixture
def terminal(here: Standing) -> Iterator[Terminal]:
    with locked(here.node.settings.home):
        yield Terminal(here.node.settings.home)


def years_later(here: Standing) -> None:
    """The term of all that was asked until now is over."""
    here.go_ahead(days=OVER_DAYS)


def today_again(here: Standing) -> None:
    here.go_ahead()


def refused(here: Standing, officer: str, name: str, /, **arguments: Any) -> str:
    with pytest.raises((CatalogueError, ActError)) as told:
        here.act(officer, name, **arguments)
    return str(getattr(told.value, "code", ""))


def erased(here: Standing) -> dict[str, Any]:
    """Have the applicant erased by two officers, three years from now."""
    years_later(here)
    proposed = here.act("authority", "erasure.propose", **ASKED)
    said: dict[str, Any] = here.act("auditor", "erasure.approve", erasure=proposed["id"])
    return said


@pytest.mark.proves("L15")
def test_after_an_erasure_every_proof_holds_and_the_log_says_what_was_erased(
    here: Standing,
) -> None:
    index = int(here.ask().entry["index"])
    entry, proof = here.node.log.entry(index), here.node.log.prove(index, index + 1)
    said = erased(here)
    assert said["state"] == "done"
    assert said["destroyed"] == said["keys"] == 1
    assert said["entries"] >= 1
    log = here.node.log
    assert (log.entry(index), log.prove(index, index + 1)) == (entry, proof)
    opened = log.open_disclosures(index)
    assert not [name for name in opened if name.startswith(("subject", "arguments"))]
    for check in ("audit.verify-log", "audit.fsck", "audit.fsck-registry"):
        told = here.act("auditor", check)
        assert (told["holds"], told["findings"]) == (True, []), check
    (recorded,) = [
        decode_strict(body)
        for body in log.entries(0, log.size)
        if decode_strict(body)["kind"] == "subject.erased"
    ]
    assert len(recorded["facts"]["keys"]) == 1
    assert recorded["facts"]["entries"] == said["entries"]


@pytest.mark.proves("L15")
def test_nobody_is_named_any_more_once_it_is_done(here: Standing) -> None:
    here.ask()
    size = here.node.log.size
    said = erased(here)
    log = here.node.log
    told = [
        str(opening.value)
        for index in range(size, log.size)
        for opening in log.open_disclosures(index).values()
    ]
    assert not [text for text in told if district.APPLICANT in text]
    assert here.node.held(ERASURE)[said["id"]].subject is None
    found = here.act("auditor", "audit.search", subject=list(FIRM))
    assert found["entries"] == []


@pytest.mark.proves("L15")
def test_a_key_destroyed_past_the_program_is_an_alarm(here: Standing) -> None:
    index = int(here.ask().entry["index"])
    here.node.vault.destroy([key.key_id for key in here.node.vault.held_of(FIRM)])
    said = here.act("auditor", "audit.fsck")
    assert said["holds"] is False
    assert any("no entry says that it was destroyed" in str(one) for one in said["findings"])
    assert index >= 0


@pytest.mark.proves("L15")
def test_the_command_names_what_is_missing_beside_the_tree_and_an_entry_that_is_none(
    here: Standing, terminal: Terminal
) -> None:
    index = int(here.ask().entry["index"])
    here.node.vault.destroy([key.key_id for key in here.node.vault.held_of(FIRM)])
    said = json.loads(terminal.run("audit", "fsck", "--json", officer="auditor").stdout)
    closed = [one for one in said["findings"] if one["what"] == "closed"]
    # A key is named once, at the first entry that lies under it.
    assert [one["index"] for one in closed][-1] <= index
    with here.node.databases.log.begin() as tx:
        tx.execute(update(tables.entry).where(tables.entry.c.idx == 5).values(body=b"\0"))
    told = terminal.refused("audit", "fsck", officer="auditor")
    assert "entry 5" in told
    assert "DOES NOT HOLD" in told


@pytest.mark.proves("L20")
def test_what_is_younger_stays_and_a_call_afterwards_is_whole(here: Standing) -> None:
    here.ask()
    later = int((now() + timedelta(days=OVER_DAYS)).timestamp() * 1000)
    kept = here.node.vault.keys_for([("standard", FIRM)], at=later)["standard", FIRM]
    erased(here)
    assert [key.key_id for key in here.node.vault.held_of(FIRM)] == [kept.key_id]
    today_again(here)
    younger = int(here.ask().entry["index"])
    opened = here.node.log.open_disclosures(younger)
    assert [name for name in opened if name.startswith("subject")]
    assert here.node.log.digests(younger).keys() == opened.keys()
    assert here.act("auditor", "audit.fsck")["holds"] is True
    found = here.act("auditor", "audit.search", subject=list(FIRM))["entries"]
    assert {row["index"] for row in found if row["kind"] == "call"} == {younger}


@pytest.mark.proves("L21")
def test_calls_about_who_was_erased_are_replayed_and_equal(here: Standing) -> None:
    index = int(here.ask().entry["index"])
    erased(here)
    said = here.act("auditor", "policy.replay", entry=index)
    assert (said["equal"], said["holds"]) == (1, True)


@pytest.mark.proves("L22")
def test_an_officer_named_in_an_affected_entry_neither_asks_nor_approves(here: Standing) -> None:
    here.ask()
    # Whoever looked the subject up is named in the entry that says so.
    here.act("auditor", "erasure.plan", **ABOUT)
    years_later(here)
    proposed = here.act("authority", "erasure.propose", **ASKED)["id"]
    assert refused(here, "auditor", "erasure.approve", erasure=proposed) == "ERASURE_NAMED"
    assert here.node.vault.held_of(FIRM)


@pytest.mark.proves("L22")
def test_an_authority_that_looked_the_subject_up_does_not_ask_for_the_erasure(
    here: Standing,
) -> None:
    here.ask()
    here.act("authority", "erasure.plan", **ABOUT)
    years_later(here)
    assert refused(here, "authority", "erasure.propose", **ASKED) == "ERASURE_NAMED"


def test_while_the_term_runs_nothing_can_be_erased(here: Standing) -> None:
    here.ask()
    assert refused(here, "authority", "erasure.propose", **ASKED) == "TERM_RUNNING"
    said = here.act("auditor", "erasure.plan", **ABOUT)
    assert (said["keys"], said["entries"], said["from"]) == (0, 0, None)
    assert said["kept"] >= 1


def test_one_officer_alone_erases_nobody(here: Standing) -> None:
    here.ask()
    years_later(here)
    assert refused(here, "auditor", "erasure.propose", **ASKED) == "AUDITOR_CHANGES_NOTHING"
    assert refused(here, "approver", "erasure.propose", **ASKED) == "ROLE_MISSING"
    proposed = here.act("authority", "erasure.propose", **ASKED)["id"]
    assert refused(here, "authority", "erasure.approve", erasure=proposed) == "ROLE_MISSING"
    assert refused(here, "approver", "erasure.list") == "ROLE_MISSING"
    assert here.node.vault.held_of(FIRM)


def test_a_hold_forbids_erasing_until_another_officer_lifts_it(here: Standing) -> None:
    here.ask()
    years_later(here)
    proposed = here.act("authority", "erasure.propose", **ASKED)["id"]
    why = {"reason": "行政复议期间保全", "document": "云复〔2026〕3号"}
    one = here.act("authority", "hold.set", **ABOUT, **why)["id"]
    everybody = here.act("authority", "hold.set", **why)["id"]
    for hold in (one, everybody):
        assert refused(here, "auditor", "erasure.approve", erasure=proposed) == "LEGAL_HOLD"
        assert refused(here, "authority", "erasure.propose", **ASKED) == "LEGAL_HOLD"
        assert refused(here, "authority", "hold.lift", hold=hold) == "SECOND_OFFICER"
        here.act("auditor", "hold.lift", hold=hold)
        assert refused(here, "auditor", "hold.lift", hold=hold) == "STATE"
    listed = here.act("auditor", "erasure.list")
    assert [row["id"] for row in listed["waiting"]] == [proposed]
    assert (listed["holds"], len(listed["lifted"])) == ([], 2)
    assert here.act("auditor", "erasure.approve", erasure=proposed)["state"] == "done"


@pytest.mark.parametrize(
    "statement", ["DELETE FROM legal_hold", "UPDATE legal_hold SET everybody = 0"]
)
def test_a_hold_taken_away_by_sql_forbids_everything(here: Standing, statement: str) -> None:
    here.ask()
    years_later(here)
    proposed = here.act("authority", "erasure.propose", **ASKED)["id"]
    here.act("authority", "hold.set", reason="保全", document="云复〔2026〕3号")
    assert here.raw_sql(statement) == 1
    assert refused(here, "auditor", "erasure.approve", erasure=proposed) == "LEGAL_HOLD"
    assert here.node.vault.held_of(FIRM)


def test_an_erasure_that_waits_can_be_taken_back_and_names_nobody_then(here: Standing) -> None:
    here.ask()
    years_later(here)
    proposed = here.act("authority", "erasure.propose", **ASKED)["id"]
    assert here.act("auditor", "erasure.withdraw", erasure=proposed)["state"] == "withdrawn"
    assert here.node.held(ERASURE)[proposed].subject is None
    assert refused(here, "auditor", "erasure.approve", erasure=proposed) == "STATE"
    assert refused(here, "auditor", "erasure.finish", erasure=proposed) == "STATE"
    assert here.node.vault.held_of(FIRM)


def test_an_erasure_cut_short_after_its_entry_is_finished_later(here: Standing) -> None:
    here.ask()
    years_later(here)
    proposed = here.act("authority", "erasure.propose", **ASKED)["id"]
    node = here.node
    held = node.held(ERASURE)[proposed]
    plan = keeping.planned(node, (held.subject_type, str(held.subject)))
    auditor = Actor(officer=node.held(OFFICER)[here.place.ids["auditor"]])
    node.registry.approve_erasure(proposed, keys=plan.keys, entries=1, by=auditor)
    assert node.vault.held_of(FIRM)
    here.restart()
    (waiting,) = here.act("auditor", "erasure.list")["waiting"]
    assert waiting["state"] == "approved"
    done = here.act("authority", "erasure.finish", erasure=proposed)
    assert (done["state"], done["destroyed"]) == ("done", 1)
    assert here.act("auditor", "audit.fsck")["holds"] is True


def test_the_two_officers_do_it_at_the_terminal(here: Standing, terminal: Terminal) -> None:
    here.ask()
    years_later(here)
    firm = ("enterprise", district.APPLICANT)
    said = terminal.told(
        "audit", "erase", "propose", *firm, "--basis", "第四十七条", "--document", "云数12号",
        officer="authority",
    )  # fmt: skip
    assert said["plan"]["keys"] == 1
    assert "ROLE_MISSING" in terminal.refused(
        "audit", "erase", "approve", said["id"], "--yes", officer="authority"
    )
    held = terminal.told(
        "audit", "hold", "set", "--subject", *firm, "--reason", "保全", "--document", "云复3号",
        officer="authority",
    )  # fmt: skip
    assert held["id"] in terminal.said("audit", "hold", "list", officer="auditor")
    terminal.told("audit", "hold", "lift", held["id"], officer="auditor")
    done = terminal.told("audit", "erase", "approve", said["id"], "--yes", officer="auditor")
    assert done["state"] == "done"
    listed = terminal.told("audit", "erase", "list", officer="auditor")
    assert (listed["waiting"], [row["id"] for row in listed["past"]]) == ([], [said["id"]])
