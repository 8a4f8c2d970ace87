"""Acts on reviews (核查): proposed, confirmed by an auditor, sampled, shown, closed."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from audit.canonical import decode_strict
from audit.errors import MalformedError
from audit.sampling import Drawn, check_seed, draw
from catalogue.codes import normalise_subject
from catalogue.errors import StateError
from catalogue.model import Actor, Officer, Role, SubjectType
from catalogue.reviews import (
    EntryVerdict,
    IdentityOpening,
    NewReview,
    Review,
    ReviewQuestion,
    ReviewSample,
    ReviewState,
    Scope,
    need_running,
    newest,
)
from catalogue.rows import (
    IDENTITY_OPENING,
    OFFICER,
    REVIEW,
    REVIEW_QUESTION,
    REVIEW_SAMPLE,
    REVIEW_VERDICT,
    Kind,
)
from exchange.acts.reading import tell_brief
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.acts.seeing import frame_of
from exchange.clock import random_bytes
from exchange.node import Node
from exchange.past import bodies, span

Told = dict[str, Any]

_SEED_BYTES = 16


@act("review.propose")
def propose(  # noqa: PLR0913 - what a review consists of
    node: Node,
    actor: Actor,
    *,
    document: str,
    reason: str,
    since: datetime,
    until: datetime,
    officers: list[str],
    expires: datetime,
    departments: list[str] | None = None,
    systems: list[str] | None = None,
    resources: list[str] | None = None,
    matters: list[str] | None = None,
    cases: list[str] | None = None,
    subjects: list[tuple[SubjectType, str]] | None = None,
    sealed: bool = False,
) -> Told:
    """Propose a review, for the authority or as a supervisor; an auditor has to confirm it.

    `officers` are ids or staff numbers. Of several bounds each has to hold; one at least is needed.
    """
    scope = Scope(
        departments=_each(departments),
        systems=_each(systems),
        resources=_each(resources),
        matters=_each(matters),
        cases=_each(cases),
        subjects=tuple((type_, normalise_subject(type_, held)) for type_, held in subjects or ()),
        since=_aware(since),
        until=_aware(until),
    )
    wanted = NewReview(
        document=document,
        reason=reason,
        scope=scope,
        officers=tuple(_officer(node, given) for given in officers),
        expires=_aware(expires),
        sealed=sealed,
    )
    return told(node, node.registry.propose_review(wanted, by=actor), actor)


@act("review.confirm")
def confirm(node: Node, actor: Actor, *, review: str) -> Told:
    """Open a proposed review, as an auditor who takes no part in it."""
    return told(node, node.registry.confirm_review(review, by=actor), actor)


@act("review.withdraw")
def withdraw(node: Node, actor: Actor, *, review: str) -> Told:
    """Take a proposed review back; an auditor so refuses it."""
    return told(node, node.registry.withdraw_review(review, by=actor), actor)


@act("review.close")
def close(node: Node, actor: Actor, *, review: str, conclusion: str) -> Told:
    """End a review with its conclusion, once each entry that was drawn has a verdict."""
    return told(node, node.registry.close_review(review, conclusion=conclusion, by=actor), actor)


@act("review.sample")
def sample(node: Node, actor: Actor, *, review: str, count: int, seed: str | None = None) -> Told:
    """Draw `count` calls of the review's scope by a seed, at random unless words for it are given.

    Words stand in no leaf: what is recorded in the clear, and drawn by, is their SHA-256.

    Each draw is kept and recorded with its seed, the size of the log and what was drawn from, so that
    anybody who has the entries draws it again, and nobody draws until it suits him unseen.
    """
    held = need(node, actor, review)
    need_running(held, by=actor, at=node.ports.now())
    if not held.in_the_clear:
        raise StateError(
            "bounded by cases or subjects: look at all of its entries", code="REVIEW_STATE"
        )
    chosen = random_bytes(_SEED_BYTES).hex() if seed is None else _seed_of(seed)
    size = node.shown.size
    drawn = _drawn(node, held, seed=chosen, count=count, size=size)
    if not drawn.population:
        raise StateError("no call lies in its scope", code="REVIEW_STATE")
    kept = node.registry.record_sample(
        ReviewSample(
            id="",
            review=held.id,
            seed=chosen,
            count=count,
            size=size,
            population=drawn.population,
            digest=drawn.digest,
            drawn=drawn.indexes,
            drawn_by=actor.id,
            drawn_at=node.ports.now(),
            words="" if seed is None else seed,
        ),
        by=actor,
    )
    return sample_told(node, kept)


@act("review.check-sample")
def check_sample(node: Node, actor: Actor, *, sample: str) -> Told:
    """Draw a recorded sample again from the entries as they stand, and say whether it is the same."""
    kept = node.held(REVIEW_SAMPLE).get(sample)
    if kept is None:
        raise ActError("NOT_FOUND", f"no sample {sample}")
    held = need(node, actor, kept.review)
    node = shard_of(node, held)
    facts = {"review": held.id, "sample": kept.id}
    record_read(node, actor, "review.sample-checked", facts, sealed=held.sealed)
    again = _drawn(node, held, seed=kept.seed, count=kept.count, size=kept.size)
    return sample_told(node, kept) | {
        "holds": (again.indexes, again.population, again.digest)
        == (kept.drawn, kept.population, kept.digest)
    }


@act("review.list")
def list_reviews(node: Node, actor: Actor) -> Told:
    """Reviews that the actor may know of, those that wait or run first; sealed ones of others are counted."""
    held = sorted(node.held(REVIEW).values(), key=lambda one: one.proposed_at, reverse=True)
    known = [one for one in held if may_know(one, actor)]
    running = {ReviewState.PROPOSED, ReviewState.OPEN}
    oversees = actor.has(Role.AUDITOR) or actor.has(Role.AUTHORITY)
    return {
        "reviews": [
            told(node, one, actor)
            for one in sorted(known, key=lambda one: one.state not in running)
        ],
        "sealed": len(held) - len(known) if oversees else None,
    }


@act("review.show")
def show(node: Node, actor: Actor, *, review: str) -> Told:
    """One review whole: its samples with what stands in them, verdicts, openings and questions.

    What the entries say is told to its officers while it runs; to others, and afterwards, their numbers.
    """
    held = need(node, actor, review)
    node = shard_of(node, held)
    record_read(node, actor, "review.read", {"review": held.id}, sealed=held.sealed)
    samples = of_review(node, REVIEW_SAMPLE, held.id)
    verdicts = of_review(node, REVIEW_VERDICT, held.id)
    listed = sorted({index for one in samples for index in one.drawn} | {v.about for v in verdicts})
    looks = held.serves(actor.id) and held.runs(node.ports.now())
    return told(node, held, actor) | {
        "samples": [sample_told(node, one) for one in samples],
        "entries": [_line(node, index, verdicts, looks=looks) for index in listed],
        "verdicts": [verdict_told(node, one) for one in verdicts],
        "openings": [opening_told(node, one) for one in of_review(node, IDENTITY_OPENING, held.id)],
        "questions": [
            question_told(node, one) for one in of_review(node, REVIEW_QUESTION, held.id)
        ],
    }


def need(node: Node, actor: Actor, review: str) -> Review:
    """Return a review that the actor may know of. Raises ActError NOT_FOUND."""
    found = node.held(REVIEW).get(review)
    if found is None or not may_know(found, actor):
        raise ActError("NOT_FOUND", f"no review {review} that concerns you")
    return found


def may_know(review: Review, actor: Actor) -> bool:
    """Whether somebody is told that a review is there: of a sealed one those alone who have a part in it."""
    if review.serves(actor.id) or actor.id in {review.proposed_by, review.confirmed_by}:
        return True
    if review.state is ReviewState.PROPOSED:
        return actor.has(Role.AUDITOR)
    return not review.sealed and (actor.has(Role.AUDITOR) or actor.has(Role.AUTHORITY))


def of_review(node: Node, kind: Kind[Any], review: str) -> list[Any]:
    """Return what belongs to a review, in the order in which it came to be (ids are in order of time)."""
    return [one for _, one in sorted(node.held(kind).items()) if one.review == review]


def told(node: Node, review: Review, actor: Actor) -> Told:
    """A review. Its cases and subjects are counted for all but its officers."""
    mine = review.serves(actor.id)
    at = node.ports.now()
    return {
        "id": review.id,
        "document": review.document,
        "reason": review.reason,
        "state": _state(review, at),
        "sealed": review.sealed,
        "departments": list(review.departments),
        "systems": list(review.systems),
        "resources": list(review.resources),
        "matters": list(review.matters),
        "cases": len(review.cases),
        "subjects": len(review.subjects),
        "named_cases": list(review.cases) if mine else None,
        "since": review.since.isoformat(),
        "until": review.until.isoformat(),
        "expires": review.expires.isoformat(),
        "officers": list(review.officers),
        "proposed_by": review.proposed_by,
        "proposed_at": review.proposed_at.isoformat(),
        "confirmed_by": review.confirmed_by,
        "confirmed_at": _moment(review.confirmed_at),
        "closed_by": review.closed_by,
        "closed_at": _moment(review.closed_at),
        "conclusion": review.conclusion,
        "mine": mine,
        "runs": review.runs(at),
        "entry": entry_of(node, REVIEW, review.id),
    }


def sample_told(node: Node, kept: ReviewSample) -> Told:
    return {
        "id": kept.id,
        "review": kept.review,
        "seed": kept.seed,
        "count": kept.count,
        "size": kept.size,
        "population": kept.population,
        "digest": kept.digest,
        "drawn": list(kept.drawn),
        "drawn_by": kept.drawn_by,
        "drawn_at": kept.drawn_at.isoformat(),
        "words": kept.words,
        "entry": entry_of(node, REVIEW_SAMPLE, kept.id),
    }


def verdict_told(node: Node, given: EntryVerdict) -> Told:
    return {
        "id": given.id,
        "about": given.about,
        "verdict": given.verdict.value,
        "finding": given.finding,
        "given_by": given.given_by,
        "given_at": given.given_at.isoformat(),
        "entry": entry_of(node, REVIEW_VERDICT, given.id),
    }


def opening_told(node: Node, opening: IdentityOpening) -> Told:
    """An opening: that it is, and never what it opens."""
    return {
        "id": opening.id,
        "review": opening.review,
        "about": opening.about,
        "names": list(opening.names),
        "reason": opening.reason,
        "asked_by": opening.asked_by,
        "asked_at": opening.asked_at.isoformat(),
        "confirmed_by": opening.confirmed_by,
        "confirmed_at": _moment(opening.confirmed_at),
        "entry": entry_of(node, IDENTITY_OPENING, opening.id),
    }


def question_told(node: Node, question: ReviewQuestion) -> Told:
    due = question.due()
    return {
        "id": question.id,
        "review": question.review,
        "department": question.department,
        "about": list(question.about),
        "text": question.text,
        "asked_at": question.asked_at.isoformat(),
        "due": due.day.isoformat(),
        "provisional": due.provisional,
        "overdue": question.overdue(node.ports.now()),
        "answer": question.answer,
        "answered_by": question.answered_by,
        "answered_at": _moment(question.answered_at),
        "entry": entry_of(node, REVIEW_QUESTION, question.id),
    }


def entry_of(node: Node, kind: Kind[Any], key: str) -> int | None:
    """Return the index of the newest entry that vouches for a row; None where there is none."""
    recorded = node.ledger.digest(kind.table, key)
    return None if recorded is None else node.index_of(recorded[0])


def shard_of(node: Node, review: Review) -> Node:
    """Return the node as it reads the shard of a review's entries: no shard ends while one is open."""
    recorded = node.ledger.digest(REVIEW.table, review.id)
    return node if recorded is None else node.of_number(recorded[0])


def _seed_of(words: str) -> str:
    """Return the seed that words stand for. Raises ActError ACT_ARGUMENTS for what is not one line."""
    try:
        check_seed(words)
    except MalformedError as error:
        raise ActError("ACT_ARGUMENTS", str(error)) from error
    return sha256(words.encode()).hexdigest()


def _drawn(node: Node, review: Review, *, seed: str, count: int, size: int) -> Drawn:
    """Draw from the entries themselves: the search may be made to hide some."""
    try:
        first, end = span(node.shown, since=review.since, until=review.until)
        entries = bodies(node.shown, first, min(end, size))
        return draw(entries, frame_of(review), seed=seed, count=count)
    except MalformedError as error:
        raise ActError("ACT_ARGUMENTS", str(error)) from error


def _line(node: Node, index: int, verdicts: Iterable[EntryVerdict], *, looks: bool) -> Told:
    """An entry of the review with the verdict that stands; its contents for those who look alone."""
    standing = newest(verdicts).get(index)
    brief = None
    if looks:
        members = decode_strict(node.shown.entry(index))
        brief = tell_brief(members, names=node.live.load(), department=None)
    verdict = None if standing is None else standing.verdict.value
    return {"index": index, "verdict": verdict, "told": brief}


def _state(review: Review, at: datetime) -> str:
    if review.state is ReviewState.OPEN and at >= review.expires:
        return "expired"
    return review.state.value


def _officer(node: Node, given: str) -> str:
    """Return the id of an officer named by id or staff number; what is nobody's is told by the decision."""
    held: list[Officer] = [
        one for one in node.held(OFFICER).values() if given in {one.id, one.staff_number}
    ]
    if len(held) > 1:
        raise ActError("ACT_ARGUMENTS", f"{len(held)} officers of this staff number, an id needed")
    return held[0].id if held else given


def _each(given: list[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for one in given or ()))


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ActError("ACT_ARGUMENTS", "a moment without a time zone")
    return moment


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
