"""What an import would change: entries added, changed field by field, unchanged, missing from the file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from catalogue.interchange.entries import told_of
from catalogue.interchange.fields import ENTRY_FIELDS, ITEM_FIELDS
from catalogue.model import Resource


class Change(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    MISSING = "missing"
    """Registered, and not in the file: nothing is done to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One field that differs."""

    field: str
    zh: str
    en: str
    before: Any
    after: Any
    item: str = ""
    """Code of the item whose field it is; empty where it is the entry's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What becomes of one entry."""

    code: str
    name: str
    change: Change
    fields: tuple[Changed, ...] = ()


def difference(before: Resource | None, after: Resource) -> Difference:
    """Compare an entry as registered, None for one that is not, with what it would become."""
    if before is None:
        return Difference(code=after.code, name=after.name, change=Change.ADDED)
    fields = (*_entry(before, after), *_items(before, after))
    change = Change.CHANGED if fields else Change.UNCHANGED
    return Difference(code=after.code, name=after.name, change=change, fields=fields)


def missing(registered: Mapping[str, Resource], told: Collection[str]) -> list[Difference]:
    """Return the registered entries that a file does not name, in the order of their codes."""
    return [
        Difference(code=code, name=held.name, change=Change.MISSING)
        for code, held in sorted(registered.items())
        if code not in told
    ]


def counts(differences: Sequence[Difference]) -> dict[str, int]:
    return {change.value: sum(one.change is change for one in differences) for change in Change}


def _entry(before: Resource, after: Resource) -> list[Changed]:
    old, new = told_of(before).fields, told_of(after).fields
    return [
        Changed(field=name, zh=one.zh, en=one.en, before=old[name], after=new[name])
        for name, one in ENTRY_FIELDS.items()
        if old[name] != new[name]
    ]


def _items(before: Resource, after: Resource) -> list[Changed]:
    old = {str(item["name"]): item for item in told_of(before).items or ()}
    new = {str(item["name"]): item for item in told_of(after).items or ()}
    found = [_changed("title", name, old[name]["title"], None) for name in old if name not in new]
    for name, item in new.items():
        if name not in old:
            found.append(_changed("title", name, None, item["title"]))
            continue
        found += [
            _changed(field, name, old[name][field], item[field])
            for field in ITEM_FIELDS
            if old[name][field] != item[field]
        ]
    return found


def _changed(field: str, item: str, before: Any, after: Any) -> Changed:
    known = ITEM_FIELDS[field]
    return Changed(field=field, zh=known.zh, en=known.en, before=before, after=after, item=item)
