"""Acts of the evidence broker: what proves a requirement, what is asked twice, what hangs on a resource."""

from catalogue import evidence
from catalogue.errors import UnknownError
from catalogue.evidence import Supplied
from catalogue.finding import Narrowed
from catalogue.model import Actor, Resource, Role
from catalogue.rows import MATTER
from catalogue.search import LONGEST
from catalogue.snapshot import Snapshot
from exchange.acts.listing import Told
from exchange.acts.matters import composed, told_supplied
from exchange.acts.register import ActError, act
from exchange.node import Node

SHOWN = 10
"""Answers to one question; who sees more than that asks more precisely."""


@act("evidence.find")
def find_evidence(
    node: Node,
    actor: Actor,
    *,
    words: str,
    matter: str | None = None,
    system: str | None = None,
) -> Told:
    """What proves a requirement: resources and e-certificates, who holds them, and whether one may have them.

    `matter` None asks for whatever matter; `query` asks for all that is found, in a system's own contract.
    """
    if not words.strip() or len(words) > LONGEST:
        raise ActError("ACT_ARGUMENTS", "the name of what is to be proved needed")
    snapshot, at = node.live.load(), node.ports.now()
    if matter is not None and matter not in snapshot.matters:
        raise UnknownError(f"matter {matter}")
    wanted = evidence.requirement(words)
    found = _found(node, snapshot, wanted)
    rows = []
    for resource in found:
        state, grant = evidence.standing(actor.department, resource, snapshot, matter=matter, at=at)
        rows.append(_proof(resource, snapshot) | {"state": state.value, "grant": grant})
    return {
        "words": wanted,
        "matter": matter,
        "proofs": rows,
        "query": composed(
            snapshot, actor, system, [one.code for one in found], matter=matter, node=node
        ),
    }


@act("evidence.duplicates")
def find_duplicates(
    node: Node,
    actor: Actor,  # noqa: ARG001 - any officer
    *,
    department: str | None = None,
) -> Told:
    """Materials that applicants are asked for though sharing supplies them, by the department that asks.

    `again` stands where a grant is in force: that is against the law. `avoidable` where the department would
    have to ask for it first. `likely` are guesses by name, of materials that nobody linked.
    """
    snapshot, at = node.live.load(), node.ports.now()
    matters = [
        held
        for _code, held in sorted(node.held(MATTER).items())
        if department in {None, held.department}
    ]
    found = evidence.duplicates(matters, snapshot, at=at)
    unlinked = [
        (held.code, one)
        for held in matters
        if held.state == "active"
        for one in held.asked
        if not one.linked and not one.waived
    ]
    return {
        "law": evidence.LAW,
        "listed": sum(held.materials is not None for held in matters),
        "matters": len(matters),
        "departments": [
            _of_department(code, rows) for code, rows in evidence.by_department(found).items()
        ],
        "likely": [
            {
                "matter": one.matter,
                "material": one.material,
                "name": next(
                    held.name
                    for held in snapshot.matters[one.matter].asked
                    if held.code == one.material
                ),
                "resource": one.resource,
                "department": snapshot.matters[one.matter].department,
            }
            for one in evidence.likely(unlinked, snapshot.resources)
            if one.matter in snapshot.matters
        ],
    }


@act("evidence.impact")
def find_impact(node: Node, actor: Actor, *, resource: str) -> Told:
    """What is hit when a resource goes: materials, matters, grants, systems. Its department, authority."""
    snapshot = node.live.load()
    held = snapshot.resources.get(resource)
    if held is None:
        raise ActError("NOT_FOUND", f"no announced resource {resource}")
    if held.department != actor.department and not (
        actor.has(Role.AUTHORITY) or actor.has(Role.AUDITOR)
    ):
        raise ActError("NOT_FOUND", f"no resource {resource} of your department")
    found = evidence.impact(resource, snapshot, at=node.ports.now())
    return {
        "resource": resource,
        "materials": [told_supplied(one) for one in found.materials],
        "matters": list(found.matters),
        "grants": list(found.grants),
        "systems": list(found.systems),
        "departments": list(found.departments),
    }


def _found(node: Node, snapshot: Snapshot, wanted: str) -> list[Resource]:
    """Resources that the search finds, and those whose type of e-certificate bears the name, best first."""
    hidden = tuple(row.key for row in snapshot.absent if row.table == "resource")
    found = node.registry.find_resources(wanted, Narrowed(own="", hidden=hidden), first=SHOWN)
    typed = [
        held
        for _code, held in sorted(snapshot.resources.items())
        if held.certificate is not None
        and wanted in evidence.requirement(held.certificate.type_name)
    ]
    held = [snapshot.resources[code] for code in found.codes if code in snapshot.resources]
    announced = [one for one in dict.fromkeys((*typed, *held)) if one.state == "announced"]
    return announced[:SHOWN]


def _proof(resource: Resource, snapshot: Snapshot) -> Told:
    certificate = resource.certificate
    used = [
        held.code
        for _code, held in sorted(snapshot.matters.items())
        if resource.code in held.listed
        or (certificate is not None and certificate.type_code in held.certificates)
    ]
    return {
        "resource": resource.code,
        "name": resource.name,
        "name_en": resource.name_en,
        "certificate": None if certificate is None else certificate.type_code,
        "certificate_name": None if certificate is None else certificate.type_name,
        "department": resource.department,
        "class": resource.sharing_class.value,
        "conditions": resource.conditions,
        "matters": used,
    }


def _of_department(code: str, rows: list[Supplied]) -> Told:
    return {
        "department": code,
        "again": sum(one.again for one in rows),
        "avoidable": sum(one.avoidable for one in rows),
        "materials": [told_supplied(one) for one in rows],
    }
