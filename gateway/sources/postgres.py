"""Reads a department's PostgreSQL tables on the loop: bound values only, one statement a step.

The one module that needs the extra `postgresql`; the exchange imports it where a source asks for it.
"""

import asyncio
import select
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.types.string import TextLoader
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from catalogue.model import Item
from gateway.errors import (
    SourceDriftError,
    SourceError,
    SourceInvalidError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from gateway.formats import to_wire
from gateway.mask import most_rows
from gateway.model import Permitted, Row
from gateway.sources.needs import check_call_number, needed_items
from gateway.sources.statements import shape_of, values_of

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


class PostgresSource:
    """One department's PostgreSQL database. Implements `gateway.ports.Source`.

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
        self._running: set[asyncio.Task[list[Row]]] = set()

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        check_call_number(call)
        if not keys or most_rows(permitted) == 0:
            return ()
        items = needed_items(permitted)
        statement, values = write_statement(permitted, items, keys, call=call)
        running = asyncio.ensure_future(self._read(items, statement, values))
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

    def _ended(self, running: asyncio.Task[list[Row]]) -> None:
        self._running.discard(running)
        if not running.cancelled():
            running.exception()  # Whoever waited may be gone; the failure is then nobody's.

    async def _read(
        self, items: Sequence[Item], statement: sql.Composed, values: Sequence[Any]
    ) -> list[Row]:
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
        return [self._row(items, row) for row in found]

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
        for item, value in zip(items, values, strict=False):  # The rank column comes last.
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
        "application_name": "exchange",
    }


def write_statement(
    permitted: Permitted, items: Sequence[Item], keys: Sequence[str], *, call: str
) -> tuple[sql.Composed, list[Any]]:
    """Return the statement of a read and its values. The row filter, the columns and the bound are in it.

    Not SQLAlchemy's text of the same shape: that casts each value to the type of a text, which keeps
    PostgreSQL from comparing a `char(18)` or a `uuid` by its index. Values here take their column's type.
    """
    shape = shape_of(permitted, items, ranked=len(keys) > 1)
    bound = values_of(permitted, keys, most_rows(permitted), call)
    schema, _, table = shape.table.rpartition(".")
    key = sql.Identifier(shape.key)
    written, values = _among(key, bound["keys"])
    where = [written]
    for number, (column, op) in enumerate(shape.conditions):
        left = sql.Identifier(column)
        written, more = _condition(left, op, bound[f"f{number}"], bound.get(f"f{number}b"))
        where.append(written)
        values += more
    columns = sql.SQL(", ").join(sql.Identifier(column) for column in shape.columns)
    parts: Mapping[str, sql.Composable] = {
        "call": _comment(call),
        "columns": columns,
        "table": sql.Identifier(*([schema] if schema else []), table),
        "where": sql.SQL(" AND ").join(where),
        "order": sql.SQL(", ").join([sql.Identifier(one) for one in shape.order] or [key]),
        "key": key,
    }
    text = (
        "{call} SELECT * FROM (SELECT {columns}, row_number() OVER (PARTITION BY {key} "
        "ORDER BY {order}) AS exchange_rank FROM {table} WHERE {where}) AS found "
        "WHERE exchange_rank <= %s ORDER BY {key}, exchange_rank"
        if shape.ranked
        else "{call} SELECT {columns} FROM {table} WHERE {where} ORDER BY {order} LIMIT %s"
    )
    return sql.SQL(text).format(**parts), [*values, bound["most"]]


def _comment(call: str) -> sql.SQL:
    """Write the call number, which `check_call_number` let through: it cannot end a comment."""
    return sql.SQL(f"/* {call} */")


def _among(left: sql.Identifier, values: Sequence[Any]) -> tuple[sql.Composable, list[Any]]:
    if not values:
        return sql.SQL("false"), []
    marks = sql.SQL(", ").join([sql.Placeholder()] * len(values))
    return sql.SQL("{} IN ({})").format(left, marks), list(values)


def _condition(
    left: sql.Identifier, op: str, value: Any, second: Any
) -> tuple[sql.Composable, list[Any]]:
    """Write one condition of the row filter; `second` is None but for `between` and `prefix`."""
    match op:
        case "in":
            return _among(left, value)
        case "between":
            return sql.SQL("{} BETWEEN %s AND %s").format(left), [value, second]
        case "prefix":
            # Not LIKE: a value may hold its wildcards.
            return sql.SQL("substr({}::text, 1, %s) = %s").format(left), [second, value]
        case _ if op in _COMPARISONS:
            return sql.SQL("{} {} %s").format(left, _COMPARISONS[op]), [value]
        case _:
            raise SourceInvalidError(reason=f"row filter operator {op!r} is not known")


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
