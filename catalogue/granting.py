"""What becomes of a grant: pause, narrowing, amendment, end, and what has to be destroyed. Decides only."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from catalogue.errors import InvalidError, NotAllowedError, StateError
from catalogue.flaws import Flaw
from catalogue.granted import Grant, GrantState
from catalogue.lifecycle import require_decider, require_other
from catalogue.model import Actor, Resource, Role, SharingClass
from catalogue.requested import SharingRequest
from catalogue.statutes import Clock, Statutes

PURPOSE_ACHIEVED = "purpose-achieved"
LAW_CHANGED = "law-changed"
REVOKED = "revoked"
EXPIRED = "expired"
ENDINGS = (PURPOSE_ACHIEVED, LAW_CHANGED, REVOKED, EXPIRED)
"""Why a grant ends: an officer names one of the first two, revocation and the calendar the others."""

OPEN_BUDGETS = ("daily_rows", "daily_subjects")
"""Budgets that a grant may be without."""
BUDGETS: Mapping[str, Flaw] = MappingProxyType(
    {
        "max_rows": Flaw("records of one answer"),
        "daily_quota": Flaw("calls a day"),
        "daily_rows": Flaw("records a day"),
        "daily_subjects": Flaw("different subjects a day"),
    }
)
"""What a grant bounds by a number, and how that is said."""
MOST = 999_999_999
"""The largest number that a budget may be."""
_SIX = ("items", "match", "matters", "systems", "daily_quota", "not_after")
TERMS = (*_SIX, "max_rows", *OPEN_BUDGETS)
"""What an amendment may change."""


def suspend(grant: Grant, *, by: Actor, resumes_at: datetime | None = None) -> Grant:
    """Pause a grant; with a moment it resumes by itself, without one somebody has to resume it."""
    require_decider(by, Role.OPERATOR, Role.HEAD, department=grant.provider)
    if resumes_at is not None and resumes_at >= grant.not_after:
        raise InvalidError(
            Flaw("the pause ends when the grant has ended: revoke it, or pause it shorter")
        )
    paused = _moved(grant, GrantState.ACTIVE, GrantState.SUSPENDED)
    if resumes_at is None and grant.course is None:
        return paused
    return replace(paused, course=replace(grant.way, resumes_at=resumes_at))


def resume(grant: Grant, request: SharingRequest, *, by: Actor) -> Grant:
    """Take back a suspension: this widens, so nobody of the requesting chain may."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=grant.provider)
    require_other(officer, request.created_by, request.signed_by)
    return _resumed(grant)


def resume_by_itself(grant: Grant, *, at: datetime) -> Grant:
    """Resume a grant whose suspension named this moment when it was decided."""
    resumes_at = grant.way.resumes_at
    if resumes_at is None or at < resumes_at:
        raise StateError(f"grant {grant.id}: its suspension does not end by itself now")
    return _resumed(grant)


def revoke(grant: Grant, *, by: Actor) -> Grant:
    """End a grant for good; a revoked one never comes back."""
    require_decider(by, Role.OPERATOR, Role.HEAD, department=grant.provider)
    if grant.state is GrantState.REVOKED:
        raise StateError(f"grant {grant.id} is revoked already")
    return replace(grant, state=GrantState.REVOKED)


def end(grant: Grant, *, reason: str, went_out: tuple[str, ...], by: Actor, at: datetime) -> Grant:
    """End a grant whose purpose is achieved, or whose law has changed, for good.

    The consumer ends what it needs no more; the provider what the law gives no more. Copies that went out
    have to be destroyed, and the consumer has to confirm that.
    """
    if reason not in {PURPOSE_ACHIEVED, LAW_CHANGED}:
        raise InvalidError(
            Flaw("reason {0!r}: {1} or {2} needed", reason, PURPOSE_ACHIEVED, LAW_CHANGED)
        )
    side = grant.department if reason == PURPOSE_ACHIEVED else grant.provider
    require_decider(by, Role.OPERATOR, Role.HEAD, department=side)
    if grant.state is GrantState.REVOKED:
        raise StateError(f"grant {grant.id} has ended already")
    ended = replace(grant, state=GrantState.REVOKED)
    return over(ended, reason=reason, went_out=went_out, at=at)


def over(grant: Grant, *, reason: str, went_out: tuple[str, ...], at: datetime) -> Grant:
    """Return a grant that holds no more with why, since when, and what has to be destroyed."""
    way = replace(
        grant.way,
        resumes_at=None,
        ended_for=reason,
        ended_at=at,
        went_out=went_out,
        destroyed=False if went_out else None,
    )
    return replace(grant, course=way)


def confirm_destruction(grant: Grant, *, statement: str, by: Actor, at: datetime) -> Grant:
    """The consumer's head confirms that every copy is destroyed, and says how."""
    require_decider(by, Role.HEAD, department=grant.department)
    if grant.way.destroyed is not False:
        raise StateError(f"grant {grant.id}: nothing waits to be destroyed")
    if not statement.strip():
        raise InvalidError(Flaw("what was destroyed, where and how is said in words"))
    return replace(grant, course=replace(grant.way, destroyed=True, destroyed_at=at))


def destruction_clock(grant: Grant, law: Statutes) -> Clock | None:
    """Return by when copies have to be confirmed as destroyed; None where none went out."""
    way = grant.way
    if way.destroyed is None or way.ended_at is None:
        return None
    return law.clock("grant.destruction", since=way.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrower:
    """What is left of a grant; a member left at None stays as it is."""

    items: tuple[str, ...] | None = None
    match: tuple[str, ...] | None = None
    matters: tuple[str, ...] | None = None
    systems: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    max_rows: int | None = None
    daily_quota: int | None = None
    daily_rows: int | None = None
    daily_subjects: int | None = None
    not_after: datetime | None = None

    def given(self) -> dict[str, object]:
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in named.items() if value is not None}


def narrow(grant: Grant, wanted: Narrower, *, by: Actor) -> Grant:
    """Take a part of a grant away at once, as its provider. Raises InvalidError for whatever widens it."""
    require_decider(by, Role.OPERATOR, Role.HEAD, department=grant.provider)
    if grant.state is GrantState.REVOKED:
        raise StateError(f"grant {grant.id} has ended already")
    given = wanted.given()
    if not given:
        raise InvalidError(Flaw("what is taken away is named"))
    findings = []
    for name, value in given.items():
        held = getattr(grant, name)
        if isinstance(value, tuple):
            more = sorted(set(value) - set(held))
            findings += [Flaw("{0}: {1} is not in the grant", name, one) for one in more]
        elif held is not None and value > held:
            findings.append(Flaw("{0} would be more than before", BUDGETS.get(name, name)))
        elif isinstance(value, int) and value < 1:
            findings.append(Flaw("{0}: at least 1 needed", BUDGETS.get(name, name)))
    narrowed = replace(grant, **given)  # type: ignore[arg-type]  # each is of its field's own type
    if narrowed.not_after <= narrowed.not_before:
        findings.append(Flaw("a grant ends after it begins: revoke it instead"))
    findings += _empty(narrowed)
    if findings:
        raise InvalidError(*findings)
    if narrowed == grant:
        raise InvalidError(Flaw("nothing would be taken away"))
    masks = {item: mask for item, mask in grant.masks.items() if item in narrowed.items}
    return replace(narrowed, masks=masks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """Other terms for a grant: they hold once both sides have signed them, as its next revision.

    It has every term, so that both sides see what they sign, and changes those of `changes` alone: what was
    narrowed meanwhile stays so.
    """

    id: str
    grant: str
    base: int
    """Revision of the grant that it changes."""
    items: tuple[str, ...]
    match: tuple[str, ...]
    matters: tuple[str, ...]
    systems: tuple[str, ...]
    daily_quota: int
    not_after: datetime
    reason: str
    state: str
    """`proposed`, `in-force` or `withdrawn`."""
    proposed_by: str
    proposed_side: str
    """Code of the department that proposed it."""
    proposed_at: datetime
    consumer_signed: str | None = None
    """Officer who signed for the consumer; None until then."""
    provider_signed: str | None = None
    """As above, for the provider."""
    settled_at: datetime | None = None
    max_rows: int | None = None
    """None: proposed when this could not be amended. So with the next three."""
    daily_rows: int | None = None
    """None also: no bound of its own."""
    daily_subjects: int | None = None
    """As above."""
    changes: tuple[str, ...] | None = None

    @property
    def terms(self) -> tuple[str, ...]:
        """Which terms of the grant it changes."""
        return _SIX if self.changes is None else self.changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """What an amendment asks for; a member left at None stays as the grant has it."""

    items: tuple[str, ...] | None = None
    match: tuple[str, ...] | None = None
    matters: tuple[str, ...] | None = None
    systems: tuple[str, ...] | None = None
    daily_quota: int | None = None
    not_after: datetime | None = None
    max_rows: int | None = None
    daily_rows: int | None = None
    daily_subjects: int | None = None
    unbounded: tuple[str, ...] = ()
    """Budgets of OPEN_BUDGETS that the grant is to be without."""

    def terms(self, grant: Grant) -> dict[str, Any]:
        """Return every term that the grant would have. Raises InvalidError."""
        findings = [
            Flaw("{0} cannot be without a bound", BUDGETS.get(name, name))
            for name in self.unbounded
            if name not in OPEN_BUDGETS
        ]
        findings += [
            Flaw("{0}: a number and no bound at once", BUDGETS[name])
            for name in OPEN_BUDGETS
            if name in self.unbounded and getattr(self, name) is not None
        ]
        if findings:
            raise InvalidError(*findings)
        return {name: self._term(name, getattr(grant, name)) for name in TERMS}

    def _term(self, name: str, held: Any) -> Any:
        wanted = getattr(self, name)
        if isinstance(wanted, tuple):
            # The same ones in another order are no change, and none stands twice.
            return held if set(wanted) == set(held) else tuple(dict.fromkeys(wanted))
        return held if wanted is None and name not in self.unbounded else wanted


def propose_amendment(
    grant: Grant,
    resource: Resource,
    wanted: Amended,
    *,
    id_: str,
    by: Actor,
    at: datetime,
    reason: str,
) -> Amendment:
    """Return an amendment as one side proposes it; nothing changes by it yet."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=by.department)
    if officer.department not in {grant.department, grant.provider}:
        raise NotAllowedError("ROLE_MISSING", "needs an officer of one of the grant's two sides")
    if grant.state is GrantState.REVOKED or grant.not_after <= at:
        raise StateError(f"grant {grant.id} holds no more: a new request is needed")
    if not reason.strip():
        raise InvalidError(Flaw("why the grant is to change is said in words"))
    terms = wanted.terms(grant)
    amendment = Amendment(
        id=id_,
        grant=grant.id,
        base=grant.way.revision,
        reason=reason.strip(),
        state="proposed",
        proposed_by=officer.id,
        proposed_side=officer.department,
        proposed_at=at,
        changes=tuple(name for name in TERMS if terms[name] != getattr(grant, name)),
        **terms,
    )
    _check_amended(_amended(grant, amendment), grant, resource)
    return amendment


def sign_amendment(
    amendment: Amendment, grant: Grant, resource: Resource, *, by: Actor, at: datetime
) -> tuple[Amendment, Grant | None]:
    """Sign for the officer's side. With the second side's signature the grant's next revision stands.

    Whoever proposed it does not sign it. The grant is None while the other side has not signed.
    """
    officer = require_decider(by, Role.HEAD, department=by.department)
    require_other(officer, amendment.proposed_by)
    if amendment.state != "proposed":
        raise StateError(f"amendment {amendment.id} is {amendment.state}, proposed needed")
    if grant.way.revision != amendment.base or grant.state is GrantState.REVOKED:
        raise StateError(f"grant {grant.id} has changed since: propose the amendment anew")
    if officer.department == grant.department:
        signed = replace(amendment, consumer_signed=officer.id)
    elif officer.department == grant.provider:
        signed = replace(amendment, provider_signed=officer.id)
    else:
        raise NotAllowedError("ROLE_MISSING", "needs the head of one of the grant's two sides")
    if signed == amendment:
        raise StateError(f"amendment {amendment.id} is signed for this side already")
    if signed.consumer_signed is None or signed.provider_signed is None:
        return signed, None
    amended = _amended(grant, signed)
    _check_amended(amended, grant, resource)
    return replace(signed, state="in-force", settled_at=at), amended


def withdraw_amendment(amendment: Amendment, grant: Grant, *, by: Actor, at: datetime) -> Amendment:
    """Take an amendment back, as the side that proposed it or as the other, which so refuses it."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=by.department)
    if officer.department not in {grant.department, grant.provider}:
        raise NotAllowedError("ROLE_MISSING", "needs an officer of one of the grant's two sides")
    if amendment.state != "proposed":
        raise StateError(f"amendment {amendment.id} is {amendment.state}, proposed needed")
    return replace(amendment, state="withdrawn", settled_at=at)


def _amended(grant: Grant, amendment: Amendment) -> Grant:
    """Return the next revision of a grant as an amendment makes it."""
    terms: dict[str, Any] = {name: getattr(amendment, name) for name in amendment.terms}
    amended = replace(grant, **terms)
    masks = {item: mask for item, mask in grant.masks.items() if item in amended.items}
    course = replace(grant.way, revision=amendment.base + 1)
    return replace(amended, masks=masks, course=course)


def _check_amended(amended: Grant, grant: Grant, resource: Resource) -> None:
    """Raises InvalidError for a next revision that could not be."""
    by_name = {item.name: item for item in resource.items}
    findings = []
    for name in sorted(set(amended.items) | set(amended.match)):
        if name not in by_name:
            findings.append(Flaw("resource {0} has no item {1}", resource.code, name))
        elif by_name[name].sharing_class is SharingClass.NOT_SHARED:
            findings.append(Flaw("item {0} is not shared", name))
    for name, said in BUDGETS.items():
        most = getattr(amended, name)
        if most is not None and most < 1:
            findings.append(Flaw("{0}: at least 1 needed", said))
        elif most is not None and most > MOST:
            findings.append(Flaw("{0}: at most {1}", said, MOST))
    if amended.not_after <= amended.not_before:
        findings.append(Flaw("the grant would end before it begins"))
    if not amended.systems or not amended.matters:
        findings.append(Flaw("systems and matters: at least one each needed"))
    if resource.state != "announced":
        findings.append(
            Flaw("resource {0} is {1}, announced needed", resource.code, resource.state)
        )
    if not findings and all(getattr(amended, name) == getattr(grant, name) for name in TERMS):
        findings.append(Flaw("nothing would change"))
    if findings:
        raise InvalidError(*findings)


def _empty(grant: Grant) -> list[Flaw]:
    lists = ("systems", "channels", "matters", "purposes")
    found = [Flaw("{0}: nothing would be left", name) for name in lists if not getattr(grant, name)]
    if "query" in grant.channels and not grant.items:
        found.append(Flaw("no item to read is left"))
    return found


def _resumed(grant: Grant) -> Grant:
    resumed = _moved(grant, GrantState.SUSPENDED, GrantState.ACTIVE)
    return (
        resumed
        if grant.course is None
        else replace(resumed, course=replace(grant.way, resumes_at=None))
    )


def _moved(grant: Grant, needed: GrantState, to: GrantState) -> Grant:
    if grant.state is not needed:
        raise StateError(f"grant {grant.id} is {grant.state}, {needed} needed")
    return replace(grant, state=to)
