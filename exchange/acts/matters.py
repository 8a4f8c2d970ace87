"""Acts on matters: their versions, their materials, and what of these sharing supplies."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from catalogue import evidence, matters
from catalogue.evidence import Supplied, Supply
from catalogue.materials import Material, MatterList, MatterType
from catalogue.model import Actor, Matter, MatterVersion, Resource
from catalogue.rows import MATTER, MATTER_VERSION
from catalogue.service import Taken
from catalogue.snapshot import Snapshot
from exchange.acts.listing import FIRST, Span, Told, cut, paged
from exchange.acts.register import ActError, act
from exchange.composing import compose, tick
from exchange.node import Node
from gateway.errors import RefusedDocumentError
from gateway.limits import Limits
from gateway.parse import operation_digest, parse_document
from gateway.schema import build_contract


@act("matter.import")
def import_matters(node: Node, actor: Actor, *, rows: list[Matter]) -> Taken:
    return node.registry.import_matters(rows, by=actor)


@act("matter.list")
def list_matters(  # noqa: PLR0913 - filters and a page, named one by one
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
    *,
    department: str | None = None,
    words: str = "",
    type: MatterType | None = None,  # noqa: A002 - the word of the envelope
    on_list: MatterList | None = None,
    depth: int | None = None,
    trips: int | None = None,
    again: bool = False,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Matters in the order of their codes; `words` all stand in name or code.

    `depth` is the least depth on line and `trips` the most trips to the hall: a matter of which that is not
    known fits neither. With `again` only those that ask applicants for what sharing supplies.
    """
    snapshot, at = node.live.load(), node.ports.now()
    wanted = words.casefold().split()
    held = node.held(MATTER)
    fit = {
        code: one
        for code, one in held.items()
        if department in {None, one.department}
        and type in {None, one.type}
        and (on_list is None or on_list in (one.lists or ()))
        and (depth is None or (one.online_depth is not None and one.online_depth >= depth))
        and (trips is None or (one.trips is not None and one.trips <= trips))
        and all(word in f"{one.name}\n{one.code}".casefold() for word in wanted)
        and not (again and not evidence.duplicates([one], snapshot, at=at))
    }

    def told(one: Matter) -> Told:
        return _matter(one) | _counts(evidence.supplied(one, snapshot, at=at), one)

    return paged(
        cut(fit, Span(first=first, after=after, before=before)),
        told,
        departments=sorted({one.department for one in held.values()}),
    )


@act("matter.show")
def show_matter(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
    *,
    code: str,
    version: int | None = None,
) -> Told:
    """One matter with its materials, how sharing stands with each, and its versions.

    `version` None shows the one that holds; of an earlier one the materials are told as they stood, without
    how sharing stands with them now.
    """
    held = _matter_of(node, code)
    ended = {one.version: one for one in node.held(MATTER_VERSION).values() if one.matter == code}
    shown = held if version in {None, matters.number_of(held)} else None
    if shown is None:
        past = ended.get(version or 0)
        if past is None:
            raise ActError("NOT_FOUND", f"matter {code} has no version {version}")
        return _whole(past.held) | {
            "holds": False,
            "ended_at": past.ended_at.isoformat(),
            "materials": [_material(one) for one in past.held.asked],
            "versions": _versions(held, ended),
        }
    snapshot, at = node.live.load(), node.ports.now()
    found = evidence.supplied(held, snapshot, at=at)
    return _whole(held) | {
        "holds": True,
        "ended_at": None,
        "materials": [told_supplied(one) for one in found],
        "likely": [
            asdict(one)
            for one in evidence.likely(
                [(code, one.material) for one in found if one.state is Supply.UNLINKED],
                snapshot.resources,
            )
        ],
        "versions": _versions(held, ended),
        **_counts(found, held),
    }


@act("matter.materials")
def list_materials(
    node: Node, actor: Actor, *, listed: dict[str, list[Material]], dry_run: bool = False
) -> Told:
    """Put lists of materials, whole and by matter, in place of those before (its department, authority).

    Says what differs, and whatever does not fit; where anything does not, nothing is taken.
    """
    said = node.registry.list_materials(listed, by=actor, dry_run=dry_run)
    return {
        "taken": said.taken,
        "differences": [asdict(one) for one in said.differences if one.differs],
        "unchanged": [one.matter for one in said.differences if not one.differs],
        "misfits": [asdict(one) for one in said.misfits],
    }


@act("matter.query")
def ready_query(node: Node, actor: Actor, *, code: str, system: str | None = None) -> Told:
    """The query that asks for everything of a matter that sharing supplies, in a system's own contract.

    `system` None takes the one of the actor's department that was granted most of it; `document` is None
    where nothing can be asked.
    """
    held = _matter_of(node, code)
    snapshot, at = node.live.load(), node.ports.now()
    found = evidence.supplied(held, snapshot, at=at)
    codes = [one.resource for one in found if one.resource is not None]
    codes += [one for one in held.resources if one not in codes]
    return composed(snapshot, actor, system, codes, matter=code, node=node)


def composed(
    snapshot: Snapshot,
    actor: Actor,
    system: str | None,
    codes: Sequence[str],
    *,
    matter: str | None,
    node: Node,
) -> Told:
    """Compose a query over resources and check it as the gateway would; items are those that are granted."""
    own = sorted(
        one.id
        for one in snapshot.systems.values()
        if one.department == actor.department and one.state == "active" and not one.intake
    )
    if system is not None and system not in own:
        raise ActError("NOT_FOUND", f"no system {system} of your department")
    if not own:
        return _no_query(None, codes, "no-system")
    offered = {
        one: _granted(snapshot, one, codes, matter, at=node.ports.now())
        for one in (own if system is None else [system])
    }
    asking = max(offered, key=lambda one: sum(map(bool, offered[one].values())))
    granted = offered[asking]
    contract = snapshot.contract(asking)
    ticked = tick(
        (one for one in contract if one.code in granted),
        {one.code: _asked_items(one, granted[one.code]) for one in contract if one.code in granted},
    )
    if not ticked:
        return _no_query(asking, codes, "not-in-contract")
    made = compose(ticked)
    try:
        parse_document(made.document, build_contract(contract), limits=Limits())
    except RefusedDocumentError as error:
        # What the gateway would refuse is not offered: its code says why.
        return _no_query(asking, codes, error.code)
    named = {one.resource.code for one in ticked}
    return {
        "system": asking,
        "document": made.document,
        "digest": operation_digest(made.document),
        "variables": dict(made.variables),
        "resources": [
            {
                "code": one.resource.code,
                "items": [item.name for item in one.items],
                "granted": bool(granted[one.resource.code]),
            }
            for one in ticked
        ],
        "left_out": [one for one in dict.fromkeys(codes) if one not in named],
        "why": None,
    }


def _granted(
    snapshot: Snapshot, system: str, codes: Sequence[str], matter: str | None, *, at: datetime
) -> dict[str, set[str]]:
    """Return the items that a system was granted of those resources that are in its contract."""
    return {
        resource.code: {
            name
            for grant in snapshot.grants_for(system, resource.code)
            if evidence.in_force(grant, at=at) and (matter is None or matter in grant.matters)
            for name in grant.items
        }
        for resource in snapshot.contract(system)
        if resource.code in codes
    }


def told_supplied(one: Supplied) -> Told:
    return _material(one.material) | {
        "matter": one.matter,
        "asked_by": one.department,
        "state": one.state.value,
        "supplied_by": one.resource,
        "source": one.source,
        "grant": one.grant,
        "again": one.again,
        "avoidable": one.avoidable,
        "broken": one.broken,
    }


def _matter_of(node: Node, code: str) -> Matter:
    held = node.held(MATTER).get(code)
    if held is None:
        raise ActError("NOT_FOUND", f"no matter {code}")
    return held


def _asked_items(resource: Resource, granted: set[str]) -> list[str]:
    """What is granted; where nothing is, all that may be shared but what is most sensitive."""
    if granted:
        return sorted(granted)
    return [
        item.name
        for item in resource.items
        if item.sharing_class.value != "not-shared" and item.level == _least(resource)
    ] or [resource.key.name]


def _least(resource: Resource) -> int:
    return min(item.level for item in resource.items)


def _no_query(system: str | None, codes: Sequence[str], why: str) -> Told:
    return {
        "system": system,
        "document": None,
        "digest": None,
        "variables": {},
        "resources": [],
        "left_out": list(dict.fromkeys(codes)),
        "why": why,
    }


def _matter(held: Matter) -> Told:
    return {
        "code": held.code,
        "kind": held.kind.value,
        "department": held.department,
        "name": held.name,
        "resources": list(held.resources),
        "state": held.state,
        "version": matters.number_of(held),
        "type": None if held.type is None else held.type.value,
        "lists": None if held.lists is None else [one.value for one in held.lists],
        "online_depth": held.online_depth,
        "trips": held.trips,
        "statutory_days": held.statutory_days,
        "promised_days": held.promised_days,
        "baseline_days": held.baseline_days,
        "materials": None if held.materials is None else len(held.materials),
    }


def _whole(held: Matter) -> Told:
    return _matter(held) | {
        "case_pattern": held.case_pattern,
        "max_parties": held.max_parties,
        "relations": list(held.relations),
    }


def _material(one: Material) -> Told:
    return {
        "code": one.code,
        "name": one.name,
        "name_en": one.name_en,
        "required": one.required,
        "origin": one.origin.value,
        "resource": one.resource,
        "certificate": one.certificate,
        "department": one.department,
        "waived": one.waived,
        "reason": one.reason,
    }


def _counts(found: Sequence[Supplied], held: Matter) -> Told:
    """How many materials sharing supplies and how many are asked again; None: none are listed."""
    if held.materials is None:
        return {"supplied": None, "again": None}
    return {
        "supplied": sum(one.material.waived and one.state in evidence.WORKS for one in found),
        "again": sum(one.again for one in found),
    }


def _versions(held: Matter, ended: Mapping[int, MatterVersion]) -> list[dict[str, Any]]:
    """The versions, the newest first; `ended_at` None is the one that holds."""
    newest: Told = {"version": matters.number_of(held), "ended_at": None, "ended_by": None}
    return [newest] + [
        {"version": one.version, "ended_at": one.ended_at.isoformat(), "ended_by": one.ended_by}
        for _number, one in sorted(ended.items(), reverse=True)
    ]
