"""Built-ins on regular expressions, in linear time: RE2 reads them as Go's engine does."""

import re
from functools import lru_cache
from typing import Any

import re2

from policies.language.builtins.operands import Builtin, bounded, integer, text
from policies.language.errors import BuiltinError
from policies.language.values import Value

# RE2 takes `\C` for one byte; Go refuses it.
_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\C")


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """Compile as RE2. Raises BuiltinError where the pattern is not valid."""
    if _BYTE.search(pattern):
        raise BuiltinError("a regular expression with `\\C`")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise BuiltinError("a regular expression that is not valid") from error


def _matches(pattern: Value, value: Value) -> bool:
    return compiled(text(pattern)).search(text(value)) is not None


def _is_pattern(pattern: Value) -> bool:
    if type(pattern) is not str:
        return False
    try:
        compiled(pattern)
    except BuiltinError:
        return False
    return True


def _found(pattern: Value, value: Value) -> list[Any]:
    """Return the matches that Go finds: none that is empty just behind the one before."""
    found: list[Any] = []
    for match in compiled(text(pattern)).finditer(text(value)):
        if found and match.start() == match.end() == found[-1].end():
            continue
        found.append(match)
    return found


def _limited(found: list[Any], limit: Value) -> list[Any]:
    return found if integer(limit) < 0 else found[:limit]


def _find(pattern: Value, value: Value, limit: Value) -> list[str]:
    return [match.group() for match in _limited(_found(pattern, value), limit)]


def _find_submatches(pattern: Value, value: Value, limit: Value) -> list[list[str]]:
    return [
        [match.group(), *(group or "" for group in match.groups())]
        for match in _limited(_found(pattern, value), limit)
    ]


def _split_by(pattern: Value, value: Value) -> list[str]:
    if not text(value):
        return [""]
    parts: list[str] = []
    start = end = 0
    for match in _found(pattern, value):
        if match.end() == 0:
            continue
        end = match.start()
        if match.start() == match.end() == len(value):
            continue
        parts.append(value[start:end])
        start = match.end()
    return [*parts, value[start:]]


_GROUP = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))", re.ASCII)


def _replace_matches(value: Value, pattern: Value, replacement: Value) -> str:
    expression = compiled(text(pattern))
    parts: list[str] = []
    start = 0

    def expand(match: Any) -> str:
        def group(found: re.Match[str]) -> str:
            if found.group() == "$$":
                return "$"
            name = found.group(1) or found.group(2)
            if name.isdigit():
                return (match.group(int(name)) or "") if int(name) <= expression.groups else ""
            return (match.group(name) or "") if name in expression.groupindex else ""

        return _GROUP.sub(group, text(replacement))

    for match in _found(pattern, value):
        parts += [text(value)[start : match.start()], expand(match)]
        start = match.end()
    return bounded("".join([*parts, text(value)[start:]]))


# Templates: what stands between the delimiters is an expression, the rest is text.


def _matches_template(pattern: Value, value: Value, start: Value, end: Value) -> bool:
    text(pattern), text(value)
    for delimiter in (start, end):
        if len(text(delimiter).encode()) != 1:
            raise BuiltinError("a delimiter of one ASCII character needed")
    return compiled(_template(pattern, start, end)).search(value) is not None


def _template(pattern: str, start: str, end: str) -> str:
    """Return the expression of a template. Raises BuiltinError for delimiters without their other."""
    parts: list[str] = []
    level = literal = opened = 0
    for place, character in enumerate(pattern):
        if character == start:
            level += 1
            if level == 1:
                parts.append(re2.escape(pattern[literal:place]))
                opened = place + 1
        elif character == end:
            level -= 1
            if level < 0:
                break
            if level == 0:
                parts.append(_variable(pattern[opened:place]))
                literal = place + 1
    if level:
        raise BuiltinError("a template with a delimiter that has no other")
    return "^" + "".join([*parts, re2.escape(pattern[literal:])]) + "$"


def _variable(expression: str) -> str:
    compiled(f"^{expression}$")
    return f"({expression})"


REGEXES = {
    "regex.match": Builtin(_matches, 2),
    "regex.is_valid": Builtin(_is_pattern, 1),
    "regex.find_n": Builtin(_find, 3),
    "regex.find_all_string_submatch_n": Builtin(_find_submatches, 3),
    "regex.split": Builtin(_split_by, 2),
    "regex.replace": Builtin(_replace_matches, 3),
    "regex.template_match": Builtin(_matches_template, 4),
}
