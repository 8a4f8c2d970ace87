"""The same records in each format: a heading an item by its GraphQL name, cells as in a query's answer.

What a format cannot tell is said in docs/outlets.md: CSV and XLSX have one empty cell for null and for
empty text.
"""

import csv
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from rustpy_xlsxwriter import write_worksheet

from catalogue.model import ItemType

Record = Mapping[str, Any]
SHEET = "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    """GraphQL name."""
    type: ItemType


def write_csv(path: Path, columns: Sequence[Column], records: Iterable[Record]) -> None:
    """RFC 4180 in UTF-8 with a byte-order mark, by which spreadsheets know it."""
    names = [column.name for column in columns]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for record in records:
            writer.writerow([_cell(record[name]) for name in names])


def write_jsonl(path: Path, columns: Sequence[Column], records: Iterable[Record]) -> None:
    names = [column.name for column in columns]
    with path.open("wb") as file:
        for record in records:
            file.write(msgspec.json.encode({name: record[name] for name in names}))
            file.write(b"\n")


def write_xlsx(path: Path, columns: Sequence[Column], records: Iterable[Record]) -> None:
    """One sheet, written as the records come. Texts stay texts, whatever they begin with."""
    names = [column.name for column in columns]
    rows = ({name: record[name] for name in names} for record in records)
    with path.open("wb") as file:
        write_worksheet(rows, file, SHEET)


def write_parquet(path: Path, columns: Sequence[Column], records: Iterable[Record]) -> None:
    """Typed columns, zstd; needs the extra `bulk`."""
    importlib.import_module("exchange.exports.parquet").write(path, columns, records)


def offered() -> frozenset[str]:
    """Return the formats that this installation writes."""
    without = set() if find_spec("pyarrow") is not None else {"parquet"}
    return frozenset(WRITERS) - without


WRITERS: Mapping[str, Callable[[Path, Sequence[Column], Iterable[Record]], None]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "xlsx": write_xlsx,
    "parquet": write_parquet,
}


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value
