"""How an act is declared: a plain function whose keyword arguments are what an envelope may carry."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from catalogue.flaws import Flaw
from catalogue.model import Actor


class ActError(Exception):
    """An act cannot be carried out as asked: unknown, or its arguments do not fit."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


Deed = Callable[..., Any]
ACTS: dict[str, tuple[Deed, type[msgspec.Struct]]] = {}


def act(name: str) -> Callable[[Deed], Deed]:
    """Declare `function(node, actor, *, …)` as the act `name`; its annotations are the argument types."""

    def declare(function: Deed) -> Deed:
        parameters = list(inspect.signature(function, eval_str=True).parameters.values())[2:]
        fields = [
            (p.name, p.annotation)
            if p.default is inspect.Parameter.empty
            else (p.name, p.annotation, p.default)
            for p in parameters
        ]
        shape = msgspec.defstruct(
            name, fields, frozen=True, kw_only=True, forbid_unknown_fields=True
        )
        ACTS[name] = (function, shape)
        return function

    return declare


def perform(node: Any, actor: Actor, name: str, arguments: Mapping[str, Any]) -> Any:
    """Carry out one act and return what it says, as JSON-able values.

    Raises ActError where the name is unknown or the arguments do not fit; whatever the use case raises
    passes through.
    """
    if name not in ACTS:
        raise ActError("ACT_UNKNOWN", f"no act {name!r}; known: {', '.join(sorted(ACTS))}")
    function, shape = ACTS[name]
    try:
        typed = msgspec.convert(dict(arguments), shape, strict=True)
    except msgspec.ValidationError as error:
        raise ActError("ACT_ARGUMENTS", f"{name}: {error}") from error
    given = {field: getattr(typed, field) for field in shape.__struct_fields__}
    return msgspec.to_builtins(_ordered(function(node, actor, **given)), enc_hook=_plain)


def _plain(value: object) -> str:
    """Say in English what programs are told of a flaw."""
    if isinstance(value, Flaw):
        return str(value)
    raise NotImplementedError(f"an act says no {type(value).__name__}")


def _ordered(value: Any) -> Any:
    """Give sets an order, so that an act says the same in the same words every time."""
    match value:
        case set() | frozenset():
            return sorted(value)
        case dict():
            return {name: _ordered(held) for name, held in value.items()}
        case list() | tuple():
            return [_ordered(held) for held in value]
        case _:
            return value
