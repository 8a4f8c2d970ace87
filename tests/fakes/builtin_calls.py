"""Built-ins called on their own: by ours, and by genuine OPA through a rule of one line."""

import functools
import json
from typing import Any

from policies.language.builtins.table import BUILTINS
from policies.language.errors import BuiltinError
from policies.language.values import UNDEFINED, admit, to_json
from tests.fakes.genuine import Genuine, Refused

FAILED = "an error"
NOTHING = "undefined"


def called(name: str, *arguments: object) -> Any:
    """Return the result as plain JSON, FAILED for an error, NOTHING where there is none.

    What is not offered raises NotOfferedError.
    """
    try:
        found = BUILTINS[name].function(*map(admit, arguments))
    except BuiltinError:
        return FAILED
    return NOTHING if found is UNDEFINED else to_json(found)


@functools.cache
def _genuine(name: str, arity: int) -> Genuine:
    operands = ", ".join(f"input.operands[{place}]" for place in range(arity))
    return Genuine({"t.rego": f"package t\n\np := {name}({operands})\n"}, {})


def called_by_opa(name: str, *arguments: object) -> Any:
    """Return what genuine OPA answers, in the words of `called`."""
    try:
        found = _genuine(name, len(arguments)).answer("t.p", {"operands": list(arguments)})
    except Refused:
        return FAILED
    return found.get("value", NOTHING)


def written(value: Any) -> str:
    """Write a result so that equal ones have one text, and 1 is not true."""
    return json.dumps(value, sort_keys=True, default=float, ensure_ascii=False)
