"""Items whose values come from a code list (关联代码集): which they are, and how they stand in a contract.

The item gives the code. Beside it stand its names, which are read only where they are asked for. A word of
the source that the list does not have is no code: it is null with an error of its own, never passed on.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from catalogue.certificates import FIELDS
from catalogue.metadata import Code
from catalogue.model import Item, ItemType, Resource

CODE_UNKNOWN = "CODE_UNKNOWN"
ENTRY = "CodeListEntry"
"""Type of one code with its names."""
ENTRY_FIELDS = ("code", "name", "nameEn")
MOST_OF_ENUM = 100
"""A longer list would fill every contract that the item stands in: it is text with a list."""
_LEGAL = re.compile(r"[A-Za-z][0-9A-Za-z]{0,63}(?:_[0-9A-Za-z]{1,32}){0,4}")
# What neither GraphQL nor graphene's enumerations can name a value.
_RESERVED = frozenset({"true", "false", "null", "mro", "name", "value"})


class Beside(StrEnum):
    """What stands beside a coded item, by the end of its field's name."""

    NAME = "CodeName"
    NAME_EN = "CodeNameEn"
    LIST = "CodeList"


def is_coded(item: Item) -> bool:
    """Say whether an item's values are held to a list: its entry gives one, and it identifies nobody."""
    plain = item.type in {ItemType.TEXT, ItemType.INTEGER}
    return bool(item.codes) and plain and item.subject is None and not item.key


def is_enumeration(resource: Resource, item: Item) -> bool:
    """Say whether GraphQL can have the codes themselves as the values of an enumeration."""
    shared = resource.certificate is not None and item.graphql_name in FIELDS
    return (
        is_coded(item)
        and not shared  # Its type is that of every certificate.
        and item.type is ItemType.TEXT
        and len(item.codes) <= MOST_OF_ENUM
        and all(_LEGAL.fullmatch(one.value) and one.value not in _RESERVED for one in item.codes)
    )


def enumeration(resource: Resource, item: Item) -> str:
    """Return the name of an item's enumeration."""
    return f"{resource.type_name}_{item.graphql_name}"


def fields(resource: Resource) -> dict[str, tuple[Item, Beside]]:
    """Return the fields that stand beside coded items. One whose name is an item's own is left out."""
    taken = {item.graphql_name for item in resource.items} | FIELDS
    found: dict[str, tuple[Item, Beside]] = {}
    for item in resource.items:
        if not is_coded(item):
            continue
        for beside in Beside:
            if beside is Beside.LIST and is_enumeration(resource, item):
                continue  # The values stand in the schema.
            name = f"{item.graphql_name}{beside.value}"
            if name not in taken and name not in found:
                found[name] = (item, beside)
    return found


def knows(item: Item) -> Callable[[Any], bool]:
    """Return what says whether a value is one of an item's codes. A null is no word, and nothing unknown."""
    words = frozenset(one.value for one in item.codes)
    if item.type is ItemType.INTEGER:
        return lambda value: value is None or (type(value) is int and str(value) in words)
    return lambda value: value is None or (type(value) is str and value in words)


def names_of(item: Item, beside: Beside) -> Mapping[Any, str | None]:
    """Return the name of each code, by the value that the item gives."""
    whole = item.type is ItemType.INTEGER
    return {
        int(one.value) if whole and _is_integer(one.value) else one.value: (
            one.title if beside is Beside.NAME else one.title_en or None
        )
        for one in item.codes
    }


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"-?(?:0|[1-9][0-9]{0,9})", text) is not None


def entry_field(code: Code, name: str) -> str | None:
    """Return one field of a code in its list."""
    match name:
        case "code":
            return code.value
        case "name":
            return code.title
        case _:
            return code.title_en or None


def told(item: Item) -> str:
    """Say an item's list in its description: its name, and its codes where they are few."""
    if not is_coded(item):
        return ""
    few = "，".join(f"{one.value} {one.title}" for one in item.codes[:12])
    more = "…" if len(item.codes) > 12 else ""
    return f"；代码集 {item.code_list}：{few}{more}" if item.code_list else f"；代码：{few}{more}"
