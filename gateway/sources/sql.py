"""Reads a department's tables through SQLAlchemy Core: bound values only, one statement a step."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    Select,
    create_engine,
    event,
    inspect,
    literal_column,
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
from sqlalchemy.pool import PoolProxiedConnection

from catalogue.model import Item, ItemType, Resource
from gateway.columns import Columns
from gateway.errors import (
    KeyTooWideError,
    SourceDriftError,
    SourceInvalidError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from gateway.formats import converted, to_wire
from gateway.mask import most_rows
from gateway.model import Permitted, Row
from gateway.sources.converting import row_converter
from gateway.sources.needs import (
    ANSWER_BYTES,
    FILE_BYTES,
    PAGE_BYTES,
    check_call_number,
    needed_items,
)
from gateway.sources.statements import (
    Key,
    ListShape,
    all_conditions,
    bound,
    filter_values,
    key_of,
    list_shape,
    page_of,
    page_values_of,
    place_values,
    select_list,
    select_of,
    shape_of,
    values_of,
)
from gateway.sources.streamed import all_of, fetch_whole, fetch_within, take_within
from gateway.sources.whole import NOT_SO, NotWholeError, Whole, read_whole, whole_of

T = TypeVar("T")

_STATEMENTS_KEPT = 256

AT_ONCE_S = 0.005
"""Processor time after which a read on the loop is given up, and repeated on a thread."""
LATE_S = 0.05
"""A read on the loop that took so long by the clock has slipped, however little it had to do."""
_STEPS_BETWEEN = 1_000
"""Steps of SQLite's machine between two looks at the clock: some tens of microseconds."""
_MOST_SLIPS = 10
"""After its n-th slip in a row the next 2^n reads of a statement go to a thread, n at most this."""
_MANY = 32
"""Where a read may find so many records, they are read in one step (`gateway/sources/whole.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflectedColumn:
    name: str
    type: str
    nullable: bool
    primary_key: bool
    comment: str


def open_engine(
    address: str,
    *,
    secret: str | None,
    timeout_s: float,
    threads: int = 4,
    written_once: bool = False,
) -> Engine:
    """Return an engine for a source's address. SQLite files are opened read-only by the driver.

    `written_once` says that nobody changes the file any more: SQLite then asks for no lock, and does not
    look before each statement whether somebody did. Raises SourceUnavailableError for an address that no
    driver here can open.
    """
    try:
        return _engine(
            make_url(address),
            secret=secret,
            timeout_s=timeout_s,
            threads=threads,
            written_once=written_once,
        )
    except (ArgumentError, ImportError):
        # An address may hold what belongs to nobody's eyes; neither it nor its error is repeated.
        raise SourceUnavailableError(reason="no driver here opens the address") from None


def _engine(
    url: URL, *, secret: str | None, timeout_s: float, threads: int, written_once: bool
) -> Engine:
    if secret is not None:
        url = url.set(password=secret)
    arguments: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        url = _read_only(url, written_once=written_once)
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
        pool_size=threads + 1,  # One more for what is read on the loop.
        max_overflow=0,
        pool_timeout=timeout_s,
        pool_pre_ping=url.get_backend_name() != "sqlite",
        hide_parameters=True,  # Error texts must not carry identifiers.
    )
    event.listen(engine, "before_cursor_execute", _sign_with_call_number, retval=True)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _bound_values)
    return engine


def _read_only(url: URL, *, written_once: bool) -> URL:
    path = url.database or ""
    if path in {"", ":memory:"}:
        raise SourceUnavailableError(
            reason="a SQLite source needs a file, found an in-memory database"
        )
    if not path.startswith("file:"):
        # What has a meaning in an SQLite URI must not come out of a file's name.
        path = "file:" + path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    ours = {"mode": "ro", "uri": "true"} | ({"immutable": "1"} if written_once else {})
    # An address may not say by itself that nobody writes to a department's database.
    query = {name: value for name, value in url.query.items() if name not in _OURS}
    return url.set(database=path, query={**query, **ours})


_OURS = frozenset({"mode", "uri", "immutable"})
"""What the address of an SQLite file says about how it is opened, and is decided here."""


def _bound_values(connection: Any, _record: Any) -> None:
    """Have SQLite itself refuse a value that no answer has room for, before it is in memory."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, FILE_BYTES)


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


@dataclass(slots=True, kw_only=True)
class _Reading:
    """A read prepared: everything about it that does not change from call to call."""

    resource: Resource
    items: tuple[Item, ...]
    statement: Select[Any]
    text: str = ""
    """For SQLite: the statement as its driver takes it; empty for others."""
    places: tuple[tuple[str, int | None], ...] = ()
    """What is bound in each place of `text`: the name of a value and, in a list, the position there."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """What SQLAlchemy itself binds, by its name: LIMIT's OFFSET."""
    convert: Callable[[Sequence[Any]], list[Row]]
    ranked: bool = False
    """Whether each record ends with its place among those of its key."""
    by_index: bool = False
    """Whether the database says that it finds the records by an index."""
    whole: str | None = None
    """`text` so that SQLite answers one row; empty where it cannot, None where that is not known yet."""
    apart: int = 0
    """How many more reads go to a thread: the last one on the loop took too long."""
    slips: int = 0

    def slipped(self) -> None:
        self.slips = min(self.slips + 1, _MOST_SLIPS)
        self.apart = 2**self.slips


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """What a read on the loop is timed by, both in seconds."""

    spent: Callable[[], float]
    """Processor time of the calling thread: on a busy machine it goes on only while that works."""
    monotonic: Callable[[], float]


class _Bound:
    """Until when a read on the loop may go on. Apart from the source, which SQLite must not keep alive."""

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self.until = 0.0

    def passed(self) -> bool:
        return self.clocks.spent() > self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class _LookUp:
    """A read of one key, prepared for one ruling: all that is bound but the key and the call's number."""

    held: tuple[object, ...]
    """The ruling's own objects: while they are held their identity cannot pass to others."""
    reading: _Reading
    most: int
    values: list[Any]
    """In the order of their places."""
    key_at: int
    call_at: int
    key_as_text: bool
    """Whether the key is bound as it is."""


class SqlSource:
    """One department's database. Implements `gateway.ports.Source`.

    Reads run in a bounded pool of threads of this source alone. A thread past its deadline counts as
    used until its driver returns, so that a source that hangs can hold up nobody else. With `clocks`,
    a look-up of one key that SQLite finds by an index is done on the loop (`read_now`).
    """

    def __init__(
        self,
        engine: Engine,
        *,
        zone: tzinfo,
        threads: int = 4,
        clocks: Clocks | None = None,
    ) -> None:
        self._engine = engine
        self._zone = zone
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="source")
        self._free = asyncio.Semaphore(threads)
        self._readings: dict[Key, _Reading] = {}
        self._lists: dict[ListShape, _Reading] = {}
        self._look_ups: dict[tuple[object, ...], _LookUp] = {}
        self._embedded = engine.dialect.name == "sqlite"
        self._bound = _Bound(clocks) if clocks is not None else None
        self._opening = threading.Lock()
        self._held: PoolProxiedConnection | None = None
        self._own: Any = None
        """The driver's connection for reads on the loop, opened by the first thread that reads."""

    def read_now(
        self, permitted: Permitted, *, keys: Sequence[str], call: str
    ) -> Sequence[Row] | None:
        """Look one key up on the loop. None where that is not known to be quick, or goes wrong.

        Nothing is prepared here: the first read of a kind goes to a thread, which finds out whether the
        database has an index for it. A database that is locked or gone, or a read that takes longer than
        5 ms, is left to `read`, which then words the failure.
        """
        own, limit, step = self._own, self._bound, permitted.step
        if own is None or limit is None or len(keys) != 1 or step.many:
            return None
        key = step.key
        found_by = (
            id(permitted.verdict),
            id(step.resource),
            id(key.item),
            id(permitted.joins),
            step.limit,
            type(key),
        )
        look_up = self._look_ups.get(found_by)
        if look_up is None or step.claims or step.filters:
            look_up = self._look_up(permitted, keys, found_by)
            if look_up is None:
                return None
        reading = look_up.reading
        if reading.apart:
            reading.apart -= 1
            return None
        check_call_number(call)
        if look_up.most == 0:
            return ()
        values = look_up.values.copy()
        values[look_up.key_at] = keys[0] if look_up.key_as_text else bound(key.item, keys[0])
        values[look_up.call_at] = call
        spent, monotonic = limit.clocks.spent, limit.clocks.monotonic
        limit.until = spent() + AT_ONCE_S
        late = monotonic() + LATE_S
        try:
            found = own.execute(reading.text, values).fetchall()
        except sqlite3.Error:
            reading.slipped()
            return None
        # Its own work took too long, or a disk that it waited for.
        if spent() > limit.until or monotonic() > late:
            reading.slipped()
        else:
            reading.slips = 0
        try:
            return reading.convert(found)
        except ValueError:
            return self._rows(reading, found)

    def _look_up(
        self, permitted: Permitted, keys: Sequence[str], found_by: tuple[object, ...]
    ) -> _LookUp | None:
        """Prepare a read of one key; None where it is not known yet that an index serves it."""
        step = permitted.step
        reading = self._readings.get(key_of(permitted, 1))
        if reading is None or not reading.by_index or reading.resource is not step.resource:
            return None
        most = most_rows(permitted)
        values = values_of(permitted, keys, most, "")
        places = reading.places
        if places.count(("keys", 0)) != 1 or places.count(("call", None)) != 1:
            return None
        prepared = _LookUp(
            held=(permitted.verdict, step.resource, step.key.item, permitted.joins),
            reading=reading,
            most=most,
            values=_placed(reading, values),
            key_at=places.index(("keys", 0)),
            call_at=places.index(("call", None)),
            key_as_text=step.key.item.type is ItemType.TEXT,
        )
        if not (step.claims or step.filters):
            if len(self._look_ups) >= _STATEMENTS_KEPT:
                self._look_ups.clear()
            self._look_ups[found_by] = prepared
        return prepared

    async def read(self, permitted: Permitted, *, keys: Sequence[str], call: str) -> Sequence[Row]:
        check_call_number(call)
        if not keys:
            return ()
        return await self._in_thread(self._read, permitted, tuple(keys), call)

    async def read_list(self, permitted: Permitted, *, call: str) -> Sequence[Row]:
        check_call_number(call)
        return await self._in_thread(self._read_list, permitted, call)

    async def page(
        self, permitted: Permitted, *, after: str | None, call: str
    ) -> tuple[Sequence[Row], bool]:
        check_call_number(call)
        return await self._in_thread(self._page, permitted, after, call)

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        await self._free.acquire()
        running = asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        running.add_done_callback(self._returned)
        # Cancelling the wait must not cancel the count: the thread is used until it returns.
        return await asyncio.shield(running)

    def _returned(self, read: asyncio.Future[Any]) -> None:
        self._free.release()
        if not read.cancelled():
            read.exception()  # Whoever waited may be gone; the failure is then nobody's.

    async def close(self) -> None:
        """Give back threads and connections; a read that still hangs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._opening:
            held, self._held, self._own, self._bound = self._held, None, None, None
        if held is not None:
            held.invalidate()
        self._engine.dispose()

    def _read(self, permitted: Permitted, keys: tuple[str, ...], call: str) -> Sequence[Row]:
        key = key_of(permitted, len(keys))
        reading = self._readings.get(key)
        if reading is None or reading.resource is not permitted.step.resource:
            reading = self._prepared(permitted, len(keys))
        most = most_rows(permitted)
        if most == 0:
            return ()
        values = values_of(permitted, keys, most, call)
        if self._embedded and not reading.text:
            self._compile(reading, values)
        try:
            with self._engine.connect() as connection:
                if reading.text:
                    driver = connection.connection.driver_connection
                    found = (
                        _run(driver, reading, values)
                        if most * len(keys) < _MANY
                        else self._run_many(driver, reading, values)
                    )
                    with suppress(SQLAlchemyError, sqlite3.Error):  # What was read is at hand.
                        self._learn(driver, reading, values)
                else:
                    del values["call"]
                    signed = connection.execution_options(exchange_call=call)
                    found = self._fetched(signed, reading, values)
        except SQLAlchemyError as error:
            raise _translate(error) from None  # The cause's text may hold values of the statement.
        except sqlite3.Error as error:
            raise _translate(_as_sqlalchemy(error)) from None
        self._keep(key, reading)
        return self._rows(reading, found)

    def _read_list(self, permitted: Permitted, call: str) -> Sequence[Row]:
        items = needed_items(permitted)
        most = most_rows(permitted)
        if most == 0:
            return ()
        values = {
            # One more than may be given says whether there is a next page.
            "most": most + 1,
            **filter_values(all_conditions(permitted), permitted.step.resource),
            **place_values(permitted.step),
        }
        listing = self._listing(permitted, items)
        # A list of values is as many places in the text as it has members: such a text serves one call.
        at_once = self._embedded and not any(isinstance(value, list) for value in values.values())
        if at_once and not listing.text:
            self._compile(listing, values)
        try:
            with self._engine.connect() as connection:
                if at_once:
                    driver = connection.connection.driver_connection
                    found = self._run_many(driver, listing, values, signed=call)
                else:
                    signed = connection.execution_options(exchange_call=call)
                    found = self._fetched(signed, listing, values)
        except SQLAlchemyError as error:
            raise _translate(error) from None  # The cause's text may hold values of the statement.
        except sqlite3.Error as error:
            raise _translate(_as_sqlalchemy(error)) from None
        return self._rows(listing, found)

    def _listing(self, permitted: Permitted, items: tuple[Item, ...]) -> _Reading:
        shape, resource = list_shape(permitted, items), permitted.step.resource
        found = self._lists.get(shape)
        if found is None or found.resource is not resource:
            if len(self._lists) >= _STATEMENTS_KEPT:
                self._lists.clear()
            found = self._lists[shape] = _Reading(
                resource=resource,
                items=items,
                statement=select_list(shape),
                convert=row_converter(items, self._zone, decoded=self._embedded),
            )
        return found

    def _page(
        self, permitted: Permitted, after: str | None, call: str
    ) -> tuple[Sequence[Row], bool]:
        """Read one record more than a page holds: the last key's records may be cut off by it.

        So may they be by a record that the page has no room for: it ends before, and the next goes on.
        """
        items, key = needed_items(permitted), permitted.step.key.item
        most = most_rows(permitted)
        if most == 0:
            return (), False
        statement = page_of(shape_of(permitted, items, ranked=False), begins=after is None)
        values = page_values_of(permitted, after, most + 1)
        try:
            with self._engine.connect() as connection:
                signed = connection.execution_options(exchange_call=call)
                found = fetch_within(signed, statement, values, items=items, plain=PAGE_BYTES)
        except SQLAlchemyError as error:
            raise _translate(error) from None  # The cause's text may hold values of the statement.
        fit = min(found.fit, most)
        rows = [self._row(items, values_) for values_ in found.rows[:fit]]
        if fit == len(found.rows):
            return rows, False
        cut = self._row((key,), [found.rows[fit][items.index(key)]])[key.name]
        whole = [row for row in rows if row[key.name] != cut]
        if not whole:
            raise KeyTooWideError(needed=fit + 1, allowed=most, allowed_bytes=found.allowed)
        return whole, True

    def _fetched(
        self, connection: Connection, reading: _Reading, values: Mapping[str, Any]
    ) -> Sequence[Any]:
        """Run a statement by SQLAlchemy. Raises SourceInvalidError where its answer is beyond its bound."""
        return fetch_whole(
            connection, reading.statement, values, items=reading.items, plain=ANSWER_BYTES
        )

    def _run_many(
        self, connection: Any, reading: _Reading, values: dict[str, Any], *, signed: str = ""
    ) -> Sequence[Any]:
        """Run a statement that may find many records, in one step where SQLite can give them so."""
        if reading.whole is None:
            reading.whole = whole_of(
                reading.text,
                reading.items,
                table=reading.resource.table,
                ranked=reading.ranked,
                connection=connection,
                placing=None if reading.ranked else partial(self._placing, reading, values),
            )
        if reading.whole:
            try:
                return _run_whole(connection, reading, values, signed=signed)
            except NotWholeError:
                reading.whole = ""
        return _run(connection, reading, values, signed=signed)

    def _placing(self, reading: _Reading, values: Mapping[str, Any], column: str) -> str:
        """Return a prepared statement's text with one column in place of all; its bound values stay."""
        narrowed: Select[Any] = reading.statement.with_only_columns(
            literal_column(column), maintain_column_froms=True
        )
        bound = {name: value for name, value in values.items() if name not in reading.constants}
        compiled = narrowed.compile(dialect=self._engine.dialect)
        return compiled.construct_expanded_state(bound).statement

    def _rows(self, reading: _Reading, found: Sequence[Any]) -> Sequence[Row]:
        try:
            if type(found) is Whole:
                return _columns(reading.items, found, self._zone)
            return reading.convert(found)
        except ValueError:
            # Converted once more, item by item, to say which one it is.
            return [self._row(reading.items, values) for values in found]

    def _row(self, items: Sequence[Item], values: Sequence[Any]) -> Row:
        row: dict[str, Any] = {}
        for item, value in zip(items, values, strict=False):  # The rank column comes last.
            try:
                row[item.name] = to_wire(item.type, value, self._zone)
            except ValueError as error:
                raise SourceInvalidError(reason=f"item {item.name}: {error}") from None
        return row

    def _prepared(self, permitted: Permitted, keys: int) -> _Reading:
        items = needed_items(permitted)
        statement = select_of(
            shape_of(permitted, items, ranked=keys > 1), call_bound=self._embedded
        )
        return _Reading(
            resource=permitted.step.resource,
            items=items,
            statement=statement,
            ranked=keys > 1,
            convert=row_converter(items, self._zone, decoded=self._embedded),
        )

    def _compile(self, reading: _Reading, values: Mapping[str, Any]) -> None:
        """Keep the text that SQLAlchemy Core makes of a statement, and what is bound in which place.

        Of the values only the lengths of lists go into it.
        """
        compiled = reading.statement.compile(dialect=self._engine.dialect)
        expanded = compiled.construct_expanded_state(dict(values))
        ours = {
            # So SQLAlchemy names the members of a list.
            **{
                f"{name}_{number}": (name, number - 1)
                for name, value in values.items()
                if isinstance(value, list)
                for number in range(1, len(value) + 1)
            },
            **{name: (name, None) for name in values},
        }
        bound = expanded.positiontup or []
        reading.constants = {name: expanded.parameters[name] for name in bound if name not in ours}
        reading.places = tuple([ours.get(name, (name, None)) for name in bound])
        reading.text = expanded.statement

    def _keep(self, key: "Key", reading: _Reading) -> None:
        if len(self._readings) >= _STATEMENTS_KEPT and key not in self._readings:
            self._readings.clear()
        self._readings[key] = reading

    def _learn(self, connection: Any, reading: _Reading, values: dict[str, Any]) -> None:
        """Find out, in a thread, whether a read may be done on the loop from now on."""
        if self._bound is None or reading.by_index or len(values["keys"]) != 1:
            return
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN {reading.text}", _placed(reading, values)
        ).fetchall()
        steps = [str(step[-1]) for step in plan]
        reading.by_index = any(step.startswith("SEARCH") for step in steps) and not any(
            step.startswith("SCAN") for step in steps
        )
        with self._opening:
            if reading.by_index and self._own is None and self._bound is not None:
                self._held = self._engine.raw_connection()
                own: Any = self._held.driver_connection
                # The loop waits for no lock, and for nothing that takes long.
                own.execute("PRAGMA busy_timeout = 0")
                # Nor does it look at what may be more than an answer has room for: a thread weighs that.
                own.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, ANSWER_BYTES)
                own.set_progress_handler(self._bound.passed, _STEPS_BETWEEN)
                self._own = own


def _placed(reading: _Reading, values: dict[str, Any]) -> list[Any]:
    """Return the bound values in the order of their places."""
    values |= reading.constants
    return [values[name] if at is None else values[name][at] for name, at in reading.places]


def _run(
    connection: Any, reading: _Reading, values: dict[str, Any], *, signed: str = ""
) -> list[Any]:
    """Run a prepared statement on the driver's cursor, behind a call's number where it does not bind it.

    Raises SourceInvalidError where its answer is beyond its bound.
    """
    text_ = f"/* {signed} */ {reading.text}" if signed else reading.text
    cursor = connection.cursor()
    try:
        cursor.execute(text_, _placed(reading, values))
        return all_of(take_within(cursor.fetchmany, items=reading.items, plain=ANSWER_BYTES))
    finally:
        cursor.close()


def _run_whole(connection: Any, reading: _Reading, values: dict[str, Any], *, signed: str) -> Whole:
    """Run a statement in one step. Raises NotWholeError where its values cannot be given so.

    Raises SourceInvalidError where they are beyond their bound.
    """
    text_ = f"/* {signed} */ {reading.whole}" if signed else reading.whole
    cursor = connection.cursor()
    try:
        cursor.execute(text_, _placed(reading, values))
        (found,) = cursor.fetchall()
    except sqlite3.Error as error:
        if error.sqlite_errorcode in NOT_SO:
            raise NotWholeError from None
        raise
    finally:
        cursor.close()
    whole = read_whole(found, reading.items)
    # Written as JSON they are no shorter than they are.
    if sum(map(len, found)) > ANSWER_BYTES and whole.weight > ANSWER_BYTES:
        raise SourceInvalidError(allowed_bytes=ANSWER_BYTES)
    return whole


def _as_sqlalchemy(error: sqlite3.Error) -> SQLAlchemyError:
    """Return the driver's error as SQLAlchemy would have raised it."""
    return DBAPIError.instance("", None, error, sqlite3.Error, hide_parameters=True)


def _columns(items: Sequence[Item], found: Whole, zone: tzinfo) -> Columns:
    """Return some records as they cross the border. Raises ValueError as `to_wire` does."""
    written = found.written
    return Columns(
        {
            item.name: values if at in written else converted(item.type, values, zone)
            # The rank column comes last.
            for at, (item, values) in enumerate(zip(items, found.columns, strict=False))
        },
        size=len(found),
        written={item.name: item.type for item in items},
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
