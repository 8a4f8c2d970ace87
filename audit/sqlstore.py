"""Keeps the log in a relational database; the same statements run on SQLite and PostgreSQL."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    RowMapping,
    Select,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.entry import Nonce
from audit.errors import LogUnavailableError, StartRefusedError
from audit.merkle import FullTile
from audit.store import Head, SealedPart, StoredEntry, StoredIndexRow, Writes

_FULL = 2
"""SQLite's number for synchronous=FULL; EXTRA is above it."""

_index_row = attrgetter(*StoredIndexRow.__dataclass_fields__)
"""The values of a search row, in the order of the table's columns."""

_CHUNK = 500
"""Values in one IN list: far below what either database takes."""


class SqlStore:
    """Implements `LogStore`. The engine begins write transactions with the lock already taken."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reading=True)
        self._statements = _Statements(engine.dialect)

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
                    raise StartRefusedError(f"PostgreSQL with {setting}={value}, on needed")

    @contextmanager
    def transaction(self) -> Iterator["SqlBatch"]:
        try:
            with self._engine.begin() as connection:
                yield SqlBatch(connection, self._statements)
        except (SQLAlchemyError, OSError) as error:
            raise _unavailable(error) from error

    def create(self, head: Head) -> None:
        with self.transaction() as batch:
            batch.create_head(head)

    def head(self) -> Head | None:
        with self._reading() as connection:
            rows = connection.execute(select(tables.head)).mappings().all()
        if len(rows) > 1:
            raise StartRefusedError(f"{len(rows)} heads in one log")
        return Head(**rows[0]) if rows else None

    def last_index(self) -> int:
        found = self._scalar(select(func.max(tables.entry.c.idx)))
        return -1 if found is None else int(found)

    def body(self, index: int) -> bytes | None:
        found = self._scalar(select(tables.entry.c.body).where(tables.entry.c.idx == index))
        return None if found is None else bytes(found)

    def entries(self, first: int, end: int) -> list[StoredEntry]:
        found = self._rows(
            select(tables.entry)
            .where(_between(tables.entry.c.idx, first, end))
            .order_by(tables.entry.c.idx)
        )
        return [StoredEntry(index=row["idx"], body=row["body"], leaf=row["leaf"]) for row in found]

    def leaves(self, first: int, end: int) -> list[bytes]:
        found = self._rows(
            select(tables.entry.c.leaf)
            .where(_between(tables.entry.c.idx, first, end))
            .order_by(tables.entry.c.idx)
        )
        return [row["leaf"] for row in found]

    def tile(self, level: int, n: int) -> FullTile | None:
        found = self._rows(
            select(tables.tile).where(tables.tile.c.level == level, tables.tile.c.n == n)
        )
        return FullTile(**found[0]) if found else None

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
        except (SQLAlchemyError, OSError) as error:
            raise _unavailable(error) from error

    def _rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        with self._reading() as connection:
            return connection.execute(query).mappings().all()

    def _scalar(self, query: Select[Any]) -> Any:
        with self._reading() as connection:
            return connection.execute(query).scalar_one_or_none()


class SqlBatch:
    """Implements `Batch` on one open transaction."""

    def __init__(self, connection: Connection, statements: "_Statements") -> None:
        self._connection = connection
        self._statements = statements

    def used_nonces(self, nonces: Iterable[Nonce]) -> set[tuple[str, str]]:
        wanted = {(held.key, held.nonce) for held in nonces}
        table = tables.nonce
        found: set[tuple[str, str]] = set()
        for chunk in _chunks(sorted({nonce for _, nonce in wanted})):
            query = select(table.c.key, table.c.nonce).where(table.c.nonce.in_(chunk))
            found |= {(str(key), str(nonce)) for key, nonce in self._connection.execute(query)}
        return found & wanted

    def quota_use(self, quotas: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        wanted = set(quotas)
        table = tables.quota
        found: dict[tuple[str, str], int] = {}
        for chunk in _chunks(sorted({key for key, _ in wanted})):
            query = select(table).where(
                table.c.key.in_(chunk), table.c.day.in_(sorted({day for _, day in wanted}))
            )
            found |= {(key, day): used for key, day, used in self._connection.execute(query)}
        return found

    def counters(self, names: Iterable[str]) -> dict[str, int]:
        table = tables.counter
        found: dict[str, int] = {}
        for chunk in _chunks(sorted(set(names))):
            query = select(table).where(table.c.name.in_(chunk))
            found |= {row.name: row.n for row in self._connection.execute(query)}
        return found

    def write(self, writes: Writes) -> None:
        if writes.expired_before is not None:
            self._connection.execute(
                delete(tables.nonce).where(tables.nonce.c.expires < writes.expired_before)
            )
        run = self._statements.run
        run(
            self._connection,
            tables.entry,
            [(held.index, held.body, held.leaf) for held in writes.entries],
        )
        run(
            self._connection,
            tables.index,
            [_index_row(row) for row in writes.index],
        )
        run(
            self._connection,
            tables.disclosure,
            [(held.index, held.part, held.key_id, held.sealed) for held in writes.parts],
        )
        run(
            self._connection,
            tables.tile,
            [(held.level, held.n, held.root, held.hashes) for held in writes.tiles],
        )
        run(
            self._connection,
            tables.nonce,
            [(held.nonce, held.key, held.expires) for held in writes.nonces],
        )
        run(self._connection, tables.counter, list(writes.counters.items()))
        run(
            self._connection,
            tables.quota,
            [(key, day, used) for (key, day), used in writes.used.items()],
        )

    def move_head(self, old: Head, new: Head) -> bool:
        table = tables.head
        moved = self._connection.execute(
            update(table).where(
                table.c.origin == old.origin,
                table.c.size == old.size,
                table.c.epoch == old.epoch,
            ),
            dataclasses.asdict(new),
        )
        return moved.rowcount == 1

    def create_head(self, head: Head) -> None:
        self._connection.execute(insert(tables.head), dataclasses.asdict(head))

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
    """Inserts compiled once: a batch runs each with all of its rows, straight through the driver."""

    def __init__(self, dialect: Dialect) -> None:
        self._positional = dialect.positional
        make = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        counted = make(tables.counter)
        used = make(tables.quota)
        statements: Mapping[Table, Any] = {
            **{
                table: insert(table)
                for table in (
                    tables.entry,
                    tables.index,
                    tables.disclosure,
                    tables.tile,
                    tables.nonce,
                )
            },
            tables.counter: counted.on_conflict_do_update(
                index_elements=["name"], set_={"n": counted.excluded.n}
            ),
            tables.quota: used.on_conflict_do_update(
                index_elements=["key", "day"], set_={"used": used.excluded.used}
            ),
        }
        self._texts = {
            table: str(statement.compile(dialect=dialect))
            for table, statement in statements.items()
        }

    def run(self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        if self._positional:
            connection.exec_driver_sql(self._texts[table], list(rows))
        else:
            names = table.columns.keys()
            connection.exec_driver_sql(
                self._texts[table], [dict(zip(names, row, strict=True)) for row in rows]
            )


def _between(column: ColumnElement[int], first: int, end: int) -> ColumnElement[bool]:
    return (column >= first) & (column < end)


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(values), _CHUNK):
        yield values[first : first + _CHUNK]


def _unavailable(error: Exception) -> LogUnavailableError:
    # A driver's message may quote the values of a row, so only its kind is told.
    return LogUnavailableError(f"the log's database does not answer ({type(error).__name__})")
