"""Which reader reads a service's own description, by the kind of its source."""

import dataclasses
from collections.abc import Mapping
from types import ModuleType
from typing import assert_never

import msgspec

from catalogue.readings import (
    GraphqlReading,
    Member,
    Pages,
    Reading,
    RestReading,
    SoapReading,
    key_pointers,
    split_pointer,
)
from gateway.sources import openapi, sdl, wsdl
from gateway.sources.described import Choices, Described, DescriptionError, PageChoices

_READERS: Mapping[str, ModuleType] = {"http": openapi, "graphql": sdl, "soap": wsdl}


def operations(kind: str, text: str) -> list[str]:
    """Return what a service offers, as an officer names it. Raises DescriptionError."""
    found: list[str] = _reader(kind).operations(text)
    return found


def describe(kind: str, text: str, operation: str, choices: Choices) -> Described:
    """Return one operation. Raises DescriptionError."""
    found: Described = _reader(kind).describe(text, operation, choices)
    return found if choices.pages is None else _paged(kind, text, found, choices)


def _paged(kind: str, text: str, found: Described, choices: Choices) -> Described:
    """Return an operation together with the one that gives all its records. Raises DescriptionError."""
    wanted = choices.pages
    if wanted is None:
        return found
    if key_pointers(found.reading):
        raise DescriptionError("records of a compound key have no one order: they are not paged")
    asked = Choices(
        key=wanted.after,
        key_item=found.key,
        records=wanted.records,
        fixed=((wanted.size, "1"), *wanted.fixed),
        omit=choices.omit,
        size=wanted.size,
        lenient=choices.lenient,
    )
    page = _reader(kind).describe(text, wanted.operation, asked)
    types = {field.pointer: field.member.type for field in page.fields}
    other = [f.pointer for f in found.fields if types.get(f.pointer) != f.member.type]
    if other:
        raise DescriptionError(
            f"{wanted.operation} does not give {', '.join(other[:5])} as {found.operation} does"
        )
    members = {f.pointer: page.reading.members[f.pointer] for f in found.fields}
    pages = Pages(
        reading=_without_size(page.reading, members, wanted.size),
        size=wanted.size,
        size_type=sdl.size_type(text, wanted.operation, after=wanted.after, size=wanted.size)
        if kind == "graphql"
        else "",
    )
    return dataclasses.replace(found, reading=msgspec.structs.replace(found.reading, pages=pages))


def _without_size(reading: Reading, members: dict[str, Member], size: str) -> Reading:
    """Return how a page is asked for but for its size."""
    match reading:
        case RestReading():
            if reading.key_in == "path":
                raise DescriptionError("the place of a page stands in the path: nothing can begin")
            return msgspec.structs.replace(
                reading,
                members=members,
                query={name: one for name, one in reading.query.items() if name != size},
                body={name: one for name, one in reading.body.items() if name != size},
            )
        case SoapReading():
            body = {name: one for name, one in reading.body.items() if name != size}
            return msgspec.structs.replace(reading, members=members, body=body)
        case GraphqlReading():
            return msgspec.structs.replace(reading, members=members)
        case _:
            assert_never(reading)


def _page_choices(reading: Reading) -> PageChoices | None:
    """Return the choices by which the operation that gives pages comes out of a description again."""
    if reading.pages is None:
        return None
    by, size = reading.pages.reading, reading.pages.size
    match by:
        case RestReading():
            fixed = (*by.query.items(), *by.body.items())
            operation, after, records = f"{by.method} {by.path}", by.key_name, by.records
        case SoapReading():
            fixed = tuple(by.body.items())
            operation, after, records = by.operation, by.key_name, by.records
        case GraphqlReading():
            return PageChoices(operation=by.field, after=by.argument, size=size)
        case _:
            assert_never(by)
    return PageChoices(operation=operation, after=after, size=size, records=records, fixed=fixed)


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
                pages=_page_choices(reading),
                lenient=True,
            )
        case SoapReading():
            return Choices(
                key=reading.key_name,
                key_item=key_item,
                records=reading.records,
                fixed=tuple(reading.body.items()),
                absent=reading.absent,
                pages=_page_choices(reading),
                lenient=True,
            )
        case GraphqlReading(key=()):
            return Choices(
                key=reading.argument,
                key_item=key_item,
                pages=_page_choices(reading),
                lenient=True,
            )
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
