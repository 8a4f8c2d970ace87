"""Many records of SQLite in one step: one row, in which the values of each item are one JSON array.

The driver lets go of the interpreter at each step, that is at each record. Whoever else works in this
process takes it then, and keeps it for milliseconds: a list of a thousand records waits a thousand times.
What cannot be written in JSON and read back as it was is read record by record as before.

Where a table has places for its records (`rowid`), the statement finds and orders these alone, and the
values are read from the table in that order: SQLite would copy each value between the two otherwise.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import Annotated, Any

import msgspec

from catalogue.model import Item, ItemType
from gateway.formats import INT_MAX
from gateway.sources.streamed import weigh

NOT_SO = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG})
"""What SQLite says of a value that JSON cannot hold (a blob), or that would grow too long."""

_NAME = "exchange_whole"
_PLACE = "exchange_place"
_PLACES = "exchange_places"
_Decode = Callable[[bytes], list[Any]]
_decode: _Decode = msgspec.json.Decoder(list[str | int | None]).decode
_texts: _Decode = msgspec.json.Decoder(list[str | None]).decode
_days: _Decode = msgspec.json.Decoder(list[date | None]).decode
_integers: _Decode = msgspec.json.Decoder(
    list[Annotated[int, msgspec.Meta(ge=-INT_MAX - 1, le=INT_MAX)] | None]
).decode


class NotWholeError(Exception):
    """The records hold something that would not come back as it was: they are read one by one."""


class Whole(Sequence[Sequence[Any]]):
    """Records as the driver would give them, held column by column."""

    def __init__(
        self, columns: Sequence[Sequence[Any]], *, written: frozenset[int] = frozenset()
    ) -> None:
        """`written` are the numbers of columns all values of which are as `gateway.formats` writes them."""
        self.columns = columns
        self.written = written

    @property
    def weight(self) -> int:
        """How many bytes the values are."""
        return sum(sum(map(weigh, values)) for values in self.columns)

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, at: Any) -> Any:
        return list(self)[at]

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return zip(*self.columns, strict=True)


def whole_of(
    text: str,
    items: Sequence[Item],
    *,
    table: str,
    ranked: bool,
    connection: Any,
    placing: Callable[[str], str] | None = None,
) -> str:
    """Return a statement's text so that it answers in one row; empty where that is not to be had.

    Only of a table's own columns: what a view or a generated column computes may be JSON to SQLite, which
    would then not write it as the text that it is. `placing` returns the statement's text with the one
    column that it is given in place of all; None: it has none such.
    """
    if not items or any(item.type is ItemType.BYTES for item in items):
        return ""
    columns = _plain_columns(table, connection)
    if not columns:
        return ""
    place = None if placing is None else _place_in(table, columns, connection)
    if placing is not None and place is not None:
        arrays = ", ".join(_array(f"{_NAME}.{_quoted(item.column)}") for item in items)
        # CROSS JOIN holds SQLite to the order in which the places were found.
        return (
            f"WITH {_PLACES}({_PLACE}) AS ({placing(place)}) SELECT {arrays} FROM {_PLACES}"  # noqa: S608
            f" CROSS JOIN {_quoted(table)} AS {_NAME} ON {_NAME}.{place} = {_PLACES}.{_PLACE}"
        )
    names = [f"{_NAME}_{at}" for at in range(len(items) + ranked)]
    arrays = ", ".join(map(_array, names[: len(items)]))
    # The text is SQLAlchemy's, the names are ours.
    return f"WITH {_NAME}({', '.join(names)}) AS ({text}) SELECT {arrays} FROM {_NAME}"  # noqa: S608


def _array(column: str) -> str:
    return f"CAST(json_group_array({column}) AS BLOB)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain_columns(table: str, connection: Any) -> frozenset[str]:
    """Return the columns of a table in the main database that computes none of them, in lower case.

    None of anything else.
    """
    made = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", (table,)
    ).fetchall()
    if len(made) != 1 or made[0][0].upper().startswith("CREATE VIRTUAL"):
        return frozenset()
    columns = connection.execute(
        "SELECT name, hidden FROM pragma_table_xinfo(?)", (table,)
    ).fetchall()
    if any(hidden for _, hidden in columns):
        return frozenset()
    return frozenset([name.lower() for name, _ in columns])


def _place_in(table: str, columns: frozenset[str], connection: Any) -> str | None:
    """Return the name of a record's place in a table; None where it has none, or columns took its names."""
    for name in ("rowid", "oid", "_rowid_"):
        if name not in columns:
            try:
                connection.execute(f"SELECT {name} FROM {_quoted(table)} LIMIT 0").fetchall()  # noqa: S608
            except sqlite3.OperationalError:
                return None  # WITHOUT ROWID
            return name
    return None


def read_whole(row: Sequence[bytes], items: Sequence[Item] = ()) -> Whole:
    """Read the one row. Raises NotWholeError where a value is none that JSON holds exactly.

    A number with a fraction is written by SQLite with fifteen digits, which are not all of it. The types of
    `items`, one a column, say what is to be expected there; what is not so is read as without them.
    """
    columns, written = [], []
    try:
        for at, array in enumerate(row):
            values, known = _column(array, items[at].type if items else None)
            columns.append(values)
            if known:
                written.append(at)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotWholeError from None
    return Whole(columns, written=frozenset(written))


def _column(array: bytes, type_: ItemType | None) -> tuple[Sequence[Any], bool]:
    """Return the values of an array, and whether they are known to be written as their type is."""
    end = array.find(b",")
    size, rest = divmod(len(array) - 1, end)
    if end > 0 and rest == 0 and array[1 : end + 1] * size == array[1:-1] + b",":
        # The same of each record, as who issued it: read once, and one object in all places.
        values, known = _column(b"[%b]" % array[1:end], type_)
        return [values[0]] * size, known
    with suppress(msgspec.ValidationError):
        match type_:
            case ItemType.TEXT:
                return _read_texts(array), True
            case ItemType.INTEGER:
                return _integers(array), True
            case ItemType.DATE:
                _days(array)  # None but `YYYY-MM-DD` of a day that there is.
                return _texts(array), True
            case _:
                pass
    return _decode(array), False


def _read_texts(array: bytes) -> list[str | None]:
    """Read texts and nulls: none of them holds half of a surrogate pair, which UTF-8 has no bytes for.

    Where nothing is escaped, each quotation mark begins or ends a text: as many texts as two marks belong to
    and as the separators part are all of the array. Strings of other than ASCII are sooner read so.
    """
    if not array.isascii() and b"\\" not in array and array[1:2] == b'"' == array[-2:-1]:
        values: list[str | None] = array[2:-2].decode().split('","')  # type: ignore[assignment]
        if array.count(b'"') == 2 * len(values):
            return values
    return _texts(array)
