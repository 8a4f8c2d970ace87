"""Finds entries by who, what and when, newest first; identifiers are searched for by keyed tokens."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.errors import LogUnavailableError, MalformedError
from audit.store import StoredIndexRow
from audit.wanted import Position, Token, Wanted, query
from audit.words import read_rows

MOST = 1_000
"""Rows on one page."""

COUNTED = 5_000
"""Rows that the counts look at: beyond, a count is at least what it says."""

COUNTS = ("consumer", "provider", "system", "resource", "matter", "decision", "code", "kind")
"""Members that found entries are counted by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    rows: tuple[StoredIndexRow, ...]
    next: Position | None
    """What to pass as `after` for the following page; None: this is the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many of the newest entries found have which value."""

    entries: int
    whole: bool
    """Whether all rows were counted; if not, there are at least so many."""
    by: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def search(
    engine: Engine, wanted: Wanted, *, token: Token, first: int = 20, after: Position | None = None
) -> Page:
    """Return a page of search rows, newest first. `token` is the vault's. Raises LogUnavailableError.

    A row is one step of a call and one of its subjects; an act, and a call without steps, has one row.
    """
    if not 1 <= first <= MOST:
        raise MalformedError(f"a page of {first} rows, 1 to {MOST} needed")
    with _reading(engine) as connection:
        found = connection.execute(query(connection, wanted, token, first + 1, after)).all()
        rows = tuple(read_rows(connection, found[:first]))
    last = (rows[-1].index, rows[-1].n) if len(found) > first else None
    return Page(rows=rows, next=last)


def walk(engine: Engine, wanted: Wanted, *, token: Token, most: int) -> Page:
    """Return up to `most` rows at once, newest first; `next` says that there are more."""
    rows: list[StoredIndexRow] = []
    after: Position | None = None
    while len(rows) < most:
        page = search(engine, wanted, token=token, first=min(MOST, most - len(rows)), after=after)
        rows += page.rows
        after = page.next
        if after is None:
            break
    return Page(rows=tuple(rows), next=after)


def count(engine: Engine, wanted: Wanted, *, token: Token, most: int = COUNTED) -> Counts:
    """Count the newest entries found by department, system, resource, matter, outcome, code and kind."""
    with _reading(engine) as connection:
        found = connection.execute(query(connection, wanted, token, most + 1, None)).all()
        rows = read_rows(connection, found[:most])
    seen: dict[str, set[tuple[str, int]]] = {name: set() for name in COUNTS}
    for row in rows:
        for name, values in seen.items():
            value = getattr(row, name)
            if value:
                values.add((value, row.index))
    return Counts(
        entries=len({row.index for row in rows}),
        whole=len(found) <= most,
        by={name: Counter(value for value, _ in sorted(values)) for name, values in seen.items()},
    )


def newest_number(engine: Engine, counter: str) -> int:
    """Return the newest number given out under a counter's name; 0 before the first."""
    table = tables.counter
    with _reading(engine) as connection:
        found = connection.execute(
            select(table.c.n).where(table.c.name == counter)
        ).scalar_one_or_none()
    return 0 if found is None else int(found)


@contextmanager
def _reading(engine: Engine) -> Iterator[Connection]:
    try:
        with engine.execution_options(reading=True).connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise LogUnavailableError(
            f"the log's database does not answer ({type(error).__name__})"
        ) from error
