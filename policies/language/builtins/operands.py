"""What a built-in may be given: each function returns its operand or says what was needed."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.numbers import Number
from policies.language.values import RegoSet, Value, ordered

LONGEST_TEXT = 4_000_000
LONGEST_LIST = 1_000_000


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function of Rego; a `relation` returns a list of results, each a result of its own."""

    function: Callable[..., Value]
    arity: int
    relation: bool = False


_NAMES = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    str: "string",
    list: "array",
    dict: "object",
    RegoSet: "set",
}


def type_name(value: Value) -> str:
    return _NAMES[type(value)]


def refuse(needed: str, found: Value) -> BuiltinError:
    """Say which type was needed and which was found, never the value."""
    return BuiltinError(f"{needed} needed, {type_name(found)} found")


def number(value: Value) -> Number:
    if type(value) is int or type(value) is Decimal:
        return value
    raise refuse("number", value)


def integer(value: Value) -> int:
    if type(value) is int:
        return value
    raise refuse("integer", value)


def text(value: Value) -> str:
    if type(value) is str:
        return value
    raise refuse("string", value)


def array(value: Value) -> list[Value]:
    if type(value) is list:
        return value
    raise refuse("array", value)


def members(value: Value) -> RegoSet:
    if type(value) is RegoSet:
        return value
    raise refuse("set", value)


def mapping(value: Value) -> dict[Any, Value]:
    if type(value) is dict:
        return value
    raise refuse("object", value)


def sequence(value: Value) -> list[Value]:
    """Return an array, or a set in the order of Rego."""
    if type(value) is list:
        return value
    if type(value) is RegoSet:
        return ordered(value.members.values())
    raise refuse("array or set", value)


def texts(value: Value) -> list[str]:
    return [text(part) for part in sequence(value)]


def bounded(found: str) -> str:
    """Refuse a text that only a runaway policy makes."""
    if len(found) > LONGEST_TEXT:
        raise NotOfferedError(f"a text of more than {LONGEST_TEXT} characters")
    return found
