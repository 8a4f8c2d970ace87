"""Disputes (争议) between two departments: they negotiate, then the authority decides, then the government.

No tier is skipped, and each step is recorded with its words. Decides only.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role

WORDS_MOST = 2_000


class Tier(StrEnum):
    NEGOTIATE = "negotiate"
    AUTHORITY = "authority"
    GOVERNMENT = "government"


TIERS = tuple(Tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeStep:
    """One step: who said what, on which tier."""

    tier: Tier
    kind: str
    """`opened`, `said`, `raised`, `decided`, `settled`."""
    by: str
    department: str
    at: datetime
    text: str
    document: str = ""
    """Number of the document that decides; for the government's decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    id: str
    about_kind: str
    """`request`, `grant` or `correction`."""
    about: str
    resource: str
    claimant: str
    respondent: str
    tier: Tier
    state: str
    """`open` or `settled`."""
    opened_by: str
    opened_at: datetime
    steps: tuple[DisputeStep, ...]
    settled_at: datetime | None = None

    @property
    def parties(self) -> frozenset[str]:
        return frozenset({self.claimant, self.respondent})

    @property
    def decided(self) -> bool:
        """Whether the tier that it is on has decided."""
        return any(one.kind == "decided" and one.tier is self.tier for one in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What two departments differ over."""

    kind: str
    id: str
    resource: str
    parties: tuple[str, str]


def open_dispute(about: About, *, text: str, id_: str, by: Actor, at: datetime) -> Dispute:
    """Begin to negotiate, as the head of one of the two departments."""
    officer = require_decider(by, Role.HEAD, department=by.department)
    if officer.department not in about.parties:
        raise NotAllowedError("ROLE_MISSING", "needs the head of one of the two departments")
    (other,) = set(about.parties) - {officer.department}
    step = _step(Tier.NEGOTIATE, "opened", officer.id, officer.department, at, text)
    return Dispute(
        id=id_,
        about_kind=about.kind,
        about=about.id,
        resource=about.resource,
        claimant=officer.department,
        respondent=other,
        tier=Tier.NEGOTIATE,
        state="open",
        opened_by=officer.id,
        opened_at=at,
        steps=(step,),
    )


def say(held: Dispute, *, text: str, by: Actor, at: datetime) -> Dispute:
    """Say something on the tier it is on: either side, or the authority once it is there."""
    _require_open(held)
    officer = require_decider(by, Role.HEAD, Role.OPERATOR, Role.AUTHORITY)
    authority = by.has(Role.AUTHORITY) and held.tier is not Tier.NEGOTIATE
    if officer.department not in held.parties and not authority:
        raise NotAllowedError("ROLE_MISSING", "needs an officer of one of the two departments")
    return _with(held, _step(held.tier, "said", officer.id, officer.department, at, text))


def raise_up(held: Dispute, *, text: str, by: Actor, at: datetime) -> Dispute:
    """Bring it before the next tier: from negotiating once the other side has been heard or had its say.

    To the government only after the authority decided, by the side that does not take the decision.
    """
    _require_open(held)
    officer = require_decider(by, Role.HEAD, department=by.department)
    if officer.department not in held.parties:
        raise NotAllowedError("ROLE_MISSING", "needs the head of one of the two departments")
    if held.tier is Tier.GOVERNMENT:
        raise StateError(f"dispute {held.id} is before the government, the last tier")
    if held.tier is Tier.AUTHORITY and not held.decided:
        raise StateError(f"dispute {held.id}: the authority has not decided yet")
    if held.tier is Tier.NEGOTIATE and not _both_spoke(held):
        raise StateError(f"dispute {held.id}: both departments have to have said something first")
    tier = TIERS[TIERS.index(held.tier) + 1]
    step = _step(tier, "raised", officer.id, officer.department, at, text)
    return _with(replace(held, tier=tier), step)


def decide(held: Dispute, *, text: str, by: Actor, at: datetime, document: str = "") -> Dispute:
    """Decide as the authority, or enter the government's decision with its document's number."""
    _require_open(held)
    officer = require_decider(by, Role.AUTHORITY)
    if held.tier is Tier.NEGOTIATE:
        raise StateError(f"dispute {held.id} is negotiated: nobody has brought it before you")
    if officer.department in held.parties:
        raise NotAllowedError("OWN_REQUEST", "the authority is one of the two departments")
    if held.decided:
        raise StateError(f"dispute {held.id} is decided on this tier already")
    if held.tier is Tier.GOVERNMENT and not document.strip():
        raise InvalidError(Flaw("the number of the government's document is needed"))
    step = _step(
        held.tier, "decided", officer.id, officer.department, at, text, document=document.strip()
    )
    decided = _with(held, step)
    if held.tier is Tier.GOVERNMENT:
        return replace(decided, state="settled", settled_at=at)
    return decided


def settle(held: Dispute, *, text: str, by: Actor, at: datetime) -> Dispute:
    """End it: the claimant is content with what was negotiated, or takes the authority's decision."""
    _require_open(held)
    officer = require_decider(by, Role.HEAD, department=held.claimant)
    if held.tier is not Tier.NEGOTIATE and not held.decided:
        raise StateError(f"dispute {held.id}: nobody has decided yet")
    step = _step(held.tier, "settled", officer.id, officer.department, at, text)
    return replace(_with(held, step), state="settled", settled_at=at)


def _both_spoke(held: Dispute) -> bool:
    spoke = {one.department for one in held.steps if one.tier is Tier.NEGOTIATE}
    return held.parties <= spoke


def _with(held: Dispute, step: DisputeStep) -> Dispute:
    return replace(held, steps=(*held.steps, step))


def _step(
    tier: Tier, kind: str, by: str, department: str, at: datetime, text: str, *, document: str = ""
) -> DisputeStep:
    if not text.strip() or len(text) > WORDS_MOST:
        raise InvalidError(Flaw("each step says something, in at most {0} characters", WORDS_MOST))
    return DisputeStep(
        tier=tier,
        kind=kind,
        by=by,
        department=department,
        at=at,
        text=text.strip(),
        document=document,
    )


def _require_open(held: Dispute) -> None:
    if held.state != "open":
        raise StateError(f"dispute {held.id} is {held.state}, open needed")
