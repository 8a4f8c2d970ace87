"""Whether a request is whole: everything that is missing or wrong, named at once. Decides only."""

from collections.abc import Iterable, Mapping

from catalogue.entries import may_have
from catalogue.errors import InvalidError
from catalogue.model import Resource, SharingClass, SharingRequest, System
from catalogue.validation import CHANNELS, PURPOSES


def findings_of(
    request: SharingRequest,
    resource: Resource,
    *,
    systems: Mapping[str, System],
    matters: Mapping[str, str],
) -> list[str]:
    """Return all that is missing or wrong. `matters` maps the known ones to their department."""
    return [
        *_request_parts(request),
        *_request_items(request, resource),
        *_request_callers(request, systems, matters),
    ]


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
    findings = findings_of(request, resource, systems=systems, matters=matters)
    if findings:
        raise InvalidError(*findings)
    return request


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
    if request.way.volume is not None and request.way.volume < 1:
        yield "volume: at least one record a month, or nothing said"


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
    if not may_have(resource, request.department):
        yield f"the entry names who may have it, and not department {request.department}"


def _request_callers(
    request: SharingRequest, systems: Mapping[str, System], matters: Mapping[str, str]
) -> Iterable[str]:
    for name in request.systems:
        if name not in systems or systems[name].department != request.department:
            yield f"system {name} is none of the requesting department"
    for code in request.matters:
        if matters.get(code) != request.department:
            yield f"matter {code} is none of the requesting department"
