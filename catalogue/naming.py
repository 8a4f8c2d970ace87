"""Legal, stable, unique GraphQL names for resources and items out of the labels that departments use."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

RESERVED_FIELDS = frozenset(
    {"enterprise", "person", "project", "parcel", "contract", "uscc", "id", "code", "number"}
    | {"certificate", "certificates"}
)
RESERVED_TYPES = frozenset(
    {"Enterprise", "Person", "Project", "Parcel", "Query", "Mutation", "Subscription"}
    | {"Verification", "VerificationResult", "PageInfo", "TextFilter", "NumberFilter"}
    | {"LongFilter", "DecimalFilter", "DateFilter"}
    | {"Certificate", "CertificateStatus", "CertificateHolder", "HolderScheme"}
    | {"String", "Int", "Float", "Boolean", "ID", "Long", "Decimal", "Date", "DateTime", "Bytes"}
)
"""Names of every contract schema; no resource takes them."""

LONGEST = 48
"""Characters of a label that go into a name; names are quoted in queries, grants and entries."""

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceNames:
    type_name: str
    field_name: str
    list_name: str


def words(label: str) -> list[str]:
    """Split a label into its ASCII words: `ent_name`, `entName` and `Ent Name` alike."""
    return [word.lower() for word in _WORD.findall(label)]


def camel(label: str) -> str:
    """Return a label in camelCase; empty where it holds no ASCII word to begin a name with."""
    parts = words(label)
    while parts and parts[0].isdigit():
        parts = parts[1:]
    return "".join(parts[:1] + [word.capitalize() for word in parts[1:]])


def syllables(label: str) -> str:
    """Return the Chinese characters of a label as they are read (pinyin without tones), words apart."""
    if not _HAN.search(label):
        return ""
    # Reading its dictionary takes most of a second: only who names a Chinese label waits for it.
    from pypinyin import lazy_pinyin  # noqa: PLC0415

    return " ".join(lazy_pinyin(label, errors="ignore"))


def name_items(labels: Sequence[str], *, kept: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return one name a label. `kept` (label → name) holds names given before: they never change.

    A Chinese label is named as it is read, one without any word by its place; twins get a number.
    """
    held = dict(kept or {})
    taken = set(held.values())
    names = []
    for ordinal, label in enumerate(labels):
        name = held.get(label)
        if name is None or name in names:
            name = _free(_bounded(label) or f"item_{ordinal}", taken)
        taken.add(name)
        names.append(name)
    return tuple(names)


def name_resource(label: str, *, code: str, taken: Collection[str] = ()) -> ResourceNames:
    """Return type, field and list name; `taken` are the names that other resources hold for ever.

    A Chinese label is named as it is read, one without any word after the code's digest, so that the same
    code gives the same name.
    """
    stem = _bounded(label) or "r_" + hashlib.sha256(code.encode()).hexdigest()[:10]
    not_free = (RESERVED_FIELDS, RESERVED_TYPES, taken)
    number = 1
    while True:
        base = stem if number == 1 else f"{stem}{number}"
        names = ResourceNames(
            type_name=base[0].upper() + base[1:].replace("_", ""),
            field_name=base,
            list_name=_plural(base),
        )
        wanted = (names.type_name, names.field_name, names.list_name)
        if not any(name in held for name in wanted for held in not_free):
            return names
        number += 1


def _bounded(label: str) -> str:
    """The name of a label, a long one cut and told apart by the label's digest."""
    name = camel(label) or camel(syllables(label))
    if len(name) <= LONGEST:
        return name
    return f"{name[:LONGEST]}_{hashlib.sha256(label.encode()).hexdigest()[:6]}"


def _plural(name: str) -> str:
    if name.endswith(("s", "x", "ch", "sh")):
        return name + "es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


def _free(name: str, taken: Collection[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
