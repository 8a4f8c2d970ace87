"""The built-in that asks whether two expressions have a text in common.

They are made of characters, `.`, `[a-z]` and the flags `*` and `+`. The answer is OPA's, which gives up where
a step could go two ways: it may say no where there is one, and `a*` alone never stands for nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from policies.language.builtins.operands import Builtin, text
from policies.language.errors import BuiltinError, NotOfferedError
from policies.language.values import Value

_LONGEST = 100
_MOST_STEPS = 100_000
_FLAGS = "*+"


Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Token:
    """One character out of `ranges`, or any character where they are None; `flag` repeats it.

    Ranges lie in order and apart. `listed` tells `[a]` from `a`, which OPA does not take for the same.
    """

    ranges: Ranges | None
    listed: bool = False
    flag: str = ""

    def meets(self, other: "Token") -> bool:
        if self.ranges is None or other.ranges is None:
            return True
        return any(
            low <= last and first <= high
            for low, high in self.ranges
            for first, last in other.ranges
        )


class _Reader:
    """Reads an expression. Raises BuiltinError where OPA refuses it."""

    def __init__(self, expression: str) -> None:
        self._text = expression
        self._place = 0

    def tokens(self) -> Iterator[Token]:
        while self._place < len(self._text):
            token = self._token()
            flag = self._text[self._place : self._place + 1]
            if flag and flag in _FLAGS:
                self._place += 1
                token = replace(token, flag=flag)
            yield token

    def _take(self) -> tuple[str, bool]:
        """Return the next character and whether it was escaped."""
        found = self._text[self._place : self._place + 1]
        escaped = found == "\\"
        if escaped:
            self._place += 1
            found = self._text[self._place : self._place + 1]
        if not found:
            raise BuiltinError("an expression that ends too early")
        self._place += 1
        return found, escaped

    def _token(self) -> Token:
        found, escaped = self._take()
        if not escaped:
            if found == ".":
                return Token(None)
            if found == "[":
                return Token(_apart(self._listed()), listed=True)
            if found == "]" or found in _FLAGS:
                raise BuiltinError("a bracket or a flag without what comes before it")
        return Token(((ord(found), ord(found)),))

    def _listed(self) -> Iterator[tuple[int, int]]:
        before: int | None = None
        while True:
            found, escaped = self._take()
            if found == "]" and not escaped:
                return
            if found == "-" and not escaped:
                yield self._range(before)
                before = None
            else:
                before = ord(found)
                yield before, before

    def _range(self, first: int | None) -> tuple[int, int]:
        last, escaped = self._take()
        if first is None or (last in "]-" and not escaped) or ord(last) < first:
            raise BuiltinError("a range without an end, or out of order")
        return first, ord(last)


def _apart(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the ranges in order, joined where they touch."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _simplified(tokens: Iterable[Token]) -> list[Token]:
    """Join neighbours that repeat the same: `a*a+` is `a+`."""
    found: list[Token] = []
    for token in tokens:
        before = found[-1] if found else None
        if before and before.flag and token.flag and replace(before, flag=token.flag) == token:
            found[-1] = replace(token, flag="+" if "+" in {before.flag, token.flag} else "*")
        else:
            found.append(token)
    return found


def _read(expression: Value) -> list[Token]:
    if len(text(expression)) > _LONGEST:
        raise NotOfferedError(f"an expression of more than {_LONGEST} characters to intersect")
    return _simplified(_Reader(expression).tokens())


def _have_common(left: Value, right: Value) -> bool:
    ours, theirs = _read(left), _read(right)
    if not _ends_meet(ours, theirs):
        return False
    return _Search(ours, theirs).common(0, 0)


def _ends_meet(left: list[Token], right: list[Token]) -> bool:
    """Whether what stands behind the last flag on both sides can be the same."""
    for one, other in zip(reversed(left), reversed(right), strict=False):
        if one.flag or other.flag:
            return True
        if not one.meets(other):
            return False
    return True


class _Search:
    """The search of OPA through two rows of tokens, each pair of rests looked at once.

    A pair has an order: where both begin with a flag, the first one's is followed first.
    """

    def __init__(self, left: list[Token], right: list[Token]) -> None:
        self._rows = (left, right)
        self._known: dict[tuple[int, int, bool], bool] = {}
        self._steps = 0

    def common(self, first: int, second: int, *, swapped: bool = False) -> bool:
        """Return whether what begins at these places has a text in common."""
        pair = (first, second, swapped)
        if pair not in self._known:
            self._known[pair] = self._looked(first, second, swapped=swapped)
        return self._known[pair]

    def _ordered(self, *, swapped: bool) -> tuple[list[Token], list[Token]]:
        left, right = self._rows
        return (right, left) if swapped else (left, right)

    def _looked(self, first: int, second: int, *, swapped: bool) -> bool:
        row, others = self._ordered(swapped=swapped)
        while first < len(row) and second < len(others):
            if row[first].flag:
                return self._repeated(first, second, swapped=swapped)
            if others[second].flag:
                return self._repeated(second, first, swapped=not swapped)
            if not self._meet(row[first], others[second]):
                return False
            first, second = first + 1, second + 1
        return first == len(row) and second == len(others)

    def _repeated(self, place: int, other: int, *, swapped: bool) -> bool:
        """Look on from a token with a flag at `place` in the first row."""
        row, others = self._ordered(swapped=swapped)
        if row[place].flag == "*":
            return self._swallows(place, other, swapped=swapped)
        if not self._meet(row[place], others[other]):
            return False
        if self._swallows(place, other + 1, swapped=swapped):
            return True
        return bool(others[other].flag) and self.common(place + 1, other, swapped=swapped)

    def _swallows(self, place: int, other: int, *, swapped: bool) -> bool:
        row, others = self._ordered(swapped=swapped)
        following = row[place + 1] if place + 1 < len(row) else None
        for reached in range(other, len(others)):
            one = others[reached]
            if (
                following is not None
                and self._meet(one, following)
                and self.common(place + 1, reached, swapped=swapped)
            ):
                return True
            if not self._meet(one, row[place]):
                return False
        return following is None

    def _meet(self, one: Token, other: Token) -> bool:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise NotOfferedError(f"a search of more than {_MOST_STEPS} steps")
        return one.meets(other)


INTERSECTIONS = {"regex.globs_match": Builtin(_have_common, 2)}
