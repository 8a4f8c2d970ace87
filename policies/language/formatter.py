"""Lays a module out in one way, as `opa fmt` does: tabs, one literal a line, no comment lost.

Line breaks that the author chose inside a term are kept; everything between tokens is decided here. What is
laid out is read again: unless it means the same, with the same comments, it is refused and not given.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace

from policies.engine import LoadError
from policies.language.ast import (
    Array,
    Comprehension,
    Import,
    Literal,
    Module,
    Object,
    Place,
    SetOf,
    descend,
)
from policies.language.errors import UnsupportedError, at
from policies.language.parser import parse_module
from policies.language.source import Comment, Written, written

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_OPERANDS = frozenset({"name", "number", "string", "template"})
_IMPORT = re.compile(r"import [A-Za-z_][A-Za-z0-9_.]*( |$)")
_CONSTANTS = frozenset({"null", "true", "false"})


def format_module(name: str, source: str) -> str:
    """Return the module laid out.

    Raises LoadError with file, line and column: for what is no Rego, and for what cannot be laid out
    without changing what it means.
    """
    module = parse_module(name, source)
    tokens = written(name, source)
    laid = _Layout(module, tokens).text()
    _check_same(module, tokens, laid)
    return laid


def _check_same(module: Module, tokens: tuple[Written, ...], laid: str) -> None:
    try:
        again = parse_module(module.name, laid)
        comments = [one.text for token in written(module.name, laid) for one in token.comments]
    except LoadError as error:
        raise UnsupportedError(at(module.place, f"cannot be laid out: {error}")) from error
    for before, after in zip(module.rules, again.rules, strict=False):
        if not same(before, after):
            raise UnsupportedError(at(before.place, "this rule cannot be laid out as it is meant"))
    if not same(_ordered(module), _ordered(again)):
        raise UnsupportedError(at(module.place, "this module cannot be laid out as it is meant"))
    needed = [one.text for token in tokens for one in token.comments]
    if sorted(needed) != sorted(comments):
        message = f"{len(needed)} comments, {len(comments)} of them laid out"
        raise UnsupportedError(at(module.place, message))


def _ordered(module: Module) -> Module:
    return replace(module, imports=tuple(sorted(module.imports, key=_import_key)))


def _import_key(one: Import) -> tuple[tuple[str, ...], str]:
    return one.path, one.alias


def same(one: object, other: object) -> bool:
    """Whether two trees are equal but for where they were written, and for wildcards' numbers."""
    if isinstance(one, Place) or (isinstance(one, str) and one.startswith("$wild")):
        return type(one) is type(other)
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return one == other


@dataclass(slots=True)
class _Bracket:
    """A pair of brackets. `broken` is whether what it holds stands on lines of its own."""

    kind: str
    first: int
    last: int = 0
    commas: list[int] = field(default_factory=list)
    broken: bool = False
    dropped: bool = False
    """Braces around a body that stands on the head's line without them."""
    indent: int = 0


class _Layout:
    """Decides, token by token, what stands before it: nothing, a space, or a new line."""

    def __init__(self, module: Module, tokens: tuple[Written, ...]) -> None:
        nodes = list(descend(module))
        self._tokens = tokens
        self._index = {token.place: number for number, token in enumerate(tokens)}
        self._literals = {node.place for node in nodes if isinstance(node, Literal)}
        self._comprehensions = {node.place for node in nodes if isinstance(node, Comprehension)}
        self._collections = {
            node.place for node in nodes if isinstance(node, Array | SetOf | Object)
        }
        self._imports = {one.place for one in module.imports}
        self._rules = {one.place for one in module.rules}
        self._statements = {module.place, *self._imports, *self._rules, tokens[-1].place}
        self._brackets = self._paired()
        self._closers = {bracket.last: bracket for bracket in self._brackets.values()}
        for bracket in self._brackets.values():
            bracket.broken, bracket.dropped = self._breaks(bracket)
        self._lines: list[str] = []
        self._line = ""
        self._indent = 0
        self._open: list[_Bracket] = []

    # What each bracket is.

    def _paired(self) -> dict[int, _Bracket]:
        found: dict[int, _Bracket] = {}
        stack: list[_Bracket] = []
        for number, token in enumerate(self._tokens):
            if token.kind != "sign":
                continue
            if token.text in _CLOSING:
                bracket = _Bracket(self._kind(number), number)
                found[number] = bracket
                stack.append(bracket)
            elif token.text in _CLOSING.values():
                stack.pop().last = number
            elif token.text == "," and stack:
                stack[-1].commas.append(number)
        return found

    def _kind(self, number: int) -> str:
        token = self._tokens[number]
        if token.place in self._comprehensions:
            return "comprehension"
        if token.place in self._collections:
            return "list"
        if token.text == "{":
            return "body" if self._tokens[number - 1].text == "if" else "inner"
        if token.text == "[":
            return "step"
        return "list" if self._glued(number) else "group"

    def _glued(self, number: int) -> bool:
        """Whether a bracket continues the operand before it, as a call or a step does."""
        token = self._tokens[number]
        return not token.after_space and number > 0 and self._ends_operand(number - 1)

    def _ends_operand(self, number: int) -> bool:
        token = self._tokens[number]
        if token.kind in _OPERANDS or token.text in {")", "]", "}"}:
            return True
        named = number > 0 and self._tokens[number - 1].text == "."
        return token.kind == "keyword" and (
            named or token.text in _CONSTANTS or self._opens_reference(number)
        )

    def _opens_reference(self, number: int) -> bool:
        """Whether a keyword stands as the first name of a reference, or as the name of a call."""
        after = self._tokens[number + 1]
        if after.after_space:
            return False
        return after.text in {".", "["} or (
            self._tokens[number].text == "contains" and after.text == "("
        )

    def _breaks(self, bracket: _Bracket) -> tuple[bool, bool]:
        """Whether the bracket is broken, and whether its braces are dropped instead."""
        first, last = bracket.first, bracket.last
        if last == first + 1:
            return bool(self._tokens[last].comments), False
        inside = range(first + 1, last + 1)
        starts = [n for n in inside if self._starts(n, bracket)]
        apart = any(self._tokens[n].breaks or self._tokens[n].comments for n in starts)
        if bracket.kind != "body":
            return apart and bracket.kind not in {"step", "group"}, False
        literals = [n for n in starts if n != last]
        alone = len(literals) == 1 and not any(self._tokens[n].comments for n in inside)
        headed = not self._tokens[first].breaks and not self._tokens[first + 1].breaks
        droppable = alone and headed and self._tokens[first + 1].text != "{"
        return not droppable, droppable

    def _starts(self, number: int, bracket: _Bracket) -> bool:
        """Whether an element of the bracket, or its closing sign, is here."""
        if number == bracket.last:
            return bracket.kind != "comprehension" or bool(self._tokens[number].breaks)
        if bracket.kind in {"body", "inner", "comprehension"}:
            token = self._tokens[number]
            return token.place in self._literals and self._holder(number) is bracket
        return number == bracket.first + 1 or number - 1 in bracket.commas

    def _holder(self, number: int) -> _Bracket | None:
        """The innermost bracket around a token."""
        around = [one for one in self._brackets.values() if one.first < number <= one.last]
        return max(around, key=lambda one: one.first, default=None)

    # The text.

    def text(self) -> str:
        for number, token in enumerate(self._tokens):
            for comment in token.comments:
                self._comment(comment, number)
            self._before(number)
            self._write(number)
        self._end_line()
        while self._lines and not self._lines[-1]:
            self._lines.pop()
        return "\n".join(self._sorted_imports()) + "\n"

    def _comment(self, comment: Comment, number: int) -> None:
        if not comment.own and self._line:
            self._line += f" {comment.text}"
            self._end_line()
            return
        self._end_line()
        apart = comment.breaks > 1 or (self._lines and self._ended_statement(number))
        if apart and not self._just_opened():
            self._blank()
        self._indent = self._base(number, comment=True)
        self._line = "\t" * self._indent + comment.text
        self._end_line()

    def _just_opened(self) -> bool:
        """Whether the last line ends with what opens a block: no blank line follows there."""
        last = self._lines[-1] if self._lines else ""
        return last.endswith(("{", "[", "(", "|")) and not last.lstrip().startswith("#")

    def _ended_statement(self, number: int) -> bool:
        """Whether the first comment before a statement follows one that must stand apart."""
        token = self._tokens[number]
        return (
            token.place in self._statements
            and token.kind != "end"
            and not self._lines[-1].lstrip().startswith("#")
            and self._apart(number)
        )

    def _before(self, number: int) -> None:
        token = self._tokens[number]
        if token.kind == "end" or self._omitted(number):
            return
        after_comment = not self._line
        if token.place in self._statements:
            self._end_line()
            if token.breaks > 1 or (not after_comment and number and self._apart(number)):
                self._blank()
            self._indent = 0
        elif self._breaks_before(number) or (after_comment and number):
            self._end_line()
            if token.breaks > 1 and self._may_stand_apart(number):
                self._blank()
            self._indent = self._base(number)
        elif self._spaced(number):
            self._line += " "

    def _apart(self, number: int) -> bool:
        """Whether a blank line belongs before the statement that begins here."""
        token = self._tokens[number]
        if number == 0:
            return False
        if token.place in self._imports:
            return self._previous_statement(number) not in self._imports
        previous = self._previous_statement(number)
        if previous not in self._rules:
            return True
        return not (self._one_line(previous) and self._one_line(token.place) and token.breaks == 1)

    def _previous_statement(self, number: int) -> Place | None:
        places = (self._tokens[n].place for n in range(number - 1, -1, -1))
        return next((place for place in places if place in self._statements), None)

    def _one_line(self, place: Place) -> bool:
        """Whether the rule is written on one line, without a body of its own lines."""
        first = self._index[place]
        for number in range(first + 1, len(self._tokens)):
            token = self._tokens[number]
            if token.place in self._statements:
                return True
            bracket = self._brackets.get(number)
            if token.breaks or (bracket is not None and bracket.broken):
                return False
        return True

    def _omitted(self, number: int) -> bool:
        """Whether the token is not written: a dropped brace, or a semicolon at the end of a line."""
        token = self._tokens[number]
        bracket = self._brackets.get(number) or self._closers.get(number)
        if bracket is not None and bracket.dropped:
            return True
        if token.text == "," and self._tokens[number + 1].text in {"]", "}", ")"}:
            return not self._closers[number + 1].broken
        if token.text != ";":
            return False
        after = self._tokens[number + 1]
        holder = self._open[-1] if self._open else None
        loose = holder is None or holder.broken or holder.dropped
        return loose or after.text in {";", "}", "]"} or after.kind == "end"

    def _breaks_before(self, number: int) -> bool:
        token = self._tokens[number]
        closed = self._closers.get(number)
        if closed is not None and closed.kind in {"body", "inner", "list", "comprehension"}:
            return closed.broken
        if token.text == "else" and self._tokens[number - 1].text == "}":
            # Only the brace of a body is followed by its `else` on the same line.
            body = self._closers[number - 1]
            return not (body.kind == "body" and body.broken)
        holder = self._open[-1] if self._open else None
        if holder is not None and not holder.dropped:
            if token.place in self._literals and holder.kind != "group":
                return holder.broken and self._starts(number, holder)
            if holder.kind == "list" and holder.broken and number == holder.first + 1:
                return True
        return token.breaks > 0 and token.text not in {",", ";"}

    def _may_stand_apart(self, number: int) -> bool:
        """Whether a blank line may be kept here: between literals and elements, not at the edges."""
        if number in self._closers or not self._lines or not self._open:
            return False
        return self._tokens[number].place in self._literals and number - 1 != self._open[-1].first

    def _base(self, number: int, *, comment: bool = False) -> int:
        """The indentation of a line that begins with this token, or with a comment before it."""
        token = self._tokens[number]
        closed = self._closers.get(number)
        if closed is not None and not comment:
            return closed.indent
        holder = self._open[-1] if self._open else None
        if token.place in self._statements or token.text == "else":
            return 0
        if holder is None:
            return 1
        starts = comment or self._starts(number, holder) or not holder.broken
        return holder.indent + (1 if starts else 2)

    def _write(self, number: int) -> None:
        token = self._tokens[number]
        if token.kind == "end":
            return
        closed = self._closers.get(number)
        if closed is not None:
            self._open.remove(closed)
        if not self._omitted(number):
            if not self._line:
                self._line = "\t" * self._indent
            self._line += token.text
        bracket = self._brackets.get(number)
        if bracket is not None:
            bracket.indent = self._indent
            self._open.append(bracket)
        following = self._closers.get(number + 1)
        if following is not None and following.kind == "list" and following.broken:
            self._trail(number, following)

    def _trail(self, number: int, bracket: _Bracket) -> None:
        """Write the comma behind the last element of a broken list."""
        if number != bracket.first and self._tokens[number].text != ",":
            self._line += ","

    def _spaced(self, number: int) -> bool:
        """Whether a space stands before a token on the same line."""
        token, before = self._tokens[number], self._tokens[number - 1]
        if token.text in {",", ";", ":", "."} and token.kind == "sign":
            return False
        if before.kind == "sign" and (before.text == "." or before.text in {"(", "["}):
            return False
        opened, closed = self._brackets.get(number), self._closers.get(number)
        outer = self._brackets.get(number - 1)
        if closed is not None:
            return closed.kind == "inner"
        if outer is not None:
            return outer.kind == "inner" or outer.dropped
        if opened is not None and token.text in {"(", "["}:
            return not self._glued(number) and not self._unary(number - 1)
        return not self._unary(number - 1)

    def _unary(self, number: int) -> bool:
        """Whether the token is the sign of the number behind it."""
        if self._tokens[number].text != "-" or self._tokens[number + 1].kind != "number":
            return False
        return number == 0 or not self._ends_operand(number - 1)

    def _end_line(self) -> None:
        if self._line.strip():
            self._lines.extend(self._line.rstrip(" \t").split("\n"))
        self._line = ""

    def _blank(self) -> None:
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def _sorted_imports(self) -> Iterator[str]:
        """Yield the lines, imports that follow each other in the order of their paths."""
        block: list[str] = []
        for line, following in zip(self._lines, [*self._lines[1:], ""], strict=True):
            # An import that goes on in the next line stays where it is.
            if _IMPORT.match(line) and not following.startswith("\t"):
                block.append(line)
                continue
            yield from sorted(block)
            block = []
            yield line
        yield from sorted(block)
