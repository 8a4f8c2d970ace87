"""Emergency access (应急查询): what may be looked up where a case cannot be opened in time. Decides only.

It exists only for items that their department announced for it beforehand. One officer asks, another of the
same department confirms, both signed in with two factors; it names one subject, holds for an hour at most,
and is reviewed afterwards. What it gives is an ordinary grant over an ordinary case, so that the policy needs
no second road: the gateway puts that grant forward only to the two officers, and only for that case.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.flaws import Flaw
from catalogue.granted import Grant, GrantState
from catalogue.lifecycle import require_decider, require_officer, require_other
from catalogue.model import (
    Actor,
    Case,
    CaseState,
    Matter,
    Officer,
    Party,
    Resource,
    Role,
    SharingClass,
    SubjectType,
    System,
)
from catalogue.rules import rule
from catalogue.workdays import ZONE, Deadline, add_working_days

TWO_FACTOR = "two-factor"
"""How an actor was established who gave a password and a one-time code."""
LONGEST = "emergency.longest"
REVIEWED_WITHIN = "emergency.review"
PREFIX = "emg_"
DAILY_CALLS = 20
_REASON_MOST = 200


class EmergencyState(StrEnum):
    ASKED = "asked"
    OPEN = "open"
    ENDED = "ended"
    """Before its time; what runs out keeps the state open and is over all the same."""
    WITHDRAWN = "withdrawn"
    """Before anybody confirmed it: nothing was ever given."""


class EmergencyVerdict(StrEnum):
    """What the reviewer found (核查结论)."""

    NORMAL = "normal"
    EXPLAINED = "explained"
    VIOLATION = "violation"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyAccess:
    """One access, from being asked for to its review."""

    id: str
    resource: str
    provider: str
    department: str
    system: str
    matter: str
    purpose: str
    items: tuple[str, ...]
    subject_type: SubjectType
    subject: str
    """Keyed token of whom it is about."""
    reason: str
    minutes: int
    state: EmergencyState
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None = None
    """None until a second officer confirmed it."""
    opened_at: datetime | None = None
    """None as above."""
    not_after: datetime | None = None
    """First moment at which it gives nothing any more; None as above."""
    case: str | None = None
    """Id of the case that stands for it; None as above."""
    grant: str | None = None
    """Id of the grant that it gives; None as above."""
    ended_at: datetime | None = None
    """None unless it was ended before its time."""
    reviewed_by: str | None = None
    """None until it was reviewed."""
    reviewed_at: datetime | None = None
    """None as above."""
    verdict: EmergencyVerdict | None = None
    """None as above."""
    finding: str = ""

    def serves(self, officer: str) -> bool:
        """Whether an officer is one of the two who answer for it."""
        return officer in {self.asked_by, self.confirmed_by}

    def over_at(self) -> datetime | None:
        """Return the moment from which it gives nothing; None where it was never opened."""
        return self.ended_at or self.not_after

    def review_due(self) -> Deadline | None:
        """Return the last day on which it is reviewed in time; None where there is nothing to review."""
        over = self.over_at()
        if over is None:
            return None
        days = rule(REVIEWED_WITHIN, on=over.astimezone(ZONE).date()).value
        return add_working_days(over, days)

    def overdue(self, at: datetime) -> bool:
        """Whether it was opened and nobody reviewed it in time."""
        due = self.review_due()
        return due is not None and self.reviewed_at is None and due.passed(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What an officer asks to see, before an id is given."""

    resource: str
    system: str
    matter: str
    purpose: str
    items: tuple[str, ...]
    reason: str
    minutes: int


def check_offer(resource: Resource, items: Iterable[str]) -> tuple[str, ...]:
    """Return the items that a department announces for emergencies, each once.

    Raises InvalidError for an item that is not there, or that is shared with nobody.
    """
    offered = tuple(dict.fromkeys(items))
    classes = {item.name: item.sharing_class for item in resource.items}
    findings = [
        Flaw("{0}: no item of {1}", name, resource.code) for name in offered if name not in classes
    ]
    if offered and resource.upstream is not None:
        findings.append(Flaw("{0} is held above and served to nobody", resource.code))
    findings += [
        Flaw("{0}: an item that is not shared is never given, in no emergency either", name)
        for name in offered
        if classes.get(name) is SharingClass.NOT_SHARED
    ]
    if findings:
        raise InvalidError(*findings)
    return offered


def ask(  # noqa: PLR0913 - what an access rests on, each looked up by the use case
    sought: Sought,
    resource: Resource,
    system: System,
    matter: Matter,
    *,
    access_id: str,
    subject: tuple[SubjectType, str],
    by: Actor,
    at: datetime,
    known: Iterable[EmergencyAccess],
) -> EmergencyAccess:
    """Return the access as the first officer asks for it; nothing is given yet.

    Raises NotAllowedError where the officer did not give two factors or the department's right is stopped,
    InvalidError with everything else that is wrong.
    """
    officer = require_two_factor(by)
    if system.department != officer.department or matter.department != officer.department:
        raise NotAllowedError("ROLE_MISSING", "a system and a matter of the officer's department")
    if stopped(known, officer.department, at=at):
        raise NotAllowedError("EMERGENCY_STOPPED", "an earlier access was not reviewed in time")
    findings = _findings(sought, resource, at=at)
    if system.state != "active" or matter.state != "active":
        findings.append(Flaw("an active system and an active matter are needed"))
    if subject[0] is not resource.key.subject:
        findings.append(Flaw("the subject of {0} is {1}", resource.code, resource.key.subject))
    if findings:
        raise InvalidError(*findings)
    return EmergencyAccess(
        id=access_id,
        resource=resource.code,
        provider=resource.department,
        department=officer.department,
        system=system.id,
        matter=matter.code,
        purpose=sought.purpose,
        items=tuple(dict.fromkeys(sought.items)),
        subject_type=subject[0],
        subject=subject[1],
        reason=sought.reason.strip(),
        minutes=sought.minutes,
        state=EmergencyState.ASKED,
        asked_by=officer.id,
        asked_at=at,
    )


def confirm(
    access: EmergencyAccess,
    resource: Resource,
    *,
    grant_id: str,
    case_id: str,
    number_token: str,
    by: Actor,
    at: datetime,
    known: Iterable[EmergencyAccess],
) -> tuple[EmergencyAccess, Grant, Case]:
    """A second officer opens the access: return it with the grant and the case that stand for it."""
    officer = require_two_factor(by, department=access.department)
    if officer.id == access.asked_by:
        raise NotAllowedError("SECOND_OFFICER", "confirmed by whoever asked for it")
    _require_state(access, EmergencyState.ASKED)
    if stopped(known, access.department, at=at):
        raise NotAllowedError("EMERGENCY_STOPPED", "an earlier access was not reviewed in time")
    findings = _items_findings(access.items, resource)
    if findings:
        raise InvalidError(*findings)
    not_after = at + timedelta(minutes=access.minutes)
    opened = replace(
        access,
        state=EmergencyState.OPEN,
        confirmed_by=officer.id,
        opened_at=at,
        not_after=not_after,
        case=case_id,
        grant=grant_id,
    )
    return opened, _grant(opened, resource, grant_id=grant_id, at=at), _case(opened, number_token)


def end(access: EmergencyAccess, *, by: Actor, at: datetime) -> EmergencyAccess:
    """End an access before its time, or withdraw one that nobody has confirmed yet."""
    officer = require_officer(by)
    if officer.department != access.department:
        raise NotAllowedError("ROLE_MISSING", f"an officer of {access.department} needed")
    if access.state is EmergencyState.ASKED:
        return replace(access, state=EmergencyState.WITHDRAWN)
    _require_state(access, EmergencyState.OPEN)
    over = access.not_after
    return replace(access, state=EmergencyState.ENDED, ended_at=min(at, over) if over else at)


def review(
    access: EmergencyAccess, *, verdict: EmergencyVerdict, finding: str, by: Actor, at: datetime
) -> EmergencyAccess:
    """Write the reviewer's verdict down, once. An auditor reviews, and nobody of either department."""
    if by.officer is None or not by.has(Role.AUDITOR):
        raise NotAllowedError("ROLE_MISSING", "needs the role auditor")
    if by.officer.state != "active":
        raise NotAllowedError("ROLE_MISSING", f"officer {by.officer.id} is {by.officer.state}")
    require_other(by.officer, access.asked_by, access.confirmed_by)
    over = access.over_at()
    if over is None or at < over:
        raise StateError("the access is not over yet", code="EMERGENCY_STATE")
    if access.reviewed_at is not None:
        raise StateError("the access is reviewed already", code="EMERGENCY_STATE")
    if verdict is not EmergencyVerdict.NORMAL and not finding.strip():
        raise InvalidError(Flaw("what was found is missing"))
    return replace(
        access, reviewed_by=by.officer.id, reviewed_at=at, verdict=verdict, finding=finding.strip()
    )


def stopped(known: Iterable[EmergencyAccess], department: str, *, at: datetime) -> bool:
    """Whether a department may open nothing more: an access of its was not reviewed in time."""
    return any(one.department == department and one.overdue(at) for one in known)


def require_two_factor(by: Actor, *, department: str | None = None) -> Officer:
    """Return the acting officer of a department who gave a password and a one-time code.

    Raises NotAllowedError EMERGENCY_TWO_FACTOR for a key, a link or a system.
    """
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=department)
    if by.auth != TWO_FACTOR:
        raise NotAllowedError(
            "EMERGENCY_TWO_FACTOR", f"established by {by.auth}, password and one-time code needed"
        )
    return officer


def _findings(sought: Sought, resource: Resource, *, at: datetime) -> list[Flaw]:
    longest = rule(LONGEST, on=at.astimezone(ZONE).date()).value
    findings = _items_findings(sought.items, resource)
    if resource.state != "announced":
        findings.append(
            Flaw("resource {0} is {1}, announced needed", resource.code, resource.state)
        )
    if not 1 <= sought.minutes <= longest:
        findings.append(Flaw("{0} minutes, 1 to {1} needed", sought.minutes, longest))
    if not 1 <= len(sought.reason.strip()) <= _REASON_MOST:
        findings.append(Flaw("a reason of 1 to {0} characters needed", _REASON_MOST))
    if sought.purpose not in resource.purposes:
        findings.append(
            Flaw("purpose {0} is not one that {1} allows", sought.purpose, resource.code)
        )
    return findings


def _items_findings(items: tuple[str, ...], resource: Resource) -> list[Flaw]:
    if not items:
        return [Flaw("at least one item needed")]
    offered = set(resource.emergency_items or ())
    return [
        Flaw("{0}: not announced for emergencies by {1}", name, resource.department)
        for name in dict.fromkeys(items)
        if name not in offered
    ]


def _grant(access: EmergencyAccess, resource: Resource, *, grant_id: str, at: datetime) -> Grant:
    """One record of one subject, over queries, as the publisher's masks leave it."""
    return Grant(
        id=grant_id,
        request=access.id,
        resource=resource.code,
        provider=resource.department,
        department=access.department,
        systems=(access.system,),
        channels=("query",),
        matters=(access.matter,),
        purposes=(access.purpose,),
        items=access.items,
        match=(resource.key.name,),
        masks={},
        rows=(),
        max_rows=1,
        # Grants begin with a whole second: this one has begun.
        not_before=at.replace(microsecond=0),
        not_after=access.not_after or at,
        daily_quota=DAILY_CALLS,
        state=GrantState.ACTIVE,
        attested=False,
    )


def _case(access: EmergencyAccess, number_token: str) -> Case:
    return Case(
        id=access.case or "",
        number_token=number_token,
        system=access.system,
        department=access.department,
        matter=access.matter,
        project="",
        state=CaseState.OPEN,
        accepted_at=access.opened_at or access.asked_at,
        attested_by=None,
        parties=(
            Party(
                type=access.subject_type,
                token=access.subject,
                role="emergency",
                added_by=access.asked_by,
                confirmed_by=access.confirmed_by,
            ),
        ),
    )


def _require_state(access: EmergencyAccess, state: EmergencyState) -> None:
    if access.state is not state:
        raise StateError(
            f"the access is {access.state.value}, {state.value} needed", code="EMERGENCY_STATE"
        )
