"""Whoever takes an entry out of the search, by a word that leads to it, is found out by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.entry import IndexRow
from audit.fsck import Finding, What
from audit.log import Log
from audit.search import search
from audit.search_complete import case_rows, check_sides
from audit.wanted import Wanted
from tests.fakes.logs import LogHome, a_call

STEP = {"ref": "s1", "provider": "D1", "resource": "", "outcome": "given"}
HALL = "SELECT id FROM audit_word WHERE facet = 'system' AND value = 'hall'"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LogHome]:
    """Three hundred calls: one whole bundle and a part of another, a case in every second."""
    made = LogHome(tmp_path)
    with made.opened() as log:
        futures = [
            log._enter(
                a_call(
                    clear={"consumer": "D2", "system": "hall", "steps": [STEP]},
                    index=(
                        IndexRow(
                            step="s1",
                            consumer="D2",
                            system="hall",
                            provider="D1",
                            decision="given",
                            case=f"c{n}" if n % 2 else None,
                        ),
                    ),
                )
            )
            for n in range(300)
        ]
        assert {future.result().index for future in futures} == set(range(300))
    yield made
    made.close()


def sides(home: LogHome) -> list[Finding]:
    with home.opened() as log:
        return _sides(home, log)


def _sides(home: LogHome, log: Log) -> list[Finding]:
    return list(
        check_sides(
            home.log_engine, home.vault, origin=log.origin, entries=log.entries, size=log.size
        )
    )


def tamper(home: LogHome, statement: str) -> None:
    with home.log_engine.begin() as connection:
        assert connection.exec_driver_sql(statement).rowcount > 0


def found(home: LogHome) -> list[int]:
    page = search(home.log_engine, Wanted(system="hall"), token=home.vault.token, first=500)
    return [row.index for row in page.rows]


def test_a_search_that_nobody_touched_is_complete(home: LogHome) -> None:
    assert sides(home) == []
    assert found(home) == [*reversed(range(300))]


@pytest.mark.proves("L14")
def test_a_bundle_that_a_word_leads_to_no_more_is_named_entry_by_entry(home: LogHome) -> None:
    tamper(home, f"DELETE FROM audit_word_bundle WHERE n = 1 AND word = ({HALL})")
    assert found(home) == [*reversed(range(256))]
    findings = sides(home)
    assert {finding.index for finding in findings} == set(range(256, 300))
    assert {finding.what for finding in findings} == {What.HIDDEN}
    assert "by its system" in findings[0].detail


@pytest.mark.proves("L14")
def test_a_word_that_was_changed_is_said_of_every_entry_that_bears_it(home: LogHome) -> None:
    tamper(home, f"UPDATE audit_word SET value = 'other' WHERE id = ({HALL})")
    assert found(home) == []
    findings = sides(home)
    assert {finding.index for finding in findings} == set(range(300))
    assert {finding.what for finding in findings} == {What.EDITED}


@pytest.mark.proves("L14")
def test_a_word_that_is_gone_is_missed_by_every_entry_that_bears_it(home: LogHome) -> None:
    tamper(home, f"DELETE FROM audit_word WHERE id = ({HALL})")
    assert found(home) == []
    hidden = [finding for finding in sides(home) if finding.what is What.HIDDEN]
    assert {finding.index for finding in hidden} == set(range(300))


def test_a_department_s_cases_are_given_oldest_first(home: LogHome) -> None:
    rows = list(case_rows(home.log_engine, "D2"))
    assert [index for index, _, _ in rows] == [*range(1, 300, 2)]
    assert rows[0] == (1, "call", home.vault.token("case", "c1"))
    assert list(case_rows(home.log_engine, "D9")) == []
