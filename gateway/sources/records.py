"""Puts a service's record into the types of the wire, by the places that the resource's reading names."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from catalogue.model import Item
from catalogue.readings import Member, join_pointer, split_pointer
from gateway.errors import SourceDriftError, SourceInvalidError
from gateway.formats import converter, to_wire
from gateway.model import Row
from gateway.remembered import Remembered

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "scalar": (str, int, Decimal),
}
_MISSING = object()


def find(value: Any, pointer: str) -> Any:
    """Return what stands at a JSON Pointer. Raises KeyError where nothing does."""
    for token in split_pointer(pointer):
        if isinstance(value, dict):
            value = value[token]
        elif isinstance(value, list) and token.isascii() and token.isdigit():
            try:
                value = value[int(token)]
            except IndexError:
                raise KeyError(token) from None
        else:
            raise KeyError(token)
    return value


def put(target: dict[str, Any], pointer: str, value: Any) -> None:
    """Set a value at a JSON Pointer, making the objects on the way."""
    *way, last = split_pointer(pointer)
    for token in way:
        target = target.setdefault(token, {})
    target[last] = value


def make_row(
    items: Sequence[Item], record: Mapping[str, Any], *, members: Mapping[str, Member], zone: tzinfo
) -> Row:
    """Return a record's items. Raises SourceDriftError for a member that is gone, SourceInvalidError else."""
    held = tuple(items)  # The very same, where they are one already.
    ways = _known.of((held, members, zone), lambda: _ways(held, members, zone))
    found = []
    for way in ways:
        value = record.get(way.token, _MISSING)
        if type(value) not in way.kinds:
            value = _value(record, way.item, way.member)
        found.append(value)
    if _MISSING in found:
        missing = [
            way.item.name for way, value in zip(ways, found, strict=True) if value is _MISSING
        ]
        raise SourceDriftError(missing=missing)
    row: dict[str, Any] = {}
    for way, value in zip(ways, found, strict=True):
        try:
            row[way.item.name] = way.convert(value)
        except ValueError as error:
            raise SourceInvalidError(item=way.item.name, reason=str(error)) from None
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How one item comes out of a record."""

    item: Item
    member: Member
    token: str
    """The member of the record that is the value."""
    kinds: frozenset[type]
    """Values of these very types are as described; none where a value is looked at more closely."""
    convert: Callable[[Any], Any]


_known: Remembered[tuple[_Way, ...]] = Remembered(most=512)


def _ways(items: Sequence[Item], members: Mapping[str, Member], zone: tzinfo) -> tuple[_Way, ...]:
    ways = []
    for item in items:
        member, tokens = members[item.column], split_pointer(item.column)
        plain = len(tokens) == 1 and not (member.values or member.base64)
        ways.append(
            _Way(
                item=item,
                member=member,
                token=tokens[0] if tokens else "",
                kinds=frozenset(_TYPES[member.type] if plain else ()),
                convert=converter(item.type, zone),
            )
        )
    return tuple(ways)


def wire_value(item: Item, value: Any, zone: tzinfo) -> Any:
    try:
        return to_wire(item.type, value, zone)
    except ValueError as error:
        raise SourceInvalidError(item=item.name, reason=str(error)) from None


def _value(record: Mapping[str, Any], item: Item, member: Member) -> Any:
    """Return one value as its description allows it; _MISSING where it is not there and has to be."""
    try:
        value = find(record, item.column)
    except KeyError:
        return None if member.optional or _under_null(record, item.column) else _MISSING
    if value is None:
        if member.nullable:
            return None
        raise SourceInvalidError(item=item.name, reason="a null where none was described")
    # A truth value is a number to Python, and to nobody else.
    if not isinstance(value, _TYPES[member.type]) or (
        isinstance(value, bool) and member.type != "boolean"
    ):
        raise SourceInvalidError(
            item=item.name, reason=f"a {type(value).__name__} is no {member.type} as described"
        )
    if member.values and value not in member.values:
        raise SourceInvalidError(item=item.name, reason="none of the values that were described")
    return _decoded(item, str(value)) if member.base64 else value


def _under_null(record: Mapping[str, Any], pointer: str) -> bool:
    """Whether an object on the way is null: then it has no members, and that is no drift."""
    tokens = split_pointer(pointer)
    for length in range(1, len(tokens)):
        try:
            if find(record, join_pointer(*tokens[:length])) is None:
                return True
        except KeyError:
            return False
    return False


def _decoded(item: Item, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # Not base64, or not ASCII either.
        raise SourceInvalidError(item=item.name, reason="the text is not base64") from None
