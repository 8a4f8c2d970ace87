"""Whether a request is whole: everything that is missing or wrong, named at once. Decides only."""

from collections.abc import Iterable, Mapping

from catalogue.entries import may_have
from catalogue.errors import InvalidError
from catalogue.flaws import Flaw
from catalogue.model import Resource, SharingClass, System
from catalogue.requested import SharingRequest
from catalogue.validation import CHANNELS, PURPOSES


def findings_of(
    request: SharingRequest,
    resource: Resource,
    *,
    systems: Mapping[str, System],
    matters: Mapping[str, str],
) -> list[Flaw]:
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


def _request_parts(request: SharingRequest) -> Iterable[Flaw]:
    for name in (Flaw("legal_basis"), Flaw("scenario")):
        if not getattr(request, name).strip():
            yield Flaw("{0} is missing", name)
    for name in (Flaw("systems"), Flaw("matters"), Flaw("purposes"), Flaw("channels")):
        if not getattr(request, name):
            yield Flaw("{0}: at least one needed", name)
    for purpose in sorted(set(request.purposes) - set(PURPOSES)):
        yield Flaw("purpose {0!r} is none", purpose)
    for channel in sorted(set(request.channels) - set(CHANNELS)):
        yield Flaw("channel {0!r} is none", channel)
    if request.not_after <= request.not_before:
        yield Flaw("the request ends before it begins")
    if request.daily_quota < 1:
        yield Flaw("at least one call a day")
    if request.way.volume is not None and request.way.volume < 1:
        yield Flaw("volume: at least one record a month, or nothing said")


def _request_items(request: SharingRequest, resource: Resource) -> Iterable[Flaw]:
    if not request.items and not request.match:
        yield Flaw("items: at least one needed")
    by_name = {item.name: item for item in resource.items}
    for name in sorted(set(request.items) | set(request.match)):
        if name not in by_name:
            yield Flaw("resource {0} has no item {1}", resource.code, name)
        elif by_name[name].sharing_class is SharingClass.NOT_SHARED:
            yield Flaw("item {0} is not shared", name)
    for name in sorted(set(request.match) & set(by_name)):
        if not (by_name[name].match or by_name[name].key):
            yield Flaw("item {0} cannot be matched", name)
    if resource.purposes:
        for purpose in sorted(set(request.purposes) & set(PURPOSES) - set(resource.purposes)):
            yield Flaw("the resource does not serve the purpose {0}", purpose)
    if not may_have(resource, request.department):
        yield Flaw("the entry names who may have it, and not department {0}", request.department)


def _request_callers(
    request: SharingRequest, systems: Mapping[str, System], matters: Mapping[str, str]
) -> Iterable[Flaw]:
    for name in request.systems:
        if name not in systems or systems[name].department != request.department:
            yield Flaw("system {0} is none of the requesting department", name)
    for code in request.matters:
        if matters.get(code) != request.department:
            yield Flaw("matter {0} is none of the requesting department", code)
