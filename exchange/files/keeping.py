"""Tables made of files: one SQLite database each, written once, opened for reading alone."""

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from catalogue.files import FileAddress, parse_address
from catalogue.model import SourceAddress
from exchange.files.model import SeenColumn
from exchange.files.values import Kept, column_declaration
from gateway.errors import SourceDriftError, SourceUnavailableError
from gateway.sources.sql import ReflectedColumn, open_engine

_COLUMNS = "exchange_columns"
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTable:
    """A table as it was written."""

    name: str
    digest: str
    """SHA-256 of the database, hex."""
    rows: int


def table_name(source: str) -> str:
    """Return the table of a source's file: the source's name without what SQL might read."""
    return re.sub(r"[^0-9A-Za-z_]", "_", source)


def path_of(files: Path, source: str, kept: str) -> Path:
    """Return where a source's table lies. No other source's name leads there."""
    return files / "tables" / f"{hashlib.sha256(source.encode()).hexdigest()[:32]}-{kept}.db"


def keep(
    path: Path, table: str, columns: Sequence[SeenColumn], rows: Iterable[tuple[Kept, ...]]
) -> KeptTable:
    """Write a table, mode 0600, durable before it returns. Whatever fails leaves nothing behind."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.create_collation("exchange_decimal", compare_decimals)
            count = _write(connection, table, columns, rows)
        _make_durable(path)
        return KeptTable(name=table, digest=digest_of(path), rows=count)
    except BaseException:
        discard(path)
        raise


def discard(path: Path) -> None:
    """Remove a table that nothing points to."""
    for left in (path, path.with_name(f"{path.name}-journal")):
        left.unlink(missing_ok=True)


def open_kept(source: SourceAddress, *, files: Path, timeout_s: float) -> Engine:
    """Open a source of kind `file`, read-only, if it is still what was published.

    Raises SourceUnavailableError where it is not there, SourceDriftError where it was changed.
    """
    path = checked(source, files=files)
    engine = open_engine(f"sqlite:///{path}", secret=None, timeout_s=timeout_s, written_once=True)
    event.listen(engine, "connect", _add_collation)
    return engine


def checked(source: SourceAddress, *, files: Path) -> Path:
    """Return where a source's table lies, if it is what the address says. Raises SourceError."""
    address: FileAddress = parse_address(source.address)
    path = path_of(files, source.name, address.id)
    if not path.is_file():
        raise SourceUnavailableError(source=source.name, reason="the kept table is not there")
    if digest_of(path) != address.kept:
        raise SourceDriftError(source=source.name, reason="the kept table was changed since")
    return path


def columns_of(source: SourceAddress, table: str, *, files: Path) -> list[ReflectedColumn]:
    """Return the columns with the types that were seen. Raises SourceError."""
    path = checked(source, files=files)
    if table != table_name(source.name):
        raise SourceDriftError(source=source.name, reason="a published file holds one table alone")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute(
            f"SELECT name, type, key FROM {_COLUMNS} ORDER BY place"  # noqa: S608 - our own name
        ).fetchall()
    return [
        ReflectedColumn(
            name=name, type=type_.upper(), nullable=True, primary_key=bool(key), comment=name
        )
        for name, type_, key in found
    ]


def digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def compare_decimals(left: str, right: str) -> int:
    """Order decimals by what they are worth; what is no number stands before every number."""
    a, b = _worth(left), _worth(right)
    return (a > b) - (a < b)


def _worth(text: str) -> tuple[bool, Decimal]:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return (False, Decimal())
    return (number.is_finite(), number if number.is_finite() else Decimal())


def _write(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[SeenColumn],
    rows: Iterable[tuple[Kept, ...]],
) -> int:
    declared = ", ".join(f"{_quoted(c.heading)} {column_declaration(c.type)}" for c in columns)
    marks = ", ".join("?" for _ in columns)
    keys = [column.heading for column in columns if column.key]
    connection.execute(f"CREATE TABLE {_quoted(table)} ({declared})")
    connection.execute(
        f"CREATE TABLE {_COLUMNS} (place INTEGER, name TEXT, type TEXT, key INTEGER)"
    )
    with connection:
        written = connection.executemany(
            f"INSERT INTO {_quoted(table)} VALUES ({marks})",  # noqa: S608 - quoted by us
            rows,
        )
        connection.executemany(
            f"INSERT INTO {_COLUMNS} VALUES (?, ?, ?, ?)",  # noqa: S608 - our own name
            [(n, c.heading, c.type.value, int(c.key)) for n, c in enumerate(columns)],
        )
    for number, key in enumerate(keys):
        _make_index(connection, f"key{number} ON {_quoted(table)} ({_quoted(key)})")
    return written.rowcount


def _make_index(connection: sqlite3.Connection, place: str) -> None:
    """Index a key, as unique where it is so: a look-up that finds one record has none to put in order."""
    try:
        connection.execute(f"CREATE UNIQUE INDEX {place}")
    except sqlite3.IntegrityError:
        connection.execute(f"CREATE INDEX {place}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _make_durable(path: Path) -> None:
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _add_collation(connection: Any, _record: Any) -> None:
    connection.create_collation("exchange_decimal", compare_decimals)
