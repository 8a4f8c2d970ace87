"""What a provider agrees to: the terms, the grant they make of a request, what keeps it from being one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.granted import Grant, GrantCourse, GrantState, RowRule
from catalogue.model import Department, Resource, SharingClass
from catalogue.requested import SharingRequest
from catalogue.returnflow import return_flow

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two departments between which something is granted: return flow rests on their levels."""

    provider: Department
    consumer: Department


def draw_up(
    request: SharingRequest,
    resource: Resource,
    terms: Terms,
    *,
    grant_id: str,
    sides: Sides | None,
) -> Grant:
    """Return the grant that terms make of a request. Raises InvalidError for more than was asked for."""
    back = None if sides is None else return_flow(resource, sides.provider, sides.consumer)
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
        rows=terms.rows if back is None else (*terms.rows, back),
        max_rows=terms.max_rows,
        not_before=request.not_before,
        not_after=request.not_after if terms.not_after is None else terms.not_after,
        daily_quota=request.daily_quota if terms.daily_quota is None else terms.daily_quota,
        state=GrantState.ACTIVE,
        attested=personal if terms.attested is None else terms.attested,
        operations=terms.operations,
        daily_rows=terms.daily_rows,
        daily_subjects=terms.daily_subjects,
        course=None if back is None else GrantCourse(return_flow=back.item),
    )
    findings = [*_grant_findings(grant, request, resource), *_condition_findings(grant, resource)]
    if findings:
        raise InvalidError(*findings)
    return grant


def gives_less(grant: Grant, request: SharingRequest) -> bool:
    """Whether items, comparisons, calls or days that were asked for were not agreed to."""
    return (
        set(grant.items) < set(request.items)
        or set(grant.match) < set(request.match)
        or grant.daily_quota < request.daily_quota
        or grant.not_after < request.not_after
    )


def _grant_findings(grant: Grant, request: SharingRequest, resource: Resource) -> Iterable[Flaw]:
    closed = {i.name for i in resource.items if i.sharing_class is SharingClass.NOT_SHARED}
    for name in sorted(set(grant.items) - set(request.items)):
        yield Flaw("item {0} was not asked for", name)
    for name in sorted(set(grant.match) - set(request.match)):
        yield Flaw("matching item {0} was not asked for", name)
    for name in sorted((set(grant.items) | set(grant.match)) & closed):
        yield Flaw("item {0} is not shared", name)
    for name in sorted(set(grant.masks) - set(grant.items)):
        yield Flaw("a mask on item {0}, which is not granted", name)
    if grant.max_rows < 1 or grant.daily_quota < 1:
        yield Flaw("at least one row and one call a day")
    for name, bound in ((Flaw("rows"), grant.daily_rows), (Flaw("subjects"), grant.daily_subjects)):
        if bound is not None and bound < 1:
            yield Flaw("{0} {1} a day, at least one needed", bound, name)
    if grant.daily_quota > request.daily_quota:
        yield Flaw("{0} calls a day, {1} were asked for", grant.daily_quota, request.daily_quota)
    if not request.not_before < grant.not_after <= request.not_after:
        yield Flaw("a grant ends within the time that was asked for")
    if "query" in grant.channels and not grant.items:
        yield Flaw("no item to read is left")


def _condition_findings(grant: Grant, resource: Resource) -> Iterable[Flaw]:
    names = {item.name for item in resource.items}
    for rule in grant.rows:
        if rule.item not in names:
            yield Flaw("a condition on item {0}, which the resource does not have", rule.item)
        if rule.op not in ROW_OPERATORS:
            yield Flaw("a condition with the operator {0!r}", rule.op)
    for operation in grant.operations:
        if not _OPERATION.fullmatch(operation):
            yield Flaw("an operation that is no SHA-256 in hex")
