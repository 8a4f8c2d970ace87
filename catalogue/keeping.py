"""Erasing and holding: old disclosures go on two officers' word, and stay while a legal hold says so."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_role
from catalogue.model import Actor, Officer, Role, SubjectType

TEXT_MOST = 500
"""Characters of a reason, a legal basis or the number of a document."""


class ErasureState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    """Recorded, and binding; its keys may still have to be destroyed."""
    DONE = "done"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A subject's disclosures whose term is over, asked by the authority to be erased."""

    id: str
    subject_type: SubjectType
    subject: str | None
    """Normalised identifier, sealed; None once nothing is left to be done."""
    legal_basis: str
    document: str
    """Number of the document that orders or allows it."""
    state: ErasureState
    asked_by: str
    asked_at: datetime
    proposal: int | None = None
    """Index of the proposal's entry; None while that entry is the row's own."""
    approved_by: str | None = None
    """An auditor; None until approved."""
    approved_at: datetime | None = None
    keys: tuple[str, ...] = ()
    """Ids of the keys to destroy; empty until approved."""
    entries: int = 0
    """How many entries lie under them; 0 until approved."""
    withdrawn_by: str | None = None
    """None unless it was withdrawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Forbids erasing one subject, or anybody, until it is lifted."""

    id: str
    everybody: bool
    subject_type: SubjectType | None
    """None where it holds for everybody."""
    subject: str | None
    """Normalised identifier, sealed; None where it holds for everybody, or holds no more."""
    reason: str
    document: str
    set_by: str
    set_at: datetime
    lifted_by: str | None = None
    """None while it holds."""
    lifted_at: datetime | None = None
    """None as above."""

    def forbids(self, type_: SubjectType, identifier: str) -> bool:
        """Whether it stands in the way of erasing a subject."""
        if self.lifted_by is not None:
            return False
        return self.everybody or (self.subject_type, self.subject) == (type_, identifier)


def check_asked(by: Actor, *texts: str) -> Officer:
    """Return the authority's officer who asks. Raises NotAllowedError, InvalidError for a missing text."""
    officer = require_role(by, Role.AUTHORITY)
    for text in texts:
        if not 0 < len(text.strip()) <= TEXT_MOST:
            raise InvalidError(Flaw("{0} characters, 1 to {1} needed", len(text), TEXT_MOST))
    return officer


def approve(
    erasure: Erasure,
    *,
    by: Actor,
    at: datetime,
    holds: Iterable[Hold],
    keys: tuple[str, ...],
    entries: int,
    proposal: int,
) -> Erasure:
    """Approve an erasure of these keys; `proposal` is the index of the entry that proposed it.

    Raises NotAllowedError for who is no auditor or asked for it, StateError where it does not wait, a hold
    forbids it, or nothing is to be erased.
    """
    officer = _auditor(by)
    _require(erasure, ErasureState.PROPOSED)
    if officer.id == erasure.asked_by:
        raise NotAllowedError("SECOND_OFFICER", "another officer than who asked for it")
    check_free(holds, erasure.subject_type, erasure.subject or "")
    if not keys:
        raise StateError("no key of the subject has its term over", code="TERM_RUNNING")
    return replace(
        erasure,
        state=ErasureState.APPROVED,
        approved_by=officer.id,
        approved_at=at,
        keys=keys,
        entries=entries,
        proposal=proposal,
    )


def finish(erasure: Erasure, *, by: Actor) -> Erasure:
    """Forget whom an approved erasure was about: its keys are destroyed. Raises as above."""
    if not by.has(Role.AUTHORITY):
        _auditor(by)
    _require(erasure, ErasureState.APPROVED)
    return replace(erasure, state=ErasureState.DONE, subject=None)


def withdraw(erasure: Erasure, *, by: Actor, proposal: int) -> Erasure:
    """Take back an erasure that waits, or refuse it as an auditor. Raises NotAllowedError, StateError."""
    officer = _auditor(by) if by.has(Role.AUDITOR) else require_role(by, Role.AUTHORITY)
    _require(erasure, ErasureState.PROPOSED)
    return replace(
        erasure,
        state=ErasureState.WITHDRAWN,
        subject=None,
        withdrawn_by=officer.id,
        proposal=proposal,
    )


def lift(hold: Hold, *, by: Actor, at: datetime) -> Hold:
    """End a hold, on another officer's word than who set it. Raises NotAllowedError, StateError."""
    officer = _auditor(by) if by.has(Role.AUDITOR) else require_role(by, Role.AUTHORITY)
    if hold.lifted_by is not None:
        raise StateError("the hold was lifted before")
    if officer.id == hold.set_by:
        raise NotAllowedError("SECOND_OFFICER", "another officer than who set it")
    return replace(hold, subject=None, lifted_by=officer.id, lifted_at=at)


def check_free(holds: Iterable[Hold], type_: SubjectType, identifier: str) -> None:
    """Raise StateError LEGAL_HOLD where a hold forbids erasing a subject; it names the hold."""
    for hold in holds:
        if hold.forbids(type_, identifier):
            raise StateError(f"hold {hold.id} forbids it", code="LEGAL_HOLD")


def _auditor(by: Actor) -> Officer:
    """An auditor looks and changes nothing: here they are the second word, and never the first."""
    if by.officer is None or by.officer.state != "active" or not by.has(Role.AUDITOR):
        raise NotAllowedError("ROLE_MISSING", f"needs the role {Role.AUDITOR}")
    return by.officer


def _require(erasure: Erasure, state: ErasureState) -> None:
    if erasure.state is not state:
        raise StateError(f"the erasure is {erasure.state.value}, {state.value} needed")
