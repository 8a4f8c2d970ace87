"""Built-ins on documents and their what is done with them: JSON, patches, walks, digests."""

import hashlib
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from policies.language.builtins.operands import (
    Builtin,
    array,
    bounded,
    mapping,
    refuse,
    sequence,
    text,
)
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
_WIDEST = 1000


def _plain(value: Value) -> Any:
    plain = to_json(value)
    if _holds_decimal(plain):
        raise NotOfferedError("json.marshal of a number that is no integer is not offered")
    return plain


def _escaped(written: str) -> str:
    for sign in "<>&\u2028\u2029":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return written


def _marshal(value: Value) -> str:
    plain = _plain(value)
    return _escaped(json.dumps(plain, separators=(",", ":"), ensure_ascii=False, sort_keys=True))


def _marshal_as(value: Value, options: Value) -> str:
    chosen = _options(mapping(options))
    pretty = chosen.get("pretty", "prefix" in chosen or "indent" in chosen)
    if not pretty:
        return _marshal(value)
    written = _escaped(json.dumps(_plain(value), indent="\t", ensure_ascii=False, sort_keys=True))
    prefix, indent = chosen.get("prefix", ""), chosen.get("indent", "\t")
    lines = []
    for line in written.split("\n"):
        # Tabs inside of texts are escaped: those in front are the indentation.
        inner = line.lstrip("\t")
        lines.append(prefix + indent * (len(line) - len(inner)) + inner)
    return bounded("\n".join(lines))


def _options(options: dict[Any, Value]) -> dict[str, Any]:
    kinds = {"pretty": bool, "prefix": str, "indent": str}
    for name, value in options.items():
        if kinds.get(name) is not type(value):
            raise BuiltinError("the options pretty (boolean), prefix and indent (texts) needed")
        if type(value) is str and len(value) > _WIDEST:
            raise NotOfferedError(f"an indentation of more than {_WIDEST} characters")
    return options


def _holds_decimal(plain: Any) -> bool:
    if isinstance(plain, dict):
        return any(map(_holds_decimal, plain.values()))
    if isinstance(plain, list):
        return any(map(_holds_decimal, plain))
    return isinstance(plain, float | Decimal)


def _no_constant(name: str) -> Value:
    raise json.JSONDecodeError("a constant", name, 0)


def _unmarshal(value: Value) -> Value:
    try:
        return _read(value, number=read_number)
    except ValueError as error:
        raise NotOfferedError("a number in JSON that is too large to be worked with") from error


def _read(value: Value, *, number: Callable[[str], Value]) -> Value:
    try:
        return json.loads(
            text(value), parse_float=number, parse_int=number, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        raise BuiltinError("a text that is no JSON") from error
    except RecursionError as error:
        raise NotOfferedError("a JSON text that is nested too deeply") from error


def _is_json(value: Value) -> bool:
    if type(value) is not str:
        return False
    try:
        _read(value, number=str)
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
            return RegoSet.of([*holder.members.values(), value])
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
        return RegoSet.of(value for value in holder if not equal(value, index))

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


DOCUMENTS = {
    "walk": Builtin(_walk, 1, relation=True),
    "json.marshal": Builtin(_marshal, 1),
    "json.unmarshal": Builtin(_unmarshal, 1),
    "json.is_valid": Builtin(_is_json, 1),
    "json.patch": Builtin(_patch, 2),
    "json.remove": Builtin(_remove_paths, 2),
    "json.filter": Builtin(_filter_paths, 2),
    "json.marshal_with_options": Builtin(_marshal_as, 2),
    "crypto.sha256": Builtin(lambda value: hashlib.sha256(text(value).encode()).hexdigest(), 1),
}
