"""Keeps a table like a resource: page after page, each a governed call whose receipt is checked.

Beside the table stands where the pull is, in the same transaction as the records, so that it goes on where it
was cut off. Each record bears the entry of the log under which it was received; what a whole pass over the
resource did not meet again is gone there, and goes here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.types import TypeEngine

from catalogue.model import ItemType
from exchange.client.errors import ClientError, Fault, RefusedError
from exchange.client.session import Answer, Bulk, Exchange
from gateway.formats import from_wire
from gateway.model import Usage

ENTRY = "exchange_entry"
"""Column of each record: the entry of the log under which it was received."""

STATE = "exchange_pull"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TYPES: Mapping[ItemType, TypeEngine[Any]] = {
    ItemType.TEXT: Text(),
    ItemType.INTEGER: Integer(),
    ItemType.LONG: BigInteger(),
    # As text: its scale is part of the value.
    ItemType.DECIMAL: Text(),
    ItemType.BOOLEAN: Boolean(),
    ItemType.DATE: Date(),
    ItemType.DATETIME: DateTime(timezone=True),
    ItemType.BYTES: LargeBinary(),
}


class PullError(ClientError):
    """A pull cannot go on; what was received so far is kept."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What a pull came to."""

    table: str
    pages: int
    rows: int
    removed: int
    """Records of the table that the resource does not have any more."""
    first_entry: int
    last_entry: int
    unknown: int
    """Cells that are null because the source had a word that no code list has (`CODE_UNKNOWN`)."""
    resumed: bool
    """Whether it went on where an earlier pull was cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the table is made of, as the first page says."""

    names: tuple[str, ...]
    types: tuple[ItemType, ...]
    key: str


def default_table(resource: str) -> str:
    return "r_" + re.sub(r"[^A-Za-z0-9]+", "_", resource).strip("_").lower()


def pull(
    exchange: Exchange,
    wanted: Bulk,
    *,
    usage: Usage,
    engine: Engine,
    table: str,
    progress: Callable[[int, int], None] = lambda _pages, _rows: None,
) -> Pulled:
    """Read every record into a table; goes on where the last pull was cut off.

    `progress` is told pages and records so far. Raises PullError where a page was refused or not answered,
    and what `Exchange.page` raises.
    """
    if not _NAME.fullmatch(table):
        raise PullError("TABLE", "a table's name of letters, digits and underscores needed")
    state = _state_table()
    state.create(engine, checkfirst=True)
    question = msgspec.json.encode([wanted.resource, sorted(wanted.items)]).decode()
    with engine.connect() as connection:
        held = connection.execute(select(state).where(state.c.name == table)).one_or_none()
    if held is not None and held.question != question:
        raise PullError("TABLE", f"table {table} is kept like something else")
    place: str | None = held.place if held is not None else None
    first_entry: int | None = held.first_entry if place is not None and held is not None else None
    resumed = place is not None
    pages = rows = removed = unknown = 0
    while True:
        try:
            answer = _page(exchange, wanted, usage=usage, after=place)
        except PullError as error:
            if error.code != "CURSOR_INVALID" or not (resumed and pages == 0):
                raise
            # A place of before is none any more: the pass begins anew, and writes the same rows again.
            place, first_entry, resumed = None, None, False
            answer = _page(exchange, wanted, usage=usage, after=None)
        data, entry = answer.data or {}, int(answer.entry["index"])
        first_entry = entry if first_entry is None else first_entry
        shape = _shape(data["columns"])
        place = data["next"]
        kept = _table(table, shape)
        with engine.begin() as tx:
            _check_table(tx, kept)
            kept.create(tx, checkfirst=True)
            _replace(tx, kept, shape, data["rows"], entry=entry)
            if place is None:
                gone = tx.execute(delete(kept).where(kept.c[ENTRY] < first_entry))
                removed = gone.rowcount
            _keep_place(
                tx, state, table, question=question, place=place, first=first_entry, last=entry
            )
        pages, rows = pages + 1, rows + len(data["rows"])
        codes = [error.get("extensions", {}).get("code") for error in answer.errors or ()]
        unknown += codes.count("CODE_UNKNOWN")
        progress(pages, rows)
        if place is None:
            return Pulled(
                table=table,
                pages=pages,
                rows=rows,
                removed=removed,
                unknown=unknown,
                first_entry=first_entry,
                last_entry=entry,
                resumed=resumed,
            )


def _page(exchange: Exchange, wanted: Bulk, *, usage: Usage, after: str | None) -> Answer:
    try:
        answer = exchange.page(wanted, usage=usage, after=after)
    except RefusedError as error:
        raise PullError(error.code, str(error)) from error
    if answer.data is None:
        line = answer.outcomes[0] if answer.outcomes else {}
        code = str(line.get("code") or "REFUSED")
        told = Fault.of(answer.errors[0]) if answer.errors else code
        raise PullError(code, f"{told} (entry {answer.entry['index']})")
    return answer


def _shape(columns: Sequence[Mapping[str, Any]]) -> Shape:
    keys = [str(one["name"]) for one in columns if one["key"] and one["given"] == "whole"]
    if len(keys) != 1:
        raise PullError("KEY", "the resource's key is needed whole: ask for it, and be granted it")
    names = tuple(str(column["name"]) for column in columns)
    if not all(_NAME.fullmatch(name) for name in names):
        raise PullError("COLUMNS", "items whose names are no names of columns")
    return Shape(
        names=names, types=tuple(ItemType(column["type"]) for column in columns), key=keys[0]
    )


def _table(name: str, shape: Shape) -> Table:
    columns = [
        Column(column, _TYPES[type_], index=column == shape.key)
        for column, type_ in zip(shape.names, shape.types, strict=True)
    ]
    return Table(name, MetaData(), *columns, Column(ENTRY, BigInteger, nullable=False))


def _check_table(tx: Connection, kept: Table) -> None:
    """Refuse a table that somebody else made: a pull removes what it does not meet."""
    seen = inspect(tx)
    if not seen.has_table(kept.name):
        return
    found = {column["name"] for column in seen.get_columns(kept.name)}
    if found != {column.name for column in kept.columns}:
        raise PullError("TABLE", f"table {kept.name} is there with other columns")


def _replace(
    tx: Connection, kept: Table, shape: Shape, rows: Sequence[Mapping[str, Any]], *, entry: int
) -> None:
    """Put a page's records where those of the same keys were: a page has every record of its keys."""
    if not rows:
        return
    values = [
        {
            name: from_wire(type_, row[name]) if type_ is not ItemType.DECIMAL else row[name]
            for name, type_ in zip(shape.names, shape.types, strict=True)
        }
        | {ENTRY: entry}
        for row in rows
    ]
    keys = list({value[shape.key] for value in values})
    for begin in range(0, len(keys), 500):
        tx.execute(delete(kept).where(kept.c[shape.key].in_(keys[begin : begin + 500])))
    tx.execute(insert(kept), values)


def _state_table() -> Table:
    return Table(
        STATE,
        MetaData(),
        Column("name", Text, primary_key=True),
        Column("question", Text, nullable=False),
        Column("place", Text),
        Column("first_entry", BigInteger, nullable=False),
        Column("last_entry", BigInteger, nullable=False),
        Column("updated", DateTime(timezone=True), server_default=func.now(), nullable=False),
    )


def _keep_place(
    tx: Connection,
    state: Table,
    table: str,
    *,
    question: str,
    place: str | None,
    first: int,
    last: int,
) -> None:
    tx.execute(delete(state).where(state.c.name == table))
    tx.execute(
        insert(state).values(
            name=table, question=question, place=place, first_entry=first, last_entry=last
        )
    )
