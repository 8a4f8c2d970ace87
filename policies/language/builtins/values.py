"""Built-ins on numbers, collections and types."""

from decimal import Decimal
from typing import Any

from policies.language.builtins.operands import (
    LONGEST_LIST,
    Builtin,
    array,
    integer,
    mapping,
    members,
    number,
    refuse,
    sequence,
    type_name,
)
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.numbers import (
    Number,
    absolute,
    add,
    ceiling,
    divide,
    floor,
    multiply,
    round_half_away,
    subtract,
)
from policies.language.values import (
    UNDEFINED,
    RegoSet,
    Value,
    equal,
    key,
    less,
    ordered,
    rank,
    step,
    unkey,
)


def _plus(left: Value, right: Value) -> Number:
    return add(number(left), number(right))


def _minus(left: Value, right: Value) -> Value:
    if type(left) is RegoSet and type(right) is RegoSet:
        taken = right.members
        return RegoSet({held: v for held, v in left.members.items() if held not in taken})
    return subtract(number(left), number(right))


def _times(left: Value, right: Value) -> Number:
    return multiply(number(left), number(right))


def _divided(left: Value, right: Value) -> Number:
    if number(right) == 0:
        raise BuiltinError("division by zero")
    return divide(number(left), number(right))


def _remainder(left: Value, right: Value) -> int:
    if type(number(left)) is not int or type(number(right)) is not int:
        raise BuiltinError("the remainder of a number that is no integer")
    if right == 0:
        raise BuiltinError("division by zero")
    rest: int = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _union_of(left: Value, right: Value) -> RegoSet:
    if type(left) is RegoSet and type(right) is RegoSet:
        return RegoSet(left.members | right.members)
    return RegoSet(members(left).members | members(right).members)


def _intersection_of(left: Value, right: Value) -> RegoSet:
    held = members(right).members
    return RegoSet.of(value for name, value in members(left).members.items() if name in held)


def _count(value: Value) -> int:
    if type(value) in {str, list, dict, RegoSet}:
        return len(value)
    raise refuse("a collection or string", value)


def _sum(value: Value) -> Number:
    total: Number = 0
    for part in sequence(value):
        total = add(total, number(part))
    return total


def _product(value: Value) -> Number:
    total: Number = 1
    for part in sequence(value):
        total = multiply(total, number(part))
    return total


def _largest(value: Value) -> Value:
    found = sequence(value)
    return max(found, key=_order_of(found), default=UNDEFINED)


def _smallest(value: Value) -> Value:
    found = sequence(value)
    return min(found, key=_order_of(found), default=UNDEFINED)


def _order_of(values: list[Value]) -> Any:
    """Return the key by which Python orders the values as Rego does: none where all are integers."""
    return None if {*map(type, values)} == _INTEGERS else rank


_INTEGERS = {int}


def _slice(value: Value, start: Value, stop: Value) -> list[Value]:
    first, last = max(0, integer(start)), max(0, integer(stop))
    return array(value)[first:last] if last > first else []


def _flatten(value: Value) -> list[Value]:
    found: list[Value] = []
    for part in array(value):
        found += part if type(part) is list else [part]
    return found


def _range(start: Value, stop: Value, stride: int = 1) -> list[int]:
    first, last = integer(start), integer(stop)
    if abs(first - last) // stride > LONGEST_LIST:
        raise NotOfferedError(f"a range of more than {LONGEST_LIST} numbers")
    if first <= last:
        return list(range(first, last + 1, stride))
    return list(range(first, last - 1, -stride))


def _range_step(start: Value, stop: Value, stride: Value) -> list[int]:
    if integer(stride) <= 0:
        raise BuiltinError("the step of a range is greater than zero")
    return _range(start, stop, stride)


def _all_union(value: Value) -> RegoSet:
    return RegoSet.of(inner for one in members(value) for inner in members(one).members.values())


def _all_intersection(value: Value) -> RegoSet:
    found = [members(one) for one in members(value)]
    if not found:
        return RegoSet()
    others = found[1:]
    return RegoSet.of(
        inner
        for name, inner in found[0].members.items()
        if all(name in other.members for other in others)
    )


def _get(value: Value, index: Value, default: Value) -> Value:
    found: Value = mapping(value)
    for one in index if type(index) is list else [index]:
        found = step(found, one)
        if found is UNDEFINED:
            return default
    return found


def _keys(value: Value) -> RegoSet:
    return RegoSet.of(unkey(held) for held in mapping(value))


def _key_set(value: Value) -> set[Any]:
    if type(value) is dict:
        return set(value)
    if type(value) in {list, RegoSet}:
        return {key(part) for part in sequence(value)}
    raise refuse("object, array or set", value)


def _remove(value: Value, keys: Value) -> dict[Any, Value]:
    removed = _key_set(keys)
    return {held: part for held, part in mapping(value).items() if held not in removed}


def _filter(value: Value, keys: Value) -> dict[Any, Value]:
    kept = _key_set(keys)
    return {held: part for held, part in mapping(value).items() if held in kept}


def _merged(left: Value, right: Value) -> Value:
    if type(left) is not dict or type(right) is not dict:
        return right
    found = dict(left)
    for held, value in right.items():
        found[held] = _merged(found[held], value) if held in found else value
    return found


def _object_union(left: Value, right: Value) -> Value:
    return _merged(mapping(left), mapping(right))


def _object_union_all(value: Value) -> Value:
    found: Value = {}
    for part in array(value):
        found = _merged(found, mapping(part))
    return found


def _subset(larger: Value, smaller: Value) -> bool:
    kinds = (type(larger), type(smaller))
    if kinds == (list, RegoSet):
        return all(any(equal(one, other) for other in larger) for one in smaller)
    if kinds in {(dict, dict), (RegoSet, RegoSet), (list, list)}:
        return _is_within(larger, smaller)
    raise BuiltinError("two objects, two sets, two arrays, or an array and a set needed")


def _is_within(larger: Value, smaller: Value) -> bool:
    kinds = (type(larger), type(smaller))
    if kinds == (dict, dict):
        return all(
            held in larger and _is_within(larger[held], value) for held, value in smaller.items()
        )
    if kinds == (RegoSet, RegoSet):
        return all(held in larger.members for held in smaller.members)
    if kinds == (list, list):
        size = len(smaller)
        return any(
            equal(larger[start : start + size], smaller) for start in range(len(larger) - size + 1)
        )
    return equal(larger, smaller)


def _shifted(value: Value, places: Value, *, left: bool) -> int:
    if integer(places) < 0 or places > 4096:
        raise BuiltinError("a shift by 0 to 4096 places needed")
    return integer(value) << integer(places) if left else integer(value) >> integer(places)


VALUES = {
    "plus": Builtin(_plus, 2),
    "minus": Builtin(_minus, 2),
    "mul": Builtin(_times, 2),
    "div": Builtin(_divided, 2),
    "rem": Builtin(_remainder, 2),
    "or": Builtin(_union_of, 2),
    "and": Builtin(_intersection_of, 2),
    "equal": Builtin(equal, 2),
    "neq": Builtin(lambda left, right: not equal(left, right), 2),
    "lt": Builtin(less, 2),
    "gt": Builtin(lambda left, right: less(right, left), 2),
    "lte": Builtin(lambda left, right: not less(right, left), 2),
    "gte": Builtin(lambda left, right: not less(left, right), 2),
    "count": Builtin(_count, 1),
    "sum": Builtin(_sum, 1),
    "product": Builtin(_product, 1),
    "max": Builtin(_largest, 1),
    "min": Builtin(_smallest, 1),
    "sort": Builtin(lambda value: ordered(sequence(value)), 1),
    "abs": Builtin(lambda value: absolute(number(value)), 1),
    "ceil": Builtin(lambda value: ceiling(number(value)), 1),
    "floor": Builtin(lambda value: floor(number(value)), 1),
    "round": Builtin(lambda value: round_half_away(number(value)), 1),
    "bits.and": Builtin(lambda left, right: integer(left) & integer(right), 2),
    "bits.or": Builtin(lambda left, right: integer(left) | integer(right), 2),
    "bits.xor": Builtin(lambda left, right: integer(left) ^ integer(right), 2),
    "bits.negate": Builtin(lambda value: ~integer(value), 1),
    "bits.lsh": Builtin(lambda value, places: _shifted(value, places, left=True), 2),
    "bits.rsh": Builtin(lambda value, places: _shifted(value, places, left=False), 2),
    "numbers.range": Builtin(_range, 2),
    "numbers.range_step": Builtin(_range_step, 3),
    "array.concat": Builtin(lambda left, right: array(left) + array(right), 2),
    "array.slice": Builtin(_slice, 3),
    "array.reverse": Builtin(lambda value: array(value)[::-1], 1),
    "array.flatten": Builtin(_flatten, 1),
    "union": Builtin(_all_union, 1),
    "intersection": Builtin(_all_intersection, 1),
    "object.get": Builtin(_get, 3),
    "object.keys": Builtin(_keys, 1),
    "object.remove": Builtin(_remove, 2),
    "object.filter": Builtin(_filter, 2),
    "object.union": Builtin(_object_union, 2),
    "object.union_n": Builtin(_object_union_all, 1),
    "object.subset": Builtin(_subset, 2),
    "is_string": Builtin(lambda value: type(value) is str, 1),
    "is_number": Builtin(lambda value: type(value) is int or type(value) is Decimal, 1),
    "is_boolean": Builtin(lambda value: type(value) is bool, 1),
    "is_array": Builtin(lambda value: type(value) is list, 1),
    "is_set": Builtin(lambda value: type(value) is RegoSet, 1),
    "is_object": Builtin(lambda value: type(value) is dict, 1),
    "is_null": Builtin(lambda value: value is None, 1),
    "type_name": Builtin(type_name, 1),
}
