"""One small policy under both engines, and why their answers may differ without anything being wrong."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from policies.engine import LoadError, UndecidedError
from policies.language import UNDEFINED, Program, compile_modules
from policies.language.errors import BuiltinError, NotOfferedError, UnsupportedError
from tests.fakes.genuine import Genuine, Refused

NO_ANSWER = "no answer"
_NOTHING = frozenset({"{}", '{"value": []}', '{"value": {}}'})

SAME = "same"
EXPLAINED = {
    "unsupported": "ours refuses the policy at load, by name: it would have to show 1.0 or 1e2 as a text",
    "types": "OPA's type checker refuses the policy at load; ours has none and decides what it says",
    "not-offered": "ours met a value that it says it does not treat as OPA does: ours refuses",
    "opa-failed": "OPA itself failed (it says `panic`), and so gave no answer",
    "error-met": "ours met an error of a built-in where OPA had found the body undefined: ours refuses",
    "error-missed": "OPA met an error of a built-in where ours had found the body undefined: nothing holds",
}


class Both:
    """A policy on both engines."""

    def __init__(self, modules: Mapping[str, str], data: object, *, path: str) -> None:
        self._modules = modules
        self._data = data
        self._path = path
        self._unsupported = False
        self._program: Program | None = None
        try:
            self._program = compile_modules(modules, data)
        except UnsupportedError:
            self._unsupported = True
        except LoadError:
            pass
        self._genuine = Genuine(modules, data)

    def stand(self, question: object) -> str:
        """Return SAME, the name of an explanation, or else both answers: that is a difference."""
        if self._unsupported:
            return "unsupported"
        ours, met = self._ours(question)
        theirs, failure = self._theirs(question)
        if ours == theirs:
            return SAME
        if met is NotOfferedError:
            return "not-offered"
        if "panic" in failure:
            return "opa-failed"
        if "bundle activation failed" in failure and "rego_type_error" in failure:
            return "types"
        if met is BuiltinError and theirs == self._forgiving(question):
            return "error-met"
        if ours in _NOTHING and ("eval_type_error" in failure or "eval_builtin_error" in failure):
            return "error-missed"
        return f"ours {ours}, OPA {theirs} {failure}"

    def _ours(self, question: object) -> tuple[str, type[UndecidedError] | None]:
        """Return the answer as text, and the kind of error that is why there is none."""
        if self._program is None:
            return NO_ANSWER, None
        try:
            return _told(self._program, self._path, question), None
        except UndecidedError as error:
            return NO_ANSWER, type(error)

    def _theirs(self, question: object) -> tuple[str, str]:
        try:
            return written(self._genuine.answer(self._path, question)), ""
        except Refused as error:
            return NO_ANSWER, str(error)

    def _forgiving(self, question: object) -> str:
        """Return our answer where an error of a built-in only makes its expression undefined."""
        try:
            program = compile_modules(self._modules, self._data, strict=False)
            return _told(program, self._path, question)
        except UndecidedError:
            return NO_ANSWER


def _told(program: Program, path: str, question: object) -> str:
    found = program.evaluate(f"data.{path}", question)
    return written({} if found is UNDEFINED else {"value": found})


def written(value: Any) -> str:
    """Write an answer down: a number is its value, however it is spelt, and true is not 1."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case float() | Decimal():
            near = float(value)
            return int(near) if near.is_integer() else near
        case list():
            return [_plain(one) for one in value]
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case _:
            return value
