"""Turns the lines of a published catalogue into departments, sources and resources of the registry."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import msgspec

from catalogue import naming, suggest
from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.lifecycle import WAITING
from catalogue.metadata import ANY_DEPARTMENT, SharingMethod
from catalogue.model import (
    CodeKind,
    Department,
    Item,
    ItemType,
    Resource,
    SharingClass,
    SourceAddress,
)
from catalogue.naming import ResourceNames

CONDITIONS = "由发布部门依申请审核提供"
ROW_ID = ":id"
"""Column by which Socrata's portals identify a record."""

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "number": "NUMERIC",
        "money": "NUMERIC",
        "percent": "NUMERIC",
        "stars": "NUMERIC",
        "calendar_date": "TIMESTAMP",
        "date": "TIMESTAMP",
        "checkbox": "BOOLEAN",
        "flag": "BOOLEAN",
    }
)
"""Column types of the portals as SQL has them; all others are text."""

_UNFIT_KEYS = frozenset({"first", "claims"})
_ABSTRACT = 1_500


class Entry(msgspec.Struct, frozen=True):
    """One line: a data set, its publisher and its columns."""

    id: str
    title: str
    host: str
    publisher: str | None = None
    """None where the portal names nobody: the portal itself is taken for the publisher."""
    description: str | None = None
    """None where there is none."""
    columns: tuple[tuple[str, str, str], ...] = ()
    """(column, label, type)."""

    @property
    def owner(self) -> str:
        return (self.publisher or "").strip() or self.host

    @property
    def code(self) -> str:
        return f"{self.host}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What a published catalogue holds, ready to be registered."""

    departments: tuple[Department, ...]
    sources: tuple[SourceAddress, ...]
    resources: tuple[Resource, ...]


def read_harvest(
    lines: Iterable[bytes], *, kept: Mapping[str, ResourceNames] | None = None
) -> Harvest:
    """Read JSON lines. `kept` holds the names that codes have already; they never change.

    Raises InvalidError naming the line that cannot be taken.
    """
    entries = [_entry(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    held = dict(kept or {})
    taken = {name for names in held.values() for name in _all(names)}
    departments: dict[str, Department] = {}
    sources: dict[str, SourceAddress] = {}
    resources = []
    for entry in entries:
        department = department_of(entry.owner)
        departments.setdefault(department.code, department)
        source = _source(entry.host, department=department.code)
        sources.setdefault(source.name, source)
        names = held.get(entry.code)
        if names is None:
            names = naming.name_resource(entry.title, code=entry.code, taken=taken)
            taken.update(_all(names))
        resources.append(_resource(entry, names, department=department.code, source=source.name))
    return Harvest(
        departments=tuple(departments.values()),
        sources=tuple(sources.values()),
        resources=tuple(resources),
    )


def department_of(publisher: str) -> Department:
    """Return the department of a publisher; its code is made from its name, which is all there is."""
    return Department(
        code=f"pub.{_digest(publisher)}",
        code_kind=CodeKind.OTHER,
        name=publisher,
        name_en=publisher,
        level="publisher",
    )


def _source(host: str, *, department: str) -> SourceAddress:
    return SourceAddress(
        name=f"{department}.{_digest(host)[:6]}",
        department=department,
        kind="http",
        address=f"https://{host}/resource",
        zone="America/New_York",
        state=WAITING,
    )


def _resource(entry: Entry, names: ResourceNames, *, department: str, source: str) -> Resource:
    items = _items(entry)
    return Resource(
        code=entry.code,
        department=department,
        name=entry.title,
        name_en=entry.title,
        type_name=names.type_name,
        field_name=names.field_name,
        list_name=names.list_name,
        source=source,
        table=entry.id,
        items=items,
        sharing_class=SharingClass.CONDITIONAL,
        abstract=(entry.description or "")[:_ABSTRACT],
        level=max(item.level for item in items),
        personal=suggest.is_personal(items),
        conditions=CONDITIONS,
        purposes=("administrative-basis", "work-reference"),
        methods=(SharingMethod.INTERFACE,),
        recipients=(ANY_DEPARTMENT,),
    )


def _items(entry: Entry) -> tuple[Item, ...]:
    """Return an item a column, all conditional, and the record's own number where no column is a key."""
    columns = [
        suggest.Column(name=name, type=_TYPES.get(kind, "TEXT"), comment=label.strip())
        for name, label, kind in entry.columns
    ]
    suggested = suggest.suggest_items(columns, key="")
    key = next(
        (
            item.ordinal
            for item in suggested
            if item.type is ItemType.TEXT
            and item.graphql_name not in _UNFIT_KEYS
            # The portals' own columns (":updated_at") tell nothing of whom a record is about.
            and not item.column.startswith(":")
        ),
        None,
    )
    if key is None:
        columns.append(suggest.Column(name=ROW_ID, type="TEXT", comment="Row"))
        suggested = suggest.suggest_items(columns, key="")
        key = len(columns) - 1
    # Nothing is opened by a guess: what the publisher shares without conditions it announces itself.
    return tuple(
        replace(
            item,
            sharing_class=SharingClass.CONDITIONAL,
            key=item.ordinal == key,
            match=item.ordinal == key,
        )
        for item in suggested
    )


def _entry(number: int, line: bytes) -> Entry:
    try:
        return msgspec.json.decode(line, type=Entry)
    except msgspec.DecodeError as error:
        raise InvalidError(Flaw("line {0}: {1}", number, error), code="IMPORT_REFUSED") from error


def _all(names: ResourceNames) -> tuple[str, str, str]:
    return names.type_name, names.field_name, names.list_name


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
