"""From request to grant and to its end. Decides only."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from catalogue.errors import InvalidError, StateError
from catalogue.lifecycle import require_decider, require_other
from catalogue.model import (
    Actor,
    Grant,
    GrantState,
    RequestState,
    Resource,
    Role,
    RowRule,
    SharingClass,
    SharingRequest,
    System,
)
from catalogue.validation import CHANNELS, PURPOSES

AUTOMATIC = "rule:unconditional"
"""Stands as the decider where the law itself decides: unconditional data is granted on request."""
ROW_OPERATORS = ("eq", "ne", "in", "prefix", "lt", "le", "gt", "ge", "between")
_OPERATION = re.compile(r"[0-9a-f]{64}")

LISTED_MOST = 1_000
"""Records in a page of a list (INTERFACES: at most 1,000)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the provider agrees to; a member left at None takes over what was asked."""

    items: tuple[str, ...] | None = None
    match: tuple[str, ...] | None = None
    masks: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[RowRule, ...] = ()
    max_rows: int = 100
    attested: bool | None = None
    """Whether a case must be attested; None: exactly where the resource is personal and conditional."""
    operations: tuple[str, ...] = ()
    not_after: datetime | None = None
    daily_quota: int | None = None
    daily_rows: int | None = None
    """None: as many as the calls may hold."""
    daily_subjects: int | None = None
    """None: not bounded by the grant."""


def check_request(
    request: SharingRequest,
    resource: Resource,
    *,
    systems: Mapping[str, System],
    matters: Mapping[str, str],
) -> SharingRequest:
    """Return the request if it is whole. `matters` maps the known ones to their department.

    Everything that is missing or wrong is named at once (809: once, and never piece by piece).
    """
    findings = [
        *_request_parts(request),
        *_request_items(request, resource),
        *_request_callers(request, systems, matters),
    ]
    if findings:
        raise InvalidError(*findings)
    return request


def ask(request: SharingRequest, resource: Resource, *, by: Actor) -> SharingRequest:
    """Return the request as a draft of the acting officer, to be signed off by a second one."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=request.department)
    if resource.state != "announced":
        raise StateError(f"resource {resource.code} is {resource.state}, announced needed")
    if resource.sharing_class is SharingClass.NOT_SHARED:
        raise StateError(f"resource {resource.code} is not shared; nothing can be asked of it")
    return replace(
        request,
        state=RequestState.DRAFT,
        created_by=officer.id,
        signed_by=None,
        decided_by=None,
        refusal="",
    )


def sign(request: SharingRequest, *, by: Actor) -> SharingRequest:
    officer = require_decider(by, Role.HEAD, department=request.department)
    require_other(officer, request.created_by)
    _require_state(request, RequestState.DRAFT)
    return replace(request, state=RequestState.SUBMITTED, signed_by=officer.id)


def agree(
    request: SharingRequest, resource: Resource, terms: Terms, *, by: Actor, grant_id: str
) -> tuple[SharingRequest, Grant]:
    """The provider's officer agrees; nobody of the requesting chain may."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    require_other(officer, request.created_by, request.signed_by)
    return _agreed(request, resource, terms, decided_by=officer.id, grant_id=grant_id)


def agree_by_law(
    request: SharingRequest, resource: Resource, *, grant_id: str
) -> tuple[SharingRequest, Grant]:
    """Grant unconditional data at once: its form was checked, nobody has a choice (809)."""
    if resource.sharing_class is not SharingClass.UNCONDITIONAL:
        raise StateError(f"resource {resource.code} is {resource.sharing_class}")
    # What anybody may use for their duties is listed in pages as long as a call may ask for.
    terms = Terms(max_rows=LISTED_MOST)
    return _agreed(request, resource, terms, decided_by=AUTOMATIC, grant_id=grant_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is refused: in words, by one of REFUSAL_CODES, and by which law."""

    reason: str
    code: str | None = None
    """None where only words are given."""
    legal_basis: str | None = None
    """None where the words name the law themselves."""


REFUSAL_CODES = (
    "BASIS_MISSING",
    "PURPOSE_UNFIT",
    "ITEMS_EXCESSIVE",
    "CONDITION_UNMET",
    "LAW_FORBIDS",
    "DATA_ABSENT",
)
"""A provider chooses from these; a condition of its own making is no reason (809)."""


def refuse(
    request: SharingRequest, resource: Resource, *, by: Actor, refusal: Refusal
) -> SharingRequest:
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    require_other(officer, request.created_by, request.signed_by)
    _require_state(request, RequestState.SUBMITTED)
    if not refusal.reason.strip():
        raise InvalidError("a refusal states its reason and legal basis")
    if refusal.code is not None and refusal.code not in REFUSAL_CODES:
        raise InvalidError(f"a refusal's code is one of {', '.join(REFUSAL_CODES)}")
    if refusal.code is not None and not (refusal.legal_basis or "").strip():
        raise InvalidError("a refusal states its legal basis")
    return replace(
        request,
        state=RequestState.REFUSED,
        decided_by=officer.id,
        refusal=refusal.reason,
        refusal_code=refusal.code,
        refusal_basis=refusal.legal_basis,
    )


def ask_once(
    request: SharingRequest, resource: Resource, *, by: Actor, question: str
) -> SharingRequest:
    """Ask the requesting department for supplements: once, and all of them (809)."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    require_other(officer, request.created_by, request.signed_by)
    _require_state(request, RequestState.SUBMITTED)
    if request.supplement_asked is not None:
        raise StateError(f"request {request.id}: supplements were asked for once already")
    if not question.strip():
        raise InvalidError("what is to be supplemented is named")
    return replace(request, state=RequestState.SUPPLEMENT, supplement_asked=question)


def supplement(request: SharingRequest, *, by: Actor, answer: str) -> SharingRequest:
    """Answer the provider's one question; the request goes back to be decided."""
    require_decider(by, Role.OPERATOR, Role.HEAD, department=request.department)
    _require_state(request, RequestState.SUPPLEMENT)
    if not answer.strip():
        raise InvalidError("the supplement is empty")
    return replace(request, state=RequestState.SUBMITTED, supplement_given=answer)


def suspend(grant: Grant, *, by: Actor) -> Grant:
    require_decider(by, Role.OPERATOR, Role.HEAD, department=grant.provider)
    return _moved(grant, GrantState.ACTIVE, GrantState.SUSPENDED)


def resume(grant: Grant, request: SharingRequest, *, by: Actor) -> Grant:
    """Take back a suspension: this widens, so nobody of the requesting chain may."""
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=grant.provider)
    require_other(officer, request.created_by, request.signed_by)
    return _moved(grant, GrantState.SUSPENDED, GrantState.ACTIVE)


def revoke(grant: Grant, *, by: Actor) -> Grant:
    """End a grant for good; a revoked one never comes back."""
    require_decider(by, Role.OPERATOR, Role.HEAD, department=grant.provider)
    if grant.state is GrantState.REVOKED:
        raise StateError(f"grant {grant.id} is revoked already")
    return replace(grant, state=GrantState.REVOKED)


def _agreed(
    request: SharingRequest,
    resource: Resource,
    terms: Terms,
    *,
    decided_by: str,
    grant_id: str,
) -> tuple[SharingRequest, Grant]:
    _require_state(request, RequestState.SUBMITTED)
    if resource.state != "announced":
        raise StateError(f"resource {resource.code} is {resource.state}, announced needed")
    personal = resource.personal and resource.sharing_class is SharingClass.CONDITIONAL
    grant = Grant(
        id=grant_id,
        request=request.id,
        resource=resource.code,
        provider=resource.department,
        department=request.department,
        systems=request.systems,
        channels=request.channels,
        matters=request.matters,
        purposes=request.purposes,
        items=request.items if terms.items is None else terms.items,
        match=request.match if terms.match is None else terms.match,
        masks=dict(terms.masks),
        rows=terms.rows,
        max_rows=terms.max_rows,
        not_before=request.not_before,
        not_after=request.not_after if terms.not_after is None else terms.not_after,
        daily_quota=request.daily_quota if terms.daily_quota is None else terms.daily_quota,
        state=GrantState.ACTIVE,
        attested=personal if terms.attested is None else terms.attested,
        operations=terms.operations,
        daily_rows=terms.daily_rows,
        daily_subjects=terms.daily_subjects,
    )
    findings = [*_grant_findings(grant, request, resource), *_condition_findings(grant, resource)]
    if findings:
        raise InvalidError(*findings)
    return replace(request, state=RequestState.AGREED, decided_by=decided_by), grant


def _grant_findings(grant: Grant, request: SharingRequest, resource: Resource) -> Iterable[str]:
    closed = {i.name for i in resource.items if i.sharing_class is SharingClass.NOT_SHARED}
    for name in sorted(set(grant.items) - set(request.items)):
        yield f"item {name} was not asked for"
    for name in sorted(set(grant.match) - set(request.match)):
        yield f"matching item {name} was not asked for"
    for name in sorted((set(grant.items) | set(grant.match)) & closed):
        yield f"item {name} is not shared"
    for name in sorted(set(grant.masks) - set(grant.items)):
        yield f"a mask on item {name}, which is not granted"
    if grant.max_rows < 1 or grant.daily_quota < 1:
        yield "at least one row and one call a day"
    for name, bound in (("rows", grant.daily_rows), ("subjects", grant.daily_subjects)):
        if bound is not None and bound < 1:
            yield f"{bound} {name} a day, at least one needed"
    if grant.daily_quota > request.daily_quota:
        yield f"{grant.daily_quota} calls a day, {request.daily_quota} were asked for"
    if not request.not_before < grant.not_after <= request.not_after:
        yield "a grant ends within the time that was asked for"
    if "query" in grant.channels and not grant.items:
        yield "no item to read is left"


def _condition_findings(grant: Grant, resource: Resource) -> Iterable[str]:
    names = {item.name for item in resource.items}
    for rule in grant.rows:
        if rule.item not in names:
            yield f"a condition on item {rule.item}, which the resource does not have"
        if rule.op not in ROW_OPERATORS:
            yield f"a condition with the operator {rule.op!r}"
    for operation in grant.operations:
        if not _OPERATION.fullmatch(operation):
            yield "an operation that is no SHA-256 in hex"


def _request_parts(request: SharingRequest) -> Iterable[str]:
    for name in ("legal_basis", "scenario"):
        if not getattr(request, name).strip():
            yield f"{name} is missing"
    for name in ("systems", "matters", "purposes", "channels"):
        if not getattr(request, name):
            yield f"{name}: at least one needed"
    for purpose in sorted(set(request.purposes) - set(PURPOSES)):
        yield f"purpose {purpose!r} is none"
    for channel in sorted(set(request.channels) - set(CHANNELS)):
        yield f"channel {channel!r} is none"
    if request.not_after <= request.not_before:
        yield "the request ends before it begins"
    if request.daily_quota < 1:
        yield "at least one call a day"


def _request_items(request: SharingRequest, resource: Resource) -> Iterable[str]:
    if not request.items and not request.match:
        yield "items: at least one needed"
    by_name = {item.name: item for item in resource.items}
    for name in sorted(set(request.items) | set(request.match)):
        if name not in by_name:
            yield f"resource {resource.code} has no item {name}"
        elif by_name[name].sharing_class is SharingClass.NOT_SHARED:
            yield f"item {name} is not shared"
    for name in sorted(set(request.match) & set(by_name)):
        if not (by_name[name].match or by_name[name].key):
            yield f"item {name} cannot be matched"
    if resource.purposes:
        for purpose in sorted(set(request.purposes) & set(PURPOSES) - set(resource.purposes)):
            yield f"the resource does not serve the purpose {purpose}"


def _request_callers(
    request: SharingRequest, systems: Mapping[str, System], matters: Mapping[str, str]
) -> Iterable[str]:
    for name in request.systems:
        if name not in systems or systems[name].department != request.department:
            yield f"system {name} is none of the requesting department"
    for code in request.matters:
        if matters.get(code) != request.department:
            yield f"matter {code} is none of the requesting department"


def _moved(grant: Grant, needed: GrantState, to: GrantState) -> Grant:
    if grant.state is not needed:
        raise StateError(f"grant {grant.id} is {grant.state}, {needed} needed")
    return replace(grant, state=to)


def _require_state(request: SharingRequest, state: RequestState) -> None:
    if request.state is not state:
        raise StateError(f"request {request.id} is {request.state}, {state} needed")
