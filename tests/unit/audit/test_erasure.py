"""Erasing a subject: the keys go, the tree stays, and what is younger is left alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.canonical import commit_value
from audit.entry import Commit, Draft, IndexRow
from audit.erasure import KEYS_MOST, affected, due_keys, forget, names_any
from audit.errors import LogUnavailableError
from audit.fsck import Finding, What
from audit.log import Log, check_stored
from audit.search import search
from audit.search_complete import check_sides
from audit.vault import HeldKey
from audit.wanted import Wanted
from tests.fakes.logs import SUBJECT, LogHome, a_call

LATER_DAYS = 40 * 31
OTHER = ("person", "110105194912310038")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LogHome]:
    made = LogHome(tmp_path)
    yield made
    made.close()


def a_call_about(*subjects: tuple[str, str]) -> Draft:
    """A call whose arguments and subjects lie under the keys of these, one row each."""
    plain = a_call()
    commits = tuple(commit for commit in plain.commits if commit.name != "subject.s1")
    about = tuple(
        Commit(name=f"subject.s1.{n}", value=list(one), subject=one)
        for n, one in enumerate(subjects)
    )
    rows = tuple(
        IndexRow(step="s1", consumer="D2", system="hall", decision="given", subject=one)
        for one in subjects
    )
    return a_call(commits=(*commits, *about), index=rows)


def sides(home: LogHome, log: Log) -> list[Finding]:
    return list(
        check_sides(
            home.log_engine, home.vault, origin=log.origin, entries=log.entries, size=log.size
        )
    )


def erase(home: LogHome, log: Log, subject: tuple[str, str]) -> tuple[int, int, int]:
    """Do what an approved erasure does, the entry first."""
    due = due_keys(home.vault.held_of(subject), at=home.clock())
    keys = [key.key_id for key in due.keys]
    entries = affected(home.log_engine, keys, first=0, end=log.size)
    log.append(Draft(kind="subject.erased", clear={"facts": {"keys": keys}}))
    token = home.vault.token(*subject)
    return home.vault.destroy(keys), *forget(home.log_engine, keys, token=token, indices=entries)


def found(home: LogHome, subject: tuple[str, str]) -> list[int]:
    page = search(home.log_engine, Wanted(subject=subject), token=home.vault.token)
    return [row.index for row in page.rows]


def test_only_keys_whose_term_is_over_are_due_and_no_more_than_an_entry_names(
    home: LogHome,
) -> None:
    held = [HeldKey(key_id=str(n), retention="standard", month="2020-01") for n in range(500)]
    held.append(HeldKey(key_id="young", retention="standard", month="2026-11"))
    due = due_keys(held, at=home.clock())
    assert len(due.keys) == KEYS_MOST
    assert due.running == 101
    assert "young" not in {key.key_id for key in due.keys}


@pytest.mark.proves("L15")
def test_erasing_takes_one_subject_s_part_and_leaves_every_proof(home: LogHome) -> None:
    with home.opened() as log:
        both = log.append(a_call_about(SUBJECT, OTHER)).index
        proof, entry = log.prove(both), log.entry(both)
        home.clock.turn(days=LATER_DAYS)
        assert erase(home, log, SUBJECT) == (1, 1, 1)
        opened = log.open_disclosures(both)
        assert "subject.s1.0" not in opened
        other = opened["subject.s1.1"]
        digest = log.digests(both)["subject.s1.1"]
        assert commit_value(other.salt, "subject.s1.1", other.value) == digest
        assert (log.entry(both), log.prove(both, both + 1)) == (entry, proof)
        assert sides(home, log) == []
        assert found(home, SUBJECT) == []
        assert found(home, OTHER) == [both]
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []


@pytest.mark.proves("L15")
def test_a_disclosure_that_is_gone_without_an_entry_is_an_alarm(home: LogHome) -> None:
    with home.opened() as log:
        index = log.append(a_call()).index
        home.vault.destroy([key.key_id for key in home.vault.held_of(SUBJECT)])
        (found_,) = sides(home, log)
        assert (found_.what, found_.index) == (What.CLOSED, index)


@pytest.mark.proves("L20")
def test_a_younger_call_keeps_its_key_its_row_and_its_proof(home: LogHome) -> None:
    with home.opened() as log:
        old = log.append(a_call()).index
        home.clock.turn(days=LATER_DAYS)
        young = log.append(a_call()).index
        assert erase(home, log, SUBJECT) == (1, 1, 1)
        assert log.open_disclosure(old, "subject.s1") is None
        opening = log.open_disclosure(young, "subject.s1")
        assert opening is not None
        assert (
            commit_value(opening.salt, "subject.s1", opening.value)
            == (log.digests(young)["subject.s1"])
        )
        assert found(home, SUBJECT) == [young]
        assert sides(home, log) == []


def test_an_erasure_that_was_cut_short_is_carried_on(home: LogHome) -> None:
    with home.opened() as log:
        index = log.append(a_call()).index
        home.clock.turn(days=LATER_DAYS)
        keys = [key.key_id for key in home.vault.held_of(SUBJECT)]
        assert home.vault.destroy(keys) == 1
        token = home.vault.token(*SUBJECT)
        for _ in range(2):
            assert home.vault.destroy(keys) == 0
            entries = affected(home.log_engine, keys, first=0, end=log.size)
            assert entries == [index]
            forget(home.log_engine, keys, token=token, indices=entries)
        assert found(home, SUBJECT) == []


def test_a_name_is_found_wherever_it_stands_and_only_whole() -> None:
    value = {"a": [{"b": "off_1"}], "c": 7, "d": None}
    assert names_any(value, {"off_1"})
    assert not names_any(value, {"off", "off_12"})


def test_a_database_that_does_not_answer_is_a_log_that_is_not_there(home: LogHome) -> None:
    with home.log_engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE audit_disclosure")
    with pytest.raises(LogUnavailableError):
        affected(home.log_engine, ["k"], first=0, end=1)
    with pytest.raises(LogUnavailableError):
        forget(home.log_engine, ["k"], token="t", indices=[0])
