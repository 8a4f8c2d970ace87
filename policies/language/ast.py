"""The syntax tree of a Rego v1 module: frozen values that know where they were written."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Literal as Choice

Constant = None | bool | int | Decimal | str


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written; line and column count from one."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A constant. `written` is a number's own spelling where it is not the one in which it is shown."""

    value: Constant
    place: Place
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Var:
    """A name. A wildcard is a name of its own that begins with `$`, which no author can write."""

    name: str
    place: Place

    @property
    def wildcard(self) -> bool:
        return self.name.startswith("$")


@dataclass(frozen=True, slots=True)
class Ref:
    """`head` followed by at least one step, as in `input.a[b]`."""

    head: "Term"
    path: tuple["Term", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    operator: "Var | Ref"
    arguments: tuple["Term", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Infix:
    """An operator between two terms; `operator` is what the author wrote."""

    operator: str
    left: "Term"
    right: "Term"
    place: Place


@dataclass(frozen=True, slots=True)
class Member:
    """`value in collection`, or `key, value in collection`; `key` is None in the first form."""

    key: "Term | None"
    value: "Term"
    collection: "Term"
    place: Place


@dataclass(frozen=True, slots=True)
class Array:
    elements: tuple["Term", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class SetOf:
    elements: tuple["Term", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Object:
    pairs: tuple[tuple["Term", "Term"], ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Comprehension:
    """`key` is None unless `kind` is `object`."""

    kind: Choice["array", "set", "object"]
    key: "Term | None"
    value: "Term"
    body: "Body"
    place: Place


@dataclass(frozen=True, slots=True)
class Template:
    """An interpolated string: texts and the terms between them."""

    parts: tuple["str | Term", ...]
    place: Place


Term = (
    Scalar | Var | Ref | Call | Infix | Member | Array | SetOf | Object | Comprehension | Template
)


@dataclass(frozen=True, slots=True)
class Declare:
    """`some x, y`."""

    names: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Each:
    """`some value in collection`, or `some key, value in collection`."""

    key: Term | None
    value: Term
    collection: Term
    place: Place


@dataclass(frozen=True, slots=True)
class Every:
    key: str | None
    value: str
    collection: Term
    body: "Body"
    place: Place


@dataclass(frozen=True, slots=True)
class Assign:
    left: Term
    right: Term
    place: Place


@dataclass(frozen=True, slots=True)
class Unify:
    left: Term
    right: Term
    place: Place


Expression = Declare | Each | Every | Assign | Unify | Term


@dataclass(frozen=True, slots=True)
class With:
    target: Var | Ref
    value: Term
    place: Place


@dataclass(frozen=True, slots=True)
class Literal:
    """One line of a body."""

    expression: Expression
    negated: bool
    withs: tuple[With, ...]
    place: Place


Body = tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of a rule: the rule's own, or one after `else`. An empty body is true."""

    value: Term
    body: Body
    place: Place


@dataclass(frozen=True, slots=True)
class Rule:
    """`path` is the head's reference without its arguments; `arguments` is None for a document.

    `element` is the term after `contains`, None for every other rule.
    """

    path: tuple[Term, ...]
    arguments: tuple[Term, ...] | None
    element: Term | None
    branches: tuple[Branch, ...]
    default: bool
    place: Place

    @property
    def name(self) -> str:
        """The first name of the head."""
        first = self.path[0]
        return first.value if isinstance(first, Scalar) and isinstance(first.value, str) else ""


@dataclass(frozen=True, slots=True)
class Import:
    path: tuple[str, ...]
    alias: str
    place: Place


@dataclass(frozen=True, slots=True)
class Module:
    name: str
    package: tuple[str, ...]
    imports: tuple[Import, ...]
    rules: tuple[Rule, ...]
    place: Place


NODES = (
    Scalar, Var, Ref, Call, Infix, Member, Array, SetOf, Object, Comprehension, Template,
    Declare, Each, Every, Assign, Unify, With, Literal, Branch, Rule, Import, Module,
)  # fmt: skip
Node = (
    Scalar | Var | Ref | Call | Infix | Member | Array | SetOf | Object | Comprehension | Template
    | Declare | Each | Every | Assign | Unify | With | Literal | Branch | Rule | Import | Module
)  # fmt: skip


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly under `node`, in the order in which they were written."""
    for member in fields(node):
        yield from _nodes(getattr(node, member.name))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, NODES):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _nodes(part)


def descend(node: Node) -> Iterator[Node]:
    """Yield `node` and everything under it."""
    yield node
    for child in children(node):
        yield from descend(child)
