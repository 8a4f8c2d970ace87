"""Reads a WSDL, through the process that has zeep: its operations, and how one is asked for a record.

Pointers run from the element in the body: of the question for what is asked, of the answer for records and
values. A WSDL that imports others stands in one bundle with them; nothing is ever fetched.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from catalogue.readings import Member, SoapReading, join_pointer, split_pointer
from gateway.sources.described import (
    DEEPEST,
    Choices,
    Described,
    DescriptionError,
    Field,
    carrying,
    without,
)
from gateway.sources.soap_worker import look_into

MOST_DOCUMENTS = 64
_IMPORT = re.compile(
    r"<(?:[\w.-]+:)?(?:import|include)\b[^>]*?\b(?:schemaLocation|location)\s*=\s*"
    r"(?:\"([^\"]+)\"|'([^']+)')"
)

Shape = Mapping[str, Any]


def operations(text: str) -> list[str]:
    """Return what can be asked, `Port.Operation` each. Raises DescriptionError."""
    found: list[str] = look_into(text, {"do": "operations"})["operations"]
    return found


def describe(text: str, operation: str, choices: Choices) -> Described:
    """Return one operation, named `Port.Operation`, or by its name where one port has it.

    Raises DescriptionError.
    """
    told = look_into(text, {"do": "describe", "operation": operation})
    skipped: list[str] = []
    records, record, nothing = _records(told["answer"], choices)
    fields = without(_fields(record, (), skipped, optional=False), choices.omit)
    key, body = _asked(told["asked"], choices)
    reading = SoapReading(
        operation=told["operation"],
        key_name=key,
        members={field.pointer: field.member for field in fields},
        records=records,
        nothing=nothing,
        body=body,
        absent=choices.absent,
    )
    return Described(
        operation=told["operation"],
        fields=fields,
        key=carrying(fields, key, choices),
        reading=reading,
        skipped=tuple(skipped),
    )


def _asked(shape: Shape | None, choices: Choices) -> tuple[str, dict[str, str]]:
    """Return the place of the key in the question, and what is always the same."""
    places = dict(_leaves(shape, ())) if shape is not None else {}
    fixed = dict(choices.fixed)
    unknown = sorted((set(fixed) | ({choices.key} if choices.key else set())) - set(places))
    if unknown:
        raise DescriptionError(f"the question has no place {', '.join(unknown)}")
    open_ones = [place for place in places if place not in fixed]
    needed = [place for place in open_ones if places[place]]
    candidates = [choices.key] if choices.key else needed if len(needed) == 1 else open_ones
    if len(candidates) != 1:
        raise DescriptionError(
            "say which place of the question takes the key: it is not the only one"
        )
    (key,) = candidates
    if choices.size and places[key]:
        raise DescriptionError(f"{key} has to be there: a first page has no place")
    missing = sorted(set(needed) - {key})
    if missing:
        raise DescriptionError(
            f"the operation needs {', '.join(missing)} too: give each a fixed value"
        )
    return key, fixed


def _leaves(shape: Shape, way: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    """Yield each value of the question with whether it has to be there."""
    for one in shape.get("members", ()):
        if "skipped" in one:
            continue
        here = (*way, one["name"])
        if "members" in one:
            for place, needed in _leaves(one, here):
                yield place, needed and not one["optional"]
        else:
            yield join_pointer(*here), not one["optional"]


def _records(answer: Shape, choices: Choices) -> tuple[str, Shape, bool]:
    """Return where the records stand, one of them, and whether that place may be empty."""
    if choices.records is not None:
        shape, nothing = answer, False
        for token in split_pointer(choices.records):
            shape = _member(shape, token, choices.records)
            nothing = nothing or shape["optional"]
        if "members" not in shape:
            raise DescriptionError(f"no record is described at {choices.records} of the answer")
        return choices.records, shape, nothing
    shape, way, nothing = answer, [], False
    # A wrapper with one member, itself an object, is not the record.
    while len(shape.get("members", ())) == 1 and "members" in shape["members"][0]:
        shape = shape["members"][0]
        way.append(shape["name"])
        nothing = nothing or shape["optional"]
        if shape["many"]:
            break
    return join_pointer(*way), shape, nothing


def _member(shape: Shape, token: str, pointer: str) -> Shape:
    for one in shape.get("members", ()):
        if one["name"] == token and "skipped" not in one:
            found: Shape = one
            return found
    raise DescriptionError(f"the answer has no place {pointer}")


def _fields(
    shape: Shape, way: Sequence[str], skipped: list[str], *, optional: bool
) -> Iterator[Field]:
    for one in shape.get("members", ()):
        place = join_pointer(*way, one["name"])
        if "skipped" in one:
            skipped.append(f"{place}: {one['skipped']}")
        elif one["many"]:
            skipped.append(f"{place}: no single value")
        elif "members" in one:
            if len(way) + 1 >= DEEPEST:
                skipped.append(f"{place}: nested deeper than {DEEPEST} levels")
                continue
            lacking = optional or one["optional"] or one["nullable"]
            yield from _fields(one, (*way, one["name"]), skipped, optional=lacking)
        else:
            yield Field(
                pointer=place,
                declared=one["declared"],
                member=Member(
                    type=one["type"],
                    optional=optional or one["optional"],
                    nullable=one["nullable"],
                    base64=one["base64"],
                    values=tuple(one["values"]) if one["type"] == "string" else (),
                ),
            )


def bundle(file: Path) -> str:
    """Return a WSDL with what it imports from beside it, as one text that can be kept.

    Raises DescriptionError for what would have to be fetched.
    """
    documents: dict[str, str] = {}
    waiting = [file.name]
    folder = file.parent.resolve()
    while waiting:
        name = waiting.pop()
        if name in documents:
            continue
        if len(documents) >= MOST_DOCUMENTS:
            raise DescriptionError(f"more than {MOST_DOCUMENTS} documents")
        try:
            text = (folder / name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise DescriptionError(f"{name}: no file in UTF-8 beside the WSDL") from None
        documents[name] = text
        found = _IMPORT.finditer(text)
        waiting += [_beside(name, one.group(1) or one.group(2)) for one in found]
    if len(documents) == 1:
        return documents[file.name]
    return json.dumps({"wsdl": file.name, "documents": documents}, ensure_ascii=False)


def _beside(name: str, location: str) -> str:
    """Return the name of an imported document, seen from the WSDL's folder."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", location):
        raise DescriptionError(
            f"{location[:200]} would have to be fetched: save it beside the WSDL and name it there"
        )
    parts: list[str] = name.split("/")[:-1]
    for part in location.split("/"):
        if part == "..":
            if not parts:
                raise DescriptionError(f"{location[:200]} lies outside the WSDL's folder")
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)
