"""Acts on requests, grants and cases."""

from catalogue.cases import NamedParty
from catalogue.model import Actor, Grant, Role, SubjectType
from catalogue.rows import CASE, GRANT, REQUEST
from catalogue.service import Wanted
from catalogue.sharing import Terms
from exchange.acts.register import act
from exchange.node import Node


@act("request.create")
def create(node: Node, actor: Actor, *, wanted: Wanted) -> dict[str, object]:
    held = node.registry.request_sharing(wanted, by=actor)
    return {"id": held.id, "state": held.state.value}


@act("request.sign")
def sign(node: Node, actor: Actor, *, request: str) -> dict[str, object]:
    """Sign off a colleague's request; unconditional data is granted in the same act."""
    held, grant = node.registry.sign_request(request, by=actor)
    return {"id": held.id, "state": held.state.value, "grant": grant.id if grant else None}


@act("request.refuse")
def refuse(node: Node, actor: Actor, *, request: str, reason: str) -> dict[str, object]:
    held = node.registry.refuse(request, by=actor, reason=reason)
    return {"id": held.id, "state": held.state.value}


@act("request.list")
def list_requests(node: Node, actor: Actor) -> list[dict[str, object]]:
    """Requests that one's department made or has to answer; the authority sees all."""
    owners = node.owners()
    return [
        {
            "id": held.id,
            "resource": held.resource,
            "department": held.department,
            "systems": list(held.systems),
            "items": list(held.items),
            "matters": list(held.matters),
            "state": held.state.value,
            "scenario": held.scenario,
        }
        for held in node.held(REQUEST).values()
        if actor.has(Role.AUTHORITY)
        or actor.department in {held.department, owners.get(held.resource)}
    ]


@act("grant.give")
def give(node: Node, actor: Actor, *, request: str, terms: Terms) -> dict[str, object]:
    return _told(node.registry.grant(request, by=actor, terms=terms))


@act("grant.suspend")
def suspend(node: Node, actor: Actor, *, grant: str, reason: str = "") -> dict[str, object]:
    return _told(node.registry.suspend(grant, by=actor, reason=reason))


@act("grant.resume")
def resume(node: Node, actor: Actor, *, grant: str) -> dict[str, object]:
    return _told(node.registry.resume(grant, by=actor))


@act("grant.revoke")
def revoke(node: Node, actor: Actor, *, grant: str, reason: str = "") -> dict[str, object]:
    return _told(node.registry.revoke(grant, by=actor, reason=reason))


@act("grant.list")
def list_grants(node: Node, actor: Actor) -> list[dict[str, object]]:
    """Grants that one's department has or gave; the authority and auditors see all."""
    return [
        _told(held)
        for held in node.held(GRANT).values()
        if actor.has(Role.AUTHORITY)
        or actor.has(Role.AUDITOR)
        or actor.department in {held.department, held.provider}
    ]


@act("case.confirm-party")
def confirm_party(
    node: Node,
    actor: Actor,
    *,
    number: str,
    system: str,
    type: SubjectType,  # noqa: A002 - the word of the envelope
    identifier: str,
    role: str = "",
) -> dict[str, object]:
    """The second officer's word for a party that was added late."""
    party = NamedParty(type=type, identifier=identifier, role=role)
    held = node.registry.confirm_party(number, party, by=actor, system=system)
    return {"case": held.id, "parties": sum(party.counts for party in held.parties)}


@act("case.list")
def list_cases(node: Node, actor: Actor) -> list[dict[str, object]]:
    """Cases of one's own department, without numbers and parties."""
    return [
        {
            "id": held.id,
            "system": held.system,
            "matter": held.matter,
            "state": held.state.value,
            "attested": held.attested_by is not None,
            "parties": len(held.parties),
        }
        for held in node.held(CASE).values()
        if held.department == actor.department
    ]


def _told(grant: Grant) -> dict[str, object]:
    return {
        "id": grant.id,
        "resource": grant.resource,
        "provider": grant.provider,
        "department": grant.department,
        "systems": list(grant.systems),
        "items": list(grant.items),
        "masks": grant.masks,
        "matters": list(grant.matters),
        "until": grant.not_after.isoformat(),
        "state": grant.state.value,
    }
