"""A built-in that renders a template of Go: what it shows, chooses and goes through, and no functions.

The rest of that language (pipelines, functions, definitions, comments, trimming) is refused by name, so
that a template means here what it means to OPA or nothing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from policies.language.builtins.operands import LONGEST_TEXT, Builtin, mapping, text
from policies.language.builtins.texts import show
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.metering import SMALL, pay
from policies.language.values import RegoSet, Value

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_PLACE = re.compile(rf"(?:\$(?:{_NAME})?)?(?:\.{_NAME})*|\.")
_RANGE = re.compile(rf"(?:(?:(\${_NAME})\s*,\s*)?(\${_NAME})\s*:=\s*)?(\S+)")
_NOTHING = "<undefined>"
_DEEPEST = 20

_MISSING = object()
"""A member that is not there; its members are not there either."""


class _Index(int):
    """A place in a list, which is false where it is zero; any other number is true."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A variable (empty for where the template stands), and the members to go down from there."""

    variable: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    place: _Place
    then: tuple["_Part", ...]
    otherwise: tuple["_Part", ...]


@dataclass(frozen=True, slots=True)
class _Round:
    """`key` and `value` are variables, empty where none is named."""

    key: str
    value: str
    place: _Place
    body: tuple["_Part", ...]
    otherwise: tuple["_Part", ...]


_Part = str | _Place | _Choice | _Round
_Scope = Mapping[str, Any]


class _Reader:
    """Reads a template from its texts and actions, which take turns."""

    def __init__(self, written: str) -> None:
        self._pieces = iter(_ACTION.split(written))
        if "{{" in "".join(_ACTION.split(written)[::2]):
            raise BuiltinError("a template with an action that is not closed")
        self._depth = 0

    def parts(self) -> tuple[tuple[_Part, ...], str]:
        """Return what stands up to `else` or `end`, and which of them it was; empty for the end."""
        found: list[_Part] = []
        for literal in self._pieces:
            found.append(literal)
            action = next(self._pieces, None)
            if action is None:
                break
            word, _, rest = action.strip(" ").partition(" ")
            if word in {"else", "end"} and not rest:
                return tuple(found), word
            found.append(self._action(word, rest.strip(" "), action.strip(" ")))
        return tuple(found), ""

    def _action(self, word: str, rest: str, whole: str) -> _Part:
        if word == "if":
            place = _place(rest)
            return _Choice(place, *self._branches())
        if word == "range":
            found = _RANGE.fullmatch(rest)
            if found is None:
                raise NotOfferedError("a `range` of a template in another form")
            return _Round(found[1] or "", found[2] or "", _place(found[3]), *self._branches())
        return _place(whole)

    def _branches(self) -> tuple[tuple[_Part, ...], tuple[_Part, ...]]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotOfferedError(f"a template nested more than {_DEEPEST} deep")
        then, closing = self.parts()
        otherwise: tuple[_Part, ...] = ()
        if closing == "else":
            otherwise, closing = self.parts()
        if closing != "end":
            raise BuiltinError("an `end` needed in a template")
        self._depth -= 1
        return then, otherwise


def _place(written: str) -> _Place:
    if not written or not _PLACE.fullmatch(written):
        raise NotOfferedError("an action of a template that is more than a place, `if` or `range`")
    if written == ".":
        return _Place("", ())
    variable, *members = written.split(".")
    return _Place(variable, tuple(members))


def _found(place: _Place, scope: _Scope) -> Any:
    if place.variable not in scope:
        raise BuiltinError("a variable of a template that is not defined")
    value = scope[place.variable]
    for name in place.members:
        if value is _MISSING:
            break
        if type(value) is not dict:
            raise BuiltinError("a member needed by a template of what is no object")
        value = value.get(name, _MISSING)
    return value


def _shown(value: Any) -> str:
    if value is None or value is _MISSING:
        return _NOTHING
    if isinstance(value, list | dict | RegoSet):
        raise NotOfferedError("a collection that a template shows as a whole")
    return str(int(value)) if isinstance(value, _Index) else show(value)


def _is_true(value: Any) -> bool:
    if value is _MISSING or value is None or value is False:
        return False
    if isinstance(value, _Index) or not isinstance(value, int | Decimal):
        return bool(value) if not isinstance(value, RegoSet) else len(value) > 0
    return True


def _rounds(value: Any) -> Iterator[tuple[Any, Any]]:
    if value is None or value is _MISSING:
        return
    if isinstance(value, list | RegoSet):
        yield from ((_Index(number), element) for number, element in enumerate(value))
    elif isinstance(value, dict):
        if not all(type(name) is str for name in value):
            raise NotOfferedError("a template that goes through keys that are no texts")
        yield from sorted(value.items(), key=lambda pair: pair[0])
    elif type(value) is int:
        raise NotOfferedError("a template that goes through a number")
    else:
        raise BuiltinError("a collection needed for a template to go through")


def _rendered(parts: tuple[_Part, ...], scope: _Scope) -> Iterator[str]:
    for part in parts:
        match part:
            case str():
                yield part
            case _Place():
                yield _shown(_found(part, scope))
            case _Choice(place, then, otherwise):
                chosen = then if _is_true(_found(place, scope)) else otherwise
                yield from _rendered(chosen, scope)
            case _Round():
                yield from _gone_through(part, scope)


def _gone_through(part: _Round, scope: _Scope) -> Iterator[str]:
    empty = True
    for key, value in _rounds(_found(part.place, scope)):
        empty = False
        pay(SMALL + 1)
        named = {name: held for name, held in ((part.key, key), (part.value, value)) if name}
        yield from _rendered(part.body, {**scope, **named, "": value})
    if empty:
        yield from _rendered(part.otherwise, scope)


def _render(template: Value, variables: Value) -> str:
    parts, closing = _Reader(text(template)).parts()
    if closing:
        raise BuiltinError(f"an `{closing}` of a template that closes nothing")
    root = mapping(variables)
    left, found = LONGEST_TEXT, []
    for piece in _rendered(parts, {"": root, "$": root}):
        left -= len(piece)
        if left < 0:
            raise NotOfferedError(f"a text of more than {LONGEST_TEXT} characters")
        pay(len(piece))
        found.append(piece)
    return "".join(found)


TEMPLATES: Mapping[str, Builtin] = {"strings.render_template": Builtin(_render, 2)}
