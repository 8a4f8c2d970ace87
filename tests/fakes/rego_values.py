"""One value of each kind that Rego has, for functions that take only some."""

from decimal import Decimal

_TEXTS: list[object] = ["", "a"]
OTHER_THAN_TEXTS: list[object] = [
    None,
    True,
    False,
    0,
    1,
    Decimal("0.5"),
    [],
    ["a"],
    {},
    {"a": "b"},
]
ANY: list[object] = [*_TEXTS, *OTHER_THAN_TEXTS, {"a"}]
