"""Reads and writes registry rows; nothing is read that the log does not vouch for.

Functions take a connection, return frozen values and never commit.
"""

import hashlib
import marshal
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table, delete, func, insert, select, update

from catalogue import indexing
from catalogue.bundles import in_force
from catalogue.corrections import OPEN, Correction
from catalogue.emergency import PREFIX
from catalogue.errors import UnrecordedRowError
from catalogue.flags import Flag
from catalogue.granted import Grant
from catalogue.model import Case, Department, Resource
from catalogue.ports import RowMark, Sealer
from catalogue.protected import decode_bytes, encode_bytes, row_digest
from catalogue.requested import SharingRequest
from catalogue.rows import (
    CASE,
    CORRECTION,
    DEPARTMENT,
    DEPUTY,
    DOCUMENT,
    EMERGENCY,
    GRANT,
    IDENTITY_OPENING,
    KINDS,
    MATTER,
    OFFICER,
    POLICY_BUNDLE,
    REQUEST,
    RESOURCE,
    REVIEW,
    SOURCE,
    SYSTEM,
    SYSTEM_KEY,
    Kind,
    Row,
    from_ms,
    number_token,
    staff_token,
    to_ms,
)
from catalogue.snapshot import Absent, Snapshot
from catalogue.tables import metadata
from catalogue.tables.entries import resource_flag
from catalogue.tables.keeping import registry_meta

T = TypeVar("T")
Recorded = Mapping[tuple[str, str], tuple[int, str | None]]
"""(table, key) → (index, digest) as the log recorded it last."""
Digests = Callable[[str, str], tuple[int, str | None] | None]
"""The same for one row; None if it was never recorded."""

_APPLIED = "applied_index"


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What was worked out from a row as it stood."""

    fingerprint: bytes
    digest: str
    value: Any = None
    """None until it was vouched for and read."""


class Known:
    """What rows came to when they were read last, so that only changed ones are worked out again.

    A row is recognised by the SHA-256 of every cell of it and of what belongs to it, entry and salt too:
    each is still read from the database and still compared with the log every time.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}

    def see(self, kind: Kind[Any], raw: "_Raw") -> _Seen:
        place = (kind.table, raw.key)
        fingerprint = raw.fingerprint()
        seen = self._seen.get(place)
        if seen is None or seen.fingerprint != fingerprint:
            seen = _Seen(fingerprint=fingerprint, digest=_digest(kind, raw.row()))
            self._seen[place] = seen
        return seen


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
    if kind is RESOURCE:
        indexing.put(connection, [key])
    elif kind is DEPARTMENT:
        indexing.put_of_department(connection, key)


def add(connection: Connection, kind: Kind[T], rows: Iterable[Row], *, entry: int) -> None:
    """Write rows that are not there yet, with all that belongs to them, in as few statements as it takes."""
    whole, owned = [], []
    for row in rows:
        alone = row | {"entry": entry}
        if kind.parts is not None:
            key = row[kind.key]
            owned += [part | {kind.parts.owner: key} for part in alone.pop(kind.parts.field)]
        whole.append(alone)
    connection.execute(insert(metadata.tables[kind.table]), whole)
    if kind.parts is not None and owned:
        connection.execute(insert(metadata.tables[kind.parts.table]), owned)
    if kind is RESOURCE:
        indexing.put(connection, [row[kind.key] for row in whole])


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
    why = _doubt_of(kind, found[0] if found else None, recorded(kind.table, key))
    if why is not None:
        raise UnrecordedRowError(kind.table, key, why)
    return kind.read(found[0].row(), sealer) if found else None


def find_all(
    connection: Connection,
    kind: Kind[T],
    *,
    recorded: Recorded,
    sealer: Sealer,
    known: Known | None = None,
) -> tuple[dict[str, T], list[Absent]]:
    """Return all values that the log vouches for, by key, and the rows left out or missing.

    `known` None remembers nothing from one reading to the next.
    """
    known = known or Known()
    values: dict[str, T] = {}
    absent: list[Absent] = []
    present: set[str] = set()
    for raw in _rows(connection, kind):
        present.add(raw.key)
        seen = known.see(kind, raw)
        why = _doubt(raw, seen.digest, recorded.get((kind.table, raw.key)))
        if why is None:
            if seen.value is None:
                seen.value = kind.read(raw.row(), sealer)
            values[raw.key] = seen.value
        else:
            absent.append(Absent(table=kind.table, key=raw.key, why=why))
    for (table, key), last in recorded.items():
        if table == kind.table and key not in present:
            why = _doubt(None, "", last)
            if why is not None:
                absent.append(Absent(table=table, key=key, why=why))
    return values, absent


def find_case(
    connection: Connection, recorded: Recorded, sealer: Sealer, system: str, number: str
) -> Case | None:
    """Return a system's case by its number. None where there is none that the log vouches for."""
    token = number_token(sealer, system, number)
    for raw in _rows(connection, CASE, "number_token", token):
        if _doubt_of(CASE, raw, recorded.get((CASE.table, raw.key))) is None:
            case = CASE.read(raw.row(), sealer)
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


def resource_names(connection: Connection) -> dict[str, tuple[str, str, str]]:
    """Return type, field and list name by code, of all resources, vouched for or not: names stay taken."""
    table = metadata.tables[RESOURCE.table]
    query = select(table.c.code, table.c.type_name, table.c.field_name, table.c.list_name)
    return {
        str(code): (str(type_), str(field), str(list_))
        for code, type_, field, list_ in connection.execute(query)
    }


def codes_with(
    connection: Connection, told: Collection[str], *, plain: Callable[[str], str]
) -> list[str]:
    """Return the signed resources that stand or wait, and have an item of such a title or element.

    `plain` brings a title to the form of those that are `told`. What is returned is only where to look.
    """
    resources = metadata.tables[RESOURCE.table]
    items = metadata.tables["resource_item"]
    query = (
        select(resources.c.code, items.c.title, items.c.more)
        .join(items, items.c.resource == resources.c.code)
        .where(resources.c.state.in_(("announced", "submitted")))
        .where(resources.c.signed_by.is_not(None))
    )
    found: dict[str, None] = {}
    for code, title, more in connection.execute(query):
        if plain(str(title)) in told:
            found[str(code)] = None
        elif more is not None and '"data_element"' in more:
            element = msgspec.json.decode(more).get("data_element", "")
            if plain(str(element)) in told:
                found[str(code)] = None
    return sorted(found)


def flags(connection: Connection) -> dict[str, Flag]:
    """Return what was seen to be wrong with resources' sources, by resource."""
    return {
        row.resource: Flag(
            resource=row.resource,
            code=row.code,
            items=tuple(row.items.split()),
            seen_at=from_ms(row.seen_at),
        )
        for row in connection.execute(select(resource_flag))
    }


def put_flag(connection: Connection, flag: Flag) -> None:
    """Write what is wrong with a resource's source; one flag a resource."""
    drop_flag(connection, flag.resource)
    connection.execute(
        insert(resource_flag).values(
            resource=flag.resource,
            code=flag.code,
            items=" ".join(flag.items),  # Names of items hold no white space.
            seen_at=to_ms(flag.seen_at),
        )
    )


def drop_flag(connection: Connection, resource: str) -> bool:
    """Remove a resource's flag; returns whether there was one."""
    found = connection.execute(delete(resource_flag).where(resource_flag.c.resource == resource))
    return found.rowcount > 0


def row_digests(
    connection: Connection, *, known: Known | None = None
) -> dict[tuple[str, str], str]:
    """Return the digest of every protected row as it stands; empty text where it cannot be computed."""
    known = known or Known()
    return {
        (kind.table, raw.key): known.see(kind, raw).digest
        for kind in KINDS
        for raw in _rows(connection, kind)
    }


def load_snapshot(
    connection: Connection, recorded: Recorded, sealer: Sealer, *, known: Known | None = None
) -> Snapshot:
    """Return the registry as far as the log vouches for it.

    A row that was edited, inserted, deleted or put back past the log is named in `absent`, and what rests
    on it goes with it: no key without its system, no system or resource without its department.
    """
    absent: list[Absent] = []

    def vouched(kind: Kind[T]) -> dict[str, T]:
        values, missing = find_all(connection, kind, recorded=recorded, sealer=sealer, known=known)
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
    emergencies = there["emergency_access"] = standing(
        EMERGENCY, lambda e: [("department", e.department), ("system", e.system)]
    )
    grants = standing(
        GRANT,
        lambda g: [
            (
                "emergency_access" if g.request.startswith(PREFIX) else "sharing_request",
                g.request,
            ),
            ("department", g.department),
            ("department", g.provider),
        ],
    )
    documents = standing(DOCUMENT, lambda d: [("department", d.department)])
    reviews = there["review"] = vouched(REVIEW)
    openings = standing(IDENTITY_OPENING, lambda o: [("review", o.review)])
    # Putting another in force changes the row of the one before: a vouched one stands in force for certain.
    policy = in_force(vouched(POLICY_BUNDLE).values())
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
        policy=policy,
        emergencies=emergencies,
        documents=documents,
        reviews=reviews,
        openings=openings,
        deputies=vouched(DEPUTY),
        disputed=_disputed(vouched(CORRECTION).values()),
        policy_in_doubt=policy is None and any(row.table == POLICY_BUNDLE.table for row in absent),
    )


def _disputed(held: Iterable[Correction]) -> dict[tuple[str, str], frozenset[str]]:
    found: dict[tuple[str, str], frozenset[str]] = {}
    for one in held:
        if one.state in OPEN:
            place = (one.resource, one.subject)
            found[place] = found.get(place, frozenset()) | {one.item}
    return found


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


@dataclass(slots=True, kw_only=True)
class _Raw:
    """A row as the database gives it, with what belongs to it."""

    kind: Kind[Any]
    key: str
    names: tuple[str, ...]
    cells: tuple[Any, ...]
    part_names: tuple[str, ...]
    parts: list[tuple[Any, ...]]

    def row(self) -> Row:
        row = dict(zip(self.names, self.cells, strict=True))
        if self.kind.parts is not None:
            row[self.kind.parts.field] = [
                dict(zip(self.part_names, part, strict=True)) for part in self.parts
            ]
        return row

    def entry(self) -> Any:
        return self.cells[self.names.index("entry")]

    def fingerprint(self) -> bytes:
        # Version 2 writes the same bytes for equal cells of equal types, whatever they were made of.
        return hashlib.sha256(marshal.dumps((self.cells, self.parts), 2)).digest()


def _rows(
    connection: Connection, kind: Kind[Any], column: str | None = None, value: str = ""
) -> Iterator[_Raw]:
    """Rows of a kind with what belongs to them, all or those with a value in a column."""
    table = metadata.tables[kind.table]
    query = select(table).order_by(table.c[kind.key])
    if column is not None:
        query = query.where(table.c[column] == value)
    names = tuple(one.name for one in table.columns)
    place = names.index(kind.key)
    rows = [tuple(row) for row in connection.execute(query).fetchall()]
    part_names, owned = _parts(
        connection, kind, None if column is None else [row[place] for row in rows]
    )
    for cells in rows:
        yield _Raw(
            kind=kind,
            key=str(cells[place]),
            names=names,
            cells=cells,
            part_names=part_names,
            parts=owned.get(cells[place], []),
        )


def _parts(
    connection: Connection, kind: Kind[Any], owners: list[Any] | None
) -> tuple[tuple[str, ...], dict[Any, list[tuple[Any, ...]]]]:
    """What belongs to rows: its columns but the owner's, and its cells by owner, in order.

    `owners` None asks for what belongs to all.
    """
    if kind.parts is None:
        return (), {}
    table: Table = metadata.tables[kind.parts.table]
    columns = [one for one in table.columns if one.name != kind.parts.owner]
    owner, order = table.c[kind.parts.owner], table.c[kind.parts.order]
    query = select(owner, *columns).order_by(owner, order)
    if owners is not None:
        query = query.where(owner.in_(owners))
    found: dict[Any, list[tuple[Any, ...]]] = {}
    for row in connection.execute(query).fetchall():
        found.setdefault(row[0], []).append(row[1:])
    return tuple(one.name for one in columns), found


def _digest(kind: Kind[Any], row: Row) -> str:
    """The digest of a row as it stands; empty where its salt is none."""
    try:
        salt = decode_bytes(row["salt"])
        return row_digest(kind.table, str(row[kind.key]), row, salt)
    except (ValueError, TypeError, AttributeError):
        # A hand has been at the salt: no digest equals the empty text.
        return ""


def _doubt_of(
    kind: Kind[Any], raw: _Raw | None, recorded: tuple[int, str | None] | None
) -> str | None:
    """As `_doubt`, of a row whose digest was not worked out yet."""
    return _doubt(raw, "" if raw is None else _digest(kind, raw.row()), recorded)


def _doubt(raw: _Raw | None, present: str, recorded: tuple[int, str | None] | None) -> str | None:
    """Why a row cannot be trusted; None where the log vouches for it, or vouches for its absence.

    `present` is the digest of the row as it stands.
    """
    if recorded is None:
        return None if raw is None else "never recorded"
    index, digest = recorded
    if raw is None:
        return None if digest is None else f"deleted: entry {index} recorded it and no act ended it"
    if digest is None:
        return f"put back: entry {index} recorded its end"
    entry = raw.entry()
    if present != digest:
        older = isinstance(entry, int) and entry < index
        return f"an earlier state than entry {index}" if older else f"not as entry {index} recorded"
    if entry != index:
        return f"names entry {entry}, recorded by entry {index}"
    return None
