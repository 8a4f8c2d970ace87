"""Acts where departments differ: a wrong value reported against a receipt, disputes in three tiers."""

from typing import Any, Literal

from audit.canonical import decode_strict, parse_bitmap
from audit.errors import ProofError
from audit.search import search, walk
from audit.wanted import Wanted
from catalogue import corrections
from catalogue.codes import normalise_subject
from catalogue.corrections import Correction, CorrectionState, Received
from catalogue.disputes import Dispute, Tier
from catalogue.model import Actor, Resource, Role, SubjectType
from catalogue.rows import CORRECTION, DISPUTE
from catalogue.statutes import Statutes
from exchange.acts.granting import ANSWERED
from exchange.acts.held import entry_of, found, resource_of
from exchange.acts.listing import FIRST, Span, Told, counted, cut, paged
from exchange.acts.register import ActError, act
from exchange.node import Node

_RECEIVED_MOST = 5_000
"""Search rows that are looked through for who else received a value."""


@act("correction.report")
def report(
    node: Node,
    actor: Actor,
    *,
    entry: int,
    resource: str,
    item: str,
    type: SubjectType,  # noqa: A002 - the word of the envelope
    identifier: str,
    words: str,
) -> Told:
    """Report a value as wrong, by the number of the entry of the call that gave it.

    The entry has to be of a call of one's own department that gave this item of this subject. The value is
    disputed from then on, and every department that received it is told.
    """
    subject = (type.value, normalise_subject(type, identifier))
    held = resource_of(node, resource)
    if held is None:
        raise ActError("NOT_FOUND", f"no resource {resource}")
    if item not in {one.name for one in held.items}:
        raise ActError("ACT_ARGUMENTS", f"resource {resource} has no item {item}")
    _check_received(node, actor, entry, held, item, subject)
    received = Received(
        number=node.log.before + entry,
        subject_type=type,
        subject=node.sealer.token(type.value, subject[1]),
    )
    reported = node.registry.report_correction(
        received,
        resource=resource,
        item=item,
        words=words,
        informed=_informed(node, held, item, subject),
        by=actor,
    )
    return _told(node, reported)


@act("correction.accept")
def accept(node: Node, actor: Actor, *, correction: str, text: str = "") -> Told:
    """Agree, as the provider, that the value is wrong; close it once it is put right."""
    return _told(node, node.registry.accept_correction(correction, by=actor, text=text))


@act("correction.refuse")
def refuse(node: Node, actor: Actor, *, correction: str, text: str) -> Told:
    """Say, as the provider, why the value stands."""
    return _told(node, node.registry.refuse_correction(correction, by=actor, text=text))


@act("correction.close")
def close(node: Node, actor: Actor, *, correction: str) -> Told:
    """End the mark: the provider what it put right, the reporter what was refused."""
    return _told(node, node.registry.close_correction(correction, by=actor))


@act("correction.list")
def list_corrections(
    node: Node,
    actor: Actor,
    *,
    state: CorrectionState | None = None,
    resource: str | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Corrections that one's department reported, has to answer, or was told of; the authority sees all."""
    fit = {
        key: held
        for key, held in node.held(CORRECTION).items()
        if _sees(actor, held) and resource in {None, held.resource}
    }
    shown = {key: held for key, held in fit.items() if state in {None, held.state}}
    span = Span(first=first, after=after, before=before)
    law = node.registry.law()
    return paged(
        cut(shown, span, newest=True),
        lambda held: _told(node, held, law),
        counts=counted(held.state.value for held in fit.values()),
    )


@act("correction.show")
def show_correction(node: Node, actor: Actor, *, correction: str) -> Told:
    """One correction; its words are for the reporter, the provider and the authority."""
    held = found(node, CORRECTION, correction)
    if held is None or not _sees(actor, held):
        raise ActError("NOT_FOUND", f"no correction {correction} of your department")
    told = _told(node, held) | {"recorded": entry_of(node, CORRECTION, held.id)}
    if actor.has(Role.AUTHORITY) or actor.department in {held.department, held.provider}:
        return told | {"words": held.words, "answer": held.answer}
    return told | {"words": None, "answer": None}


@act("dispute.open")
def open_dispute(
    node: Node,
    actor: Actor,
    *,
    kind: Literal["request", "grant", "correction"],
    about: str,
    text: str,
) -> Told:
    """Begin to negotiate, as the head of one of the two departments that differ."""
    return _dispute(node.registry.open_dispute(kind, about, by=actor, text=text))


@act("dispute.say")
def say(node: Node, actor: Actor, *, dispute: str, text: str) -> Told:
    """Say something on the tier that a dispute is on."""
    return _dispute(node.registry.say_in_dispute(dispute, by=actor, text=text))


@act("dispute.raise")
def raise_up(node: Node, actor: Actor, *, dispute: str, text: str) -> Told:
    """Bring a dispute before the next tier; none is skipped."""
    return _dispute(node.registry.raise_dispute(dispute, by=actor, text=text))


@act("dispute.decide")
def decide(node: Node, actor: Actor, *, dispute: str, text: str, document: str = "") -> Told:
    """Decide (authority), or enter the government's decision with its document's number."""
    decided = node.registry.decide_dispute(dispute, by=actor, text=text, document=document)
    return _dispute(decided)


@act("dispute.settle")
def settle(node: Node, actor: Actor, *, dispute: str, text: str) -> Told:
    """End a dispute as the claimant: content with what was negotiated or decided."""
    return _dispute(node.registry.settle_dispute(dispute, by=actor, text=text))


@act("dispute.list")
def list_disputes(
    node: Node,
    actor: Actor,
    *,
    tier: Tier | None = None,
    state: Literal["open", "settled"] | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Disputes of one's own department, newest first; the authority sees what was brought before it."""
    fit = {key: held for key, held in node.held(DISPUTE).items() if _party(actor, held)}
    shown = {
        key: held
        for key, held in fit.items()
        if state in {None, held.state} and tier in {None, held.tier}
    }
    span = Span(first=first, after=after, before=before)
    return paged(
        cut(shown, span, newest=True),
        _dispute,
        counts=counted(held.state for held in fit.values()),
        tiers=counted(held.tier.value for held in fit.values()),
    )


@act("dispute.show")
def show_dispute(node: Node, actor: Actor, *, dispute: str) -> Told:
    """One dispute with each of its steps."""
    held = found(node, DISPUTE, dispute)
    if held is None or not _party(actor, held):
        raise ActError("NOT_FOUND", f"no dispute {dispute} of your department")
    return _dispute(held) | {"recorded": entry_of(node, DISPUTE, held.id)}


def _check_received(
    node: Node, actor: Actor, entry: int, held: Resource, item: str, subject: tuple[str, str]
) -> None:
    """Raise ActError unless the entry is a call of the actor's department that gave it this value."""
    try:
        members = decode_strict(node.log.entry(entry))
    except ProofError as error:
        raise ActError("NOT_FOUND", f"no entry {entry} of a call of your department") from error
    if members["kind"] != "call" or members["consumer"] != actor.department:
        raise ActError("NOT_FOUND", f"no entry {entry} of a call of your department")
    ordinal = held.item(item).ordinal
    gave = any(
        step["resource"] == held.code
        and step["outcome"] in ANSWERED
        and ordinal in parse_bitmap(step["given"]) | parse_bitmap(step["masked"])
        for step in members["steps"]
    )
    about = search(
        node.databases.log,
        Wanted(index=entry, subject=subject, resource=held.code),
        token=node.vault.token,
        first=1,
    )
    if not gave or not about.rows:
        raise ActError("ACT_ARGUMENTS", f"entry {entry} gave no such value of this subject")


def _informed(
    node: Node, held: Resource, item: str, subject: tuple[str, str]
) -> dict[str, tuple[int, ...]]:
    """Return the departments that received the value, each with the entries of its calls."""
    informed: dict[str, set[int]] = {}
    wanted = Wanted(subject=subject, resource=held.code, item=held.item(item).ordinal)
    page = walk(node.databases.log, wanted, token=node.vault.token, most=_RECEIVED_MOST)
    for row in page.rows:
        if row.decision in ANSWERED and row.consumer and row.consumer != held.department:
            informed.setdefault(row.consumer, set()).add(row.index)
    return {department: tuple(sorted(of)[-20:]) for department, of in sorted(informed.items())}


def _sees(actor: Actor, held: Correction) -> bool:
    return actor.has(Role.AUTHORITY) or actor.department in {
        held.department,
        held.provider,
        *held.informed,
    }


def _party(actor: Actor, held: Dispute) -> bool:
    brought = held.tier is not Tier.NEGOTIATE
    return actor.department in held.parties or (brought and actor.has(Role.AUTHORITY))


def _told(node: Node, held: Correction, law: Statutes | None = None) -> Told:
    """What is told of a correction. `law` None reads it anew."""
    law = law or node.registry.law()
    clock = corrections.clock(held, law)
    own = node.index_of(held.number)
    return {
        "id": held.id,
        "entry": own,
        "resource": held.resource,
        "item": held.item,
        "provider": held.provider,
        "department": held.department,
        "state": held.state.value,
        "reported_at": held.reported_at.isoformat(),
        "due": clock.due.day.isoformat(),
        "provisional": clock.due.provisional,
        "late": corrections.late(held, law, at=node.ports.now()),
        "informed": list(held.informed),
        "corrected": held.corrected,
    }


def _dispute(held: Dispute) -> Told:
    steps: list[dict[str, Any]] = [
        {
            "tier": one.tier.value,
            "kind": one.kind,
            "department": one.department,
            "at": one.at.isoformat(),
            "text": one.text,
            "document": one.document or None,
        }
        for one in held.steps
    ]
    return {
        "id": held.id,
        "about_kind": held.about_kind,
        "about": held.about,
        "resource": held.resource,
        "claimant": held.claimant,
        "respondent": held.respondent,
        "tier": held.tier.value,
        "state": held.state,
        "decided": held.decided,
        "opened_at": held.opened_at.isoformat(),
        "steps": steps,
    }
