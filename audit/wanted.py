"""What to search the log for, and the query that finds it, newest first: each facet is walked by itself."""

from collections.abc import Callable, Mapping
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
from audit.words import id_of, ids_of, rows_with

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
    first, end = _span(connection, wanted, after)
    conditions = _conditions(wanted, token)
    if after is not None:
        conditions.append(_older_than(after))
    words = _words(wanted, token)
    # A case or a subject has an index of its own, which leads to few rows; an entry has a few.
    few = (wanted.case, wanted.subject, wanted.case_of, wanted.index)
    by_bundle = all(one is None for one in few)
    of = tables.index.c

    def newest(words: Mapping[str, str], *more: ColumnElement[bool]) -> Select[Any]:
        return rows_with(
            words,
            *of,
            dialect=connection.dialect,
            where=[*conditions, *more],
            first=first,
            end=end,
            by_bundle=by_bundle,
        ).limit(most)

    if wanted.department is None:
        return newest(words)
    # Two walks: an OR over both columns would read all bundles.
    mine = id_of("consumer", wanted.department)
    theirs = id_of("provider", wanted.department)
    asked = newest({"consumer": wanted.department} | words, of.consumer == mine).subquery()
    was_asked = newest(
        {"provider": wanted.department} | words,
        of.provider == theirs,
        of.consumer.is_distinct_from(mine),
    ).subquery()
    both = union_all(select(asked), select(was_asked)).subquery()
    return select(both).order_by(both.c.idx.desc(), both.c.n.desc()).limit(most)


def _words(wanted: Wanted, token: Token) -> dict[str, str]:
    """Return the words that are wanted, by column."""
    equal = {
        "officer": None if wanted.officer is None else token("officer", wanted.officer),
        "consumer": wanted.consumer,
        "system": wanted.system,
        "resource": wanted.resource,
        "matter": wanted.matter,
        "decision": wanted.decision,
        "code": wanted.code,
        "kind": wanted.kind,
    }
    return {name: value for name, value in equal.items() if value is not None}


def _conditions(wanted: Wanted, token: Token) -> list[Any]:
    """Return the conditions that no word of the rows says."""
    columns = tables.index.c
    conditions: list[Any] = []
    if wanted.case is not None:
        conditions.append(columns.case_number == bytes.fromhex(token("case", wanted.case)))
    if wanted.subject is not None:
        conditions.append(columns.subject == bytes.fromhex(token(*wanted.subject)))
    if wanted.case_of is not None:
        conditions.append(columns.case_number == _case_of(wanted.case_of))
    if wanted.sealed:
        conditions.append(text("audit_index.sealed"))
    if wanted.open_to is not None:
        own = columns.officer == id_of("officer", token("officer", wanted.open_to))
        conditions.append(or_(columns.sealed == false(), own))
    if wanted.index is not None:
        conditions.append(columns.idx == wanted.index)
    if wanted.item is not None:
        conditions.append(_names_item(wanted))
    if wanted.within is not None:
        conditions.append(or_(false(), *(_inside(one) for one in wanted.within)))
    return conditions


def _case_of(index: int) -> Any:
    named = tables.index.alias("named")
    return (
        select(named.c.case_number)
        .where(named.c.idx == index, named.c.case_number.is_not(None))
        .order_by(named.c.case_number.desc())
        .limit(1)
        .scalar_subquery()
    )


def _names_item(wanted: Wanted) -> ColumnElement[bool]:
    """Whether the bitmap of items has a bit, told by one of its base64url characters."""
    if wanted.resource is None or wanted.item is None:
        raise MalformedError("an item without its resource")
    at, holding = item_place(wanted.item)
    word = tables.word.c
    named = select(word.id).where(
        word.facet == "items", func.substr(word.value, at + 1, 1).in_(list(holding))
    )
    return tables.index.c["items"].in_(named)


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
        columns[name].in_(ids_of(name, values))
        for name, values in (
            ("system", part.systems),
            ("resource", part.resources),
            ("matter", part.matters),
        )
        if values
    ]
    bounds += [
        columns[name].in_([bytes.fromhex(value) for value in sorted(values)])
        for name, values in (("case_number", part.cases), ("subject", part.subjects))
        if values
    ]
    if part.departments:
        both = [ids_of(name, part.departments) for name in ("consumer", "provider")]
        bounds.append(or_(columns.consumer.in_(both[0]), columns.provider.in_(both[1])))
    if part.since is not None:
        bounds.append(columns.ts >= _milliseconds(part.since))
    if part.until is not None:
        bounds.append(columns.ts < _milliseconds(part.until))
    return and_(True, *bounds)  # noqa: FBT003 - SQLAlchemy's way to write "no condition"


def _span(
    connection: Connection, wanted: Wanted, after: Position | None
) -> tuple[int | None, int | None]:
    """Bound the indexes by a time and a page: time never runs backwards in the log, and needs no index."""
    since, until = wanted.since, wanted.until
    first = None if since is None else _first_at(connection, _milliseconds(since))
    ends = [] if until is None else [_first_at(connection, _milliseconds(until))]
    if after is not None:
        ends.append(after[0] + 1)
    return first, min(ends, default=None)


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
