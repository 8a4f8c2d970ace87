"""Built-ins as a decision calls them: paid for by the size of what they are given."""

from collections.abc import Callable

from policies.language.metering import SMALL, pay
from policies.language.values import RegoSet, Value

FREE = frozenset(
    {
        "abs", "ceil", "count", "div", "floor", "minus", "mul", "object.get", "plus", "rem", "round",
        "startswith", "to_number", "type_name",
        "is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string",
    }
)  # fmt: skip
"""Built-ins whose work does not grow with what they are given."""
_SIZED = frozenset({str, list, dict})


def charged(function: Callable[..., Value]) -> Callable[..., Value]:
    """Return the built-in so that it charges the decision before it works."""

    def call(*arguments: Value) -> Value:
        size = 0
        for argument in arguments:
            kind = type(argument)
            if kind is RegoSet:
                size += len(argument.members)
            elif kind in _SIZED:
                size += len(argument)
        if size > SMALL:
            pay(size)
        return function(*arguments)

    return call
