"""Splits the text of a Rego module into tokens that know their place and the space before them."""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

from policies.language.ast import Place
from policies.language.errors import SyntaxLoadError, at

KEYWORDS = frozenset(
    {"package", "import", "default", "if", "contains", "else", "some", "every", "in", "not"}
    | {"with", "as", "null", "true", "false"}
)
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r]+) | (?P<newline>\n) | (?P<comment>\#[^\n]*)
  | (?P<number>(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9A-Za-z_]))
  | (?P<template>\$["`])
  | (?P<string>"(?:[^"\\\n]|\\.)*") | (?P<raw>`[^`]*`)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>:=|==|!=|<=|>=|[{}\[\]().,;:|&+\-*/%<>=])
    """,
    re.VERBOSE,
)
_TEXT = {
    '"': re.compile(r'(?:[^"\\\n{]|\\.)*'),
    "`": re.compile(r"(?:[^`\\{]|\\[^{]|\\\{)*"),
}
_DEEPEST_TEMPLATE = 8

Kind = Literal["number", "string", "template", "name", "keyword", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is what was written, or the value of a string.

    `parts` is empty but for a template: there, a text, or the tokens of one interpolated term.
    """

    kind: Kind
    text: str
    place: Place
    after_newline: bool
    after_space: bool
    parts: tuple["str | tuple[Token, ...]", ...] = ()


class Lexer:
    def __init__(self, file: str, source: str) -> None:
        self._file = file
        self._source = source
        self._lines = [0, *(found.end() for found in re.finditer("\n", source))]
        self._position = 0

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens of the source, the last of kind `end`."""
        return self._run(depth=0)

    def _run(self, *, depth: int) -> tuple[Token, ...]:
        """Read to the end, or inside a template to the brace that closes it."""
        found: list[Token] = []
        braces = 0
        newline = space = True
        while self._position < len(self._source):
            match = _TOKEN.match(self._source, self._position)
            place = self._place(self._position)
            if match is None:
                character = self._source[self._position]
                raise SyntaxLoadError(at(place, f"unexpected character {character!r}"))
            kind = match.lastgroup
            if kind in {"space", "newline", "comment"}:
                newline = newline or kind == "newline"
                space = True
                self._position = match.end()
                continue
            if depth and match.group() in {"{", "}"}:
                braces += 1 if match.group() == "{" else -1
                if braces < 0:
                    break
            self._position = match.end()
            found.append(self._token(match, place, newline=newline, space=space, depth=depth))
            newline = space = False
        else:
            if depth:
                raise SyntaxLoadError(at(self._place(self._position), "unclosed interpolation"))
        end = self._place(self._position)
        found.append(Token("end", "", end, after_newline=True, after_space=True))
        return tuple(found)

    def _token(
        self, match: re.Match[str], place: Place, *, newline: bool, space: bool, depth: int
    ) -> Token:
        text = match.group()
        parts: tuple[str | tuple[Token, ...], ...] = ()
        kind: Kind
        match match.lastgroup:
            case "number":
                kind = "number"
            case "string":
                kind, text = "string", self._unescape(text, place)
            case "raw":
                kind, text = "string", text[1:-1]
            case "template":
                kind, parts = "template", self._template(text[1], place, depth=depth + 1)
            case "name":
                kind = "keyword" if text in KEYWORDS else "name"
            case _:
                kind = "sign"
        return Token(kind, text, place, newline, space, parts)

    def _unescape(self, text: str, place: Place) -> str:
        try:
            return str(json.loads(text))
        except ValueError as error:
            raise SyntaxLoadError(at(place, "a string that is no JSON string")) from error

    def _template(
        self, quote: str, place: Place, *, depth: int
    ) -> tuple[str | tuple[Token, ...], ...]:
        if depth > _DEEPEST_TEMPLATE:
            raise SyntaxLoadError(at(place, "templates are nested too deeply"))
        parts: list[str | tuple[Token, ...]] = []
        while True:
            text = _TEXT[quote].match(self._source, self._position)
            if text is None:
                raise SyntaxLoadError(at(place, "unclosed template"))
            self._position = text.end()
            written = text.group().replace(r"\{", "{")
            if written:
                parts.append(self._unescape(f'"{written}"', place) if quote == '"' else written)
            if self._position >= len(self._source) or self._source[self._position] == "\n":
                raise SyntaxLoadError(at(place, "unclosed template"))
            stopped = self._source[self._position]
            self._position += 1
            if stopped == quote:
                return tuple(parts)
            parts.append(self._run(depth=depth))
            self._position += 1

    def _place(self, offset: int) -> Place:
        line = bisect_right(self._lines, offset)
        return Place(self._file, line, offset - self._lines[line - 1] + 1)
