"""Acts that took something away while the log was down: they hold at once, and are recorded when it is back.

Whoever revokes must not wait for the log. The row is written as it is to stand, and the log does not vouch
for it yet, so it counts as absent wherever it is read: nothing is permitted by it. Beside it lies the act,
under a keyed digest, so that nobody but this program can have one recorded. Before the registry is next read
for a call, each is appended to the log and its rows are vouched for again.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hmac import compare_digest
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from catalogue.errors import UnrecordedRowError
from catalogue.ports import Act, Ledger, RowMark, Sealer
from catalogue.tables import metadata
from catalogue.tables.keeping import unrecorded_act

NOT_YET = -1
"""What a row names as its entry until there is one."""

_VERSION = "unrecorded/0"

Recorded = Mapping[tuple[str, str], tuple[int, str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecorded:
    """An act that holds and is in no log yet."""

    id: str
    act: Act
    before: Mapping[str, int]
    """By `table/key`: the index of the act that the log knew of a row when this one was made; -1: none."""


def keep(
    connection: Connection, act: Act, *, id_: str, at: int, ledger: Ledger, sealer: Sealer
) -> None:
    """Keep an act until the log takes it. `at` is epoch ms."""
    known = {_place(mark): _index_of(ledger.digest(mark.table, mark.key)) for mark in act.rows}
    text = json.dumps({"v": _VERSION, "id": id_, "act": asdict(act), "before": known})
    row = {
        "id": id_,
        "made_at": at,
        "sealed": b64encode(sealer.seal(text)).decode(),
        "mac": sealer.token(_VERSION, text),
    }
    connection.execute(insert(unrecorded_act).values(row))


def has_any(connection: Connection) -> bool:
    return connection.execute(select(unrecorded_act.c.id).limit(1)).first() is not None


def read_all(connection: Connection, *, sealer: Sealer) -> list[Unrecorded]:
    """Return what waits, oldest first. Raises UnrecordedRowError for one that this program did not keep."""
    order = (unrecorded_act.c.made_at, unrecorded_act.c.id)
    rows = connection.execute(select(unrecorded_act).order_by(*order)).mappings()
    return [_read(row["id"], row["sealed"], row["mac"], sealer=sealer) for row in rows]


def is_overtaken(waiting: Unrecorded, *, recorded: Recorded) -> bool:
    """Say whether the log knows a younger act on one of its rows: it was recorded already, or put back."""
    return any(
        _index_of(recorded.get((mark.table, mark.key))) != waiting.before[_place(mark)]
        for mark in waiting.act.rows
    )


def name_entry(connection: Connection, waiting: Unrecorded, *, index: int) -> None:
    """Let the rows name the entry that vouches for them from now on."""
    for mark in waiting.act.rows:
        table = metadata.tables[mark.table]
        (key,) = table.primary_key.columns
        connection.execute(
            update(table).where(key == mark.key, table.c.entry == NOT_YET).values(entry=index)
        )


def drop(connection: Connection, waiting: Unrecorded) -> None:
    connection.execute(delete(unrecorded_act).where(unrecorded_act.c.id == waiting.id))


def _read(id_: str, sealed: str, mac: str, *, sealer: Sealer) -> Unrecorded:
    try:
        text = sealer.open(b64decode(sealed, validate=True))
        if not compare_digest(sealer.token(_VERSION, text), mac):
            raise ValueError("mac")  # noqa: TRY301 - one way out for whatever is wrong with the row
        told: dict[str, Any] = json.loads(text)
        if told["id"] != id_:
            raise ValueError("id")  # noqa: TRY301
    except Exception as error:
        # Which errors a sealer raises is its own affair: whatever it is, nobody here kept this row.
        raise UnrecordedRowError(
            unrecorded_act.name, id_, why="not kept by this program"
        ) from error
    act = told["act"]
    rows = tuple(RowMark(**mark) for mark in act.pop("rows"))
    return Unrecorded(id=id_, act=Act(rows=rows, **act), before=told["before"])


def _place(mark: RowMark) -> str:
    return f"{mark.table}/{mark.key}"


def _index_of(recorded: tuple[int, str | None] | None) -> int:
    return NOT_YET if recorded is None else recorded[0]
