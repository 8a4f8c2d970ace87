"""Built-ins on the query part of a URL, in the form that HTML forms send it."""

import re
from urllib.parse import quote_plus, unquote_to_bytes

from policies.language.builtins.operands import Builtin, bounded, mapping, text, texts
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.values import RegoSet, Value, to_json

_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MOST_PARAMETERS = 10_000


def _encode(value: Value) -> str:
    return bounded(quote_plus(text(value)))


def _decode(value: Value) -> str:
    if _BROKEN.search(text(value)):
        raise BuiltinError("a percent sign without two hexadecimal digits")
    try:
        return unquote_to_bytes(value.replace("+", " ")).decode()
    except UnicodeDecodeError as error:
        raise NotOfferedError("a text that does not decode to UTF-8") from error


def _values(value: Value) -> list[str]:
    if type(value) is str:
        return [value]
    if type(value) in {list, RegoSet}:
        return texts(value)
    raise BuiltinError("values that are strings, arrays or sets of strings needed")


def _encode_object(value: Value) -> str:
    held = {name: part for name, part in mapping(value).items() if type(name) is str}
    if len(held) != len(value):
        held = dict(zip(to_json(value), value.values(), strict=True))
    parts = [(name, part) for name in sorted(held) for part in _values(held[name])]
    return bounded("&".join(f"{quote_plus(name)}={quote_plus(part)}" for name, part in parts))


def _decode_object(value: Value) -> dict[str, Value]:
    parts = [part for part in text(value).split("&") if part]
    if len(parts) > _MOST_PARAMETERS:
        raise NotOfferedError(f"a query of more than {_MOST_PARAMETERS} parameters")
    found: dict[str, list[str]] = {}
    for part in parts:
        if ";" in part:
            raise BuiltinError("a semicolon in a query")
        name, _, held = part.partition("=")
        found.setdefault(_decode(name), []).append(_decode(held))
    return dict(found)


URLS = {
    "urlquery.encode": Builtin(_encode, 1),
    "urlquery.decode": Builtin(_decode, 1),
    "urlquery.encode_object": Builtin(_encode_object, 1),
    "urlquery.decode_object": Builtin(_decode_object, 1),
}
