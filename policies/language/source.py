"""The tokens of a module with the exact text of each, and the comments and line breaks before it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from policies.language.ast import Literal, Module, Place, descend
from policies.language.lexer import Kind, Lexer, Token

_COMMENT = re.compile(r"#[^\n]*")


@dataclass(frozen=True, slots=True)
class Comment:
    """`own` is whether it stands on a line of its own; `breaks` counts the line ends before it."""

    text: str
    breaks: int
    own: bool


@dataclass(frozen=True, slots=True)
class Written:
    """One token as it was written. `breaks` counts the line ends before it, behind any comment."""

    kind: Kind
    text: str
    place: Place
    start: int
    end: int
    after_space: bool
    breaks: int
    comments: tuple[Comment, ...]


class _Recorder(Lexer):
    """Reads tokens, and keeps where in the source each of them begins and ends."""

    def __init__(self, file: str, source: str) -> None:
        super().__init__(file, source)
        self.spans: list[tuple[int, int]] = []

    def _token(
        self, match: re.Match[str], place: Place, *, newline: bool, space: bool, depth: int
    ) -> Token:
        token = super()._token(match, place, newline=newline, space=space, depth=depth)
        if depth == 0:
            self.spans.append((match.start(), self._position))
        return token


def written(file: str, source: str) -> tuple[Written, ...]:
    """Return the tokens of a source; the last, of kind `end`, has the comments behind all others.

    Raises SyntaxLoadError where the text is none of Rego's.
    """
    recorder = _Recorder(file, source)
    tokens = recorder.tokens()
    spans = [*recorder.spans, (len(source), len(source))]
    found = []
    before = 0
    for token, (start, end) in zip(tokens, spans, strict=True):
        gap = source[before:start]
        comments = tuple(_comments(gap, first=before == 0))
        found.append(
            Written(
                kind=token.kind,
                text=source[start:end],
                place=token.place,
                start=start,
                end=end,
                after_space=token.after_space,
                breaks=gap[gap.rfind("#") :].count("\n") if comments else gap.count("\n"),
                comments=comments,
            )
        )
        before = end
    return tuple(found)


def _comments(gap: str, *, first: bool) -> Iterator[Comment]:
    after = 0
    for match in _COMMENT.finditer(gap):
        breaks = gap.count("\n", after, match.start())
        own = breaks > 0 or first or after > 0
        yield Comment(match.group().rstrip(), breaks, own)
        after = match.end()


class Excerpts:
    """The texts of literals, as their author wrote them, on one line."""

    def __init__(self, module: Module, source: str) -> None:
        self._source = source
        self._tokens = written(module.name, source)
        self._index = {token.place: number for number, token in enumerate(self._tokens)}
        self._starts = {node.place for node in descend(module) if isinstance(node, Literal)}
        for rule in module.rules:
            self._starts |= {rule.place, *(branch.place for branch in rule.branches)}

    def head(self, place: Place) -> str:
        """Return the head of the rule or branch that begins at a place, without its body."""
        return self.text(place, until="if")

    def text(self, place: Place, *, until: str = "") -> str:
        """Return what begins at a place, up to the end of its literal or to the keyword `until`."""
        first = self._index.get(place)
        if first is None:
            return ""
        depth = 0
        last = first
        for number in range(first, len(self._tokens)):
            token = self._tokens[number]
            opens, closes = token.text in {"(", "[", "{"}, token.text in {")", "]", "}"}
            ended = closes or token.text == ";" or token.place in self._starts
            ended = (
                ended or token.kind == "end" or (token.kind == "keyword" and token.text == until)
            )
            if depth == 0 and number > first and ended:
                break
            depth += opens - closes
            last = number
        text = self._source[self._tokens[first].start : self._tokens[last].end]
        return " ".join(text.split())
