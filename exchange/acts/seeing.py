"""Says who may see which entry of the log; what is not somebody's is as if it were not there.

An auditor sees every entry, and identities in none; a department what it asked or did, and of others' calls
and acts what concerns it; a supervisor what the reviews are about that he carries out, and nothing else. An
entry made under a sealed review is a number to all but its maker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from audit.canonical import decode_strict
from audit.errors import ProofError
from audit.sampling import Frame
from audit.search import search
from audit.store import StoredIndexRow
from audit.wanted import Wanted, Within
from catalogue.model import Actor, Role
from catalogue.reviews import Review
from catalogue.rows import to_ms
from exchange.acts.recording import record_read
from exchange.acts.register import ActError
from exchange.node import Node

CONCERNED = ("provider", "consumer", "department")
"""Facts of an act that name a department whom it concerns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What of the log somebody may look at, and how the look is recorded."""

    department: str | None = None
    """Bounded to what a department asked or was asked; None: not by department."""
    within: tuple[Within, ...] | None = None
    """Bounded to the scopes of reviews; None: not by a review, empty: to nothing at all."""
    frames: tuple[Frame, ...] = ()
    """The same bounds, as entries say them in the clear."""
    reviews: tuple[str, ...] = ()
    """Ids of the reviews under which one looks."""
    sealed: bool = False
    """Whether one of them is sealed: others then learn the number of the look alone."""

    def over(self, wanted: Wanted) -> Wanted:
        """Return what is wanted, bounded."""
        return replace(wanted, department=self.department, within=self.within)

    def facts(self) -> dict[str, Any]:
        """Return what the entry of a look says of it."""
        return {"reviews": list(self.reviews)} if self.reviews else {}


def sight_of(
    node: Node, actor: Actor, *, department: str | None = None, review: str | None = None
) -> Sight:
    """Return what the actor may look at, under one `review` that he carries out where it is named.

    Raises ActError ROLE_MISSING where somebody else than an auditor asks for another department's, and
    where the review is not his or does not run.
    """
    if review is not None:
        return _under([_served(node, actor, review)], node, department=department)
    if actor.has(Role.SUPERVISOR):
        at = node.ports.now()
        running = [
            held
            for held in node.live.load().reviews.values()
            if held.runs(at) and held.serves(actor.id)
        ]
        return _under(running, node, department=department)
    return Sight(department=scope_of(actor, department))


def seen(node: Node, actor: Actor, index: int, sight: Sight | None = None) -> bytes:
    """Return an entry that the actor may see. One that is not theirs is as if it were not there.

    Raises ActError NOT_FOUND, after recording that somebody looked there.
    """
    sight = sight or sight_of(node, actor)
    try:
        body = node.shown.entry(index)
    except ProofError as error:
        raise nothing_at(node, actor, index, sight) from error
    members = decode_strict(body)
    if sight.within is not None:
        visible = inside(node, sight, index, members)
    else:
        visible = actor.has(Role.AUDITOR) or actor.department in concerned(members)
    if not visible:
        raise nothing_at(node, actor, index, sight)
    return body


def inside(node: Node, sight: Sight, index: int, members: Mapping[str, Any]) -> bool:
    """Whether an entry lies in the scope of a review: by the search's row, and by what the entry says.

    Two roads, for the search's rows stand under no root: whoever moves one there opens nothing by it.
    """
    for part, frame in zip(sight.within or (), sight.frames, strict=True):
        wanted = Wanted(index=index, within=(part,))
        page = search(node.indexed, wanted, token=node.vault.token, first=1)
        if page.rows and frame.covers(members):
            return True
    return False


def told_to(actor: Actor) -> str | None:
    """Return the department to whose own steps an entry is narrowed; None: it is told whole."""
    return None if actor.has(Role.AUDITOR) or actor.has(Role.SUPERVISOR) else actor.department


def concerned(members: Mapping[str, Any]) -> set[str]:
    """Return the departments that an entry concerns: who asked or acted, who was asked, whom an act names."""
    facts = members.get("facts", {})
    named = [members.get("consumer"), members.get("department")]
    named += [step["provider"] for step in members.get("steps", [])]
    named += [facts.get(name) for name in CONCERNED]
    return {str(one) for one in named if one}


def closed_to(node: Node, actor: Actor, index: int, members: Mapping[str, Any]) -> bool:
    """Whether an entry was made under a sealed review by somebody else: only its number is told then."""
    if members.get("sealed") is not True:
        return False
    opening = node.shown.open_disclosure(index, "officer")
    return opening is None or opening.value != actor.id


def closed_row(node: Node, actor: Actor, row: StoredIndexRow) -> bool:
    """Say the same of a row of the search."""
    return row.sealed and row.officer != node.vault.token("officer", actor.id)


def nothing_at(node: Node, actor: Actor, index: int, sight: Sight | None = None) -> ActError:
    """Record that somebody looked where nothing is for them; an auditor sees who tries."""
    sight = sight or Sight()
    facts = {"read": index} | sight.facts()
    record_read(node, actor, "log.entry-refused", facts, sealed=sight.sealed)
    return ActError("NOT_FOUND", f"no entry {index} of your department")


def scope_of(actor: Actor, department: str | None) -> str | None:
    """Return the department to which a search is bounded; None: an auditor searches all.

    Raises ActError ROLE_MISSING where somebody else asks for another department's.
    """
    if actor.has(Role.AUDITOR):
        return department
    if department not in {None, actor.department}:
        raise ActError("ROLE_MISSING", "only an auditor searches another department's calls")
    return actor.department


def within_of(review: Review, node: Node) -> Within:
    """Return a review's scope as the search takes it."""
    token = node.vault.token
    return Within(
        departments=frozenset(review.departments),
        systems=frozenset(review.systems),
        resources=frozenset(review.resources),
        matters=frozenset(review.matters),
        cases=frozenset(token("case", number) for number in review.cases),
        subjects=frozenset(token(type_.value, held) for type_, held in review.subjects),
        since=review.since,
        until=review.until,
    )


def frame_of(review: Review) -> Frame:
    """Return a review's scope as entries say it in the clear: without its cases and subjects."""
    return Frame(
        departments=frozenset(review.departments),
        systems=frozenset(review.systems),
        resources=frozenset(review.resources),
        matters=frozenset(review.matters),
        since=to_ms(review.since),
        until=to_ms(review.until),
    )


def _served(node: Node, actor: Actor, review: str) -> Review:
    held = node.live.load().reviews.get(review)
    if held is None or not held.serves(actor.id) or not held.runs(node.ports.now()):
        raise ActError("ROLE_MISSING", f"review {review} is not yours, or does not run")
    return held


def _under(running: list[Review], node: Node, *, department: str | None) -> Sight:
    return Sight(
        department=department,
        within=tuple(within_of(held, node) for held in running),
        frames=tuple(frame_of(held) for held in running),
        reviews=tuple(held.id for held in running),
        sealed=any(held.sealed for held in running),
    )
