"""The names that a contract schema gives to subjects, links and verifications.

Names of resources and items come from the catalogue and are kept for ever. What is derived here depends
on one resource alone, so that nobody else's resource can change a saved query.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from catalogue.model import Item, ItemType, Resource, SubjectType
from gateway import coded

NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,127}")

SUBJECT_TYPES: Mapping[SubjectType, str] = MappingProxyType(
    {
        SubjectType.ENTERPRISE: "Enterprise",
        SubjectType.PERSON: "Person",
        SubjectType.PROJECT: "Project",
        SubjectType.PARCEL: "Parcel",
    }
)
SUBJECT_KEYS: Mapping[SubjectType, str] = MappingProxyType(
    {
        SubjectType.ENTERPRISE: "uscc",
        SubjectType.PERSON: "id",
        SubjectType.PROJECT: "code",
        SubjectType.PARCEL: "number",
    }
)
QUERY = "Query"
CONTRACT = "contract"
"""Root field that every contract has: its digest."""
VERIFICATION = "Verification"
VERIFICATION_RESULT = "VerificationResult"
CERTIFICATE = "Certificate"
CERTIFICATE_STATUS = "CertificateStatus"
HOLDER = "CertificateHolder"
HOLDER_SCHEME = "HolderScheme"
SCHEMES: Mapping[SubjectType, str] = MappingProxyType(
    {
        SubjectType.ENTERPRISE: "USCC",
        SubjectType.PERSON: "ID_CARD",
        SubjectType.PROJECT: "PROJECT",
        SubjectType.PARCEL: "PARCEL",
    }
)
ONE_CERTIFICATE = "certificate"
CERTIFICATES = "certificates"
"""Root fields over the e-certificates of all departments in the contract."""
PAGE_INFO = "PageInfo"
FILTERS: Mapping[ItemType, str] = MappingProxyType(
    {
        ItemType.TEXT: "TextFilter",
        ItemType.INTEGER: "NumberFilter",
        ItemType.LONG: "LongFilter",
        ItemType.DECIMAL: "DecimalFilter",
        ItemType.DATE: "DateFilter",
    }
)
SCALARS = ("Long", "Decimal", "Date", "DateTime", "Bytes")

RESERVED_TYPES = frozenset(
    {
        QUERY,
        VERIFICATION,
        VERIFICATION_RESULT,
        PAGE_INFO,
        coded.ENTRY,
        *(CERTIFICATE, CERTIFICATE_STATUS, HOLDER, HOLDER_SCHEME),
        *FILTERS.values(),
        *SUBJECT_TYPES.values(),
        *SCALARS,
        *("String", "Int", "Float", "Boolean", "ID", "Mutation", "Subscription"),
    }
)
RESERVED_FIELDS = frozenset(
    {
        CONTRACT,
        ONE_CERTIFICATE,
        CERTIFICATES,
        *(subject.value for subject in SubjectType),
        *SUBJECT_KEYS.values(),
    }
)

RESERVED_ARGUMENTS = frozenset({"first", "claims"})


def is_name(text: str) -> bool:
    """Say whether a GraphQL name is legal and not of those kept for introspection."""
    return NAME.fullmatch(text) is not None and not text.startswith("__")


def record_field(resource: Resource) -> str:
    """Return the field under which records are reached, at the root and on their subject."""
    return resource.field_name if resource.single else resource.list_name


def claims_type(resource: Resource) -> str:
    return f"{resource.type_name}Claims"


def verify_field(resource: Resource) -> str:
    return f"verify{resource.type_name}"


def list_field(resource: Resource) -> str:
    return f"list{resource.type_name}"


def connection_type(resource: Resource) -> str:
    return f"{resource.type_name}Connection"


def edge_type(resource: Resource) -> str:
    return f"{resource.type_name}Edge"


def where_type(resource: Resource) -> str:
    return f"{resource.type_name}Where"


def order_type(resource: Resource) -> str:
    return f"{resource.type_name}Order"


def order_values(resource: Resource) -> dict[str, tuple[Item, bool]]:
    """Return the values of a list's order: name → item, and whether it descends."""
    return {
        f"{item.graphql_name}_{way}": (item, way == "DESC")
        for item in compared(resource)
        for way in ("ASC", "DESC")
    }


def compared(resource: Resource) -> tuple[Item, ...]:
    """Return the items by which a list may be filtered and ordered, in the catalogue's order."""
    if not resource.listable or resource.listing is None:
        return ()
    return tuple(item for item in resource.items if item.name in resource.listing.items)


def root_fields(resource: Resource) -> set[str]:
    """Return every root field that a resource may ever have: they are its own, used or not."""
    return {record_field(resource), verify_field(resource), list_field(resource)}


def own_types(resource: Resource) -> set[str]:
    return {
        resource.type_name,
        claims_type(resource),
        connection_type(resource),
        edge_type(resource),
        where_type(resource),
        order_type(resource),
        *(
            coded.enumeration(resource, one)
            for one in resource.items
            if coded.is_enumeration(resource, one)
        ),
    }


def links(resource: Resource) -> dict[str, Item]:
    """Return the links of a resource's records to other subjects: field name → item followed."""
    items = {item.graphql_name for item in resource.items} | coded.fields(resource).keys()
    followed = [item for item in resource.items if item.subject is not None and not item.key]
    named: dict[str, Item] = {}
    for item in followed:
        alone = sum(other.subject is item.subject for other in followed) == 1
        name = str(item.subject) if alone else f"{item.graphql_name}Subject"
        if name in items:
            name = f"{item.graphql_name}Subject"
        while name in items or name in named:
            name += "_"
        named[name] = item
    return named


def claimable(resource: Resource) -> tuple[Item, ...]:
    """Return the items that may stand in a claim: compared, never read, and not the key."""
    return tuple(item for item in resource.items if item.match and not item.key)


Bound = Literal["ge", "lt", "gt"]
_BOUNDS: Mapping[bool, Mapping[str, Bound]] = MappingProxyType(
    {False: {"AtLeast": "ge", "Below": "lt"}, True: {"After": "gt", "Before": "lt"}}
)
"""By whether the item is a date: how a claim against a threshold ends, and how it compares."""


def bounded(resource: Resource) -> dict[str, tuple[Item, Bound]]:
    """Return the claims against thresholds: name → item, and how it has to compare.

    One whose name is that of another claim is left out.
    """
    taken = {item.graphql_name for item in claimable(resource)} | {"valid"}
    return {
        f"{item.graphql_name}{end}": (item, bound)
        for item in claimable(resource)
        if item.thresholds
        for end, bound in _BOUNDS[item.type is ItemType.DATE].items()
        if f"{item.graphql_name}{end}" not in taken
    }


def is_verifiable(resource: Resource) -> bool:
    return bool(claimable(resource)) or resource.validity is not None


def check_names(resource: Resource) -> Iterator[str]:
    """Say what keeps a resource out of any contract; nothing said means that it fits."""
    for name in (resource.type_name, resource.field_name, resource.list_name):
        if not is_name(name):
            yield f"{resource.code}: {name!r} is not a legal GraphQL name"
    if resource.type_name in RESERVED_TYPES:
        yield f"{resource.code}: type {resource.type_name} is reserved"
    for name in (resource.field_name, resource.list_name):
        if name in RESERVED_FIELDS:
            yield f"{resource.code}: field {name} is reserved"
    if sum(item.key for item in resource.items) != 1:
        yield f"{resource.code}: {sum(item.key for item in resource.items)} key items, 1 needed"
    if any(item.key and item.graphql_name in RESERVED_ARGUMENTS for item in resource.items):
        yield f"{resource.code}: the key cannot be named first or claims"
    seen: set[str] = set()
    for item in resource.items:
        if not is_name(item.graphql_name):
            yield f"{resource.code}: {item.graphql_name!r} is not a legal GraphQL name"
        if item.graphql_name in seen:
            yield f"{resource.code}: two items are named {item.graphql_name}"
        seen.add(item.graphql_name)
    if resource.validity is not None and "valid" in {
        item.graphql_name for item in claimable(resource)
    }:
        yield f"{resource.code}: an item named valid hides the claim of that name"
