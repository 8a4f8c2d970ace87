"""Searching the log: newest first, page by page, by plain members and by keyed tokens."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from audit.entry import IndexRow
from audit.errors import LogUnavailableError, MalformedError
from audit.search import Page, search
from audit.wanted import Position, Wanted, query
from tests.fakes.logs import NOON, SUBJECT, LogHome, TurnedClock, a_call, an_act


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


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> LogHome:
    """Four calls a minute apart, then an act and an entry that says nothing of how it is found; closed."""
    made = LogHome(tmp_path_factory.mktemp("written"))
    with made.opened() as log:
        for rows in ROWS:
            log.append(a_call(index=rows))
            made.clock.turn(minutes=1)
        log.append(an_act())
        log.append(a_call(kind="log.started", index=()))
    made.close()
    return made


@pytest.fixture
def home(written: LogHome, tmp_path: Path) -> Iterator[LogHome]:
    """A copy of what was written, under a clock that goes on from there."""
    shutil.copytree(written.home, tmp_path, dirs_exist_ok=True)
    made = LogHome(tmp_path, clock=TurnedClock(written.clock.at))
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


FACETS: tuple[dict[str, Any], ...] = (
    {},
    *({name: "x"} for name in ("consumer", "system", "resource", "matter", "officer")),
    *({name: "x"} for name in ("decision", "code", "kind", "department", "case")),
    {"subject": SUBJECT},
    {"case_of": 0},
    {"sealed": True},
    {"resource": "x", "item": 3},
    # As the presets and the rooms of a department ask.
    {"department": "x", "decision": "refused", "open_to": "off_1"},
    {"department": "x", "kind": "call", "since": NOON, "until": NOON},
    {"department": "x", "code": "CASE_MISSING"},
    {"department": "x", "case_of": 0},
    {"system": "x", "decision": "refused", "code": "x"},
    {"case": "x", "system": "x"},
    {"index": 2, "system": "x", "department": "x"},
)


@pytest.mark.parametrize("wanted", FACETS, ids=str)
@pytest.mark.parametrize("after", [None, (3, 0)])
def test_a_search_walks_a_key_or_an_index_and_never_sorts_what_it_found(
    home: LogHome, wanted: dict[str, Any], after: Position | None
) -> None:
    plan = plan_of(home, Wanted(**wanted), after)
    walked = [step for step in plan if "audit_index" in step or "audit_word" in step]
    # Where nothing is asked for, the walk ends with the page; the index of sealed rows holds no others.
    scanned = [step for step in walked if step.startswith("SCAN") and "sealed" not in step]
    assert scanned == ([] if wanted or after else ["SCAN audit_index"])
    # A department's two walks are merged, and a case's own row is chosen among those of one entry.
    if not {"department", "case_of"} & wanted.keys():
        assert not [step for step in plan if "TEMP B-TREE" in step]


@pytest.mark.parametrize("name", ["case", "subject", "case_of"])
def test_a_case_and_a_subject_are_found_by_their_tokens_whatever_else_is_asked(
    home: LogHome, name: str
) -> None:
    value = {"case": "c1", "subject": SUBJECT, "case_of": 0}[name]
    wanted = Wanted(**{name: value, "system": "hall", "consumer": "D2"})  # type: ignore[arg-type]
    column = "subject" if name == "subject" else "case_number"
    assert any(f"INDEX audit_index_{column}" in step for step in plan_of(home, wanted, None))


def plan_of(home: LogHome, wanted: Wanted, after: Position | None) -> list[str]:
    with home.log_engine.execution_options(reading=True).connect() as connection:
        asked = query(connection, wanted, home.vault.token, 21, after)
        made = asked.compile(connection, compile_kwargs={"render_postcompile": True})
        given = tuple(made.params[name] for name in made.positiontup or ())
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {made}", given).all()
    return [str(step.detail) for step in plan]


def test_bundles_without_the_word_are_not_read(tmp_path: Path) -> None:
    home = LogHome(tmp_path)
    with home.opened() as log:
        futures = [
            log._enter(a_call(index=(a_row(system="rare" if n in {7, 300} else "hall"),)))
            for n in range(600)
        ]
        assert [future.result().index for future in futures] == list(range(600))
    assert found(home, system="rare") == [(300, 0), (7, 0)]
    with home.log_engine.begin() as connection:
        # Rows that the words do not lead to are not met on the way.
        word = "SELECT id FROM audit_word WHERE facet = 'system' AND value = 'rare'"
        connection.execute(text(f"UPDATE audit_index SET system = ({word}) WHERE idx IN (8, 599)"))
    assert found(home, system="rare") == [(300, 0), (8, 0), (7, 0)]
    home.close()


def test_an_index_that_does_not_answer_is_said_so(home: LogHome) -> None:
    with home.log_engine.begin() as connection:
        connection.execute(text("DROP TABLE audit_index"))
    with pytest.raises(LogUnavailableError):
        find(home)
