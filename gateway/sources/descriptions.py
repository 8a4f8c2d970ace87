"""Which reader reads a service's own description, by the kind of its source."""

from collections.abc import Mapping
from types import ModuleType
from typing import assert_never

from catalogue.readings import (
    GraphqlReading,
    Reading,
    RestReading,
    SoapReading,
    split_pointer,
)
from gateway.sources import openapi, sdl, wsdl
from gateway.sources.described import Choices, Described, DescriptionError

_READERS: Mapping[str, ModuleType] = {"http": openapi, "graphql": sdl, "soap": wsdl}


def operations(kind: str, text: str) -> list[str]:
    """Return what a service offers, as an officer names it. Raises DescriptionError."""
    found: list[str] = _reader(kind).operations(text)
    return found


def describe(kind: str, text: str, operation: str, choices: Choices) -> Described:
    """Return one operation. Raises DescriptionError."""
    found: Described = _reader(kind).describe(text, operation, choices)
    return found


def choices_of(reading: Reading, *, key_item: str) -> Choices:
    """Return the choices by which a reading comes out of a description again; `key_item`: its column."""
    match reading:
        case RestReading():
            return Choices(
                key=reading.key_name,
                key_item=key_item,
                records=reading.records,
                fixed=(*reading.query.items(), *reading.body.items()),
                absent=reading.absent,
                lenient=True,
            )
        case SoapReading():
            return Choices(
                key=reading.key_name,
                key_item=key_item,
                records=reading.records,
                fixed=tuple(reading.body.items()),
                absent=reading.absent,
                lenient=True,
            )
        case GraphqlReading(key=()):
            return Choices(key=reading.argument, key_item=key_item, lenient=True)
        case GraphqlReading():
            return Choices(
                key=" ".join(_nested(split_pointer(part.pointer)) for part in reading.key),
                fixed=tuple(
                    (part.pointer, part.constant)
                    for part in reading.key
                    if part.constant is not None
                ),
                separator=reading.separator,
                lenient=True,
            )
        case _:
            assert_never(reading)


def _nested(tokens: tuple[str, ...]) -> str:
    """Write one field of a key as GraphQL does: `org { id }`."""
    first, *rest = tokens
    return f"{first} {{ {_nested(tuple(rest))} }}" if rest else first


def _reader(kind: str) -> ModuleType:
    try:
        return _READERS[kind]
    except KeyError:
        raise DescriptionError(f"a {kind} source has no description to read") from None
