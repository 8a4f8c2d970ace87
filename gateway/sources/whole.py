"""Many records of SQLite in one step: one row, in which the values of each item are one JSON array.

The driver lets go of the interpreter at each step, that is at each record. Whoever else works in this
process takes it then, and keeps it for milliseconds: a list of a thousand records waits a thousand times.
What cannot be written in JSON and read back as it was is read record by record as before.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from catalogue.model import Item, ItemType

NOT_SO = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG})
"""What SQLite says of a value that JSON cannot hold (a blob), or that would grow too long."""

_NAME = "exchange_whole"
_decode = msgspec.json.Decoder(list[str | int | None]).decode


class NotWholeError(Exception):
    """The records hold something that would not come back as it was: they are read one by one."""


class Whole(Sequence[Sequence[Any]]):
    """Records as the driver would give them, held column by column."""

    def __init__(self, columns: Sequence[Sequence[Any]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, at: Any) -> Any:
        return list(self)[at]

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return zip(*self.columns, strict=True)


def whole_of(text: str, items: Sequence[Item], *, table: str, ranked: bool, connection: Any) -> str:
    """Return a statement's text so that it answers in one row; empty where that is not to be had.

    Only of a table's own columns: what a view or a generated column computes may be JSON to SQLite, which
    would then not write it as the text that it is.
    """
    if not items or any(item.type is ItemType.BYTES for item in items):
        return ""
    if not _is_plain(table, connection):
        return ""
    names = [f"{_NAME}_{at}" for at in range(len(items) + ranked)]
    arrays = ", ".join(f"CAST(json_group_array({name}) AS BLOB)" for name in names[: len(items)])
    # The text is SQLAlchemy's, the names are ours.
    return f"WITH {_NAME}({', '.join(names)}) AS ({text}) SELECT {arrays} FROM {_NAME}"  # noqa: S608


def _is_plain(table: str, connection: Any) -> bool:
    """Say whether a table is one, in the main database, and computes none of its columns."""
    made = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", (table,)
    ).fetchall()
    if len(made) != 1 or made[0][0].upper().startswith("CREATE VIRTUAL"):
        return False
    columns = connection.execute("SELECT hidden FROM pragma_table_xinfo(?)", (table,)).fetchall()
    return all(hidden == 0 for (hidden,) in columns)


def read_whole(row: Sequence[bytes]) -> Whole:
    """Read the one row. Raises NotWholeError where a value is none that JSON holds exactly.

    A number with a fraction is written by SQLite with fifteen digits, which are not all of it.
    """
    try:
        columns = [_decode(values) for values in row]
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotWholeError from None
    return Whole(columns)
