"""Reads and writes registry rows; nothing is read that the log does not vouch for.

Functions take a connection, return frozen values and never commit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from catalogue.errors import UnrecordedRowError
from catalogue.model import Case, Department, Grant, Resource, SharingRequest
from catalogue.ports import RowMark, Sealer
from catalogue.protected import decode_bytes, encode_bytes, row_digest
from catalogue.rows import (
    CASE,
    DEPARTMENT,
    GRANT,
    KINDS,
    MATTER,
    OFFICER,
    REQUEST,
    RESOURCE,
    SOURCE,
    SYSTEM,
    SYSTEM_KEY,
    Kind,
    Row,
    number_token,
    staff_token,
)
from catalogue.snapshot import Absent, Snapshot
from catalogue.tables import metadata, registry_meta

T = TypeVar("T")
Recorded = Mapping[tuple[str, str], tuple[int, str | None]]
"""(table, key) → (index, digest) as the log recorded it last."""
Digests = Callable[[str, str], tuple[int, str | None] | None]
"""The same for one row; None if it was never recorded."""

_APPLIED = "applied_index"


def applied_index(connection: Connection, *, lock: bool = False) -> int:
    """Return the index of the newest act that is in the registry; -1 where none is.

    With `lock` the row is held until the transaction ends, so that use cases run one after the other.
    """
    query = select(registry_meta.c.value).where(registry_meta.c.name == _APPLIED)
    value = connection.scalar(query.with_for_update() if lock else query)
    return -1 if value is None else int(value)


def set_applied_index(connection: Connection, index: int) -> None:
    changed = connection.execute(
        update(registry_meta).where(registry_meta.c.name == _APPLIED).values(value=index)
    )
    if changed.rowcount == 0:
        connection.execute(insert(registry_meta).values(name=_APPLIED, value=index))


def is_empty(connection: Connection) -> bool:
    """Whether no protected row was ever written."""
    counts = (
        connection.scalar(select(func.count()).select_from(metadata.tables[kind.table]))
        for kind in KINDS
    )
    return not any(counts)


def mark(kind: Kind[T], value: T, *, sealer: Sealer, salt: bytes) -> tuple[Row, RowMark]:
    """Return the row that is to be saved, and the digest that the log is to record of it."""
    row = kind.write(value, sealer)
    key = str(row[kind.key])
    row["salt"] = encode_bytes(salt)
    return row, RowMark(table=kind.table, key=key, digest=row_digest(kind.table, key, row, salt))


def save(connection: Connection, kind: Kind[T], row: Row, *, entry: int) -> None:
    """Write a row over whatever stands under its key, with all that belongs to it."""
    table = metadata.tables[kind.table]
    row = row | {"entry": entry}
    parts = row.pop(kind.parts.field) if kind.parts else []
    key = row[kind.key]
    changed = connection.execute(update(table).where(table.c[kind.key] == key).values(row))
    if changed.rowcount == 0:
        connection.execute(insert(table).values(row))
    if kind.parts is not None:
        owned = metadata.tables[kind.parts.table]
        owner = kind.parts.owner
        connection.execute(delete(owned).where(owned.c[owner] == key))
        if parts:
            connection.execute(insert(owned), [part | {owner: key} for part in parts])


def entry_of(connection: Connection, kind: Kind[Any], key: str) -> int | None:
    """Return the index that a row names; None where there is no such row."""
    table = metadata.tables[kind.table]
    entry = connection.scalar(select(table.c.entry).where(table.c[kind.key] == key))
    return None if entry is None else int(entry)


def find(
    connection: Connection, kind: Kind[T], key: str, *, recorded: Digests, sealer: Sealer
) -> T | None:
    """Return one value as the log vouches for it; None where there is none.

    Raises UnrecordedRowError where the row is not what was recorded last, or was taken away.
    """
    found = list(_rows(connection, kind, kind.key, key))
    why = _doubt(kind, found[0] if found else None, recorded(kind.table, key))
    if why is not None:
        raise UnrecordedRowError(kind.table, key, why)
    return kind.read(found[0], sealer) if found else None


def find_all(
    connection: Connection, kind: Kind[T], *, recorded: Recorded, sealer: Sealer
) -> tuple[dict[str, T], list[Absent]]:
    """Return all values that the log vouches for, by key, and the rows left out or missing."""
    values: dict[str, T] = {}
    absent: list[Absent] = []
    present: set[str] = set()
    for row in _rows(connection, kind):
        key = str(row[kind.key])
        present.add(key)
        why = _doubt(kind, row, recorded.get((kind.table, key)))
        if why is None:
            values[key] = kind.read(row, sealer)
        else:
            absent.append(Absent(table=kind.table, key=key, why=why))
    for (table, key), last in recorded.items():
        if table == kind.table and key not in present:
            why = _doubt(kind, None, last)
            if why is not None:
                absent.append(Absent(table=table, key=key, why=why))
    return values, absent


def find_case(
    connection: Connection, recorded: Recorded, sealer: Sealer, system: str, number: str
) -> Case | None:
    """Return a system's case by its number. None where there is none that the log vouches for."""
    token = number_token(sealer, system, number)
    for row in _rows(connection, CASE, "number_token", token):
        key = str(row["id"])
        if _doubt(CASE, row, recorded.get((CASE.table, key))) is None:
            case = CASE.read(row, sealer)
            return case if case.system == system else None
    return None


def case_key(connection: Connection, token: str) -> str | None:
    """Return the id of the case with a number's token, vouched for or not; None where there is none."""
    table = metadata.tables[CASE.table]
    key = connection.scalar(select(table.c.id).where(table.c.number_token == token))
    return None if key is None else str(key)


def officer_key_by_staff(connection: Connection, department: str, token: str) -> str | None:
    """Return the id of the officer with a staff number's token; None where there is none."""
    table = metadata.tables[OFFICER.table]
    key = connection.scalar(
        select(table.c.id).where(table.c.department == department, table.c.staff_token == token)
    )
    return None if key is None else str(key)


def row_digests(connection: Connection) -> dict[tuple[str, str], str]:
    """Return the digest of every protected row as it stands; empty text where it cannot be computed."""
    return {
        (kind.table, str(row[kind.key])): _digest(kind, row)
        for kind in KINDS
        for row in _rows(connection, kind)
    }


def load_snapshot(connection: Connection, recorded: Recorded, sealer: Sealer) -> Snapshot:
    """Return the registry as far as the log vouches for it.

    A row that was edited, inserted, deleted or put back past the log is named in `absent`, and what rests
    on it goes with it: no key without its system, no system or resource without its department.
    """
    absent: list[Absent] = []

    def vouched(kind: Kind[T]) -> dict[str, T]:
        values, missing = find_all(connection, kind, recorded=recorded, sealer=sealer)
        absent.extend(missing)
        return values

    def standing(kind: Kind[T], rests: Callable[[T], Iterable[tuple[str, str]]]) -> dict[str, T]:
        """Leave out what rests on something that is not there."""
        kept: dict[str, T] = {}
        for key, value in vouched(kind).items():
            gone = [f"{table} {on}" for table, on in rests(value) if on not in there[table]]
            if gone:
                why = f"rests on {' and '.join(gone)}, which is absent"
                absent.append(Absent(table=kind.table, key=key, why=why))
            else:
                kept[key] = value
        return kept

    there: dict[str, Mapping[str, Any]] = {}
    departments = there["department"] = vouched(DEPARTMENT)
    systems = there["system"] = standing(SYSTEM, lambda s: [("department", s.department)])
    keys = standing(SYSTEM_KEY, lambda k: [("system", k.system)])
    officers = standing(OFFICER, lambda o: [("department", o.department)])
    sources = standing(SOURCE, lambda s: [("department", s.department)])
    registrations = standing(RESOURCE, lambda r: [("department", r.resource.department)])
    matters = standing(MATTER, lambda m: [("department", m.department)])
    requests = there["sharing_request"] = standing(
        REQUEST, lambda r: [("department", r.department)]
    )
    grants = standing(
        GRANT,
        lambda g: [
            ("sharing_request", g.request),
            ("department", g.department),
            ("department", g.provider),
        ],
    )
    return Snapshot(
        applied_index=applied_index(connection),
        departments=departments,
        systems=systems,
        keys=keys,
        officers=officers,
        staff={
            (
                officer.department,
                staff_token(sealer, officer.staff_number),
            ): officer.id
            for officer in officers.values()
        },
        sources=sources,
        resources={
            code: registration.resource
            for code, registration in registrations.items()
            if registration.resource.state in {"announced", "withdrawn"}
        },
        matters=matters,
        grants=grants,
        asked=frozenset(
            (system, request.resource)
            for request in requests.values()
            for system in request.systems
        ),
        absent=tuple(absent),
    )


def departments(connection: Connection, recorded: Recorded, sealer: Sealer) -> list[Department]:
    return list(find_all(connection, DEPARTMENT, recorded=recorded, sealer=sealer)[0].values())


def resources(connection: Connection, recorded: Recorded, sealer: Sealer) -> list[Resource]:
    """Return all resources, drafts too, by code."""
    found = find_all(connection, RESOURCE, recorded=recorded, sealer=sealer)[0]
    return [registration.resource for _code, registration in sorted(found.items())]


def requests(connection: Connection, recorded: Recorded, sealer: Sealer) -> list[SharingRequest]:
    """Return all requests, newest first (ids are in order of time)."""
    found = find_all(connection, REQUEST, recorded=recorded, sealer=sealer)[0]
    return [request for _id, request in sorted(found.items(), reverse=True)]


def grants(connection: Connection, recorded: Recorded, sealer: Sealer) -> list[Grant]:
    """Return all grants, newest first."""
    found = find_all(connection, GRANT, recorded=recorded, sealer=sealer)[0]
    return [grant for _id, grant in sorted(found.items(), reverse=True)]


def cases(connection: Connection, recorded: Recorded, sealer: Sealer) -> list[Case]:
    """Return all cases, newest first."""
    found = find_all(connection, CASE, recorded=recorded, sealer=sealer)[0]
    return [case for _id, case in sorted(found.items(), reverse=True)]


def _rows(
    connection: Connection, kind: Kind[Any], column: str | None = None, value: str = ""
) -> Iterator[Row]:
    """Rows of a kind with what belongs to them, all or those with a value in a column."""
    table = metadata.tables[kind.table]
    query = select(table).order_by(table.c[kind.key])
    if column is not None:
        query = query.where(table.c[column] == value)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    if kind.parts is None:
        yield from rows
        return
    owned = _parts(connection, kind, [row[kind.key] for row in rows] if column else None)
    for row in rows:
        yield row | {kind.parts.field: owned.get(row[kind.key], [])}


def _parts(
    connection: Connection, kind: Kind[Any], owners: list[Any] | None
) -> dict[Any, list[Row]]:
    """What belongs to rows, by owner and in order; None asks for all owners."""
    parts = kind.parts
    if parts is None:
        return {}
    table: Table = metadata.tables[parts.table]
    query = select(table).order_by(table.c[parts.order])
    if owners is not None:
        query = query.where(table.c[parts.owner].in_(owners))
    found: dict[Any, list[Row]] = {}
    for mapping in connection.execute(query).mappings():
        row = dict(mapping)
        found.setdefault(row.pop(parts.owner), []).append(row)
    return found


def _digest(kind: Kind[Any], row: Row) -> str:
    """The digest of a row as it stands; empty where its salt is none."""
    try:
        salt = decode_bytes(row["salt"])
        return row_digest(kind.table, str(row[kind.key]), row, salt)
    except (ValueError, TypeError, AttributeError):
        # A hand has been at the salt: no digest equals the empty text.
        return ""


def _doubt(kind: Kind[Any], row: Row | None, recorded: tuple[int, str | None] | None) -> str | None:
    """Why a row cannot be trusted; None where the log vouches for it, or vouches for its absence."""
    if recorded is None:
        return None if row is None else "never recorded"
    index, digest = recorded
    if row is None:
        return None if digest is None else f"deleted: entry {index} recorded it and no act ended it"
    if digest is None:
        return f"put back: entry {index} recorded its end"
    if _digest(kind, row) != digest:
        entry = row["entry"]
        older = isinstance(entry, int) and entry < index
        return f"an earlier state than entry {index}" if older else f"not as entry {index} recorded"
    if row["entry"] != index:
        return f"names entry {row['entry']}, recorded by entry {index}"
    return None
