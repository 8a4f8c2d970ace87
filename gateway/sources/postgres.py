"""Reads a department's PostgreSQL tables on the loop: bound values only, one statement a step.

The one module that needs the extra `postgresql`; the exchange imports it where a source asks for it.
"""

import asyncio
import select
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from itertools import compress
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor, sql
from psycopg.types.string import TextLoader
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from catalogue.model import Item, ItemType
from gateway.columns import Columns, column
from gateway.errors import (
    KeyTooWideError,
    SourceDriftError,
    SourceError,
    SourceInvalidError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from gateway.formats import converted, to_wire
from gateway.mask import most_rows
from gateway.model import Permitted, Row
from gateway.sources.needs import (
    ANSWER_BYTES,
    PAGE_BYTES,
    allowed_bytes,
    check_call_number,
    needed_items,
)
from gateway.sources.statements import (
    ListShape,
    Shape,
    all_conditions,
    filter_values,
    list_shape,
    page_values_of,
    place_values,
    shape_of,
    values_of,
)

_COMPARISONS = {
    "eq": sql.SQL("="),
    "ne": sql.SQL("<>"),
    "lt": sql.SQL("<"),
    "le": sql.SQL("<="),
    "gt": sql.SQL(">"),
    "ge": sql.SQL(">="),
}
_GONE = frozenset({"42P01", "42703", "3F000", "42501"})
"""SQLSTATE of a table, column or schema that is not there, or not for us any more."""
_SLOW = frozenset({"57014", "55P03"})
_AS_TEXT = ("uuid", "json", "jsonb", "inet", "cidr", "macaddr")
_CLOSING_S = 2.0
_STATEMENTS_KEPT = 256
_MANY = 32
"""So many records are held item by item; of fewer it would cost more than it saves."""
_KEY_BYTES = 4_096
"""Of a record that its page has no room for the key is told all the same, if it is no longer than this."""
Rows = list[tuple[Any, ...]]


class PostgresSource:
    """One department's PostgreSQL database. Implements `gateway.ports.Source`, `Lister` and `PagedSource`.

    A read past its deadline is cancelled at the server. Its connection counts as used until the server let
    go of it, and is closed then: nobody else is held up meanwhile.
    """

    def __init__(
        self,
        address: str,
        *,
        secret: str | None,
        zone: tzinfo,
        timeout_s: float,
        connections: int = 4,
    ) -> None:
        """Raises SourceUnavailableError for an address that is none."""
        self._arguments = connection_arguments(address, secret=secret, timeout_s=timeout_s)
        self._zone = zone
        self._free = asyncio.Semaphore(connections)
        self._idle: list[AsyncConnection[tuple[Any, ...]]] = []
        self._running: set[asyncio.Task[Rows]] = set()

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        check_call_number(call)
        if not keys or most_rows(permitted) == 0:
            return ()
        items = needed_items(permitted)
        asked = write_statement(permitted, items, keys, call=call)
        return self._whole(items, await self._run(*asked))

    async def read_list(self, permitted: Permitted, *, call: str) -> Sequence[Row]:
        check_call_number(call)
        if most_rows(permitted) == 0:
            return ()
        items = needed_items(permitted)
        return self._whole(items, await self._run(*write_list(permitted, items, call=call)))

    async def page(
        self, permitted: Permitted, *, after: str | None, call: str
    ) -> tuple[Sequence[Row], bool]:
        check_call_number(call)
        most = most_rows(permitted)
        if most == 0:
            return (), False
        items = needed_items(permitted)
        found = await self._run(*write_page(permitted, items, after, call=call))
        allowed = allowed_bytes(_types(items), plain=PAGE_BYTES)
        # One record more was asked for: it says whose records the page has no room for.
        fit = next((n for n, row in enumerate(found) if row[-1] > allowed), len(found))
        fit = min(fit, most)
        rows = self._rows(items, found[:fit])
        if fit == len(found):
            return rows, False
        key = permitted.step.key.item
        cut = to_wire(key.type, found[fit][items.index(key)], self._zone)
        kept = [value != cut for value in column(rows, key.name)]
        if cut is None or not any(kept):
            raise KeyTooWideError(needed=fit + 1, allowed=most, allowed_bytes=allowed)
        return (
            rows.picked(kept) if type(rows) is Columns else list(compress(rows, kept)),
            True,
        )

    async def _run(self, statement: bytes, values: Sequence[Any]) -> Rows:
        running = asyncio.ensure_future(self._answered(statement, values))
        self._running.add(running)
        running.add_done_callback(self._ended)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            running.cancel()
            raise

    async def close(self) -> None:
        """Close what is idle; a read that is still under way is cancelled and not waited for long."""
        for running in self._running:
            running.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_CLOSING_S)
        while self._idle:
            await self._idle.pop().close()

    def _ended(self, running: asyncio.Task[Rows]) -> None:
        self._running.discard(running)
        if not running.cancelled():
            running.exception()  # Whoever waited may be gone; the failure is then nobody's.

    async def _answered(self, statement: bytes, values: Sequence[Any]) -> Rows:
        async with self._free:
            try:
                connection = await self._connection()
                try:
                    cursor = await connection.execute(statement, values)
                    found = await cursor.fetchall()
                except BaseException:
                    # What it would answer next is not known, so it answers nobody any more.
                    await connection.close()
                    raise
            except psycopg.Error as error:
                raise _translate(error) from None  # The cause's text may hold values.
            self._idle.append(connection)
        return found

    def _whole(self, items: Sequence[Item], found: Rows) -> Sequence[Row]:
        """Return an answer that has room for all of its records. Raises SourceInvalidError."""
        allowed = allowed_bytes(_types(items))
        if found and found[0][-1] > allowed:
            # Every line says what all weigh together; none holds a value then.
            raise SourceInvalidError(allowed_bytes=allowed)
        return self._rows(items, found)

    def _rows(self, items: Sequence[Item], found: Rows) -> Sequence[Row]:
        """Return records as they cross the border: many of them item by item (ADR 0076)."""
        if len(found) >= _MANY:
            # Where it fails they are converted once more, record by record, to say which item it is.
            with suppress(ValueError):
                return self._columns(items, found)
        return [self._row(items, row) for row in found]

    def _columns(self, items: Sequence[Item], found: Rows) -> Columns:
        """Raises ValueError as `to_wire` does."""
        # What each weighs comes last, behind the items.
        columns = zip(items, zip(*found, strict=True), strict=False)
        values = {item.name: converted(item.type, one, self._zone) for item, one in columns}
        return Columns(values, size=len(found), written={item.name: item.type for item in items})

    async def _connection(self) -> AsyncConnection[tuple[Any, ...]]:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not _hung_up(connection):
                return connection
            await connection.close()
        opened = await AsyncConnection.connect(**self._arguments)
        for name in _AS_TEXT:
            opened.adapters.register_loader(name, TextLoader)
        return opened

    def _row(self, items: Sequence[Item], values: Sequence[Any]) -> Row:
        row: dict[str, Any] = {}
        for item, value in zip(items, values, strict=False):  # What the record weighs comes last.
            try:
                row[item.name] = to_wire(item.type, value, self._zone)
            except ValueError as error:
                raise SourceInvalidError(reason=f"item {item.name}: {error}") from None
        return row


def connection_arguments(address: str, *, secret: str | None, timeout_s: float) -> dict[str, Any]:
    """Return what `connect` takes: reading only, and each statement ended at the source's time limit."""
    try:
        url = make_url(address)
    except ArgumentError:
        raise SourceUnavailableError(reason="no driver here opens the address") from None
    if secret is not None:
        url = url.set(password=secret)
    milliseconds = max(1, int(timeout_s * 1000))
    return {
        **url.translate_connect_args(username="user", database="dbname"),
        **url.query,
        "autocommit": True,
        "connect_timeout": max(1, int(timeout_s)),
        "options": f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}",
        # Each statement differs by its call number: there is nothing to prepare.
        "prepare_threshold": None,
        # Texts are ours, numbered and kept: nothing is looked for in them.
        "cursor_factory": AsyncRawCursor,
        "application_name": "exchange",
    }


@dataclass(frozen=True, slots=True)
class Written:
    """A statement as PostgreSQL takes it, made once for all reads of one form."""

    text: str
    places: tuple[tuple[str, int | None], ...]
    """What is bound in each place: the name of a value and, in a list, the position there."""

    def bind(self, bound: Mapping[str, Any], *, call: str) -> tuple[bytes, list[Any]]:
        """Return the statement behind a call's number, and its values."""
        # `check_call_number` let the number through: it cannot end a comment.
        values = [bound[name] if at is None else bound[name][at] for name, at in self.places]
        return f"/* {call} */ {self.text}".encode(), values


def write_statement(
    permitted: Permitted, items: Sequence[Item], keys: Sequence[str], *, call: str
) -> tuple[bytes, list[Any]]:
    """Return the statement of a read and its values. The row filter, the columns and the bounds are in it."""
    shape = shape_of(permitted, items, ranked=len(keys) > 1)
    most = most_rows(permitted)
    bound = values_of(permitted, keys, most, call)
    written = _read_text(shape, _types(items), _lengths(bound), most == 1)
    return written.bind(bound, call=call)


def write_list(
    permitted: Permitted, items: Sequence[Item], *, call: str
) -> tuple[bytes, list[Any]]:
    """Return the statement of one page of a list, and of one record more: whether there is a next page."""
    bound = {
        **filter_values(all_conditions(permitted), permitted.step.resource),
        **place_values(permitted.step),
        "most": most_rows(permitted) + 1,
    }
    written = _list_text(list_shape(permitted, items), _types(items), _lengths(bound))
    return written.bind(bound, call=call)


def write_page(
    permitted: Permitted, items: Sequence[Item], after: str | None, *, call: str
) -> tuple[bytes, list[Any]]:
    """Return the statement of one page of all records, and of one record more, in the order of the key.

    The database compares and orders by one rule, whichever its collation is, so that no key is met twice
    or never. Each line says what the page weighs up to it.
    """
    shape = shape_of(permitted, items, ranked=False)
    bound = page_values_of(permitted, after, most_rows(permitted) + 1)
    written = _page_text(shape, _types(items), _lengths(bound), after is None)
    return written.bind(bound, call=call)


Types = tuple[ItemType, ...]
Lengths = tuple[tuple[str, int], ...]
"""(name, members) of the values that are lists."""


def _types(items: Sequence[Item]) -> Types:
    return tuple([item.type for item in items])


def _lengths(bound: Mapping[str, Any]) -> Lengths:
    return tuple([(name, len(value)) for name, value in bound.items() if isinstance(value, list)])


class _Marks:
    """Numbers the places of a statement's values.

    Not SQLAlchemy's text of the same shape: that casts each value to the type of a text, which keeps
    PostgreSQL from comparing a `char(18)` or a `uuid` by its index. Values here take their column's type.
    """

    def __init__(self, lengths: Lengths) -> None:
        self._lengths = dict(lengths)
        self.places: list[tuple[str, int | None]] = []

    def one(self, name: str, at: int | None = None) -> sql.SQL:
        self.places.append((name, at))
        return sql.SQL(f"${len(self.places)}")

    def among(self, left: sql.Composable, name: str) -> sql.Composable:
        marks = [self.one(name, at) for at in range(self._lengths[name])]
        if not marks:
            return sql.SQL("false")
        return sql.SQL("{} IN ({})").format(left, sql.SQL(", ").join(marks))

    def condition(self, column: str, op: str, name: str) -> sql.Composable:
        """Write one condition with its value bound under `name` (and `name` + b for a second one)."""
        left = _own(column)
        match op:
            case "in":
                return self.among(left, name)
            case "between":
                low, high = self.one(name), self.one(f"{name}b")
                return sql.SQL("{} BETWEEN {} AND {}").format(left, low, high)
            case "prefix":
                # Not LIKE: a value may hold its wildcards.
                length, text = self.one(f"{name}b"), self.one(name)
                return sql.SQL("substr({}::text, 1, {}) = {}").format(left, length, text)
            case _ if op in _COMPARISONS:
                return sql.SQL("{} {} {}").format(left, _COMPARISONS[op], self.one(name))
            case _:
                raise SourceInvalidError(reason=f"row filter operator {op!r} is not known")

    def conditions(self, conditions: Sequence[tuple[str, str]]) -> list[sql.Composable]:
        """Write the conditions of the decision and of the call."""
        return [self.condition(column, op, f"f{n}") for n, (column, op) in enumerate(conditions)]


_RANKED = sql.SQL(
    "SELECT {chosen}, row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS exchange_rank "
    "FROM {table} AS t WHERE {where}"
)
_PLAIN = sql.SQL("SELECT {chosen} FROM {table} AS t WHERE {where} ORDER BY {order} LIMIT {most}")


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _read_text(shape: Shape, types: Types, lengths: Lengths, one: bool) -> Written:  # noqa: FBT001
    marks = _Marks(lengths)
    key = _own(shape.key)
    where = [marks.among(key, "keys"), *marks.conditions(shape.conditions)]
    most = marks.one("most")
    # Several keys: each has its own bound, else one holder's records would hide another's.
    inner = (_RANKED if shape.ranked else _PLAIN).format(
        chosen=_chosen(shape.columns),
        key=key,
        order=_comma([_own(column) for column in shape.order] or [key]),
        table=_table(shape.table),
        where=sql.SQL(" AND ").join(where),
        most=most,
    )
    weighed = _Weighed(shape.columns, types)
    if shape.ranked:
        rank = sql.Identifier("exchange_rank")
        text = weighed.together(
            inner,
            order=[weighed.named(shape.key), rank],
            where=sql.SQL(" WHERE exchange_rank <= {}").format(most),
            also=sql.SQL(", exchange_rank"),
        )
    elif one:
        text = weighed.alone(inner)
    else:
        order = [weighed.named(column) for column in shape.order or (shape.key,)]
        text = weighed.together(inner, order=order)
    return Written(text.as_string(None), tuple(marks.places))


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _list_text(shape: ListShape, types: Types, lengths: Lengths) -> Written:
    marks = _Marks(lengths)
    # The unique item tells a record from all others: one without it is none.
    unique = sql.SQL("{} IS NOT NULL").format(_own(shape.orders[-1][0]))
    where: list[sql.Composable] = [unique]
    where += marks.conditions(shape.conditions)
    if shape.after is not None:
        where.append(_beyond(shape.orders, shape.after, marks))
    inner = _PLAIN.format(
        chosen=_chosen(shape.columns),
        table=_table(shape.table),
        where=sql.SQL(" AND ").join(where),
        order=_comma([_directed(_own(column), descends=down) for column, down in shape.orders]),
        most=marks.one("most"),
    )
    weighed = _Weighed(shape.columns, types)
    order = [_directed(weighed.named(column), descends=down) for column, down in shape.orders]
    return Written(weighed.together(inner, order=order).as_string(None), tuple(marks.places))


@lru_cache(maxsize=_STATEMENTS_KEPT)
def _page_text(
    shape: Shape,
    types: Types,
    lengths: Lengths,
    begins: bool,  # noqa: FBT001  A cached function knows its arguments by position.
) -> Written:
    marks = _Marks(lengths)
    key = _own(shape.key)
    follows = (
        sql.SQL("{} IS NOT NULL").format(key)
        if begins
        else sql.SQL("{} > {}").format(key, marks.one("after"))
    )
    columns = [shape.key, *(column for column in shape.order if column != shape.key)]
    inner = _PLAIN.format(
        chosen=_chosen(shape.columns),
        table=_table(shape.table),
        where=sql.SQL(" AND ").join([follows, *marks.conditions(shape.conditions)]),
        order=_comma([_own(column) for column in columns]),
        most=marks.one("most"),
    )
    weighed = _Weighed(shape.columns, types, plain=PAGE_BYTES)
    order = [weighed.named(column) for column in columns]
    text = weighed.together(inner, order=order, running=True, told=shape.key)
    return Written(text.as_string(None), tuple(marks.places))


class _Weighed:
    """Writes the part of a statement by which the server weighs an answer before it sends any of it.

    What has no room comes as nulls beside its weight, so that neither a wide value nor many of them ever
    cross the wire. `octet_length` of a text or bytea looks at its header and does not unpack it.
    """

    def __init__(self, columns: Sequence[str], types: Types, *, plain: int = ANSWER_BYTES) -> None:
        self._columns = columns
        self._names = [_alias(number) for number in range(len(columns))]
        self._allowed = sql.Literal(allowed_bytes(types, plain=plain))
        weights = [
            # Files are bytea, or text that is theirs; both say how long they are.
            sql.SQL(
                "coalesce(octet_length({}), 0)"
                if type_ is ItemType.BYTES
                else "coalesce(octet_length({}::text), 0)"
            ).format(name)
            for name, type_ in zip(self._names, types, strict=True)
        ]
        self._weight = sql.SQL(" + ").join([sql.SQL("0::bigint"), *weights])

    def named(self, column: str) -> sql.Identifier:
        """Return the name that a column has within the statement."""
        return self._names[self._columns.index(column)]

    def alone(self, inner: sql.Composable) -> sql.Composed:
        """Return the statement of one record at most."""
        return sql.SQL(
            "SELECT {shown}, weight FROM (SELECT {names}, {weight} AS weight FROM ({inner}) AS found "
            "OFFSET 0) AS weighed"
        ).format(
            shown=self._shown(None), names=_comma(self._names), weight=self._weight, inner=inner
        )

    def together(
        self,
        inner: sql.Composable,
        *,
        order: Sequence[sql.Composable],
        running: bool = False,
        told: str | None = None,
        also: sql.Composable = sql.SQL(""),  # noqa: B008  Immutable.
        where: sql.Composable = sql.SQL(""),  # noqa: B008  Immutable.
    ) -> sql.Composed:
        """Return the statement of several: what each line up to itself (`running`) or all weigh.

        `told` is a column that is given of a line without room too, if it is short.
        """
        over = sql.SQL("ORDER BY {} ROWS UNBOUNDED PRECEDING").format(_comma(order))
        # The department's table stands early: a server's list of statements under way cuts them off.
        return sql.SQL(
            "SELECT * FROM (WITH found AS ({inner}), weighed AS (SELECT {names}{also}, "
            "sum({weight}) OVER ({over}) AS weight FROM found{where}) "
            "SELECT {shown}, weight FROM weighed ORDER BY {order}, weight) AS answered"
        ).format(
            inner=inner,
            names=_comma(self._names),
            also=also,
            weight=self._weight,
            over=over if running else sql.SQL(""),
            where=where,
            shown=self._shown(told),
            order=_comma(order),
        )

    def _shown(self, told: str | None) -> sql.Composed:
        fits = sql.SQL("weight <= {}").format(self._allowed)
        known = sql.SQL("{fits} OR octet_length({name}::text) <= {short}")
        return _comma(
            [
                sql.SQL("CASE WHEN {} THEN {} END").format(
                    known.format(fits=fits, name=name, short=sql.Literal(_KEY_BYTES))
                    if column == told
                    else fits,
                    name,
                )
                for column, name in zip(self._columns, self._names, strict=True)
            ]
        )


def _comma(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _alias(number: int) -> sql.Identifier:
    return sql.Identifier(f"x{number}")


def _own(column: str) -> sql.Identifier:
    """Name a column of the table: by its name alone ORDER BY would take one of ours for it."""
    return sql.Identifier("t", column)


def _chosen(columns: Sequence[str]) -> sql.Composed:
    return _comma(
        [
            sql.SQL("{} AS {}").format(_own(column), _alias(number))
            for number, column in enumerate(columns)
        ]
    )


def _table(name: str) -> sql.Identifier:
    schema, _, table = name.rpartition(".")
    return sql.Identifier(*([schema] if schema else []), table)


def _directed(column: sql.Composable, *, descends: bool) -> sql.Composed:
    """Nulls come last whichever way the values run, on every database alike."""
    return sql.SQL("{} DESC NULLS LAST" if descends else "{} ASC NULLS LAST").format(column)


def _beyond(
    orders: Sequence[tuple[str, bool]], nulls: Sequence[bool], marks: _Marks
) -> sql.Composable:
    """Say which records come after a place: equal to it up to one order, and beyond it there."""
    found: list[sql.Composable] = []
    equal: list[sql.Composable] = []
    for number, ((name, descends), null) in enumerate(zip(orders, nulls, strict=True)):
        column = _own(name)
        if null:
            equal.append(sql.SQL("{} IS NULL").format(column))
            continue  # Nulls are the last: nothing is beyond them.
        value = marks.one(f"p{number}")
        further = sql.SQL(
            "({0} < {1} OR {0} IS NULL)" if descends else "({0} > {1} OR {0} IS NULL)"
        )
        found.append(sql.SQL(" AND ").join([*equal, further.format(column, value)]))
        equal.append(sql.SQL("{} = {}").format(column, value))
    if not found:
        return sql.SQL("false")
    return sql.SQL("(({}))").format(sql.SQL(") OR (").join(found))


def _hung_up(connection: AsyncConnection[tuple[Any, ...]]) -> bool:
    """Whether the server said something to an idle connection: that it ends it."""
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def _translate(error: psycopg.Error) -> SourceError:
    """Say which way a source failed, without the driver's text: it may quote values."""
    state = error.sqlstate or ""
    if state in _GONE:
        return SourceDriftError(
            reason="a table or column that was registered is not there any more"
        )
    if state in _SLOW or isinstance(error, psycopg.errors.ConnectionTimeout):
        return SourceTimeoutError(reason="the database did not answer in time")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return SourceUnavailableError(reason="the database cannot be reached")
    if isinstance(error, psycopg.ProgrammingError):
        return SourceDriftError(reason="the database does not take the statement for this table")
    return SourceInvalidError(reason="the database answered with an error")
