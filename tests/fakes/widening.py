"""What it means that one decision gives more than another, and every way to spoil a question.

A list is spoilt as a whole and in each of its elements. Some lists are not shortened by one element,
because what comes out is a whole question that asks for less or rests on another grant, not one that lacks a
fact: the items to be read, to be matched, to be filtered and ordered by, and a grant's row conditions; each
element of them is nulled, and each list is deleted and nulled whole. The values of one row condition are such
a list too.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

from policies.engine import UndecidedError
from tests.fakes.engines import RawEngine

Path = tuple[str | int, ...]

_ASKING = re.compile(
    r"requests/\d+/(items|matched|filters|orders)/\d+|grants/\d+/rows/\d+(/value/\d+)?"
)


def spoilt(document: Any) -> Iterator[tuple[str, Any]]:
    """Every question in which one path is gone or null, with what was done to it."""
    for path in _paths(document, ()):
        name = "/".join(map(str, path))
        if not _ASKING.fullmatch(name):
            without = copy.deepcopy(document)
            del _holder(without, path)[path[-1]]
            yield f"without {name}", without
        if _holder(document, path)[path[-1]] is not None:
            nulled = copy.deepcopy(document)
            _holder(nulled, path)[path[-1]] = None
            yield f"null {name}", nulled


def widened(engine: RawEngine, document: Any, masks: dict[str, int]) -> list[str]:
    """Every way in which spoiling the question gives more than the question itself does."""
    whole = answered(engine, document)
    return [
        f"{how}: {what}"
        for how, question in spoilt(document)
        for what in _more(engine, document, whole, answered(engine, question), masks)
    ]


def answered(engine: RawEngine, document: Any) -> Any:
    """The decision; silence is the decision that permits nothing."""
    try:
        return engine(document)
    except UndecidedError:
        return {"allow": False, "resources": {}}


def _more(
    engine: RawEngine, document: Any, before: Any, after: Any, masks: dict[str, int]
) -> Iterator[str]:
    asked = [request["ref"] for request in document["requests"]]
    complete = all(ref in after["resources"] for ref in asked)
    if after["allow"] and complete and not before["allow"]:
        yield "the operation is permitted"
    for ref in asked:
        now = after["resources"].get(ref)
        if now is None or not now["allow"]:
            continue
        then = before["resources"].get(ref)
        if then is None or not then["allow"]:
            yield f"{ref} is permitted"
            continue
        if now["grant"] not in [grant["id"] for grant in document["grants"]]:
            yield f"{ref} rests on a grant that nobody gave"
            continue
        if now["grant"] != then["grant"]:
            # Another grant answers, as where the first had been withdrawn: it gives what it gives alone.
            then = answered(engine, _under(document, now["grant"]))["resources"][ref]
        if not then["allow"]:
            yield f"{ref} is permitted under a grant that does not cover it"
            continue
        yield from (f"{ref}: {what}" for what in _wider(then, now, masks))


def _wider(then: Any, now: Any, masks: dict[str, int]) -> Iterator[str]:
    for item in now["items"]["allowed"]:
        if item not in then["items"]["allowed"]:
            yield f"{item} is given unmasked"
    for item, mask in now["items"]["masked"].items():
        held = then["items"]["masked"].get(item)
        given = item in then["items"]["allowed"] or held is not None
        if not given or (held is not None and masks[mask] < masks[held]):
            yield f"{item} is given under {mask}"
    if any(condition not in now["row_filter"]["all"] for condition in then["row_filter"]["all"]):
        yield "a row condition is gone"
    if now["max_rows"] is None or now["max_rows"] > then["max_rows"]:
        yield "more rows"
    if any(duty not in now["obligations"] for duty in then["obligations"]):
        yield "an obligation is gone"


def _under(document: Any, grant: str) -> Any:
    alone = copy.deepcopy(document)
    resource = next(found["resource"] for found in document["grants"] if found["id"] == grant)
    alone["grants"] = [
        found
        for found in document["grants"]
        if found["id"] == grant or found["resource"] != resource
    ]
    return alone


def _paths(node: Any, path: Path) -> Iterator[Path]:
    steps = node.items() if isinstance(node, dict) else enumerate(node)
    for step, child in steps:
        yield (*path, step)
        if isinstance(child, dict | list):
            yield from _paths(child, (*path, step))


def _holder(document: Any, path: Path) -> Any:
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    return holder
