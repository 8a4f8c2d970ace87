"""Which of two row filters lets fewer rows through, as far as that can be known without the rows.

A row filter is a list of conditions that all have to hold. What cannot be judged is not covered. Judged is
only what any database compares alike: texts by equality and prefix, whole numbers by order.
"""

import math
from collections.abc import Sequence

from policies.model import RowCondition

Edge = tuple[float, int]
"""A bound, and 0 where it belongs to the range, else 1 (just above it) or -1 (just below it)."""


def covers(wide: Sequence[RowCondition], narrow: Sequence[RowCondition]) -> bool:
    """Whether every row that passes all of `narrow` surely passes all of `wide`."""
    return all(any(implies(held, needed) for held in narrow) for needed in wide)


def implies(held: RowCondition, needed: RowCondition) -> bool:
    """Whether a row that meets one condition surely meets the other; not known is no."""
    if held.item != needed.item:
        return False
    if held.op == needed.op and _same(held.value, needed.value):
        return True
    values = _values(held)
    if values is not None:
        return all(_meets(value, needed) for value in values)
    match held.op, needed.op, held.value, needed.value:
        case "prefix", "prefix", str(long), str(short):
            return long.startswith(short)
        case _:
            return _within(_range(held), _range(needed))


def _meets(value: object, needed: RowCondition) -> bool:
    allowed = _values(needed)
    if allowed is not None:
        return any(_same(value, one) for one in allowed)
    match needed.op, value, needed.value:
        case "prefix", str(text), str(short):
            return text.startswith(short)
        case _:
            alone = ((value, 0), (value, 0)) if type(value) is int else None
            return _within(alone, _range(needed))


def _values(condition: RowCondition) -> list[object] | None:
    """Return the only values that pass a condition; None where it does not list them."""
    match condition.op, condition.value:
        case "eq", value:
            return [value]
        case "in", list(values):
            return list(values)
        case _:
            return None


def _range(condition: RowCondition) -> tuple[Edge, Edge] | None:
    """Return the numbers that pass a condition, from edge to edge; None where it is no such condition."""
    least, most = (-math.inf, 0), (math.inf, 0)
    match condition.op, condition.value:
        case "lt", bound if type(bound) is int:
            return least, (bound, -1)
        case "le", bound if type(bound) is int:
            return least, (bound, 0)
        case "gt", bound if type(bound) is int:
            return (bound, 1), most
        case "ge", bound if type(bound) is int:
            return (bound, 0), most
        case "between", [low, high] if type(low) is int and type(high) is int:
            return (low, 0), (high, 0)
        case _:
            return None


def _within(inner: tuple[Edge, Edge] | None, outer: tuple[Edge, Edge] | None) -> bool:
    if inner is None or outer is None:
        return False
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _same(one: object, other: object) -> bool:
    # Python takes True for 1 and 1.0 for 1; a database need not.
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other
