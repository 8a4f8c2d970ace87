"""Keeps the log in a relational database; the same statements run on SQLite and PostgreSQL."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    RowMapping,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.archive import bodies_in_files
from audit.entry import Nonce
from audit.errors import LogUnavailableError, StartRefusedError
from audit.merkle import TILE_WIDTH, FullTile
from audit.store import Head, SealedPart, StoredEntry, StoredIndexRow, Writes
from audit.words import Learned, Word, Words, next_id, read_ids, rows_with, words_of

_FULL = 2
"""SQLite's number for synchronous=FULL; EXTRA is above it."""

_head_row = attrgetter(*Head.__dataclass_fields__)
"""The values of a head, in the order of the table's columns."""

_COPIED = 8
"""Rows from which on PostgreSQL takes a COPY faster than inserts."""

_CHUNK = 512
"""Values in one IN list: far below what either database takes."""


class SqlStore:
    """Implements `LogStore`. The engine begins write transactions with the lock already taken."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reading=True)
        self._statements = _Statements(engine.dialect)
        self._words = Words()
        driver = engine.dialect.loaded_dbapi
        self._errors = (SQLAlchemyError, OSError, driver.Error)
        """What says that the database does not answer; a COPY's errors are the driver's own."""

    def check_durability(self) -> None:
        with self._reading() as connection:
            if connection.dialect.name == "sqlite":
                level = int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())
                journal = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())
                if level < _FULL or journal != "wal":
                    raise StartRefusedError(
                        f"SQLite with synchronous={level} and journal_mode={journal}, "
                        "FULL and wal needed: a power cut would lose what was answered for"
                    )
                return
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                value = str(connection.exec_driver_sql(f"SHOW {setting}").scalar_one())
                if value not in {"on", "remote_apply"}:
                    raise StartRefusedError(
                        f"PostgreSQL with {setting}={value}, on needed: "
                        "a power cut would lose what was answered for"
                    )

    @contextmanager
    def transaction(self) -> Iterator["SqlBatch"]:
        try:
            with self._engine.begin() as connection:
                batch = SqlBatch(connection, self._statements, self._words)
                yield batch
        except self._errors as error:
            raise _unavailable(error) from error
        # Past the commit: of a batch that may have been rolled back nothing is remembered.
        self._words.learn(batch.learned)

    def create(self, head: Head) -> None:
        with self.transaction() as batch:
            if batch.head() is None:
                batch.create_head(head)

    def head(self) -> Head | None:
        with self._reading() as connection:
            return _head(connection)

    def settled_head(self) -> Head | None:
        if self._engine.dialect.name == "sqlite":
            # A commit of SQLite is over when it returns, however it went.
            return self.head()
        try:
            # Waits for the lock that a write transaction holds to its end; nothing is written here.
            with self._engine.connect() as connection:
                return _head(connection)
        except self._errors as error:
            raise _unavailable(error) from error

    def last_index(self) -> int:
        found = self._scalar(select(func.max(tables.entry.c.idx)))
        return -1 if found is None else int(found)

    def body(self, index: int) -> bytes | None:
        found = self.entries(index, index + 1)
        return found[0].body if found else None

    def entries(self, first: int, end: int) -> list[StoredEntry]:
        return [StoredEntry(*row) for row in self.stride(first, end)]

    def stride(self, first: int, end: int) -> list[tuple[int, bytes, bytes]]:
        """Return index, body and leaf of the stored entries [first, end), in order, past SQLAlchemy."""
        with self._reading() as connection:
            # Begun by hand: what is said to the driver itself begins no reading transaction.
            connection.begin()
            driver: Any = connection.connection.driver_connection
            binary = {"binary": True} if connection.dialect.name == "postgresql" else {}
            with closing(driver.cursor(**binary)) as cursor:
                cursor.execute(self._statements.stride, (first, end))
                rows = cursor.fetchall()
        away = [(index, leaf) for index, body, leaf in rows if body is None]
        if away:
            archived = bodies_in_files(self._folders(away), away)
            there = (row for row in rows if row[1] is not None or row[0] in archived)
            rows = [(index, archived.get(index, body), leaf) for index, body, leaf in there]
        found: list[tuple[int, bytes, bytes]] = rows
        return found

    def strides(self, end: int, *, width: int) -> Iterator[list[tuple[int, bytes, bytes]]]:
        """Yield [0, end) in strides of a width; each is read while the one before is looked at."""
        spans = [(first, min(first + width, end)) for first in range(0, end, width)]
        with ThreadPoolExecutor(max_workers=1) as reader:
            ahead = [reader.submit(self.stride, *span) for span in spans[:1]]
            for span in spans[1:]:
                found = ahead.pop().result()
                ahead.append(reader.submit(self.stride, *span))
                yield found
            yield from (last.result() for last in ahead)

    def _folders(self, away: Sequence[tuple[int, bytes]]) -> dict[int, str]:
        """Where the bundles of these entries lie."""
        numbers = [index // TILE_WIDTH for index, _ in away]
        columns = tables.archive.c
        query = select(columns.n, columns.folder).where(
            columns.n >= min(numbers), columns.n <= max(numbers)
        )
        return {row["n"]: row["folder"] for row in self._rows(query)}

    def leaves(self, first: int, end: int) -> list[bytes]:
        found = self._rows(
            select(tables.entry.c.leaf)
            .where(_between(tables.entry.c.idx, first, end))
            .order_by(tables.entry.c.idx)
        )
        return [row["leaf"] for row in found]

    def indices_of(self, kind: str) -> list[int]:
        query = rows_with({"kind": kind}, tables.index.c.idx, dialect=self._engine.dialect)
        return sorted({int(row["idx"]) for row in self._rows(query)})

    def tile(self, level: int, n: int) -> FullTile | None:
        found = self._rows(
            select(tables.tile).where(tables.tile.c.level == level, tables.tile.c.n == n)
        )
        return FullTile(**found[0]) if found else None

    def tiles(self, level: int, first: int, end: int) -> list[FullTile]:
        """Return the full tiles [first, end) of a level, in order; those that are not stored are left out."""
        table = tables.tile
        found = self._rows(
            select(table)
            .where(table.c.level == level, _between(table.c.n, first, end))
            .order_by(table.c.n)
        )
        return [FullTile(**row) for row in found]

    def tile_roots(self, level: int, first: int, end: int) -> list[bytes]:
        found = self._rows(
            select(tables.tile.c.root)
            .where(tables.tile.c.level == level, _between(tables.tile.c.n, first, end))
            .order_by(tables.tile.c.n)
        )
        return [row["root"] for row in found]

    def parts(self, index: int) -> list[SealedPart]:
        found = self._rows(
            select(tables.disclosure)
            .where(tables.disclosure.c.idx == index)
            .order_by(tables.disclosure.c.part)
        )
        return [
            SealedPart(
                index=row["idx"], part=row["part"], key_id=row["key_id"], sealed=row["sealed"]
            )
            for row in found
        ]

    def document(self, digest: str) -> bytes | None:
        table = tables.document
        found = self._scalar(select(table.c.content).where(table.c.digest == digest))
        return None if found is None else bytes(found)

    def quota_used(self, key: str, day: str) -> int:
        found = self._scalar(
            select(tables.quota.c.used).where(tables.quota.c.key == key, tables.quota.c.day == day)
        )
        return 0 if found is None else int(found)

    def publish(self, size: int, *, note: str, at: int) -> str:
        with self.transaction() as batch:
            return batch.publish(size, note=note, at=at)

    def cosign(self, size: int, *, note: str) -> None:
        with self.transaction() as batch:
            batch.cosign(size, note=note)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._reader.connect() as connection:
                yield connection
        except self._errors as error:
            raise _unavailable(error) from error

    def _rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        with self._reading() as connection:
            return connection.execute(query).mappings().all()

    def _scalar(self, query: Select[Any]) -> Any:
        with self._reading() as connection:
            return connection.execute(query).scalar_one_or_none()


class SqlBatch:
    """Implements `Batch` on one open transaction."""

    def __init__(self, connection: Connection, statements: "_Statements", words: Words) -> None:
        self._connection = connection
        # What a batch always says is said to the driver itself, within SQLAlchemy's transaction (ADR 0019).
        driver: Any = connection.connection.driver_connection
        self._cursor = driver.cursor()
        self._statements = statements
        self._words = words
        self.learned = Learned()
        """What is known of words once this batch is committed."""

    def head(self) -> Head | None:
        return _head(self._connection)

    def used_nonces(self, nonces: Iterable[Nonce]) -> set[tuple[str, str]]:
        wanted = {(held.key, held.nonce) for held in nonces}
        columns = tables.nonce.c
        found = self._among(columns.nonce, {nonce for _, nonce in wanted})
        return {(row[1], row[0]) for row in found} & wanted

    def quota_use(self, quotas: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        wanted = set(quotas)
        columns = tables.quota.c
        found: dict[tuple[str, str], int] = {}
        for day in {day for _, day in wanted}:
            rows = self._among(columns.key, {key for key, of in wanted if of == day}, day=day)
            found |= {(row[0], row[1]): row[2] for row in rows}
        return found

    def counters(self, names: Iterable[str]) -> dict[str, int]:
        return {row[0]: row[1] for row in self._among(tables.counter.c.name, set(names))}

    def _among(self, column: Column[str], values: set[str], **equal: str) -> list[Any]:
        """Return the rows whose column holds one of these values, and others just these."""
        found: list[Any] = []
        for chunk in _chunks(sorted(values)):
            # Filled up to a power of two with one of them: a few queries, which the driver keeps prepared.
            count = 1 << (len(chunk) - 1).bit_length()
            filled = [*chunk, *[chunk[0]] * (count - len(chunk))]
            query = self._statements.among(column, count, *equal)
            self._cursor.execute(query, (*filled, *equal.values()))
            found += self._cursor.fetchall()
        return found

    def write(self, writes: Writes) -> None:
        if writes.expired_before is not None:
            self._connection.execute(
                delete(tables.nonce).where(tables.nonce.c.expires < writes.expired_before)
            )
        self._add(tables.entry, [(held.index, held.body, held.leaf) for held in writes.entries])
        self._write_rows(writes.index)
        self._add(
            tables.disclosure,
            [(held.index, held.part, held.key_id, held.sealed) for held in writes.parts],
        )
        self._add(
            tables.tile, [(held.level, held.n, held.root, held.hashes) for held in writes.tiles]
        )
        self._add(tables.nonce, [(held.nonce, held.key, held.expires) for held in writes.nonces])
        self._add(tables.document, list(writes.documents.items()))
        self._add(tables.counter, list(writes.counters.items()))
        self._add(tables.quota, [(key, day, used) for (key, day), used in writes.used.items()])

    def _add(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self._statements.run(self._cursor, table, rows)

    def _write_rows(self, rows: Sequence[StoredIndexRow]) -> None:
        """Write search rows, the words among them that are new, and the bundles where words are new."""
        told = [words_of(row) for row in rows]
        ids = self._ids_of(self._words.unknown(told))
        numbered = self._words.numbered(rows, told, ids)
        places = self._words.new_places(numbered)
        self._add(tables.word_bundle, sorted(places))
        self._add(tables.index, numbered)
        self.learned = Learned(ids=ids, places=places)

    def _ids_of(self, unknown: set[Word]) -> dict[Word, int]:
        if not unknown:
            return {}
        ids = read_ids(self._connection, unknown)
        new = sorted(unknown - ids.keys())
        if new:
            first = next_id(self._connection)
            rows = [(number, *word) for number, word in enumerate(new, first)]
            self._add(tables.word, rows)
            ids |= {word: number for number, word in enumerate(new, first)}
        return ids

    def move_head(self, old: Head, new: Head) -> bool:
        return self._statements.move_head(self._cursor, old, new)

    def create_head(self, head: Head) -> None:
        self._add(tables.head, [_head_row(head)])

    def publish(self, size: int, *, note: str, at: int) -> str:
        table = tables.checkpoint
        found = self._connection.execute(
            select(table.c.note).where(table.c.size == size)
        ).scalar_one_or_none()
        if found is not None:
            return str(found)
        self._connection.execute(insert(table), {"size": size, "note": note, "published_at": at})
        return note

    def cosign(self, size: int, *, note: str) -> None:
        table = tables.checkpoint
        self._connection.execute(update(table).where(table.c.size == size).values(note=note))


class _Statements:
    """Writes compiled once: a batch runs each with all of its rows, straight through the driver."""

    def __init__(self, dialect: Dialect) -> None:
        self._copies = dialect.name == "postgresql"
        make = postgresql.insert if self._copies else sqlite.insert
        counted = make(tables.counter)
        used = make(tables.quota)
        statements: dict[Table, Any] = {table: insert(table) for table in (*_ADDED, tables.word)}
        statements[tables.counter] = counted.on_conflict_do_update(
            index_elements=["name"], set_={"n": counted.excluded.n}
        )
        statements[tables.quota] = used.on_conflict_do_update(
            index_elements=["key", "day"], set_={"used": used.excluded.used}
        )
        # Another writer may have put down the same.
        statements[tables.word_bundle] = make(tables.word_bundle).on_conflict_do_nothing()
        # Its name says what it holds: one that is there is the same.
        statements[tables.document] = make(tables.document).on_conflict_do_nothing()
        # Rows are given by place; a driver that takes names as well is told so.
        chosen: Any = type(dialect)
        positional: Dialect = chosen(paramstyle="format" if self._copies else "qmark")
        self._positional = positional
        self._queries: dict[tuple[Column[str], int], str] = {}
        self._texts = {
            table: str(statement.compile(dialect=positional))
            for table, statement in statements.items()
        }
        self._move = str(_move_head().compile(dialect=positional))
        self.stride = str(_stride().compile(dialect=positional))

    def among(self, column: Column[str], count: int, *equal: str) -> str:
        """Return the query of the rows whose column holds one of so many values."""
        query = self._queries.get((column, count))
        if query is None:
            held: list[Any] = [bindparam(f"value_{number}") for number in range(count)]
            chosen = select(column.table).where(
                column.in_(held), *(column.table.c[name] == bindparam(name) for name in equal)
            )
            query = self._queries[column, count] = str(chosen.compile(dialect=self._positional))
        return query

    def run(self, cursor: Any, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        if self._copies and len(rows) >= _COPIED and table in _ADDED:
            _copy(cursor, table, rows)
        else:
            cursor.executemany(self._texts[table], rows)

    def move_head(self, cursor: Any, old: Head, new: Head) -> bool:
        cursor.execute(self._move, (*_head_row(new), old.origin, old.size, old.epoch))
        return bool(cursor.rowcount == 1)


_ADDED = (
    tables.head,
    tables.entry,
    tables.index,
    tables.disclosure,
    tables.tile,
    tables.nonce,
)
"""Tables that a batch only ever adds to."""


def _stride() -> Any:
    columns = tables.entry.c
    return (
        select(columns.idx, columns.body, columns.leaf)
        .where(columns.idx >= bindparam("first"), columns.idx < bindparam("end"))
        .order_by(columns.idx)
    )


def _move_head() -> Any:
    table = tables.head
    return (
        update(table)
        .values({column: bindparam(f"new_{column.name}") for column in table.columns})
        .where(
            table.c.origin == bindparam("old_origin"),
            table.c.size == bindparam("old_size"),
            table.c.epoch == bindparam("old_epoch"),
        )
    )


def _copy(cursor: Any, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    names = ", ".join(table.columns.keys())
    with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _head(connection: Connection) -> Head | None:
    rows = connection.execute(select(tables.head)).mappings().all()
    if len(rows) > 1:
        raise StartRefusedError(f"{len(rows)} heads in one log")
    return Head(**rows[0]) if rows else None


def _between(column: ColumnElement[int], first: int, end: int) -> ColumnElement[bool]:
    return (column >= first) & (column < end)


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(values), _CHUNK):
        yield values[first : first + _CHUNK]


def _unavailable(error: Exception) -> LogUnavailableError:
    # A driver's message may quote the values of a row, so only its kind is told.
    return LogUnavailableError(f"the log's database does not answer ({type(error).__name__})")
