"""Built-ins on texts: strings and formats."""

import json
import re
from decimal import Decimal

from policies.language.builtins.operands import (
    LONGEST_TEXT,
    Builtin,
    array,
    bounded,
    integer,
    mapping,
    number,
    refuse,
    text,
    texts,
)
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.numbers import normalise, read_number
from policies.language.values import RegoSet, Value, ordered_keys, unkey

# What Go takes for space; Python would also take the separators 0x1c to 0x1f.
_SPACE = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_VERB = re.compile(r"%([-+# 0]*)([0-9]*)((?:\.[0-9]*)?)([a-zA-Z%])")
_WIDTH = re.compile(r"-?[1-9][0-9]*|")
_WIDEST = 1000


def show(value: Value, *, inside: bool = False) -> str:
    """Write a value as `%v` does: texts bare, except inside of a collection."""
    kind = type(value)
    if kind is str:
        return json.dumps(value, ensure_ascii=False) if inside else str(value)
    if kind is list:
        return "[" + ", ".join(show(part, inside=True) for part in value) + "]"
    if kind is RegoSet:
        if not value.members:
            return "set()"
        return "{" + ", ".join(show(part, inside=True) for part in value) + "}"
    if kind is dict:
        parts = (
            f"{show(unkey(held), inside=True)}: {show(value[held], inside=True)}"
            for held in ordered_keys(value)
        )
        return "{" + ", ".join(parts) + "}"
    if kind is Decimal:
        return show_decimal(value)
    return json.dumps(value)


def show_decimal(value: Decimal) -> str:
    return format(value, "f") if -7 < value.adjusted() < 21 else str(value).replace("E", "e")


def _sprintf(pattern: Value, values: Value) -> str:
    waiting = list(array(values))

    def fill(found: re.Match[str]) -> str:
        flags, width, precision, verb = found.groups()
        if verb == "%":
            return "%"
        if int(width or 0) > _WIDEST or len(precision) > 4:
            raise NotOfferedError(f"a field wider than {_WIDEST}")
        if not waiting:
            raise NotOfferedError("more verbs than values")
        return _formatted(flags + width, precision, verb, waiting.pop(0))

    result = _VERB.sub(fill, text(pattern))
    if waiting:
        raise NotOfferedError("more values than verbs")
    return bounded(result)


def _formatted(field: str, precision: str, verb: str, value: Value) -> str:
    if type(value) is Decimal:
        value = normalise(value)
    shown = verb == "v" or (verb == "s" and type(value) not in {int, Decimal})
    if shown and not precision and _WIDTH.fullmatch(field):
        return f"%{field}s" % show(value)
    if verb == "d" and type(value) is int and not precision:
        return f"%{field}d" % value
    if verb in "xXo" and type(value) is int and not (precision or field):
        return f"%{verb}" % value
    if verb == "b" and type(value) is int and not (precision or field):
        return f"{value:b}"
    if verb == "q" and type(value) is str and not (precision or field) and value.isascii():
        return json.dumps(value)
    if verb == "f" and type(value) in {int, Decimal}:
        places = int(precision[1:] or 0) if precision else 6
        return f"%{field}s" % format(Decimal(value), f".{places}f")
    if verb == "t" and type(value) is bool and not (precision or field):
        return show(value)
    raise NotOfferedError(f"`%{verb}` with this width or this value is not offered")


def _concat(separator: Value, values: Value) -> str:
    return bounded(text(separator).join(texts(values)))


def _index_of(value: Value, part: Value) -> int:
    if not text(part):
        raise BuiltinError("an empty text to search for")
    return text(value).find(part)


def _indexes_of(value: Value, part: Value) -> list[int]:
    if not text(part):
        raise BuiltinError("an empty text to search for")
    found: list[int] = []
    start = text(value).find(part)
    while start >= 0:
        found.append(start)
        start = value.find(part, start + 1)
    return found


def _replace(value: Value, old: Value, new: Value) -> str:
    size = len(text(value)) + text(value).count(text(old)) * len(text(new))
    if size > LONGEST_TEXT:
        raise NotOfferedError(f"a text of more than {LONGEST_TEXT} characters")
    return str(value.replace(old, new))


def _replace_all(patterns: Value, value: Value) -> str:
    names = [text(unkey(held)) for held in ordered_keys(mapping(patterns))]
    for name in names:
        text(patterns[name])
    if "" in names:
        raise BuiltinError("an empty text to replace")
    if not names:
        return text(value)
    found = re.compile("|".join(map(re.escape, names)))
    return bounded(found.sub(lambda match: str(patterns[match.group()]), text(value)))


def _split(value: Value, separator: Value) -> list[str]:
    return text(value).split(text(separator)) if text(separator) else list(text(value))


def _split_some(value: Value, separator: Value, most: Value) -> list[str]:
    """Return the first parts, or the last where `most` is negative."""
    parts = _split(value, separator)
    return parts[: integer(most)] if integer(most) >= 0 else parts[most:]


def _substring(value: Value, start: Value, length: Value) -> str:
    if integer(start) < 0:
        raise BuiltinError("a negative start")
    found = text(value)[start:]
    return found if integer(length) < 0 else found[:length]


def _prefix(value: Value, prefix: Value) -> bool:
    return text(value).startswith(text(prefix))


def _suffix(value: Value, suffix: Value) -> bool:
    return text(value).endswith(text(suffix))


def _one_or_more(value: Value) -> list[str]:
    if type(value) is str:
        return [value]
    if type(value) in {list, RegoSet}:
        return texts(value)
    raise refuse("string, array or set", value)


def _any_prefix(values: Value, prefixes: Value) -> bool:
    wanted = tuple(_one_or_more(prefixes))
    return any(value.startswith(wanted) for value in _one_or_more(values))


def _any_suffix(values: Value, suffixes: Value) -> bool:
    wanted = tuple(_one_or_more(suffixes))
    return any(value.endswith(wanted) for value in _one_or_more(values))


def lower_text(value: Value) -> str:
    return text(value).lower() if text(value).isascii() else "".join(map(_lower_one, text(value)))


def _lower_one(character: str) -> str:
    # Go maps one character to one; the capital dotted I is the only one that Python maps to two.
    lower = character.lower()
    return lower if len(lower) == 1 else lower[0]


def _upper(value: Value) -> str:
    return text(value).upper() if text(value).isascii() else "".join(map(_upper_one, text(value)))


def _upper_one(character: str) -> str:
    for mapped in (character.upper(), character.title()):
        if len(mapped) == 1:
            return mapped
    return character


def _format_int(value: Value, base: Value) -> str:
    letters = {2: "b", 8: "o", 10: "d", 16: "x"}
    if type(base) is not int or base not in letters:
        raise BuiltinError("a base of 2, 8, 10 or 16 needed")
    return format(int(number(value)), letters[base])


def _to_number(value: Value) -> Value:
    if value is None:
        return 0
    if type(value) is bool:
        return int(value)
    if type(value) is str:
        if not _NUMBER.fullmatch(value):
            raise BuiltinError("a text that is no number")
        try:
            return read_number(value)
        except ValueError as error:
            raise BuiltinError(str(error)) from error
    return number(value)


TEXTS = {
    "concat": Builtin(_concat, 2),
    "contains": Builtin(lambda value, part: text(part) in text(value), 2),
    "startswith": Builtin(_prefix, 2),
    "endswith": Builtin(_suffix, 2),
    "indexof": Builtin(_index_of, 2),
    "indexof_n": Builtin(_indexes_of, 2),
    "lower": Builtin(lower_text, 1),
    "upper": Builtin(_upper, 1),
    "replace": Builtin(_replace, 3),
    "strings.replace_n": Builtin(_replace_all, 2),
    "split": Builtin(_split, 2),
    "strings.split_n": Builtin(_split_some, 3),
    "substring": Builtin(_substring, 3),
    "trim": Builtin(lambda value, cut: text(value).strip(text(cut)), 2),
    "trim_left": Builtin(lambda value, cut: text(value).lstrip(text(cut)), 2),
    "trim_right": Builtin(lambda value, cut: text(value).rstrip(text(cut)), 2),
    "trim_prefix": Builtin(lambda value, cut: text(value).removeprefix(text(cut)), 2),
    "trim_suffix": Builtin(lambda value, cut: text(value).removesuffix(text(cut)), 2),
    "trim_space": Builtin(lambda value: text(value).strip(_SPACE), 1),
    "strings.reverse": Builtin(lambda value: text(value)[::-1], 1),
    "strings.count": Builtin(lambda value, part: text(value).count(text(part)), 2),
    "strings.any_prefix_match": Builtin(_any_prefix, 2),
    "strings.any_suffix_match": Builtin(_any_suffix, 2),
    "sprintf": Builtin(_sprintf, 2),
    "format_int": Builtin(_format_int, 2),
    "to_number": Builtin(_to_number, 1),
}
