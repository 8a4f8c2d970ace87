"""Corrections (校核): a wrong value is reported by who received it, and disputed until that is closed.

Whose value it is stands as the keyed token of the subject, and what is wrong with it is sealed. Decides only.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider, require_other
from catalogue.model import Actor, Resource, Role, SubjectType
from catalogue.statutes import Clock, Statutes

WORDS_MOST = 1_000


class CorrectionState(StrEnum):
    REPORTED = "reported"
    ACCEPTED = "accepted"
    """The provider agrees that the value is wrong, and is putting it right."""
    REFUSED = "refused"
    """The provider says that the value stands; who reported it closes that, or disputes it."""
    CLOSED = "closed"


OPEN = frozenset({CorrectionState.REPORTED, CorrectionState.ACCEPTED, CorrectionState.REFUSED})
"""States in which the value is disputed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    id: str
    number: int
    """Of the entry of the call that gave the value, through all shards."""
    resource: str
    item: str
    provider: str
    department: str
    """Who reports."""
    subject_type: SubjectType
    subject: str
    """Keyed token of whom the value is about."""
    words: str
    """What is wrong, and what proves it."""
    state: CorrectionState
    reported_by: str
    reported_at: datetime
    informed: tuple[str, ...] = ()
    """Codes of the departments that received the value and were told."""
    answered_by: str | None = None
    answered_at: datetime | None = None
    answer: str = ""
    closed_by: str | None = None
    closed_at: datetime | None = None
    corrected: bool | None = None
    """Whether the value was put right; None until it is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A value that a department received, as the entry of the call says."""

    number: int
    subject_type: SubjectType
    subject: str


def report(
    received: Received,
    resource: Resource,
    item: str,
    *,
    words: str,
    informed: tuple[str, ...],
    id_: str,
    by: Actor,
    at: datetime,
) -> Correction:
    """Report a value as wrong, as a department that received it. Raises NotAllowedError, InvalidError."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=by.department)
    findings = []
    if item not in {one.name for one in resource.items}:
        findings.append(Flaw("resource {0} has no item {1}", resource.code, item))
    if officer.department == resource.department:
        findings.append(Flaw("a department puts its own values right at its source"))
    if not words.strip() or len(words) > WORDS_MOST:
        findings.append(Flaw("what is wrong is said in words, at most {0} characters", WORDS_MOST))
    if findings:
        raise InvalidError(*findings)
    return Correction(
        id=id_,
        number=received.number,
        resource=resource.code,
        item=item,
        provider=resource.department,
        department=officer.department,
        subject_type=received.subject_type,
        subject=received.subject,
        words=words.strip(),
        state=CorrectionState.REPORTED,
        reported_by=officer.id,
        reported_at=at,
        informed=informed,
    )


def accept(held: Correction, *, by: Actor, at: datetime, text: str = "") -> Correction:
    """The provider agrees that the value is wrong: it puts it right and closes the correction."""
    return _answered(held, CorrectionState.ACCEPTED, by=by, at=at, text=text)


def refuse(held: Correction, *, by: Actor, at: datetime, text: str) -> Correction:
    """The provider says why the value stands; it stays disputed until that is closed."""
    if not text.strip():
        raise InvalidError(Flaw("why the value stands is said in words"))
    return _answered(held, CorrectionState.REFUSED, by=by, at=at, text=text)


def close(held: Correction, *, by: Actor, at: datetime) -> Correction:
    """Close it: the provider what it accepted and put right, the reporter what was refused.

    The authority may close a refused one too, where it decided a dispute.
    """
    if held.state is CorrectionState.ACCEPTED:
        officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=held.provider)
    elif held.state is CorrectionState.REFUSED:
        if by.has(Role.AUTHORITY):
            officer = require_decider(by, Role.AUTHORITY)
        else:
            officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=held.department)
        require_other(officer, held.answered_by)
    else:
        raise StateError(f"correction {held.id} is {held.state}, accepted or refused needed")
    return replace(
        held,
        state=CorrectionState.CLOSED,
        closed_by=officer.id,
        closed_at=at,
        corrected=held.state is CorrectionState.ACCEPTED,
    )


def clock(held: Correction, law: Statutes) -> Clock:
    """Return by when the provider has to answer, or had to."""
    return law.clock("correction.answer", since=held.reported_at)


def late(held: Correction, law: Statutes, *, at: datetime) -> bool:
    return clock(held, law).passed(held.answered_at or at)


def _answered(
    held: Correction, state: CorrectionState, *, by: Actor, at: datetime, text: str
) -> Correction:
    if by.department != held.provider:
        raise NotAllowedError("ROLE_MISSING", f"needs an officer of department {held.provider}")
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=held.provider)
    require_other(officer, held.reported_by)
    if held.state is not CorrectionState.REPORTED:
        raise StateError(f"correction {held.id} is {held.state}, reported needed")
    return replace(held, state=state, answered_by=officer.id, answered_at=at, answer=text.strip())
