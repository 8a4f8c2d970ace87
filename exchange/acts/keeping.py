"""Acts on what the log keeps beside its tree: erasing a subject on two officers' word, and legal holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.canonical import decode_strict
from audit.entry import Opening
from audit.erasure import Due, affected, due_keys, forget, names_any
from audit.retention import span_of
from catalogue.codes import normalise_subject
from catalogue.errors import NotAllowedError, StateError, UnknownError
from catalogue.keeping import Erasure, ErasureState, Hold, check_free
from catalogue.model import Actor, Officer, Role, SubjectType
from catalogue.rows import ERASURE, HOLD, OFFICER
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.node import Node
from exchange.past import span

KEEPERS = frozenset({Role.AUTHORITY, Role.AUDITOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an erasure would touch, as of now."""

    due: Due
    entries: tuple[tuple[Node, int], ...]
    """Each as the node reads its shard, and its index there."""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key.key_id for key in self.due.keys)

    def told(self) -> dict[str, Any]:
        months = [key.month for key in self.due.keys]
        return {
            "keys": len(self.keys),
            "entries": len(self.entries),
            "kept": self.due.running,
            "from": min(months, default=None),
            "to": max(months, default=None),
        }


@act("erasure.plan")
def plan_erasure(
    node: Node,
    actor: Actor,
    *,
    type: SubjectType,  # noqa: A002 - the word of the envelope
    identifier: str,
) -> dict[str, Any]:
    """What erasing a subject would erase now, in counts; nothing is changed, and the look is recorded."""
    need_keeper(actor)
    subject = (type, normalise_subject(type, identifier))
    plan = planned(node, subject)
    record_read(
        node,
        actor,
        "erasure.planned",
        {"keys": len(plan.keys), "entries": len(plan.entries)},
        private={"wanted": [type.value, subject[1]]},
        about=(type.value, subject[1]),
    )
    holds = [hold.id for hold in node.registry.holds() if hold.forbids(*subject)]
    return plan.told() | {"holds": sorted(holds)}


@act("erasure.propose")
def propose_erasure(
    node: Node,
    actor: Actor,
    *,
    type: SubjectType,  # noqa: A002 - the word of the envelope
    identifier: str,
    legal_basis: str,
    document: str,
) -> dict[str, Any]:
    """Ask, for the authority, that a subject be erased where the term is over; an auditor has to approve."""
    subject = (type, normalise_subject(type, identifier))
    check_free(node.registry.holds(), *subject)
    plan = planned(node, subject)
    _check_due(plan)
    _check_unnamed(node, plan, actor)
    proposed = node.registry.propose_erasure(
        subject, legal_basis=legal_basis, document=document, by=actor
    )
    return told(node, proposed) | {"plan": plan.told()}


@act("erasure.approve")
def approve_erasure(node: Node, actor: Actor, *, erasure: str) -> dict[str, Any]:
    """Approve, as an auditor, and carry out: the entry first, then the keys are destroyed for ever."""
    held = _need(node, erasure)
    if held.state is not ErasureState.PROPOSED or held.subject is None:
        raise StateError(f"the erasure is {held.state.value}, proposed needed")
    node.registry.holds()
    plan = planned(node, (held.subject_type, held.subject))
    _check_due(plan)
    _check_unnamed(node, plan, actor, asked_by=held.asked_by)
    approved = node.registry.approve_erasure(
        erasure, keys=plan.keys, entries=len(plan.entries), by=actor
    )
    return _carry_out(node, actor, approved)


@act("erasure.finish")
def finish_erasure(node: Node, actor: Actor, *, erasure: str) -> dict[str, Any]:
    """Carry out an approved erasure that was cut short: what was done already is left alone."""
    need_keeper(actor)
    held = _need(node, erasure)
    if held.state is not ErasureState.APPROVED:
        raise StateError(f"the erasure is {held.state.value}, approved needed")
    return _carry_out(node, actor, held)


@act("erasure.withdraw")
def withdraw_erasure(node: Node, actor: Actor, *, erasure: str) -> dict[str, Any]:
    """Take back an erasure that waits; an auditor so refuses it."""
    return told(node, node.registry.withdraw_erasure(erasure, by=actor))


@act("erasure.list")
def list_erasures(node: Node, actor: Actor) -> dict[str, Any]:
    """Erasures and holds, what waits for a second officer first; nobody they are about is named."""
    need_keeper(actor)
    erasures = sorted(node.held(ERASURE).values(), key=lambda one: one.asked_at, reverse=True)
    holds = sorted(node.registry.holds(), key=lambda one: one.set_at, reverse=True)
    waiting = {ErasureState.PROPOSED, ErasureState.APPROVED}
    return {
        "waiting": [told(node, one) for one in erasures if one.state in waiting],
        "past": [told(node, one) for one in erasures if one.state not in waiting],
        "holds": [hold_told(node, one) for one in holds if one.lifted_by is None],
        "lifted": [hold_told(node, one) for one in holds if one.lifted_by is not None],
    }


@act("hold.set")
def set_hold(
    node: Node,
    actor: Actor,
    *,
    reason: str,
    document: str,
    type: SubjectType | None = None,  # noqa: A002 - the word of the envelope
    identifier: str | None = None,
) -> dict[str, Any]:
    """Forbid erasing a subject; without one, anybody. For the authority."""
    if (type is None) != (identifier is None):
        raise ActError("ACT_ARGUMENTS", "a subject is a type and an identifier, or neither")
    subject = (
        None if type is None or identifier is None else (type, normalise_subject(type, identifier))
    )
    hold = node.registry.set_hold(subject, reason=reason, document=document, by=actor)
    return hold_told(node, hold)


@act("hold.lift")
def lift_hold(node: Node, actor: Actor, *, hold: str) -> dict[str, Any]:
    """End a hold, as another officer than who set it."""
    return hold_told(node, node.registry.lift_hold(hold, by=actor))


def planned(node: Node, subject: tuple[SubjectType, str]) -> Plan:
    """Return what may be erased of a subject by the clock that decides."""
    type_, identifier = subject
    due = due_keys(node.vault.held_of((type_.value, identifier)), at=node.ports.now())
    if not due.keys:
        return Plan(due=due, entries=())
    since, until = span_of(key.month for key in due.keys)
    ids = [key.key_id for key in due.keys]
    entries: list[tuple[Node, int]] = []
    for shard in node.of_all_shards():
        first, end = span(shard.shown, since=since, until=until)
        found = affected(shard.indexed, ids, first=first, end=end)
        entries += [(shard, index) for index in found]
    return Plan(due=due, entries=tuple(entries))


def told(node: Node, erasure: Erasure) -> dict[str, Any]:
    """An erasure without whom it is about, and without its texts: those are in the log."""
    return {
        "id": erasure.id,
        "type": erasure.subject_type.value,
        "state": erasure.state.value,
        "asked_by": erasure.asked_by,
        "asked_at": erasure.asked_at.isoformat(),
        "approved_by": erasure.approved_by,
        "approved_at": _moment(erasure.approved_at),
        "withdrawn_by": erasure.withdrawn_by,
        "keys": len(erasure.keys),
        "entries": erasure.entries,
        "entry": _entry(node, ERASURE.table, erasure.id),
    }


def hold_told(node: Node, hold: Hold) -> dict[str, Any]:
    """A hold without whom it is about."""
    return {
        "id": hold.id,
        "type": "everybody" if hold.subject_type is None else hold.subject_type.value,
        "set_by": hold.set_by,
        "set_at": hold.set_at.isoformat(),
        "lifted_by": hold.lifted_by,
        "lifted_at": _moment(hold.lifted_at),
        "entry": _entry(node, HOLD.table, hold.id),
    }


def need_keeper(actor: Actor) -> None:
    if not any(actor.has(role) for role in KEEPERS):
        raise ActError("ROLE_MISSING", "the authority or an auditor needed")


def _carry_out(node: Node, actor: Actor, approved: Erasure) -> dict[str, Any]:
    """Destroy the keys that the entry names, and forget whose they were. Each step can be done again."""
    subject = (approved.subject_type.value, approved.subject or "")
    places = [
        (shard.indexed, affected(shard.indexed, approved.keys, first=0, end=shard.shown.size))
        for shard in node.of_all_shards()
    ]
    destroyed = node.vault.destroy(approved.keys)
    token = node.vault.token(*subject)
    emptied = freed = 0
    for engine, indices in places:
        parts, rows = forget(engine, approved.keys, token=token, indices=indices)
        emptied, freed = emptied + parts, freed + rows
    done = node.registry.finish_erasure(approved.id, by=actor)
    erased = _entry(node, ERASURE.table, approved.id)
    return told(node, done) | {
        "destroyed": destroyed,
        "disclosures": emptied,
        "rows": freed,
        "entry": erased,
    }


def _check_due(plan: Plan) -> None:
    if not plan.keys:
        raise StateError(
            f"no key has its term over, {plan.due.running} are kept", code="TERM_RUNNING"
        )


def _check_unnamed(node: Node, plan: Plan, actor: Actor, *, asked_by: str | None = None) -> None:
    """Raise NotAllowedError where who asks or approves is named in an entry that would be erased."""
    officers = [actor.officer, node.held(OFFICER).get(asked_by or "")]
    if asked_by is not None and officers[1] is None:
        raise NotAllowedError("ERASURE_NAMED", "who asked for it is registered no more")
    wanted = {text for one in officers if one is not None for text in _known_as(one)}
    for shard, index in plan.entries:
        opened = shard.shown.open_disclosures(index)
        if _named(decode_strict(shard.shown.entry(index)), opened, wanted):
            raise NotAllowedError("ERASURE_NAMED", f"entry {index} names one of the two officers")


def _known_as(officer: Officer) -> set[str]:
    return {officer.id, officer.staff_number}


def _named(members: dict[str, Any], opened: dict[str, Opening], wanted: set[str]) -> bool:
    return names_any(members, wanted) or any(
        names_any(opening.value, wanted) for opening in opened.values()
    )


def _need(node: Node, erasure: str) -> Erasure:
    found = node.held(ERASURE).get(erasure)
    if found is None:
        raise UnknownError(f"erasure {erasure}")
    return found


def _entry(node: Node, table: str, key: str) -> int | None:
    recorded = node.ledger.digest(table, key)
    return None if recorded is None else node.index_of(recorded[0])


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
