"""Reads a department's tables through SQLAlchemy Core: bound values only, one statement a step."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    bindparam,
    column,
    create_engine,
    event,
    func,
    inspect,
    select,
    table,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchTableError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from catalogue.model import Item
from gateway.errors import (
    SourceDriftError,
    SourceInvalidError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from gateway.formats import to_wire
from gateway.mask import most_rows
from gateway.model import Permitted, Row
from gateway.sources.needs import check_call_number, needed_items
from gateway.sources.statements import (
    ListShape,
    all_conditions,
    bound,
    condition,
    condition_columns,
    filter_values,
    list_shape,
    place_values,
    select_list,
)

_RANK = "exchange_rank"
_STATEMENTS_KEPT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflectedColumn:
    name: str
    type: str
    nullable: bool
    primary_key: bool
    comment: str


@dataclass(frozen=True, slots=True)
class _Shape:
    """All of a read that decides the statement's text. Values are no part of it."""

    table: str
    columns: tuple[str, ...]
    key: str
    order: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]
    """(column, operator)."""
    ranked: bool


def open_engine(address: str, *, secret: str | None, timeout_s: float, threads: int = 4) -> Engine:
    """Return an engine for a source's address. SQLite files are opened read-only by the driver.

    Raises SourceUnavailableError for an address that no driver here can open.
    """
    try:
        return _engine(make_url(address), secret=secret, timeout_s=timeout_s, threads=threads)
    except (ArgumentError, ImportError):
        # An address may hold what belongs to nobody's eyes; neither it nor its error is repeated.
        raise SourceUnavailableError(reason="no driver here opens the address") from None


def _engine(url: URL, *, secret: str | None, timeout_s: float, threads: int) -> Engine:
    if secret is not None:
        url = url.set(password=secret)
    arguments: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        url = _read_only(url)
        arguments = {"uri": True, "timeout": timeout_s, "check_same_thread": False}
    elif url.get_backend_name() == "postgresql":
        milliseconds = int(timeout_s * 1000)
        arguments = {
            "connect_timeout": max(1, int(timeout_s)),
            "options": f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}",
        }
    engine = create_engine(
        url,
        connect_args=arguments,
        pool_size=threads,
        max_overflow=0,
        pool_timeout=timeout_s,
        pool_pre_ping=url.get_backend_name() != "sqlite",
        hide_parameters=True,  # Error texts must not carry identifiers.
    )
    event.listen(engine, "before_cursor_execute", _sign_with_call_number, retval=True)
    return engine


def _read_only(url: URL) -> URL:
    path = url.database or ""
    if path in {"", ":memory:"}:
        raise SourceUnavailableError(
            reason="a SQLite source needs a file, found an in-memory database"
        )
    if not path.startswith("file:"):
        # What has a meaning in an SQLite URI must not come out of a file's name.
        path = "file:" + path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    query = {name: value for name, value in url.query.items() if name not in {"mode", "uri"}}
    return url.set(database=path, query={**query, "mode": "ro", "uri": "true"})


def _sign_with_call_number(
    connection: Connection,
    _cursor: Any,
    statement: str,
    parameters: Any,
    _context: Any,
    _many: bool,  # noqa: FBT001  SQLAlchemy passes it by position.
) -> tuple[str, Any]:
    """Put the call number before a statement, where the department's own statement log keeps it."""
    call = connection.get_execution_options().get("exchange_call")
    return (f"/* {call} */ {statement}" if call else statement), parameters


class SqlSource:
    """One department's database. Implements `gateway.ports.Source`.

    Reads run in a bounded pool of threads of this source alone. A thread past its deadline counts as
    used until its driver returns, so that a source that hangs can hold up nobody else.
    """

    def __init__(self, engine: Engine, *, zone: tzinfo, threads: int = 4) -> None:
        self._engine = engine
        self._zone = zone
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="source")
        self._free = asyncio.Semaphore(threads)
        self._statements: dict[_Shape | ListShape, Select[Any]] = {}

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        check_call_number(call)
        if not keys:
            return ()
        return await self._in_thread(lambda: self._read(permitted, tuple(keys), call))

    async def read_list(self, permitted: Permitted, *, call: str) -> Sequence[Row]:
        check_call_number(call)
        return await self._in_thread(lambda: self._read_list(permitted, call))

    async def _in_thread(self, read: Callable[[], Sequence[Row]]) -> Sequence[Row]:
        await self._free.acquire()
        running = asyncio.get_running_loop().run_in_executor(self._threads, read)
        running.add_done_callback(self._returned)
        # Cancelling the wait must not cancel the count: the thread is used until it returns.
        return await asyncio.shield(running)

    def _returned(self, read: asyncio.Future[Sequence[Row]]) -> None:
        self._free.release()
        if not read.cancelled():
            read.exception()  # Whoever waited may be gone; the failure is then nobody's.

    async def close(self) -> None:
        """Give back threads and connections; a read that still hangs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def _read(self, permitted: Permitted, keys: tuple[str, ...], call: str) -> Sequence[Row]:
        items = needed_items(permitted)
        conditions = all_conditions(permitted)
        statement = self._statement(_shape(permitted, items, ranked=len(keys) > 1))
        most = most_rows(permitted)
        if most == 0:
            return ()
        values = {
            "keys": [bound(permitted.step.key.item, key) for key in keys],
            "most": most,
            **filter_values(conditions, permitted.step.resource),
        }
        return self._rows(items, statement, values, call)

    def _read_list(self, permitted: Permitted, call: str) -> Sequence[Row]:
        items = needed_items(permitted)
        conditions = all_conditions(permitted)
        most = most_rows(permitted)
        if most == 0:
            return ()
        statement = self._statement(list_shape(permitted, items))
        values = {
            # One more than may be given says whether there is a next page.
            "most": most + 1,
            **filter_values(conditions, permitted.step.resource),
            **place_values(permitted.step),
        }
        return self._rows(items, statement, values, call)

    def _rows(
        self, items: Sequence[Item], statement: Select[Any], values: Mapping[str, Any], call: str
    ) -> Sequence[Row]:
        try:
            with self._engine.connect() as connection:
                signed = connection.execution_options(exchange_call=call)
                found = signed.execute(statement, values).all()
        except SQLAlchemyError as error:
            raise _translate(error) from None  # The cause's text may hold values of the statement.
        return [self._row(items, values_) for values_ in found]

    def _row(self, items: Sequence[Item], values: Sequence[Any]) -> Row:
        row: dict[str, Any] = {}
        for item, value in zip(items, values, strict=False):  # The rank column comes last.
            try:
                row[item.name] = None if value is None else to_wire(item.type, value, self._zone)
            except ValueError as error:
                raise SourceInvalidError(reason=f"item {item.name}: {error}") from None
        return row

    def _statement(self, shape: _Shape | ListShape) -> Select[Any]:
        found = self._statements.get(shape)
        if found is None:
            if len(self._statements) >= _STATEMENTS_KEPT:
                self._statements.clear()
            found = self._statements[shape] = (
                _select(shape) if isinstance(shape, _Shape) else select_list(shape)
            )
        return found


def _shape(permitted: Permitted, items: Sequence[Item], *, ranked: bool) -> _Shape:
    step, verdict = permitted.step, permitted.verdict
    shown = set(verdict.items.allowed) if verdict.items is not None else set()
    columns = {item.name: item.column for item in step.resource.items}
    return _Shape(
        table=step.resource.table,
        columns=tuple(item.column for item in items),
        key=step.key.item.column,
        # Only what is given in full orders the rows: the order of the rest would tell about it.
        order=tuple(item.column for item in items if item.name in shown),
        conditions=condition_columns(all_conditions(permitted), columns),
        ranked=ranked,
    )


def _select(shape: _Shape) -> Select[Any]:
    schema, _, name = shape.table.rpartition(".")
    names = dict.fromkeys((*shape.columns, shape.key, *(item for item, _ in shape.conditions)))
    source = table(name, *(column(one) for one in names), schema=schema or None)
    key = source.c[shape.key]
    order = [source.c[one] for one in shape.order]
    where: list[ColumnElement[bool]] = [key.in_(bindparam("keys", expanding=True))]
    where += [condition(source.c[one], op, f"f{n}") for n, (one, op) in enumerate(shape.conditions)]
    wanted = [source.c[one] for one in shape.columns]
    if not shape.ranked:
        return select(*wanted).where(*where).order_by(*order).limit(bindparam("most"))
    # Several keys: each has its own bound, else one holder's records would hide another's.
    rank = func.row_number().over(partition_by=key, order_by=order or [key]).label(_RANK)
    inner = select(*wanted, rank).where(*where).subquery()
    return (
        select(inner)
        .where(inner.c[_RANK] <= bindparam("most"))
        .order_by(inner.c[shape.key], inner.c[_RANK])
    )


def _translate(error: SQLAlchemyError) -> Exception:
    """Say which way a source failed, without the driver's text: it may quote values."""
    if isinstance(error, PoolTimeoutError):
        return SourceTimeoutError(reason="no connection of the source became free in time")
    words = str(error.orig).lower() if isinstance(error, DBAPIError) else ""
    if isinstance(error, NoSuchTableError) or any(
        sign in words for sign in ("no such column", "no such table", "does not exist")
    ):
        return SourceDriftError(
            reason="a table or column that was registered is not there any more"
        )
    if "timeout" in words or "locked" in words:
        return SourceTimeoutError(reason="the database did not answer in time")
    if isinstance(error, (OperationalError, InterfaceError)):
        return SourceUnavailableError(reason="the database cannot be reached")
    if isinstance(error, ProgrammingError):
        return SourceDriftError(reason="the database does not take the statement for this table")
    return SourceInvalidError(reason="the database answered with an error")


def list_tables(engine: Engine) -> list[str]:
    """Return the names of the tables and views that the login sees in its own schema, in order."""
    try:
        inspector = inspect(engine)
        return sorted({*inspector.get_table_names(), *inspector.get_view_names()})
    except SQLAlchemyError as error:
        raise _translate(error) from None


def reflect(engine: Engine, table_name: str) -> list[ReflectedColumn]:
    """Return what a table or view says about its columns; raises SourceDriftError if it is not there."""
    schema, _, name = table_name.rpartition(".")
    try:
        inspector = inspect(engine)
        keys = set(inspector.get_pk_constraint(name, schema or None)["constrained_columns"])
        columns = inspector.get_columns(name, schema or None)
    except SQLAlchemyError as error:
        raise _translate(error) from None
    return [
        ReflectedColumn(
            name=one["name"],
            type=str(one["type"]),
            nullable=bool(one["nullable"]),
            primary_key=one["name"] in keys,
            comment=one.get("comment") or "",
        )
        for one in columns
    ]


def check_login(engine: Engine) -> list[str]:
    """Return why the source's login can write; an empty list means that it cannot (S10)."""
    try:
        with engine.connect() as connection:
            match engine.dialect.name:
                case "sqlite":
                    return _sqlite_rights(connection)
                case "postgresql":
                    return _postgresql_rights(connection)
                case other:
                    return [f"rights of a {other} login cannot be checked"]
    except SQLAlchemyError as error:
        raise _translate(error) from None


def _sqlite_rights(connection: Connection) -> list[str]:
    """Ask the driver: a database opened with `mode=ro` says that it takes no writes."""
    try:
        connection.execute(text("PRAGMA user_version = user_version")).close()
        connection.execute(text("BEGIN IMMEDIATE"))
    except OperationalError as error:
        if "readonly" in str(error.orig):
            return []
        raise
    connection.rollback()
    return ["writable file: the database is not opened read-only"]


_WRITABLE = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
AND n.nspname NOT LIKE 'pg_toast%' AND (pg_has_role(c.relowner, 'USAGE')
OR has_table_privilege(c.oid, 'INSERT') OR has_table_privilege(c.oid, 'UPDATE')
OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE'))
ORDER BY 1 LIMIT 20
"""


def _postgresql_rights(connection: Connection) -> list[str]:
    reasons: list[str] = []
    superuser, creates_roles, creates_databases = connection.execute(
        text(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
    ).one()
    if superuser:
        reasons.append("superuser")
    if creates_roles or creates_databases:
        reasons.append("may create roles or databases")
    names = connection.execute(text(_WRITABLE)).scalars()
    return reasons + [f"may write, or owns, {name}" for name in names]
