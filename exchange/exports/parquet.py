"""Parquet by pyarrow: imported only where an export asks for it (extra `bulk`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalogue.model import ItemType
from exchange.exports.formats import Column
from gateway.formats import from_wire

_BATCH = 10_000
_TYPES: Mapping[ItemType, pa.DataType] = {
    ItemType.TEXT: pa.string(),
    ItemType.INTEGER: pa.int32(),
    ItemType.LONG: pa.int64(),
    # As text: its scale is part of the value, and differs from record to record.
    ItemType.DECIMAL: pa.string(),
    ItemType.BOOLEAN: pa.bool_(),
    ItemType.DATE: pa.date32(),
    ItemType.DATETIME: pa.timestamp("ms", tz="UTC"),
    ItemType.BYTES: pa.binary(),
}


def write(path: Path, columns: Sequence[Column], records: Iterable[Mapping[str, Any]]) -> None:
    schema = pa.schema([pa.field(column.name, _TYPES[column.type]) for column in columns])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(records):
            arrays = [
                pa.array(
                    [_value(column, record[column.name]) for record in batch],
                    type=_TYPES[column.type],
                )
                for column in columns
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _value(column: Column, wire: Any) -> Any:
    return wire if column.type is ItemType.DECIMAL else from_wire(column.type, wire)


def _batches(
    records: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any], ...]]:
    left = iter(records)
    while batch := tuple(islice(left, _BATCH)):
        yield batch
