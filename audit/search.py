"""Finds entries by who, what and when, newest first; identifiers are searched for by keyed tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, and_, or_, select, union_all
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.errors import LogUnavailableError, MalformedError
from audit.store import StoredIndexRow

MOST = 1_000
"""Rows on one page."""

Position = tuple[int, int]
"""Index of an entry and number of its search row: where a page ended."""

Token = Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to search for; None and empty leave a member out of the question."""

    case: str | None = None
    officer: str | None = None
    subject: tuple[str, str] | None = None
    """Type and normalised identifier."""
    department: str | None = None
    """Of the consumer or of the provider."""
    system: str | None = None
    resource: str | None = None
    decision: str | None = None
    code: str | None = None
    kind: str | None = None
    since: datetime | None = None
    """The first moment that counts."""
    until: datetime | None = None
    """The first moment that counts no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    rows: tuple[StoredIndexRow, ...]
    next: Position | None
    """What to pass as `after` for the following page; None: this is the last."""


def search(
    engine: Engine, wanted: Wanted, *, token: Token, first: int = 20, after: Position | None = None
) -> Page:
    """Return a page of search rows, newest first. `token` is the vault's. Raises LogUnavailableError.

    A row is one step of a call and one of its subjects; an act, and a call without steps, has one row.
    """
    if not 1 <= first <= MOST:
        raise MalformedError(f"a page of {first} rows, 1 to {MOST} needed")
    reader = engine.execution_options(reading=True)
    try:
        with reader.connect() as connection:
            found = connection.execute(_query(wanted, token, first + 1, after)).all()
    except SQLAlchemyError as error:
        raise LogUnavailableError(
            f"the log's database does not answer ({type(error).__name__})"
        ) from error
    # The columns stand in the order of the row's fields.
    rows = tuple(
        StoredIndexRow(**dict(zip(StoredIndexRow.__dataclass_fields__, row, strict=True)))
        for row in found[:first]
    )
    last = (rows[-1].index, rows[-1].n) if len(found) > first else None
    return Page(rows=rows, next=last)


def _query(wanted: Wanted, token: Token, count: int, after: Position | None) -> Select[Any]:
    conditions = _conditions(wanted, token)
    if after is not None:
        conditions.append(_older_than(after))
    if wanted.department is None:
        return _newest(conditions, count)
    # Two walks along two indexes: an OR over both columns would sort all that a department ever did.
    consumer, provider = tables.index.c.consumer, tables.index.c.provider
    mine = _newest([*conditions, consumer == wanted.department], count).subquery()
    asked_of_me = _newest(
        [*conditions, provider == wanted.department, consumer != wanted.department], count
    ).subquery()
    both = union_all(select(mine), select(asked_of_me)).subquery()
    return select(both).order_by(both.c.idx.desc(), both.c.n.desc()).limit(count)


def _newest(conditions: list[ColumnElement[bool]], count: int) -> Select[Any]:
    table = tables.index
    return (
        select(table)
        .where(and_(True, *conditions))  # noqa: FBT003 - SQLAlchemy's way to write "no condition"
        .order_by(table.c.idx.desc(), table.c.n.desc())
        .limit(count)
    )


def _conditions(wanted: Wanted, token: Token) -> list[ColumnElement[bool]]:
    columns = tables.index.c
    equal: dict[str, str | None] = {
        "case_number": None if wanted.case is None else token("case", wanted.case),
        "officer": None if wanted.officer is None else token("officer", wanted.officer),
        "subject": None if wanted.subject is None else token(*wanted.subject),
        "system": wanted.system,
        "resource": wanted.resource,
        "decision": wanted.decision,
        "code": wanted.code,
        "kind": wanted.kind,
    }
    conditions = [columns[name] == value for name, value in equal.items() if value is not None]
    if wanted.since is not None:
        conditions.append(columns.ts >= _milliseconds(wanted.since))
    if wanted.until is not None:
        conditions.append(columns.ts < _milliseconds(wanted.until))
    return conditions


def _older_than(after: Position) -> ColumnElement[bool]:
    columns = tables.index.c
    index, n = after
    return and_(columns.idx <= index, or_(columns.idx < index, columns.n < n))


def _milliseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise MalformedError("a moment without a time zone")
    return int(moment.timestamp() * 1000)
