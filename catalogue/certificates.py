"""What makes a resource one of e-certificates (电子证照): its type, and which items play which role.

A record's standing is told in one of seven words; a word of the source that its publisher did not
map is *unknown*, and what is unknown never passes for valid.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from types import MappingProxyType

from catalogue.flaws import Flaw
from catalogue.model import CertificateMapping, Item, ItemType, Resource, Validity


class CertificateStatus(StrEnum):
    VALID = "valid"  # 有效
    WITHHELD = "withheld"  # 暂扣
    REVOKED = "revoked"  # 撤销
    CANCELLED = "cancelled"  # 注销
    EXPIRED = "expired"  # 失效
    TRANSFERRED = "transferred"  # 转移
    FORFEITED = "forfeited"  # 吊销
    UNKNOWN = "unknown"  # 未知: a word that nobody mapped


ROLES: MappingProxyType[str, ItemType] = MappingProxyType(
    {
        "identifier": ItemType.TEXT,
        "number": ItemType.TEXT,
        "holderName": ItemType.TEXT,
        "issuer": ItemType.TEXT,
        "issuedOn": ItemType.DATE,
        "validFrom": ItemType.DATE,
        "validUntil": ItemType.DATE,
        "status": ItemType.TEXT,
    }
)
"""Fields of every e-certificate that an item gives, and the type of that item."""
FIELDS = frozenset({*ROLES, "typeCode", "typeName"})
_TYPE_CODE = re.compile(r"[0-9A-Z]{1,32}")


def status_of(mapping: CertificateMapping, word: object) -> CertificateStatus:
    """Return what a word of the source means; one that is not mapped, or no word, is unknown."""
    meant = mapping.statuses.get(word) if isinstance(word, str) else None
    return CertificateStatus.UNKNOWN if meant is None else CertificateStatus(meant)


def check_certificate(resource: Resource) -> Iterator[Flaw]:
    """Say what keeps a resource from being one of e-certificates."""
    mapping = resource.certificate
    if mapping is None:
        return
    if not _TYPE_CODE.fullmatch(mapping.type_code):
        yield Flaw("certificate: a type code of 1 to 32 capitals and digits needed")
    if not mapping.type_name.strip():
        yield Flaw("certificate: the name of the type is needed")
    if sum(item.key for item in resource.items) == 1 and resource.key.subject is None:
        yield Flaw("certificate: the key must identify the holder")
    if not {"identifier", "number"} & mapping.roles.keys():
        yield Flaw("certificate: an item for identifier or number needed")
    yield from _roles(resource, mapping)
    yield from _names(resource.items, mapping)
    yield from _standing(resource.validity, mapping)


def _roles(resource: Resource, mapping: CertificateMapping) -> Iterator[Flaw]:
    items = {item.name: item for item in resource.items}
    for role, name in mapping.roles.items():
        if role not in ROLES:
            yield Flaw("certificate: no role {0}", role)
        elif name not in items:
            yield Flaw("certificate: no item {0} for {1}", name, role)
        elif items[name].type is not ROLES[role]:
            yield Flaw(
                "certificate: item {0} is {1}, {2} needed for {3}",
                name,
                items[name].type,
                ROLES[role],
                role,
            )


def _names(items: tuple[Item, ...], mapping: CertificateMapping) -> Iterator[Flaw]:
    """A field of the interface means one thing: an item of its name must be what it stands for."""
    for item in items:
        name = item.graphql_name
        if name in FIELDS and (name == "status" or mapping.roles.get(name) != item.name):
            yield Flaw(
                "certificate: item {0} cannot be named {1}, which every certificate has",
                item.name,
                name,
            )


def _standing(validity: Validity | None, mapping: CertificateMapping) -> Iterator[Flaw]:
    """What is verified and what is shown must be one standing."""
    statuses = set(CertificateStatus) - {CertificateStatus.UNKNOWN}
    for word, meant in mapping.statuses.items():
        if meant not in statuses:
            yield Flaw(
                "certificate: word {0} means {1}, one of the seven statuses needed", word, meant
            )
    valid = {word for word, meant in mapping.statuses.items() if meant == CertificateStatus.VALID}
    shown = (mapping.roles.get("status"), mapping.roles.get("validUntil"))
    if validity is None or shown != (validity.status_item, validity.until_item):
        yield Flaw("certificate: status and last day must be those by which records stand")
    elif valid != set(validity.valid_words):
        yield Flaw("certificate: the words for valid must be those by which records stand")
