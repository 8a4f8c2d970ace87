"""Built-ins on documents and their encodings: JSON, patches, walks, base64, hex, digests."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from policies.language.builtins.operands import Builtin, array, mapping, refuse, sequence, text
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.numbers import read_number
from policies.language.values import (
    UNDEFINED,
    RegoSet,
    Value,
    equal,
    key,
    pairs,
    to_json,
)

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def _marshal(value: Value) -> str:
    plain = to_json(value)
    if _holds_decimal(plain):
        raise NotOfferedError("json.marshal of a number that is no integer is not offered")
    written = json.dumps(plain, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    for sign in "<>&\u2028\u2029":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return written


def _holds_decimal(plain: Any) -> bool:
    if isinstance(plain, dict):
        return any(map(_holds_decimal, plain.values()))
    if isinstance(plain, list):
        return any(map(_holds_decimal, plain))
    return isinstance(plain, float | Decimal)


def _no_constant(name: str) -> Value:
    raise ValueError(name)


def _unmarshal(value: Value) -> Value:
    try:
        return json.loads(
            text(value), parse_float=read_number, parse_int=read_number, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise BuiltinError("a text that is no JSON") from error


def _is_json(value: Value) -> bool:
    if type(value) is not str:
        return False
    try:
        _unmarshal(value)
    except BuiltinError:
        return False
    return True


def _walk(value: Value) -> list[Value]:
    found: list[Value] = []

    def visit(path: list[Value], part: Value) -> None:
        found.append([path, part])
        for index, inner in pairs(part):
            visit([*path, index], inner)

    visit([], value)
    return found


def _pointer(path: Value) -> list[Value]:
    if type(path) is list:
        return path
    if type(path) is not str:
        raise refuse("string or array", path)
    if not path:
        return []
    steps = path.removeprefix("/").split("/")
    return [one.replace("~1", "/").replace("~0", "~") for one in steps]


def _place(index: Value) -> int:
    if type(index) is int and index >= 0:
        return index
    if type(index) is str and _INDEX.fullmatch(index):
        return int(index)
    raise BuiltinError("a path that is no index of an array")


def _found(document: Value, path: list[Value]) -> Value:
    for index in path:
        if type(document) is dict:
            document = document.get(key(index), UNDEFINED)
        elif type(document) is list:
            place = _place(index)
            document = document[place] if place < len(document) else UNDEFINED
        elif type(document) is RegoSet and index in document:
            document = index
        else:
            document = UNDEFINED
        if document is UNDEFINED:
            raise BuiltinError("a path that leads nowhere")
    return document


def _changed(document: Value, path: list[Value], change: Callable[[Value, Value], Value]) -> Value:
    """Return the document with `change(holder, last step)` in the place of the holder."""
    if len(path) == 1:
        return change(document, path[0])
    inner = _changed(_found(document, path[:1]), path[1:], change)
    if type(document) is dict:
        return {**document, key(path[0]): inner}
    if type(document) is list:
        place = _place(path[0])
        return [*document[:place], inner, *document[place + 1 :]]
    raise BuiltinError("a patch inside of a set")


def _added(document: Value, path: list[Value], value: Value) -> Value:
    if not path:
        return value

    def add(holder: Value, index: Value) -> Value:
        if type(holder) is dict:
            return {**holder, key(index): value}
        if type(holder) is list:
            place = len(holder) if index == "-" else _place(index)
            if place > len(holder):
                raise BuiltinError("a path beyond the end of an array")
            return [*holder[:place], value, *holder[place:]]
        if type(holder) is RegoSet and equal(index, value):
            return RegoSet([*holder.members.values(), value])
        raise BuiltinError("a path into what is no collection")

    return _changed(document, path, add)


def _removed(document: Value, path: list[Value]) -> Value:
    if not path:
        raise BuiltinError("the whole document cannot be removed")
    _found(document, path)

    def remove(holder: Value, index: Value) -> Value:
        if type(holder) is dict:
            return {held: value for held, value in holder.items() if held != key(index)}
        if type(holder) is list:
            place = _place(index)
            return [*holder[:place], *holder[place + 1 :]]
        return RegoSet(value for value in holder if not equal(value, index))

    return _changed(document, path, remove)


def _patch(document: Value, operations: Value) -> Value:
    for operation in array(operations):
        document = _patched(document, mapping(operation))
    return document


def _patched(document: Value, operation: dict[Any, Value]) -> Value:
    path = _pointer(_needed(operation, "path"))
    match operation.get("op"):
        case "add":
            return _added(document, path, _needed(operation, "value"))
        case "remove":
            return _removed(document, path)
        case "replace":
            value = _needed(operation, "value")
            return _added(_removed(document, path), path, value) if path else value
        case "move":
            origin = _pointer(_needed(operation, "from"))
            return _added(_removed(document, origin), path, _found(document, origin))
        case "copy":
            return _added(document, path, _found(document, _pointer(_needed(operation, "from"))))
        case "test":
            if not equal(_found(document, path), _needed(operation, "value")):
                raise BuiltinError("a test of a patch did not hold")
            return document
        case _:
            raise BuiltinError("add, remove, replace, move, copy or test needed in a patch")


def _needed(operation: dict[Any, Value], name: str) -> Value:
    if name not in operation:
        raise BuiltinError(f"a patch without `{name}`")
    return operation[name]


def _remove_paths(value: Value, paths: Value) -> Value:
    document: Value = mapping(value)
    for path in sequence(paths):
        document = _without(document, _pointer(path))
    return document


def _without(document: Value, path: list[Value]) -> Value:
    """Return the document without what lies at the path; a path that leads nowhere is no error."""
    if not path:
        return document
    try:
        return _removed(document, path)
    except BuiltinError:
        return document


def _filter_paths(value: Value, paths: Value) -> Value:
    tree: dict[str, Any] = {}
    for path in sequence(paths):
        node: dict[str, Any] = tree
        steps = [str(one) for one in _pointer(path)]
        for number, one in enumerate(steps):
            if node.get(one, ...) is None:
                break
            if number == len(steps) - 1:
                node[one] = None
            else:
                node = node.setdefault(one, {})
    return _kept(mapping(value), tree)


def _kept(document: Value, tree: dict[str, Any] | None) -> Value:
    if tree is None:
        return document
    if type(document) is dict:
        return {held: _kept(value, tree[held]) for held, value in document.items() if held in tree}
    if type(document) is list:
        return [
            _kept(value, tree[str(place)])
            for place, value in enumerate(document)
            if str(place) in tree
        ]
    return document


def _encoded(value: Value) -> bytes:
    return text(value).encode()


def _decoded(read: Callable[[str], bytes], value: Value) -> str:
    try:
        return read(text(value)).decode()
    except UnicodeDecodeError as error:
        raise NotOfferedError("a text that does not decode to UTF-8") from error
    except ValueError as error:
        raise BuiltinError("a text that is not encoded so") from error


def _unpadded(value: str) -> bytes:
    padded = value.rstrip("=")
    return base64.b64decode(padded + "=" * (-len(padded) % 4), altchars=b"-_", validate=True)


DOCUMENTS = {
    "walk": Builtin(_walk, 1, relation=True),
    "json.marshal": Builtin(_marshal, 1),
    "json.unmarshal": Builtin(_unmarshal, 1),
    "json.is_valid": Builtin(_is_json, 1),
    "json.patch": Builtin(_patch, 2),
    "json.remove": Builtin(_remove_paths, 2),
    "json.filter": Builtin(_filter_paths, 2),
    "base64.encode": Builtin(lambda value: base64.b64encode(_encoded(value)).decode(), 1),
    "base64.decode": Builtin(
        lambda value: _decoded(lambda one: base64.b64decode(one, validate=True), value), 1
    ),
    "base64url.encode": Builtin(
        lambda value: base64.urlsafe_b64encode(_encoded(value)).decode(), 1
    ),
    "base64url.encode_no_pad": Builtin(
        lambda value: base64.urlsafe_b64encode(_encoded(value)).decode().rstrip("="), 1
    ),
    "base64url.decode": Builtin(lambda value: _decoded(_unpadded, value), 1),
    "hex.encode": Builtin(lambda value: _encoded(value).hex(), 1),
    "hex.decode": Builtin(lambda value: _decoded(bytes.fromhex, value), 1),
    "crypto.sha256": Builtin(lambda value: hashlib.sha256(_encoded(value)).hexdigest(), 1),
}
