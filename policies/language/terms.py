"""Reads Rego terms: references, calls, operators, collections, comprehensions, templates."""

from typing import NoReturn

from policies.language.ast import (
    Array,
    Body,
    Call,
    Comprehension,
    Infix,
    Member,
    Object,
    Ref,
    Scalar,
    SetOf,
    Template,
    Term,
    Var,
)
from policies.language.errors import SyntaxLoadError, UnsupportedError, at
from policies.language.lexer import Token
from policies.language.numbers import read_number

# From the loosest to the tightest.
_LEVELS = (
    ("==", "!=", "<", "<=", ">", ">="),
    ("|",),
    ("&",),
    ("+", "-"),
    ("*", "/", "%"),
)
_LONGEST_NUMBER = 64


class TermParser:
    """A position in a list of tokens, and the grammar of terms from there."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self.position = 0
        self._wildcards = 0

    @property
    def here(self) -> Token:
        return self._tokens[self.position]

    def next(self) -> Token:
        token = self._tokens[self.position]
        self.position += 1
        return token

    def sees(self, *texts: str) -> bool:
        token = self._tokens[self.position]
        return token.kind in {"sign", "keyword"} and token.text in texts

    def take(self, text: str) -> bool:
        if self.sees(text):
            self.position += 1
            return True
        return False

    def need(self, text: str) -> None:
        if not self.take(text):
            self.refuse(f"`{text}`")

    def refuse(self, needed: str) -> NoReturn:
        found = "the end" if self.here.kind == "end" else f"`{self.here.text}`"
        raise SyntaxLoadError(at(self.here.place, f"{found} found, {needed} needed"))

    def name(self) -> str:
        if self.here.kind not in {"name", "keyword"}:
            self.refuse("a name")
        return self.next().text

    def variable(self) -> Var:
        if self.here.kind != "name":
            self.refuse("a name")
        token = self.next()
        if token.text == "_":
            self._wildcards += 1
            return Var(f"$wild{self._wildcards}", token.place)
        return Var(token.text, token.place)

    def next_is_reference(self) -> bool:
        """Whether a keyword stands here only as the first name of a reference."""
        after = self._tokens[self.position + 1]
        return not after.after_space and after.kind == "sign" and after.text in {".", "["}

    def begins_reference(self) -> bool:
        """Whether a keyword on a new line is the first name of a reference, and ends what was before."""
        return self.here.after_newline and self.here.kind == "keyword" and self.next_is_reference()

    def reference(self) -> Term:
        """Read a name with what follows it: a variable, a reference or a call."""
        token = self.here
        if token.kind == "keyword" and self.next_is_reference():
            self.position += 1
            return self._postfix(Var(token.text, token.place))
        return self._postfix(self.variable())

    def term(self, first: Term | None = None) -> Term:
        """Read a term; `first` is its leftmost operand where that was read already."""
        found = self.relation(first)
        while self.sees("in") and not self.begins_reference():
            place = self.next().place
            found = Member(None, found, self.relation(), place)
        return found

    def pair_term(self) -> Term:
        """Read a term where `key, value in collection` is allowed as well."""
        first = self.relation()
        if self.take(","):
            second = self.relation()
            place = self.here.place
            self.need("in")
            return Member(first, second, self.relation(), place)
        while self.sees("in") and not self.begins_reference():
            place = self.next().place
            first = Member(None, first, self.relation(), place)
        return first

    def relation(self, first: Term | None = None) -> Term:
        return self._infix(0, first)

    def _infix(self, level: int, first: Term | None) -> Term:
        if level == len(_LEVELS):
            return self._operand() if first is None else first
        left = self._infix(level + 1, first)
        while self.sees(*_LEVELS[level]):
            token = self.next()
            left = Infix(token.text, left, self._infix(level + 1, None), token.place)
        return left

    def _operand(self) -> Term:
        return self._postfix(self._primary())

    def _postfix(self, head: Term) -> Term:
        while self.here.kind == "sign" and not self.here.after_space:
            if self.sees("."):
                self.position += 1
                place = self.here.place
                head = self._step(head, Scalar(self.name(), place))
            elif self.sees("["):
                self.position += 1
                step = self.term()
                self.need("]")
                head = self._step(head, step)
            elif self.sees("(") and isinstance(head, Var | Ref):
                head = self._call(head)
            else:
                break
        return head

    def _step(self, head: Term, step: Term) -> Term:
        if isinstance(head, Ref):
            return Ref(head.head, (*head.path, step), head.place)
        if isinstance(head, Scalar):
            raise SyntaxLoadError(at(head.place, "a reference cannot begin with a constant"))
        return Ref(head, (step,), head.place)

    def _call(self, operator: Var | Ref) -> Term:
        self.need("(")
        arguments = self._list(")", ())
        if isinstance(operator, Var) and operator.name == "set" and not arguments:
            return SetOf((), operator.place)
        return Call(operator, arguments, operator.place)

    def _list(self, closing: str, found: tuple[Term, ...]) -> tuple[Term, ...]:
        """Read terms up to the closing sign; a comma may stand before it."""
        terms = list(found)
        while not self.take(closing):
            terms.append(self.term())
            if not self.take(","):
                self.need(closing)
                break
        return tuple(terms)

    def _primary(self) -> Term:
        token = self.here
        match token.kind:
            case "number":
                self.position += 1
                return self._number(token, token.text)
            case "string":
                self.position += 1
                return Scalar(token.text, token.place)
            case "template":
                self.position += 1
                return self._template(token)
            case "name":
                return self.variable()
            case "keyword":
                return self._keyword(token)
            case _:
                return self._bracketed(token)

    def _keyword(self, token: Token) -> Term:
        constants = {"null": None, "true": True, "false": False}
        if token.text in constants and not self.next_is_reference():
            self.position += 1
            return Scalar(constants[token.text], token.place)
        # `contains` is also the name of a built-in; another keyword only begins a reference.
        after = self._tokens[self.position + 1]
        called = token.text == "contains" and after.text == "(" and not after.after_space
        if called or self.next_is_reference():
            self.position += 1
            return Var(token.text, token.place)
        return self.refuse("a term")

    def _number(self, token: Token, text: str) -> Scalar:
        if len(text) > _LONGEST_NUMBER:
            raise UnsupportedError(at(token.place, "a number of more than 64 characters"))
        try:
            number = read_number(text)
        except ValueError as error:
            raise UnsupportedError(at(token.place, f"`{text}` found: {error}")) from error
        return Scalar(number, token.place, "" if str(number) == text else text)

    def _bracketed(self, token: Token) -> Term:
        if self.take("-"):
            if self.here.kind != "number" or self.here.after_space:
                self.refuse("a number after `-`")
            return self._number(token, f"-{self.next().text}")
        if self.take("("):
            inner = self.pair_term()
            self.need(")")
            return inner
        if self.take("["):
            return self._array(token)
        if self.take("{"):
            return self._braces(token)
        return self.refuse("a term")

    def _template(self, token: Token) -> Term:
        parts: list[str | Term] = []
        for part in token.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            inner = type(self)(part)
            inner._wildcards = self._wildcards  # noqa: SLF001 - the same grammar on a part
            parts.append(inner.interpolated())
            self._wildcards = inner._wildcards  # noqa: SLF001 - the same grammar on a part
            if inner.here.kind != "end":
                inner.refuse("the end of the interpolation")
        return Template(tuple(parts), token.place)

    def interpolated(self) -> Term:
        """Read the term between the braces of a template, with what replaces documents for it."""
        raise NotImplementedError

    def body(self, closing: str) -> Body:
        """Read the literals up to the closing sign."""
        raise NotImplementedError

    def _array(self, token: Token) -> Term:
        if self.take("]"):
            return Array((), token.place)
        # A bar after the first operand always makes a comprehension, never a union.
        first = self._operand()
        if self.sees("|"):
            return Comprehension("array", None, first, self._comprehended("]"), token.place)
        return Array(self._rest("]", self.term(first)), token.place)

    def _comprehended(self, closing: str) -> Body:
        self.need("|")
        body = self.body(closing)
        self.need(closing)
        return body

    def _rest(self, closing: str, first: Term) -> tuple[Term, ...]:
        if self.take(closing):
            return (first,)
        self.need(",")
        return self._list(closing, (first,))

    def _braces(self, token: Token) -> Term:
        if self.take("}"):
            return Object((), token.place)
        first = self._operand()
        if self.sees("|"):
            return Comprehension("set", None, first, self._comprehended("}"), token.place)
        first = self.term(first)
        if not self.take(":"):
            return SetOf(self._rest("}", first), token.place)
        value = self._operand()
        if self.sees("|"):
            return Comprehension("object", first, value, self._comprehended("}"), token.place)
        return self._object(token, first, self.term(value))

    def _object(self, token: Token, key: Term, value: Term) -> Term:
        pairs = [(key, value)]
        while self.take(","):
            if self.sees("}"):
                break
            key = self.term()
            self.need(":")
            pairs.append((key, self.term()))
        self.need("}")
        return Object(tuple(pairs), token.place)
