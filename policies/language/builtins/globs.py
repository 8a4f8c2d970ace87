"""Built-ins on globs: written anew as a regular expression, so that they match in linear time.

`*` is any text without a delimiter, `**` any text, `?` one character that is no delimiter, `[abc]`, `[a-c]`,
`[!abc]` one character out of or outside of a list, `{a,b}` one of several globs. A backslash takes the next
character as it is.
"""

import re
from functools import lru_cache
from typing import Any

import re2

from policies.language.builtins.operands import Builtin, bounded, refuse, text
from policies.language.builtins.regexes import compiled
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.values import Value

_SPECIAL = re.compile(r"[*?\\\[\]{}]")
# OPA's reader takes these for the end of the glob, or cannot read them.
_UNREADABLE = re.compile("[\x00\ufffd]")
# OPA takes nothing at all for one character here.
_ODD_ON_NOTHING = re.compile(r"\?|\[!")
# OPA counts bytes here.
_COUNTS = re.compile(r"[?\[]")
# OPA takes a negated list that stands twice in a row for one that takes anything.
_REPEATED = re.compile(r"(\[![^\]]*\])\1")
_LONGEST = 10_000
_MOST_STEPS = 20_000_000


def _quote(value: Value) -> str:
    return bounded(_SPECIAL.sub(r"\\\g<0>", text(value)))


def _matches(pattern: Value, delimiters: Value, value: Value) -> bool:
    expression = _compiled(text(pattern), _delimiters(delimiters))
    if not text(value) and _ODD_ON_NOTHING.search(pattern):
        raise NotOfferedError("an empty text and a glob with `?` or `[!`")
    if not (value + pattern).isascii() and _COUNTS.search(pattern):
        raise NotOfferedError("a text beyond ASCII and a glob with `?` or `[`")
    if len(pattern) * len(value) > _MOST_STEPS:
        raise NotOfferedError(f"a glob and a text of more than {_MOST_STEPS} steps")
    return expression.search(value) is not None


def _delimiters(value: Value) -> str:
    """Return the delimiters: null stands for none, an empty array for the full stop."""
    if value is None:
        return ""
    if type(value) is not list:
        raise refuse("array or null", value)
    if any(len(text(one)) != 1 for one in value):
        raise BuiltinError("delimiters of one character needed")
    return "".join(value) or "."


@lru_cache(maxsize=512)
def _compiled(pattern: str, delimiters: str) -> Any:
    if _UNREADABLE.search(pattern):
        raise NotOfferedError("a glob with NUL or U+FFFD")
    if _REPEATED.search(pattern):
        raise NotOfferedError("a negated list twice in a row in a glob")
    if len(pattern) > _LONGEST:
        raise NotOfferedError(f"a glob of more than {_LONGEST} characters")
    return compiled(f"(?s)\\A{_Reader(pattern, delimiters).expression()}\\z")


_WILD = {"?", "*", "**"}


class _Reader:
    """Reads a glob from left to right and writes the expression.

    Raises NotOfferedError for what OPA does not match by its own rules: three stars in a row, wild cards side
    by side under several delimiters, in braces a wild card, a negated list, braces or an empty alternative,
    and braces that stay open.
    """

    def __init__(self, pattern: str, delimiters: str) -> None:
        self._pattern = pattern
        self._place = 0
        self._depth = 0
        self._before = ""
        self._many = len(delimiters) > 1
        self._one = f"[^{_listed(delimiters)}]" if delimiters else "."

    def expression(self) -> str:
        parts = []
        while self._place < len(self._pattern):
            start, inside = self._place, self._depth > 0
            parts.append(self._part())
            self._check(self._pattern[start : self._place], inside=inside)
        if self._depth:
            raise NotOfferedError("braces that stay open in a glob")
        return "".join(parts)

    def _check(self, written: str, *, inside: bool) -> None:
        if self._many and self._before in _WILD and written in _WILD:
            raise NotOfferedError("wild cards side by side in a glob with several delimiters")
        if ("*" in self._before and written == "*") or (self._before == "*" and written == "**"):
            raise NotOfferedError("three stars in a row in a glob")
        if inside and (written in _WILD or written.startswith("[!")):
            raise NotOfferedError("a wild card or a negated list in braces in a glob")
        if self._depth > 1:
            raise NotOfferedError("braces in braces in a glob")
        if inside and self._before in {"{", ","} and written in {",", "}"}:
            raise NotOfferedError("an empty alternative in a glob")
        self._before = written

    def _take(self) -> str:
        character = self._pattern[self._place : self._place + 1]
        self._place += 1
        return character

    def _part(self) -> str:
        character = self._take()
        match character:
            case "*":
                return self._any()
            case "?":
                return self._one
            case "[":
                return self._list()
            case "\\":
                return re2.escape(self._take())
            case "{":
                self._depth += 1
                return "(?:"
            case "," if self._depth:
                return "|"
            case "}" if self._depth:
                self._depth -= 1
                return ")"
        return re2.escape(character)

    def _any(self) -> str:
        if self._pattern.startswith("*", self._place):
            self._place += 1
            return ".*"
        return f"{self._one}*"

    def _list(self) -> str:
        """Read a list up to its bracket. Raises BuiltinError where it is empty or stays open."""
        negated = self._pattern.startswith("!", self._place)
        self._place += negated
        is_range = self._pattern.startswith("-", self._place + 1)
        listed = self._range() if is_range else self._characters()
        if self._take() != "]" or not listed:
            raise BuiltinError("a list of characters that is not valid in a glob")
        return f"[^{listed}]" if negated else f"[{listed}]"

    def _range(self) -> str:
        low, _, high = self._take(), self._take(), self._take()
        if not high or high < low:
            raise BuiltinError("a range of characters that is not valid in a glob")
        return f"{_listed(low)}-{_listed(high)}"

    def _characters(self) -> str:
        found = []
        while self._place < len(self._pattern) and self._pattern[self._place] != "]":
            character = self._take()
            found.append(self._take() if character == "\\" else character)
        return _listed("".join(found))


def _listed(characters: str) -> str:
    """Write the characters for the inside of brackets."""
    return "".join(f"\\x{{{ord(one):x}}}" for one in characters)


GLOBS = {
    "glob.match": Builtin(_matches, 3),
    "glob.quote_meta": Builtin(_quote, 1),
}
