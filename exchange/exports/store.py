"""What the tables of exports are asked and told. Callers hold the transaction."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, or_, select, update

from catalogue.ports import Sealer
from exchange.exports.model import RUNNING, Export, ExportState, Order, Page, Part
from exchange.exports.tables import export, export_page
from gateway.bulk import BulkAsk
from gateway.model import Usage


def add(tx: Connection, made: Export, sealer: Sealer, *, at_ms: int) -> None:
    """Keep a new export. Raises IntegrityError where its id is taken."""
    row = _row(made, sealer) | {"lease_ms": 0, "touched_ms": at_ms}
    tx.execute(insert(export).values(**row))


def save(tx: Connection, held: Export, sealer: Sealer, *, lease: str, at_ms: int) -> bool:
    """Keep what became of an export and give its lease back; False where the lease is not ours any more."""
    row = _row(held, sealer) | {"leased_by": None, "lease_ms": 0, "touched_ms": at_ms}
    changed = tx.execute(
        update(export).where(export.c.id == held.id, export.c.leased_by == lease).values(**row)
    )
    return changed.rowcount == 1


def give_back(tx: Connection, export_id: str, *, lease: str, at_ms: int) -> None:
    """Give a lease back with nothing done."""
    tx.execute(
        update(export)
        .where(export.c.id == export_id, export.c.leased_by == lease)
        .values(leased_by=None, lease_ms=0, touched_ms=at_ms)
    )


def waiting(tx: Connection, *, at_ms: int) -> bool:
    """Say whether some export waits to be worked on."""
    found = tx.execute(
        select(export.c.id)
        .where(
            export.c.state.in_([state.value for state in RUNNING]),
            or_(export.c.leased_by.is_(None), export.c.lease_ms < at_ms),
        )
        .limit(1)
    )
    return found.first() is not None


def claim(
    tx: Connection, sealer: Sealer, *, lease: str, at_ms: int, until_ms: int
) -> Export | None:
    """Lease the running export that waited longest; None where there is none to work on."""
    found = tx.execute(
        select(export)
        .where(
            export.c.state.in_([state.value for state in RUNNING]),
            or_(export.c.leased_by.is_(None), export.c.lease_ms < at_ms),
        )
        .order_by(export.c.touched_ms, export.c.id)
    )
    for row in found.mappings().all():
        held = _read(row, sealer)
        if held is None:
            continue
        tx.execute(
            update(export).where(export.c.id == held.id).values(leased_by=lease, lease_ms=until_ms)
        )
        return held
    return None


def take(tx: Connection, export_id: str, *, lease: str, until_ms: int) -> None:
    """Lease one export whoever works on it: it is to end."""
    tx.execute(
        update(export).where(export.c.id == export_id).values(leased_by=lease, lease_ms=until_ms)
    )


def find(tx: Connection, export_id: str, sealer: Sealer) -> Export | None:
    """Return an export; None where there is none, or its row is not as it was written."""
    row = tx.execute(select(export).where(export.c.id == export_id)).mappings().one_or_none()
    return None if row is None else _read(row, sealer)


def of_department(tx: Connection, department: str, sealer: Sealer) -> dict[str, Export]:
    """Return a department's exports by id."""
    rows = tx.execute(select(export).where(export.c.department == department)).mappings().all()
    read = (_read(row, sealer) for row in rows)
    return {held.id: held for held in read if held is not None}


def past(tx: Connection, sealer: Sealer, *, at_ms: int) -> list[Export]:
    """Return the exports whose files have to go by now."""
    rows = (
        tx.execute(
            select(export).where(
                export.c.state == ExportState.READY.value, export.c.expires_ms <= at_ms
            )
        )
        .mappings()
        .all()
    )
    read = (_read(row, sealer) for row in rows)
    return [held for held in read if held is not None]


def with_files(tx: Connection) -> set[str]:
    """Return the ids of the exports that may have files."""
    states = [state.value for state in (*RUNNING, ExportState.READY)]
    return set(tx.execute(select(export.c.id).where(export.c.state.in_(states))).scalars())


def add_page(tx: Connection, export_id: str, page: Page) -> None:
    """Keep a page; one read again after a crash replaces the one that was not kept."""
    tx.execute(
        delete(export_page).where(
            export_page.c.export == export_id, export_page.c.number == page.number
        )
    )
    tx.execute(
        insert(export_page).values(
            export=export_id,
            number=page.number,
            records=page.rows,
            digest=page.digest,
            entry=page.entry,
        )
    )


def pages(tx: Connection, export_id: str) -> list[Page]:
    rows = tx.execute(
        select(export_page).where(export_page.c.export == export_id).order_by(export_page.c.number)
    ).all()
    return [
        Page(number=row.number, rows=row.records, digest=row.digest, entry=row.entry)
        for row in rows
    ]


def _row(held: Export, sealer: Sealer) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": held.id,
        "system": held.system,
        "department": held.department,
        "provider": held.provider,
        "resource": held.resource,
        "format": held.format,
        "state": held.state.value,
        "wanted": sealer.seal(_order_text(held.order)),
        "terms": held.terms,
        "created_ms": held.created_ms,
        "entry": held.entry,
        "pages": held.pages,
        "records": held.rows,
        "place": None if held.after is None else sealer.seal(held.after),
        "parts": _text([_part_row(part) for part in held.parts]),
        "manifest": None if held.manifest is None else sealer.seal(held.manifest),
        "code": held.code,
        "failures": held.failures,
        "ended_ms": held.ended_ms,
        "ended_entry": held.ended_entry,
        "expires_ms": held.expires_ms,
    }
    return row | {"seal": _seal(row, sealer)}


def _read(row: RowMapping, sealer: Sealer) -> Export | None:
    kept = {name: value for name, value in row.items() if name in _SEALED}
    if not hmac.compare_digest(_seal(kept, sealer), str(row["seal"])):
        return None
    return Export(
        id=row["id"],
        system=row["system"],
        department=row["department"],
        provider=row["provider"],
        resource=row["resource"],
        format=row["format"],
        state=ExportState(row["state"]),
        order=_order(sealer.open(row["wanted"])),
        terms=row["terms"],
        created_ms=row["created_ms"],
        entry=row["entry"],
        pages=row["pages"],
        rows=row["records"],
        after=None if row["place"] is None else sealer.open(row["place"]),
        parts=tuple(Part(**part) for part in msgspec.json.decode(row["parts"])),
        manifest=None if row["manifest"] is None else sealer.open(row["manifest"]),
        code=row["code"],
        failures=row["failures"],
        ended_ms=row["ended_ms"],
        ended_entry=row["ended_entry"],
        expires_ms=row["expires_ms"],
    )


_SEALED = frozenset(
    column.name
    for column in export.columns
    if column.name not in {"leased_by", "lease_ms", "touched_ms", "seal"}
)


def _seal(row: dict[str, Any], sealer: Sealer) -> str:
    told = {
        name: b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in row.items()
    }
    return sealer.token("export", _text(dict(sorted(told.items()))))


def _part_row(part: Part) -> dict[str, Any]:
    return {
        "number": part.number,
        "name": part.name,
        "rows": part.rows,
        "size": part.size,
        "digest": part.digest,
    }


def _text(value: Sequence[Any] | dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _order_text(order: Order) -> str:
    asked, usage = order.asked, order.usage
    return _text(
        {
            "asked": {"resource": asked.resource, "items": asked.items, "first": asked.first},
            "usage": {name: getattr(usage, name) for name in Usage.__struct_fields__},
            "body": b64encode(order.body).decode(),
            "key": order.key,
            "auth": order.auth,
            "base": b64encode(order.base).decode(),
            "signature": b64encode(order.signature).decode(),
        }
    )


def _order(text: str) -> Order:
    members = msgspec.json.decode(text)
    asked = members["asked"]
    return Order(
        asked=BulkAsk(
            resource=asked["resource"], items=tuple(asked["items"]), first=asked["first"]
        ),
        usage=Usage(**members["usage"]),
        body=b64decode(members["body"]),
        key=members["key"],
        auth=members["auth"],
        base=b64decode(members["base"]),
        signature=b64decode(members["signature"]),
    )
