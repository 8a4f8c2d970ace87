"""Built-ins that check documents by a JSON schema: the part of the language that has one answer.

A schema may say `type` (one), `properties`, `required`, `items` (one schema), `title` and `description`.
Every other word is refused while deciding, and so is a report on two members of one object: OPA
reports them in an order that changes from one evaluation to the next.
"""

from collections.abc import Mapping
from typing import Any

from policies.language.builtins.documents import DOCUMENTS
from policies.language.builtins.operands import Builtin, refuse
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.values import Value

_KNOWN = frozenset({"type", "properties", "required", "items", "title", "description"})
_TYPES = frozenset({"array", "boolean", "integer", "number", "null", "object", "string"})
_DEEPEST = 64

_Error = dict[str, str]


def _match(document: Value, schema: Value) -> list[Value]:
    if type(document) not in {str, dict, list}:
        raise refuse("string, object or array", document)
    wanted = _schema(schema)
    found = _check(_plain(_read(document)), wanted, ())
    return [not found, found]


def _verify(schema: Value) -> list[Value]:
    """Return whether it is a schema; what is none is refused: its description is not offered."""
    try:
        _schema(schema)
    except BuiltinError as error:
        raise NotOfferedError("the description of what is wrong with a schema") from error
    return [True, None]


def _read(value: Value) -> Value:
    return DOCUMENTS["json.unmarshal"].function(value) if type(value) is str else value


def _plain(value: Value, depth: int = 0) -> Value:
    """Return the value, or refuse what JSON does not have."""
    if depth > _DEEPEST:
        raise NotOfferedError(f"a document of more than {_DEEPEST} levels")
    if type(value) is dict:
        if not all(type(name) is str for name in value):
            raise NotOfferedError("a member whose name is no text, under a schema")
        return {name: _plain(part, depth + 1) for name, part in value.items()}
    if type(value) is list:
        return [_plain(part, depth + 1) for part in value]
    _kind(value)
    return value


def _schema(value: Value) -> dict[str, Any]:
    if type(value) not in {str, dict}:
        raise refuse("string or object", value)
    found = _plain(_read(value))
    _check_schema(found)
    return found  # type: ignore[no-any-return]


def _check_schema(schema: Value) -> None:
    if type(schema) is not dict:
        raise refuse("object", schema)
    if not schema.keys() <= _KNOWN:
        raise NotOfferedError("a word of JSON schema that is not offered")
    for name in ("title", "description"):
        if type(schema.get(name, "")) is not str:
            raise NotOfferedError(f"a `{name}` that is no text, in a schema")
    if type(schema.get("type", "")) is not str:
        raise NotOfferedError("a `type` that is no text, in a schema")
    if "type" in schema and schema["type"] not in _TYPES:
        raise BuiltinError("a `type` that JSON schema does not have")
    _check_required(schema.get("required", []))
    members = schema.get("properties", {})
    if type(members) is not dict:
        raise refuse("object", members)
    for part in (*members.values(), *([schema["items"]] if "items" in schema else [])):
        _check_schema(part)


def _check_required(names: Value) -> None:
    if type(names) is not list or not all(type(name) is str for name in names):
        raise BuiltinError("a list of names needed for `required`")
    if len(set(names)) < len(names):
        raise BuiltinError("names that are unique needed for `required`")


def _kind(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            raise NotOfferedError("a set or a number that is no integer, under a schema")


def _check(value: Value, schema: Mapping[str, Any], path: tuple[str, ...]) -> list[_Error]:
    kind, wanted = _kind(value), schema.get("type")
    if wanted is not None and kind != wanted and (kind, wanted) != ("integer", "number"):
        said = f"Invalid type. Expected: {wanted}, given: {kind}"
        return [_error(path, "invalid_type", said)]
    if kind == "array" and "items" in schema:
        return [
            error
            for place, part in enumerate(value)
            for error in _check(part, schema["items"], (*path, str(place)))
        ]
    return _check_members(value, schema, path) if kind == "object" else []


def _check_members(
    value: Mapping[str, Value], schema: Mapping[str, Any], path: tuple[str, ...]
) -> list[_Error]:
    names = [name for name in schema.get("required", []) if name not in value]
    found = [_error(path, "required", f"{name} is required") for name in names]
    below = [
        errors
        for name, part in schema.get("properties", {}).items()
        if name in value and (errors := _check(value[name], part, (*path, name)))
    ]
    if len(below) > 1:
        raise NotOfferedError("a report on two members of one object")
    return found + (below[0] if below else [])


def _error(path: tuple[str, ...], kind: str, said: str) -> _Error:
    field = ".".join(path) or "(Root)"
    return {"error": f"{field}: {said}", "type": kind, "field": field, "desc": said}


SCHEMAS: Mapping[str, Builtin] = {
    "json.match_schema": Builtin(_match, 2),
    "json.verify_schema": Builtin(_verify, 1),
}
