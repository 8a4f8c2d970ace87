"""Searching the log: newest first, page by page, by plain members and by keyed tokens."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from audit.entry import IndexRow
from audit.errors import LogUnavailableError, MalformedError
from audit.search import Page, search
from audit.wanted import Position, Wanted
from tests.fakes.logs import NOON, SUBJECT, LogHome, a_call, an_act


def a_row(**changed: Any) -> IndexRow:
    return IndexRow(
        **{
            "step": "s1",
            "consumer": "D2",
            "system": "hall",
            "provider": "D1",
            "resource": "R1",
            "decision": "given",
            "code": "GRANTED",
            **changed,
        }
    )


ROWS = (
    (a_row(case="c1", subject=SUBJECT), a_row(step="s2", provider="D3", resource="R3", case="c1")),
    (a_row(decision="refused", code="GRANT_MISSING", officer="off_2"),),
    (a_row(consumer="D1", provider="D2", case="c2"),),
    (a_row(consumer="D4", provider="D4", system="other"),),
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LogHome]:
    """Four calls a minute apart, then an act and an entry that says nothing of how it is found."""
    made = LogHome(tmp_path)
    with made.opened() as log:
        for rows in ROWS:
            log.append(a_call(index=rows))
            made.clock.turn(minutes=1)
        log.append(an_act())
        log.append(a_call(kind="log.started", index=()))
    yield made
    made.close()


def find(home: LogHome, *, first: int = 20, after: Position | None = None, **wanted: Any) -> Page:
    return search(
        home.log_engine, Wanted(**wanted), token=home.vault.token, first=first, after=after
    )


def found(home: LogHome, **wanted: Any) -> list[Position]:
    return [(row.index, row.n) for row in find(home, **wanted).rows]


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [(5, 0), (4, 0), (3, 0), (2, 0), (1, 0), (0, 1), (0, 0)]),
        ({"case": "c1"}, [(0, 1), (0, 0)]),
        ({"case": "c3"}, []),
        ({"subject": SUBJECT}, [(0, 0)]),
        ({"subject": ("enterprise", SUBJECT[1])}, []),
        ({"officer": "off_2"}, [(1, 0)]),
        ({"department": "D1"}, [(4, 0), (2, 0), (1, 0), (0, 0)]),
        ({"department": "D4"}, [(3, 0)]),
        ({"department": "D1", "case": "c1"}, [(0, 0)]),
        ({"system": "other"}, [(3, 0)]),
        ({"resource": "R3"}, [(0, 1)]),
        ({"decision": "refused"}, [(1, 0)]),
        ({"code": "GRANT_MISSING"}, [(1, 0)]),
        ({"kind": "grant.issued"}, [(4, 0)]),
        ({"kind": "log.started"}, [(5, 0)]),
        ({"since": minute(1), "until": minute(3)}, [(2, 0), (1, 0)]),
    ],
)
def test_what_was_asked_for_is_found_and_nothing_else(
    home: LogHome, wanted: dict[str, Any], expected: list[Position]
) -> None:
    assert found(home, **wanted) == expected


@pytest.mark.parametrize("wanted", [{}, {"department": "D1"}, {"case": "c1"}])
@pytest.mark.parametrize("first", [1, 2, 3])
def test_pages_together_are_the_whole_without_a_row_twice(
    home: LogHome, wanted: dict[str, Any], first: int
) -> None:
    pages: list[Position] = []
    after = None
    while True:
        page = find(home, first=first, after=after, **wanted)
        assert len(page.rows) <= first
        pages += [(row.index, row.n) for row in page.rows]
        after = page.next
        if after is None:
            break
    assert pages == found(home, **wanted)


def test_what_is_appended_meanwhile_does_not_shift_the_pages(home: LogHome) -> None:
    page = find(home, first=3)
    with home.opened() as log:
        log.append(a_call())
    rest = find(home, after=page.next)
    assert [(row.index, row.n) for row in rest.rows] == [(2, 0), (1, 0), (0, 1), (0, 0)]


def test_a_row_holds_tokens_and_never_the_identifier(home: LogHome) -> None:
    (row,) = find(home, subject=SUBJECT).rows
    assert row.subject == home.vault.token(*SUBJECT)
    assert row.case == home.vault.token("case", "c1")


@pytest.mark.parametrize("first", [0, 1_001])
def test_a_page_has_a_bound(home: LogHome, first: int) -> None:
    with pytest.raises(MalformedError):
        find(home, first=first)


def test_a_moment_without_a_zone_is_refused(home: LogHome) -> None:
    with pytest.raises(MalformedError):
        find(home, since=NOON.replace(tzinfo=None))


def test_a_search_walks_an_index_and_never_the_whole_table(home: LogHome) -> None:
    with home.log_engine.connect() as connection:
        for column in ("consumer", "provider", "resource", "officer", "case_number", "subject"):
            plan = connection.execute(
                text(
                    "EXPLAIN QUERY PLAN SELECT * FROM audit_index "
                    f"WHERE {column} = 'x' ORDER BY idx DESC, n DESC LIMIT 20"
                )
            ).all()
            assert f"audit_index_{column}" in str(plan)
            assert "TEMP B-TREE" not in str(plan)
        connection.rollback()


def test_an_index_that_does_not_answer_is_said_so(home: LogHome) -> None:
    with home.log_engine.begin() as connection:
        connection.execute(text("DROP TABLE audit_index"))
    with pytest.raises(LogUnavailableError):
        find(home)
