"""What a department, system, resource or matter must hold before it is taken; all gaps are named at once."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar
from urllib.parse import urlsplit

import re2

from catalogue import entries, files, readings
from catalogue.certificates import check_certificate
from catalogue.codes import department_code, matter_kind, plain_code
from catalogue.errors import CodeError, InvalidError
from catalogue.materials import Material
from catalogue.model import (
    Department,
    ItemType,
    Matter,
    Resource,
    SharingClass,
    SourceAddress,
    SubjectType,
    System,
)
from catalogue.naming import RESERVED_FIELDS, RESERVED_TYPES

T = TypeVar("T")

PURPOSES = (
    "administrative-basis",
    "work-reference",
    "data-checking",
    "business-coordination",
)
CHANNELS = ("query", "bulk", "verify")
SOURCE_KINDS = ("sql", "http", "graphql", "soap", files.KIND)
LONGEST_DESCRIPTION = 1_000_000
"""Characters of a service's own description."""
_KEY_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")
_GRAPHQL_NAME = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]{0,127}")
_TYPE_NAME = re.compile(r"[A-Z][0-9A-Za-z]{0,127}")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


def check_department(department: Department) -> Department:
    code, kind = department_code(department.code)
    findings = []
    if (code, kind) != (department.code, department.code_kind):
        findings.append(f"department {code}: kind {department.code_kind}, {kind} needed")
    if not _NAME.fullmatch(department.name):
        findings.append(f"department {code}: a name of 1 to 200 characters needed")
    if department.region and not re.fullmatch(r"[0-9]{6,12}", department.region):
        findings.append(f"department {code}: a region code of 6 to 12 digits needed")
    if department.superior == code:
        findings.append(f"department {code}: stands above itself")
    return _unless(findings, department)


def check_system(system: System) -> System:
    plain_code(system.id)
    return _unless(
        [] if _NAME.fullmatch(system.name) else ["a system's name of 1 to 200 characters needed"],
        system,
    )


def check_key_id(text: str) -> str:
    """Return the id of a key: base64url, so that it may begin with `-` or `_` (RFC 7638)."""
    if not _KEY_ID.fullmatch(text):
        raise InvalidError("a key id of 1 to 128 characters of base64url needed")
    return text


def check_source(source: SourceAddress) -> SourceAddress:
    plain_code(source.name)
    findings = []
    if source.kind not in SOURCE_KINDS:
        findings.append(f"source {source.name}: kind {', '.join(SOURCE_KINDS)} needed")
    if source.description is not None:
        if source.kind not in readings.KINDS:
            findings.append(f"source {source.name}: a {source.kind} source describes itself")
        if not 0 < len(source.description) <= LONGEST_DESCRIPTION:
            findings.append(
                f"source {source.name}: a description of 1 to {LONGEST_DESCRIPTION} characters needed"
            )
    if not 1 <= source.timeout_ms <= 60_000:
        findings.append(f"source {source.name}: a time limit of 1 to 60,000 ms needed")
    if not source.address:
        findings.append(f"source {source.name}: an address needed")
    if source.kind == "soap":
        user, password = urlsplit(source.address).username, urlsplit(source.address).password
        if password is not None:
            findings.append(
                f"source {source.name}: the password stands in the address, not in a secret"
            )
        if user is not None and source.secret is None:
            findings.append(f"source {source.name}: the user in the address needs a secret")
    if source.kind == files.KIND:
        files.parse_address(source.address)
    return _unless(findings, source)


def check_matter(matter: Matter) -> Matter:
    plain_code(matter.code)
    findings = []
    if matter.kind != matter_kind(matter.code):
        findings.append(f"matter {matter.code}: kind {matter_kind(matter.code)} needed")
    if not _NAME.fullmatch(matter.name):
        findings.append(f"matter {matter.code}: a name of 1 to 200 characters needed")
    if not 1 <= matter.max_parties <= 1000:
        findings.append(f"matter {matter.code}: 1 to 1,000 parties needed")
    if matter.case_pattern and not compiles(matter.case_pattern):
        findings.append(f"matter {matter.code}: the case number's pattern is none (RE2)")
    findings += [f"matter {matter.code}: {message}" for message in _facts_of(matter)]
    findings += [
        f"matter {matter.code}, material {one.code}: {field}: {message}"
        for one in matter.asked
        for field, message in check_material(one)
    ]
    findings += [
        f"matter {matter.code}: material {code} stands twice"
        for code in _twice([one.code for one in matter.asked])
    ]
    return _unless(findings, matter)


def check_material(material: Material) -> Iterator[tuple[str, str]]:
    """Yield field and finding for whatever keeps a material from being taken."""
    for field, text, needed in (
        ("code", material.code, True),
        ("name", material.name, True),
        ("name_en", material.name_en, False),
        ("reason", material.reason, False),
    ):
        if (text or needed) and not _NAME.fullmatch(text):
            yield field, "1 to 200 characters needed"
    if material.certificate and not re.fullmatch(r"[0-9A-Z]{1,32}", material.certificate):
        yield "certificate", "a type code of 1 to 32 capitals and digits needed"
    if material.waived and not material.linked:
        yield (
            "waived",
            "nobody is asked for it and nothing supplies it: a resource or type code needed",
        )


def _facts_of(matter: Matter) -> Iterator[str]:
    if matter.online_depth is not None and not 1 <= matter.online_depth <= 4:
        yield f"online depth {matter.online_depth}, 1 to 4 needed"
    if matter.trips is not None and not 0 <= matter.trips <= 100:
        yield f"{matter.trips} trips, 0 to 100 needed"
    for name in ("statutory_days", "promised_days", "baseline_days"):
        days = getattr(matter, name)
        if days is not None and not 0 <= days <= 3650:
            yield f"{name.replace('_', ' ')}: {days}, 0 to 3,650 working days needed"


def compiles(pattern: str) -> bool:
    # RE2 runs in linear time: a pattern that the authority mistypes cannot stall a call.
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        return False
    return True


def check_resource(resource: Resource) -> Resource:
    """Return the resource if everything obligatory is there (RULES: sharing classes, catalogue)."""
    findings = [
        *_resource_names(resource),
        *_items(resource),
        *_classes(resource),
        *_details(resource),
        *_listing(resource),
        *check_certificate(resource),
        *entries.check_closed_basis(resource),
        *entries.findings(resource),
    ]
    return _unless(findings, resource)


def check_complete(resource: Resource) -> Resource:
    """Return the resource if it may be signed and announced: all that a draft may still lack is there."""
    check_resource(resource)
    return _unless([*entries.missing(resource)], resource)


def _resource_names(resource: Resource) -> Iterable[str]:
    try:
        plain_code(resource.code)
    except CodeError as error:
        yield f"code: {error.detail}"
    if not _NAME.fullmatch(resource.name):
        yield "a name of 1 to 200 characters needed"
    if not _TYPE_NAME.fullmatch(resource.type_name) or resource.type_name in RESERVED_TYPES:
        yield f"type name {resource.type_name!r} cannot be used"
    for name in (resource.field_name, resource.list_name):
        if not _GRAPHQL_NAME.fullmatch(name) or name in RESERVED_FIELDS:
            yield f"field name {name!r} cannot be used"
    if resource.field_name == resource.list_name:
        yield f"field and list are both named {resource.field_name}"
    if resource.upstream is None and (not resource.source or not resource.table):
        yield "a source and a table needed"


def _items(resource: Resource) -> Iterable[str]:
    if not resource.items:
        yield "at least one item needed"
    keys = [item.name for item in resource.items if item.key]
    if len(keys) != 1:
        yield f"{len(keys)} key items, exactly one needed"
    for label, values in (
        ("ordinal", [str(item.ordinal) for item in resource.items]),
        ("name", [item.name for item in resource.items]),
        ("GraphQL name", [item.graphql_name for item in resource.items]),
    ):
        for value in _twice(values):
            yield f"{label} {value} stands twice"
    for item in resource.items:
        if item.ordinal < 0:
            yield f"item {item.name}: ordinal {item.ordinal}"
        if not re.fullmatch(r"[0-9A-Za-z_-]{1,64}", item.name):
            yield f"item {item.name!r}: a name of 1 to 64 letters, digits, _ or - needed"
        if not _GRAPHQL_NAME.fullmatch(item.graphql_name):
            yield f"item {item.name}: GraphQL name {item.graphql_name!r} cannot be used"
        if not 1 <= item.level <= 4:
            yield f"item {item.name}: data level {item.level}, 1 to 4 needed"
        if item.key and item.type not in {ItemType.TEXT, ItemType.INTEGER, ItemType.LONG}:
            yield f"item {item.name}: a key of type {item.type}, text or a whole number needed"


def _classes(resource: Resource) -> Iterable[str]:
    strictness = list(SharingClass)
    strictest = max(
        (strictness.index(item.sharing_class) for item in resource.items if not item.key),
        default=0,
    )
    # An item that is not shared is withheld by itself; the resource around it stays conditional.
    needed = min(strictest, strictness.index(SharingClass.CONDITIONAL))
    if strictness.index(resource.sharing_class) < needed:
        yield f"class {resource.sharing_class}, its items need {strictness[needed]}"
    if resource.sharing_class is SharingClass.CONDITIONAL and not resource.conditions.strip():
        yield "a conditional resource states its conditions"


def _details(resource: Resource) -> Iterable[str]:
    if resource.consent not in {"none", "required"}:
        yield f"consent {resource.consent!r}, none or required needed"
    if not 1 <= resource.level <= 4:
        yield f"data level {resource.level}, 1 to 4 needed"
    if resource.items and resource.level < max(item.level for item in resource.items):
        yield "the resource's data level is below that of one of its items"
    if resource.update_days is not None and not 0 <= resource.update_days <= 3_660:
        yield f"update cycle of {resource.update_days} days, 0 to 3,660 needed"
    for purpose in resource.purposes:
        if purpose not in PURPOSES:
            yield f"purpose {purpose!r} is none"
    if resource.validity is not None:
        names = {item.name for item in resource.items}
        for name in (resource.validity.status_item, resource.validity.until_item):
            if name is not None and name not in names:
                yield f"validity: no item {name}"
        if resource.validity.status_item is not None and not resource.validity.valid_words:
            yield "validity: the words that mean valid are needed"


def check_reading(resource: Resource, source: SourceAddress) -> Resource:
    """Return the resource if it says how its kind of source is read, and where each item stands."""
    wanted, reading = readings.KINDS.get(source.kind), resource.reading
    if reading is None:
        # A plain JSON service is asked as `table` says; a table is read as it is.
        needed = wanted is not None and source.kind != "http"
        findings = [f"a {source.kind} source needs a reading"] if needed else []
        return _unless(findings, resource)
    if wanted is None or not isinstance(reading, wanted):
        return _unless([f"a {source.kind} source is not read like that"], resource)
    parts = readings.key_pointers(reading)
    findings = [
        f"item {item.name}: {item.column!r} is no place in the answer"
        for item in resource.items
        if item.column not in reading.members and not (item.key and parts)
    ]
    for pointer in sorted({*reading.members, *parts}):
        if not re.fullmatch(readings.POINTER, pointer):
            findings.append(f"{pointer!r} is no JSON Pointer")
    return _unless(findings, resource)


COMPARABLE = frozenset(
    {ItemType.TEXT, ItemType.INTEGER, ItemType.LONG, ItemType.DECIMAL, ItemType.DATE}
)
"""Types whose values every source compares as they are written."""


def _listing(resource: Resource) -> Iterable[str]:
    """A list is filtered and ordered by what may be compared by anybody, and identifies no person."""
    if resource.listing is None:
        return
    if resource.sharing_class is not SharingClass.UNCONDITIONAL or resource.personal:
        yield "listing: only an unconditional resource that is not personal can be listed"
    items = {item.name: item for item in resource.items}
    named = (*resource.listing.items, *filter(None, [resource.listing.unique]))
    for name in named:
        item = items.get(name)
        if item is None:
            yield f"listing: no item {name}"
            continue
        if item.type not in COMPARABLE:
            yield f"listing: item {name} of type {item.type} has no order that every source knows"
        if not item.match or item.mask != "none":
            yield f"listing: item {name} must be matchable and without a mask"
        if item.sharing_class is not SharingClass.UNCONDITIONAL:
            yield f"listing: item {name} is {item.sharing_class}, unconditional needed"
        if item.subject is SubjectType.PERSON:
            yield f"listing: item {name} identifies a person"
    for name in _twice(list(resource.listing.items)):
        yield f"listing: item {name} stands twice"


def _twice(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def _unless(findings: list[str], value: T) -> T:
    if findings:
        raise InvalidError(*findings)
    return value
