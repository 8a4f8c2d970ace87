"""Acts on single entries under a review: opening identities on two words, asking departments, verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.canonical import commit_value, decode_strict
from catalogue.errors import StateError
from catalogue.model import Actor, Role
from catalogue.reviews import Review, ReviewVerdict, need_running
from catalogue.rows import OFFICER, REVIEW_QUESTION
from exchange.acts.reading import tell_entry
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.acts.reviews import need, opening_told, question_told, verdict_told
from exchange.acts.seeing import concerned, inside, nothing_at, sight_of
from exchange.node import Node

Told = dict[str, Any]

NEVER_OPENED = frozenset({"request", "answer", "question", "decision", "signature", "content"})
"""Commitments that hold no identity, or bytes of which nobody keeps more than the salt."""

BY = ("officer", "operator", "by")
"""Commitments that say whom an entry is by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """An entry of a review's scope, as its officer looks at it."""

    review: Review
    index: int
    members: Mapping[str, Any]

    @property
    def closed(self) -> list[str]:
        """Names of what can be opened."""
        return sorted(name for name in self.members.get("digests", {}) if may_open(name))


@act("review.entry")
def show_entry(node: Node, actor: Actor, *, review: str, index: int) -> Told:
    """One entry of the review's scope, what of it can be opened, and what was found of it so far."""
    looked = _looked(node, actor, review, index)
    held = looked.review
    facts = {"read": index, "reviews": [held.id]}
    record_read(node, actor, "log.entry-read", facts, sealed=held.sealed)
    return {
        "review": held.id,
        "index": index,
        "told": tell_entry(looked.members, names=node.live.load()),
        "closed": looked.closed,
        "departments": sorted(concerned(looked.members)),
    }


@act("review.ask-identity")
def ask_identity(
    node: Node, actor: Actor, *, review: str, index: int, names: list[str], reason: str
) -> Told:
    """Ask to open what an entry keeps closed, with a reason; a second officer of the review has to agree."""
    looked = _looked(node, actor, review, index)
    unknown = sorted(set(names) - set(looked.closed))
    if unknown:
        raise ActError("ACT_ARGUMENTS", f"entry {index} keeps no {', '.join(unknown)} closed")
    asked = node.registry.ask_identity(
        review, about=index, names=tuple(names), reason=reason, by=actor
    )
    return opening_told(node, asked)


@act("review.confirm-identity")
def confirm_identity(node: Node, actor: Actor, *, opening: str) -> Told:
    """Agree to an opening, as a second officer of the review."""
    return opening_told(node, node.registry.confirm_identity(opening, by=actor))


@act("review.open-identity")
def open_identity(node: Node, actor: Actor, *, opening: str) -> Told:
    """Say what an agreed opening opens, to an officer of its review; each look is recorded first.

    What was erased is named in `gone`. Raises ProofError for a disclosure that is not what was recorded.
    """
    # The picture of now leaves out whatever the log does not vouch for.
    agreed = node.live.load().openings.get(opening)
    if agreed is None:
        raise ActError("NOT_FOUND", f"no opening {opening}")
    looked = _looked(node, actor, agreed.review, agreed.about)
    if agreed.confirmed_by is None:
        raise StateError("a second officer has not agreed yet", code="REVIEW_STATE")
    record_read(
        node,
        actor,
        "review.identity-opened",
        {
            "review": agreed.review,
            "opening": agreed.id,
            "read": agreed.about,
            "names": list(agreed.names),
        },
        sealed=looked.review.sealed,
    )
    opened = opened_of(node, looked.index, looked.members, agreed.names)
    return opening_told(node, agreed) | {
        "opened": opened,
        "gone": sorted(set(agreed.names) - opened.keys()),
    }


@act("review.ask")
def ask(
    node: Node,
    actor: Actor,
    *,
    review: str,
    department: str,
    entries: list[int],
    text: str,
    days: int | None = None,
) -> Told:
    """Ask a department about entries that concern it, to be answered within so many working days."""
    for index in entries:
        looked = _looked(node, actor, review, index)
        if department not in concerned(looked.members):
            raise ActError("ACT_ARGUMENTS", f"entry {index} does not concern {department}")
    asked = node.registry.ask_department(
        review, department=department, about=tuple(entries), text=text, days=days, by=actor
    )
    return question_told(node, asked)


@act("review.answer")
def answer(node: Node, actor: Actor, *, question: str, text: str) -> Told:
    """Answer a question for the asked department, once."""
    return question_told(node, node.registry.answer_review(question, text=text, by=actor))


@act("review.questions")
def list_questions(node: Node, actor: Actor) -> Told:
    """Questions to the actor's department: those that wait first, the nearest due day on top."""
    if not (actor.has(Role.OPERATOR) or actor.has(Role.HEAD)):
        raise ActError("ROLE_MISSING", "an operator or a head of the asked department needed")
    mine = [
        one for one in node.held(REVIEW_QUESTION).values() if one.department == actor.department
    ]
    waiting = [one for one in mine if one.answer is None]
    answered = [one for one in mine if one.answer is not None]
    return {
        "waiting": [
            question_told(node, one) for one in sorted(waiting, key=lambda one: one.due().day)
        ],
        "answered": [
            question_told(node, one)
            for one in sorted(answered, key=lambda one: one.asked_at, reverse=True)
        ],
    }


@act("review.judge")
def judge(
    node: Node,
    actor: Actor,
    *,
    review: str,
    index: int,
    verdict: ReviewVerdict,
    finding: str = "",
) -> Told:
    """Add a verdict on an entry of the scope; an earlier one stays beside it, and the later one stands."""
    looked = _looked(node, actor, review, index)
    given = node.registry.judge_entry(
        review,
        about=index,
        verdict=verdict,
        finding=finding,
        concerned=concerned(looked.members),
        acted=_acted(node, looked),
        by=actor,
    )
    return verdict_told(node, given)


def may_open(name: str) -> bool:
    """Whether a commitment holds an identity or words, which an opening can be asked for."""
    head = name.split(".", maxsplit=1)[0]
    return head not in NEVER_OPENED and head != "n"


def opened_of(
    node: Node, index: int, members: Mapping[str, Any], names: tuple[str, ...]
) -> dict[str, Any]:
    """Return the values that an entry commits to under these names, as far as their keys are there."""
    held = node.shown.open_disclosures(index)
    digests = members.get("digests", {})
    return {
        name: held[name].value
        for name in names
        if name in held
        and digests.get(name) == commit_value(held[name].salt, name, held[name].value)
    }


def _looked(node: Node, actor: Actor, review: str, index: int) -> _Looked:
    """Return an entry of the scope of a running review that the actor carries out.

    Raises ActError NOT_FOUND after recording the look, NotAllowedError, StateError.
    """
    held = need(node, actor, review)
    need_running(held, by=actor, at=node.ports.now())
    sight = sight_of(node, actor, review=review)
    if not 0 <= index < node.shown.size:
        raise nothing_at(node, actor, index, sight)
    members = decode_strict(node.shown.entry(index))
    if not inside(node, sight, index, members):
        raise nothing_at(node, actor, index, sight)
    return _Looked(review=held, index=index, members=members)


def _acted(node: Node, looked: _Looked) -> set[str]:
    """Return the ids of the officers whom an entry is by: whoever acts does not review."""
    said = opened_of(node, looked.index, looked.members, BY)
    by = {str(value) for value in said.values()}
    mine = concerned(looked.members)
    return {
        one.id
        for one in node.held(OFFICER).values()
        if one.id in by or (one.staff_number in by and one.department in mine)
    }
