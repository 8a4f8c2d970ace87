"""Rego values in Python: JSON as it is, with sets, and with numbers that are never floats.

None, bool, int, Decimal, str, list, dict and RegoSet. Python takes True for 1, so an object's key that
is neither text nor number is wrapped in Key, and a set stores its members under an identity that
keeps types apart. Nothing here is changed after it was made: values are shared freely.
"""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from policies.language.errors import NotOfferedError
from policies.language.metering import SMALL, pay
from policies.language.numbers import from_float, normalise, to_plain


class Undefined:
    """The absence of a value, which is not null."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNDEFINED"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Final = Undefined()

Value = Any


class Key:
    """An object's key that is no text and no number."""

    __slots__ = ("_identity", "value")

    def __init__(self, value: Value) -> None:
        self.value = value
        self._identity = identity(value)

    def __hash__(self) -> int:
        return hash(self._identity)

    def __eq__(self, other: object) -> bool:
        return type(other) is Key and other._identity == self._identity


def identity(value: Value) -> Any:
    """Return something hashable that is equal exactly for equal values."""
    kind = type(value)
    if kind is str or kind is int or kind is Decimal:
        return value
    if kind is bool:
        return ("b", "t" if value else "f")
    if value is None:
        return ("n",)
    if kind is list:
        return ("a", *map(identity, value))
    if kind is dict:
        return ("o", frozenset((identity(unkey(k)), identity(v)) for k, v in value.items()))
    if kind is RegoSet:
        return ("s", frozenset(value.members))
    raise TypeError(f"no Rego value: {kind.__name__}")


def key(value: Value) -> Any:
    """Return what stands for `value` as a key of a dict."""
    kind = type(value)
    if kind is str or kind is int or kind is Decimal:
        return value
    return Key(value)


def unkey(held: Any) -> Value:
    return held.value if type(held) is Key else held


class RegoSet(msgspec.Struct, eq=False):
    """A set of values; iterates in the order of Rego.

    A struct only because one is made without a call of Python, and decisions make many.
    """

    members: dict[Any, Value] = msgspec.field(default_factory=dict)
    """The values under their identities."""

    @classmethod
    def of(cls, values: Iterable[Value]) -> "RegoSet":
        made = cls()
        for value in values:
            made.add(value)
        return made

    def add(self, value: Value) -> None:
        """Add while the set is being made; never afterwards."""
        kind = type(value)
        self.members[value if kind is str or kind is int else identity(value)] = value

    def __contains__(self, value: Value) -> bool:
        kind = type(value)
        return (value if kind is str or kind is int else identity(value)) in self.members

    def __iter__(self) -> Iterator[Value]:
        return iter(ordered(self.members.values()))

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"RegoSet({list(self)!r})"


def ordered(values: Iterable[Value]) -> list[Value]:
    """Return the values in the order of Rego."""
    found = list(values)
    if len(found) < 2:
        return found
    try:
        return sorted(found) if type(found[0]) is str else sorted(found, key=rank)
    except TypeError:
        return sorted(found, key=rank)


_RANKS = {type(None): 0, bool: 1, int: 2, Decimal: 2, str: 3, list: 5, dict: 6, RegoSet: 7}


def rank(value: Value) -> tuple[int, Any]:
    """Return a Python sort key for the total order of Rego."""
    kind = type(value)
    if kind is list:
        return (5, tuple(map(rank, value)))
    if kind is dict:
        pairs = sorted(((rank(unkey(k)), rank(v)) for k, v in value.items()))
        return (6, (tuple(k for k, _ in pairs), tuple(v for _, v in pairs)))
    if kind is RegoSet:
        return (7, tuple(sorted(map(rank, value.members.values()))))
    return (_RANKS[kind], 0 if value is None else value)


_SIZED = frozenset({list, dict})


def equal(left: Value, right: Value) -> bool:
    kind = type(left)
    if kind is type(right):
        if left is right:
            return True
        if kind is RegoSet:
            if len(left.members) > SMALL:
                pay(len(left.members))
            return bool(left.members.keys() == right.members.keys())
        if kind in _SIZED and len(left) > SMALL:
            pay(len(left))
        if kind is list:
            return len(left) == len(right) and all(map(equal, left, right))
        if kind is dict:
            if left.keys() != right.keys():
                return False
            return all(equal(value, right[held]) for held, value in left.items())
        return bool(left == right)
    # An integer and a decimal that is none are never equal, nor are values of two other types.
    return False


def less(left: Value, right: Value) -> bool:
    kind = type(left)
    if kind is type(right) and (kind is int or kind is str):
        return bool(left < right)
    return rank(left) < rank(right)


def step(value: Value, index: Value) -> Value:
    """Return `value[index]`, UNDEFINED where there is none."""
    kind = type(value)
    if kind is dict:
        return value.get(key(index), UNDEFINED)
    if kind is list:
        if type(index) is int and 0 <= index < len(value):
            return value[index]
        return UNDEFINED
    if kind is RegoSet:
        return index if index in value else UNDEFINED
    return UNDEFINED


def pairs(value: Value) -> Iterable[tuple[Value, Value]]:
    """Return keys and values in the order of Rego; nothing for what is no collection."""
    kind = type(value)
    if kind is list:
        return enumerate(value)
    if kind is dict:
        return [(unkey(held), value[held]) for held in ordered_keys(value)]
    if kind is RegoSet:
        return [(member, member) for member in value]
    return ()


def elements(value: Value) -> Iterable[Value]:
    """Return the values in the order of Rego; nothing for what is no collection."""
    kind = type(value)
    if kind is list:
        return value  # type: ignore[no-any-return]
    if kind is dict:
        return [value[held] for held in ordered_keys(value)]
    if kind is RegoSet:
        return ordered(value.members.values())
    return ()


def ordered_keys(value: dict[Any, Value]) -> list[Any]:
    if len(value) < 2:
        return list(value)
    try:
        return sorted(value)
    except TypeError:
        return sorted(value, key=lambda held: rank(unkey(held)))


def member(value: Value, collection: Value) -> bool:
    kind = type(collection)
    if kind is RegoSet:
        return value in collection
    if kind is list:
        if type(value) is str:
            return value in collection
        return any(equal(value, other) for other in collection)
    if kind is dict:
        return any(equal(value, other) for other in collection.values())
    return False


def member_at(index: Value, value: Value, collection: Value) -> bool:
    found = step(collection, index)
    return found is not UNDEFINED and equal(found, value)


def admit(plain: object) -> Value:
    """Return plain JSON values, or Python's tuples and sets, as Rego values; floats become exact.

    Raises TypeError or ValueError for what is no JSON.
    """
    kind = type(plain)
    if plain is None or kind is str or kind is int or kind is bool:
        return plain
    if isinstance(plain, dict):
        return {_text(held): admit(value) for held, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [admit(value) for value in plain]
    if isinstance(plain, set | frozenset):
        return RegoSet.of(map(admit, plain))
    if isinstance(plain, RegoSet):
        return plain
    if isinstance(plain, float):
        return from_float(plain)
    if isinstance(plain, Decimal):
        return normalise(plain)
    raise TypeError(f"no JSON value: {kind.__name__}")


def _text(held: object) -> str:
    if not isinstance(held, str):
        raise TypeError(f"a member named by a {type(held).__name__}")
    return held


def to_json(value: Value) -> Any:
    """Return the value as plain JSON: sets become lists, keys become texts, as OPA does it."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is dict:
        return {
            (k if type(k) is str else _key_text(k)): v if type(v) in _PLAIN else to_json(v)
            for k, v in value.items()
        }
    if kind is list:
        return [v if type(v) in _PLAIN else to_json(v) for v in value]
    if kind is RegoSet:
        return [to_json(element) for element in value]
    return to_plain(value)


_PLAIN = frozenset({str, int, bool, type(None)})
"""Types whose values are JSON as they are."""


def _key_text(held: Any) -> str:
    value = to_json(unkey(held))
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except TypeError as error:
        raise NotOfferedError("a number of more than 64 bits that names a member") from error
