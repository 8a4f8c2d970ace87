"""Synthetic subjects and rows: deterministic, in the forms of the real ones, and marked as made up.

Identifiers have right check characters and stand under the region 000000, which no place has: so no row of
the test zone is ever about a real firm or person, and no real one is ever asked about.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any

from catalogue.codes import complete_resident_id, complete_uscc
from catalogue.model import Item, ItemType, Resource, SubjectType
from gateway import coded
from gateway.formats import to_wire
from gateway.model import Row

REGION = "000000"
"""Of every synthetic firm and person; a synthetic project or parcel begins with TEST-."""
MARK = "测试"
"""What every synthetic text begins with."""
_FIRST_DAY = date(2020, 1, 1)
_LAST_DAY = date(2099, 12, 31)
_PAST_DAY = date(2020, 12, 31)
_EXPIRED_WORD = "过期"
_VALID_WORD = "有效"


class Magic(StrEnum):
    """What comes of a subject, by its number."""

    GIVEN = "given"
    NOT_FOUND = "not-found"
    EXPIRED = "expired"
    WITHHELD = "withheld"
    MASKED = "masked"
    REFUSED = "refused"
    SOURCE_DOWN = "source-down"
    GRANT_EXPIRED = "grant-expired"
    DISPUTED = "disputed"


def subject(type_: SubjectType, magic: Magic) -> str:
    """Return the identifier of the synthetic subject of that type that has that outcome."""
    number = list(Magic).index(magic)
    match type_:
        case SubjectType.ENTERPRISE:
            return complete_uscc(f"91{REGION}MA0000{number:03d}")
        case SubjectType.PERSON:
            return complete_resident_id(f"{REGION}19000101{number:03d}")
        case SubjectType.PROJECT | SubjectType.PARCEL:
            return f"TEST-{magic.value.upper()}"


_MAGIC: Mapping[str, Magic] = {
    subject(type_, magic): magic for type_ in SubjectType for magic in Magic
}


def magic_of(identifier: str) -> Magic | None:
    """Return what a subject stands for; None where it is no synthetic one and nothing may be asked of it."""
    if identifier in _MAGIC:
        return _MAGIC[identifier]
    made_up = (len(identifier) == 18 and identifier[2:8] == REGION) or identifier.startswith(
        (REGION, "TEST-")
    )
    return Magic.GIVEN if made_up else None


def magics_in(document: str, variables: Any) -> frozenset[Magic]:
    """Return what the subjects named anywhere in a call stand for."""
    named = set(_texts(variables))
    return frozenset(magic for name, magic in _MAGIC.items() if name in named or name in document)


def _texts(value: Any) -> Iterable[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for held in value.values():
                yield from _texts(held)
        case list():
            for held in value:
                yield from _texts(held)
        case _:
            # Numbers, truth values and null name nobody.
            return


def rows_of(
    resource: Resource, items: Sequence[Item], key: str, *, many: int, zone: tzinfo
) -> list[Row]:
    """Return the synthetic records of a key: none for *not found*, one, or `many` in a list."""
    magic = magic_of(key) if resource.key.subject is not None else Magic.GIVEN
    if magic is Magic.NOT_FOUND:
        return []
    return [
        {
            item.name: _value(
                resource, item, key, number=number, expired=magic is Magic.EXPIRED, zone=zone
            )
            for item in items
        }
        for number in range(many)
    ]


def _value(
    resource: Resource, item: Item, key: str, *, number: int, expired: bool, zone: tzinfo
) -> Any:
    validity = resource.validity
    if item.key:
        return key
    if validity is not None and item.name == validity.status_item:
        words = validity.valid_words or (_VALID_WORD,)
        others = [one.value for one in item.codes if one.value not in words]
        return (others or [_EXPIRED_WORD])[0] if expired else words[0]
    if item.subject is not None:
        return subject(item.subject, Magic.GIVEN)
    seed = int.from_bytes(
        hashlib.sha256(f"{resource.code}|{item.name}|{key}|{number}".encode()).digest()[:4]
    )
    if coded.is_coded(item):
        chosen = item.codes[seed % len(item.codes)].value
        return to_wire(item.type, chosen, zone)
    natural = _natural(item, seed, expired=expired and _ends(resource, item))
    if item.type in {ItemType.DATE, ItemType.DATETIME} and _ends(resource, item) and not expired:
        natural = _LAST_DAY if item.type is ItemType.DATE else _moment(_LAST_DAY, zone)
    elif item.type is ItemType.DATETIME and isinstance(natural, date):
        natural = _moment(natural, zone)
    return to_wire(item.type, natural, zone)


def _ends(resource: Resource, item: Item) -> bool:
    return resource.validity is not None and item.name == resource.validity.until_item


def _moment(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _natural(item: Item, seed: int, *, expired: bool) -> Any:
    """Return a value of the item's type as a source would hold it."""
    match item.type:
        case ItemType.TEXT:
            return _text(item, seed)
        case ItemType.INTEGER | ItemType.LONG:
            return seed % 10_000
        case ItemType.BOOLEAN:
            return seed % 2 == 0
        case ItemType.DECIMAL:
            return Decimal(seed % 10_000_000) / 100
        case ItemType.DATE | ItemType.DATETIME:
            return _PAST_DAY if expired else _FIRST_DAY + timedelta(days=seed % 2_000)
        case ItemType.BYTES:
            return seed.to_bytes(4)


def _text(item: Item, seed: int) -> str:
    """A text that its mask would fit: a phone number for phones, otherwise marked as made up."""
    if item.mask == "phone":
        return f"100{seed % 100_000_000:08d}"
    if item.mask == "id":
        return complete_resident_id(f"{REGION}19000101{seed % 900 + 100:03d}")
    return f"{MARK}{item.title}{seed % 1_000_000:06d}"
