"""The built-in functions that are offered. What is not in this table is refused at load.

Nothing here reads a clock, a network, a file, an environment or a source of randomness.
"""

from collections.abc import Mapping

from policies.language.builtins.documents import DOCUMENTS
from policies.language.builtins.operands import Builtin
from policies.language.builtins.texts import TEXTS
from policies.language.builtins.values import VALUES

BUILTINS: Mapping[str, Builtin] = {**VALUES, **TEXTS, **DOCUMENTS}

OPERATORS: Mapping[str, str] = {
    "+": "plus",
    "-": "minus",
    "*": "mul",
    "/": "div",
    "%": "rem",
    "|": "or",
    "&": "and",
}


def python_name(name: str) -> str:
    """Return what generated code calls the built-in."""
    return name.replace(".", "_")
