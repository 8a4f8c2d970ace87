"""Reads entries for people: bitmaps become items, codes become the names that the catalogue has for them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from audit.canonical import parse_bitmap
from catalogue.model import Item
from catalogue.snapshot import Snapshot

Told = dict[str, Any]
_SETS = ("asked", "matched", "given", "masked", "refused")
_SPOKEN = ("kind", "at", "gateway", "call", "purpose", "auth", "operator_auth", "case", "code", "policy",
           "operation")  # fmt: skip
_CONCERNING = ("request", "grant", "emergency", "resource", "revision", "class", "items", "minutes",
               "provider", "consumer", "system", "matter", "state")  # fmt: skip
"""Facts of an act that a department which it names is told, besides whoever acted."""


def tell_entry(
    members: Mapping[str, Any], *, names: Snapshot, department: str | None = None
) -> Told:
    """Return what an entry says in the clear, with names beside codes, and its closed digests.

    To a `department` that was asked, and did not ask itself, its own steps are told and those of others
    counted; None, and whoever asked or acted, is told all.
    """
    told = {
        "kind": members["kind"],
        "at": moment(members["ts"]),
        "gateway": members.get("gateway", ""),
        "call": members.get("call", ""),
        "consumer": named_department(_consumer(members), names=names),
        "system": named_system(members.get("system", ""), names=names),
        "matter": named_matter(_fact(members, "matter"), names=names),
        "matter_version": members.get("matter_version"),
        "purpose": members.get("purpose", ""),
        "auth": members.get("auth", ""),
        "operator_auth": members.get("operator_auth", ""),
        "case": members.get("case", ""),
        "code": members.get("code", ""),
        "policy": members.get("policy", ""),
        "operation": members.get("operation", ""),
        "steps": [tell_step(step, names=names) for step in members.get("steps", [])],
        "others": 0,
        "sealed": members.get("sealed") is True,
        "facts": dict(members.get("facts", {})),
        "digests": [
            {"name": name, "digest": digest}
            for name, digest in sorted(members.get("digests", {}).items())
        ],
    }
    return told if sees_whole(members, department) else _narrowed(members, told, department)


def tell_closed() -> Told:
    """Return what is told of an entry made under a sealed review by another: that it is there."""
    nobody = {"code": "", "name": "", "name_en": ""}
    spoken = dict.fromkeys(_SPOKEN, "") | dict.fromkeys(("consumer", "system", "matter"), nobody)
    nothing: Told = {"steps": [], "others": 0, "facts": {}, "digests": [], "matter_version": None}
    return spoken | nothing | {"sealed": True}


def sees_whole(members: Mapping[str, Any], department: str | None) -> bool:
    """Say whether an entry is told whole: to auditors (None), and to the department that asked or acted."""
    return department in {None, _consumer(members)}


def _narrowed(members: Mapping[str, Any], told: Told, department: str | None) -> Told:
    """Leave what a department is concerned with: who asked, for which matter, and its own steps.

    The call's own code, its document's digest and whatever is committed to for other steps speak of all
    departments together, so they are not told. Nor is any digest: an asked department may open none. Of an
    act that names the department, it is told what was acted on and how that stands now.
    """
    own = [step for step in told["steps"] if step["provider"]["code"] == department]
    facts = {name: told["facts"][name] for name in _CONCERNING if name in told["facts"]}
    spoken = {"code": "", "operation": "", "policy": "", "auth": "", "facts": facts, "digests": []}
    return told | spoken | {"steps": own, "others": len(members.get("steps", [])) - len(own)}


def tell_step(step: Mapping[str, Any], *, names: Snapshot) -> Told:
    """Return one step with its items by name and title; ordinals that nobody knows any more stay numbers."""
    held = names.resources.get(step["resource"])
    by_ordinal = {item.ordinal: item for item in held.items} if held else {}
    return {
        "ref": step["ref"],
        "provider": named_department(step["provider"], names=names),
        "resource": named_resource(step["resource"], names=names),
        "revision": step["revision"],
        "class": step["class"],
        **{name: _items(step[name], by_ordinal) for name in _SETS},
        "grant": step["grant"],
        "rows": step["rows"],
        "outcome": step["outcome"],
        "code": step["code"],
    }


def tell_brief(members: Mapping[str, Any], *, names: Snapshot, department: str | None) -> Told:
    """Return a line of a case's story. `department` sees its own steps of others' calls; None sees all."""
    mine = sees_whole(members, department)
    return {
        "at": moment(members["ts"]),
        "kind": members["kind"],
        "consumer": named_department(_consumer(members), names=names),
        "system": named_system(members.get("system", ""), names=names),
        "matter": named_matter(_fact(members, "matter"), names=names),
        "purpose": members.get("purpose", ""),
        "code": members.get("code", "") if mine else "",
        "steps": [
            {
                "provider": named_department(step["provider"], names=names),
                "resource": named_resource(step["resource"], names=names),
                "outcome": step["outcome"],
                "code": step["code"],
            }
            for step in members.get("steps", [])
            if mine or step["provider"] == department
        ],
    }


def moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def named_department(code: str, *, names: Snapshot) -> Told:
    held = names.departments.get(code)
    return _named(code, held.name if held else "", held.name_en if held else "")


def named_system(system: str, *, names: Snapshot) -> Told:
    held = names.systems.get(system)
    return _named(system, held.name if held else "", "")


def named_matter(code: str, *, names: Snapshot) -> Told:
    held = names.matters.get(code)
    return _named(code, held.name if held else "", "")


def named_resource(code: str, *, names: Snapshot) -> Told:
    held = names.resources.get(code)
    return _named(code, held.name if held else "", held.name_en if held else "")


def _named(code: str, name: str, name_en: str) -> Told:
    """A code with its names; both are the code itself where nobody registered it."""
    return {"code": code, "name": name or code, "name_en": name_en or name or code}


def _consumer(members: Mapping[str, Any]) -> str:
    """Return the department that asked or acted; empty where it was the exchange itself."""
    return str(members.get("consumer") or members.get("department") or "")


def _fact(members: Mapping[str, Any], name: str) -> str:
    return str(members.get(name) or members.get("facts", {}).get(name) or "")


def _items(bits: str, by_ordinal: Mapping[int, Item]) -> list[Told]:
    return [_item(ordinal, by_ordinal.get(ordinal)) for ordinal in sorted(parse_bitmap(bits))]


def _item(ordinal: int, held: Item | None) -> Told:
    if held is None:
        return {"ordinal": ordinal, "name": f"#{ordinal}", "title": f"#{ordinal}"}
    return {"ordinal": ordinal, "name": held.name, "title": held.title}
