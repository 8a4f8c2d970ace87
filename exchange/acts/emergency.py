"""Acts on emergency access: announce items, ask, confirm, end, review, list."""

from typing import Any

from catalogue.cases import NamedParty
from catalogue.emergency import EmergencyAccess, EmergencyState, EmergencyVerdict, Sought, stopped
from catalogue.model import Actor, Role, SubjectType
from catalogue.rows import EMERGENCY
from exchange.acts.register import ActError, act
from exchange.clock import now
from exchange.node import Node


@act("emergency.offer")
def offer(node: Node, actor: Actor, *, resource: str, items: tuple[str, ...]) -> dict[str, object]:
    """Announce which items of one's own resource may be looked up in an emergency; none: no more."""
    held = node.registry.offer_for_emergencies(resource, items, by=actor)
    return {"resource": resource, "items": list(held.resource.emergency_items or ())}


@act("emergency.ask")
def ask(
    node: Node,
    actor: Actor,
    *,
    sought: Sought,
    type: SubjectType,  # noqa: A002 - the word of the envelope
    identifier: str,
) -> dict[str, Any]:
    """Ask to see one subject's items in an emergency; a second officer has to confirm."""
    subject = NamedParty(type=type, identifier=identifier, role="emergency")
    return told(node.registry.ask_emergency(sought, subject, by=actor))


@act("emergency.confirm")
def confirm(node: Node, actor: Actor, *, access: str) -> dict[str, Any]:
    return told(node.registry.confirm_emergency(access, by=actor))


@act("emergency.end")
def end(node: Node, actor: Actor, *, access: str) -> dict[str, Any]:
    return told(node.registry.end_emergency(access, by=actor))


@act("emergency.review")
def review(
    node: Node, actor: Actor, *, access: str, verdict: EmergencyVerdict, finding: str = ""
) -> dict[str, Any]:
    return told(node.registry.review_emergency(access, verdict=verdict, finding=finding, by=actor))


@act("emergency.list")
def list_accesses(node: Node, actor: Actor) -> dict[str, Any]:
    """Emergency access that concerns the actor, what waits for a review first, then newest first.

    A department sees its own and those to its data, the authority and auditors see all.
    """
    held = node.held(EMERGENCY)
    seen = [one for one in held.values() if may_see(one, actor)]
    return {
        "accesses": [told(one) for one in in_order(seen)],
        "stopped": stopped(held.values(), actor.department, at=now()),
    }


def may_see(access: EmergencyAccess, actor: Actor) -> bool:
    return (
        actor.has(Role.AUDITOR)
        or actor.has(Role.AUTHORITY)
        or actor.department in {access.department, access.provider}
    )


def in_order(accesses: list[EmergencyAccess]) -> list[EmergencyAccess]:
    """Unreviewed ones first, then the newest."""
    newest = sorted(accesses, key=lambda one: one.asked_at, reverse=True)
    return sorted(newest, key=lambda one: not waits(one))


def waits(access: EmergencyAccess) -> bool:
    """Whether an access was opened and nobody has reviewed it."""
    return access.opened_at is not None and access.reviewed_at is None


def need(node: Node, actor: Actor, access: str) -> EmergencyAccess:
    """Return an access that the actor may see. Raises ActError NOT_FOUND."""
    found = node.held(EMERGENCY).get(access)
    if found is None or not may_see(found, actor):
        raise ActError("NOT_FOUND", f"no emergency access {access} that concerns you")
    return found


def told(access: EmergencyAccess) -> dict[str, Any]:
    """An access without its reason and subject: those are in the log, for the auditor to open."""
    due = access.review_due()
    at = now()
    over = access.over_at()
    running = access.state is EmergencyState.OPEN and over is not None and at < over
    return {
        "id": access.id,
        "resource": access.resource,
        "provider": access.provider,
        "department": access.department,
        "system": access.system,
        "matter": access.matter,
        "purpose": access.purpose,
        "items": list(access.items),
        "minutes": access.minutes,
        "state": "over" if access.state is EmergencyState.OPEN and not running else access.state,
        "asked_by": access.asked_by,
        "asked_at": access.asked_at.isoformat(),
        "confirmed_by": access.confirmed_by,
        "opened_at": access.opened_at.isoformat() if access.opened_at else None,
        "not_after": access.not_after.isoformat() if access.not_after else None,
        "ended_at": access.ended_at.isoformat() if access.ended_at else None,
        "review_due": due.day.isoformat() if due else None,
        "review_due_provisional": due.provisional if due else False,
        "overdue": access.overdue(at),
        "reviewed_by": access.reviewed_by,
        "reviewed_at": access.reviewed_at.isoformat() if access.reviewed_at else None,
        "verdict": access.verdict.value if access.verdict else None,
        "case": access.id if access.opened_at else None,
    }
