"""What to search the log for, and the query that finds it: each facet walks an index, newest first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    false,
    func,
    or_,
    select,
    text,
    union_all,
)

from audit import tables
from audit.errors import MalformedError

_BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

Position = tuple[int, int]
"""Index of an entry and number of its search row: where a page ended."""

Token = Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """A part of the log to which somebody's sight is bounded; an empty member bounds nothing."""

    departments: frozenset[str] = frozenset()
    """Of the consumer or of the provider."""
    systems: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    matters: frozenset[str] = frozenset()
    cases: frozenset[str] = frozenset()
    """Keyed tokens."""
    subjects: frozenset[str] = frozenset()
    """Keyed tokens."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to search for; None leaves a member out of the question."""

    case: str | None = None
    case_of: int | None = None
    """Index of an entry: whatever belongs to the same case, without anybody naming it."""
    officer: str | None = None
    subject: tuple[str, str] | None = None
    """Type and normalised identifier."""
    department: str | None = None
    """Of the consumer or of the provider."""
    consumer: str | None = None
    """Of the department that asked or acted, alone."""
    system: str | None = None
    resource: str | None = None
    item: int | None = None
    """Ordinal of an item that a step named; it needs `resource`."""
    matter: str | None = None
    decision: str | None = None
    code: str | None = None
    kind: str | None = None
    since: datetime | None = None
    """The first moment that counts."""
    until: datetime | None = None
    """The first moment that counts no more."""
    sealed: bool = False
    """Whether only entries under a sealed review are wanted."""
    open_to: str | None = None
    """Id of an officer: of the entries under a sealed review only those that he made. None: all."""
    index: int | None = None
    """Of one entry."""
    within: tuple[Within, ...] | None = None
    """Bounded to these parts together; None: unbounded, empty: nothing at all."""


def query(
    connection: Connection, wanted: Wanted, token: Token, most: int, after: Position | None
) -> Select[Any]:
    """Return the statement that finds up to `most` rows. Raises MalformedError for what cannot be asked."""
    conditions = _conditions(connection, wanted, token)
    if after is not None:
        conditions.append(_older_than(after))
    if wanted.department is None:
        return _newest(conditions, most)
    # Two walks along two indexes: an OR over both columns would sort all that a department ever did.
    consumer, provider = tables.index.c.consumer, tables.index.c.provider
    mine = _newest([*conditions, consumer == wanted.department], most).subquery()
    asked_of_me = _newest(
        [*conditions, provider == wanted.department, consumer != wanted.department], most
    ).subquery()
    both = union_all(select(mine), select(asked_of_me)).subquery()
    return select(both).order_by(both.c.idx.desc(), both.c.n.desc()).limit(most)


def _newest(conditions: list[ColumnElement[bool]], most: int) -> Select[Any]:
    table = tables.index
    return (
        select(table)
        .where(and_(True, *conditions))  # noqa: FBT003 - SQLAlchemy's way to write "no condition"
        .order_by(table.c.idx.desc(), table.c.n.desc())
        .limit(most)
    )


def _conditions(connection: Connection, wanted: Wanted, token: Token) -> list[ColumnElement[bool]]:
    columns = tables.index.c
    equal: dict[str, Any] = {
        "case_number": None if wanted.case is None else token("case", wanted.case),
        "officer": None if wanted.officer is None else token("officer", wanted.officer),
        "subject": None if wanted.subject is None else token(*wanted.subject),
        "consumer": wanted.consumer,
        "system": wanted.system,
        "resource": wanted.resource,
        "matter": wanted.matter,
        "decision": wanted.decision,
        "code": wanted.code,
        "kind": wanted.kind,
    }
    conditions = [columns[name] == value for name, value in equal.items() if value is not None]
    conditions += [
        # Said in the words of the partial index, or the database does not know that it may use it.
        text(" AND ".join(f"audit_index.{name} <> '{value}'" for value in common))
        for name, common in tables.COMMON.items()
        if equal[name] is not None and equal[name] not in common
    ]
    if wanted.sealed:
        conditions.append(text("audit_index.sealed"))
    if wanted.open_to is not None:
        conditions.append(
            or_(columns.sealed == false(), columns.officer == token("officer", wanted.open_to))
        )
    if wanted.index is not None:
        conditions.append(columns.idx == wanted.index)
    if wanted.case_of is not None:
        conditions.append(columns.case_number == _case_of(wanted.case_of))
    if wanted.item is not None:
        conditions.append(_names_item(wanted))
    if wanted.within is not None:
        conditions.append(or_(false(), *(_inside(one) for one in wanted.within)))
    return [*conditions, *_between(connection, wanted.since, wanted.until)]


def _case_of(index: int) -> Any:
    named = tables.index.alias("named")
    return select(func.max(named.c.case_number)).where(named.c.idx == index).scalar_subquery()


def _names_item(wanted: Wanted) -> ColumnElement[bool]:
    """Whether the bitmap of items has a bit, told by one of its base64url characters."""
    if wanted.resource is None or wanted.item is None:
        raise MalformedError("an item without its resource")
    at, holding = item_place(wanted.item)
    return func.substr(tables.index.c["items"], at + 1, 1).in_(list(holding))


def item_place(ordinal: int) -> tuple[int, str]:
    """Return which character of a bitmap holds an ordinal, and the characters that have it.

    A bitmap is bytes, bit i of byte i // 8 (audit/canonical.py); a character of base64url is six bits of
    them, the highest first (RFC 4648, section 5).
    """
    bit = ordinal // 8 * 8 + 7 - ordinal % 8
    mask = 1 << 5 - bit % 6
    return bit // 6, "".join(one for value, one in enumerate(_BASE64URL) if value & mask)


def _inside(part: Within) -> ColumnElement[bool]:
    columns = tables.index.c
    bounds: list[ColumnElement[bool]] = [
        columns[name].in_(sorted(values))
        for name, values in (
            ("system", part.systems),
            ("resource", part.resources),
            ("matter", part.matters),
            ("case_number", part.cases),
            ("subject", part.subjects),
        )
        if values
    ]
    if part.departments:
        both = sorted(part.departments)
        bounds.append(or_(columns.consumer.in_(both), columns.provider.in_(both)))
    if part.since is not None:
        bounds.append(columns.ts >= _milliseconds(part.since))
    if part.until is not None:
        bounds.append(columns.ts < _milliseconds(part.until))
    return and_(True, *bounds)  # noqa: FBT003 - SQLAlchemy's way to write "no condition"


def _between(
    connection: Connection, since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    """Bound the indexes by a time: time never runs backwards in the log, so that it needs no index."""
    columns = tables.index.c
    bounds: list[ColumnElement[bool]] = []
    if since is not None:
        bounds.append(columns.idx >= _first_at(connection, _milliseconds(since)))
    if until is not None:
        bounds.append(columns.idx < _first_at(connection, _milliseconds(until)))
    return bounds


def _first_at(connection: Connection, moment: int) -> int:
    """Return the index of the first entry at or after a moment; one past the last where there is none."""
    columns = tables.index.c
    newest = connection.execute(select(func.max(columns.idx))).scalar_one()
    low, high = 0, 0 if newest is None else int(newest) + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            select(columns.idx, columns.ts)
            .where(columns.idx >= middle)
            .order_by(columns.idx)
            .limit(1)
        ).one()
        if row.ts >= moment:
            high = middle
        else:
            low = int(row.idx) + 1
    return low


def _older_than(after: Position) -> ColumnElement[bool]:
    columns = tables.index.c
    index, n = after
    return and_(columns.idx <= index, or_(columns.idx < index, columns.n < n))


def _milliseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise MalformedError("a moment without a time zone")
    return int(moment.timestamp() * 1000)
