"""Refuses numbers whose spelling could be seen: OPA keeps `1.0` and `1e6` as they were written.

For OPA such a number equals its plain form, and calculates, compares and sorts like it; only where a
number becomes a text does the spelling come out. Here the spelling is not kept. So a number may be
written freely as the operand of a calculation or comparison, and elsewhere if nothing in the modules
makes a text, or a name of a member, of numbers.
"""

from collections.abc import Iterable, Iterator

from policies.language.analysis import dotted
from policies.language.ast import (
    Array,
    Comprehension,
    Infix,
    Module,
    Node,
    Object,
    Ref,
    Rule,
    Scalar,
    SetOf,
    Template,
    Term,
    Var,
    children,
    descend,
)
from policies.language.errors import UnsupportedError, at

_SHOWING = frozenset(
    {"sprintf", "json.marshal", "json.marshal_with_options", "json.patch", "yaml.marshal"}
    | {"io.jwt.encode_sign", "strings.render_template", "urlquery.encode_object"}
)
_CALCULATIONS = frozenset({"+", "-", "*", "/", "%"})
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})


def check_written(modules: Iterable[Module]) -> None:
    """Raise UnsupportedError where a number is not written as it is shown, and might be shown."""
    found = list(modules)
    written = [number for module in found for number in _free_numbers(module)]
    if written and any(_shows(node) for module in found for node in descend(module)):
        number = written[0]
        needed = "the plain form needed where numbers may become texts"
        raise UnsupportedError(at(number.place, f"`{number.written}` found, {needed}"))


def _free_numbers(node: Node) -> Iterator[Scalar]:
    """Yield the numbers of another spelling that are more than operands."""
    if isinstance(node, Scalar):
        if node.written:
            yield node
    elif isinstance(node, Infix) and node.operator in _CALCULATIONS | _COMPARISONS:
        for side in (node.left, node.right):
            if not _used_up(side, compared=node.operator in _COMPARISONS):
                yield from _free_numbers(side)
    else:
        for child in children(node):
            yield from _free_numbers(child)


def _used_up(operand: Term, *, compared: bool) -> bool:
    """Whether nothing of the operand outlives the operator: sets are also subtracted."""
    if isinstance(operand, Array | SetOf):
        return compared and all(_used_up(part, compared=True) for part in operand.elements)
    return isinstance(operand, Scalar)


def _shows(node: Node) -> bool:
    """Whether the node makes a text of a number, or a member's name."""
    match node:
        case Template():
            return True
        case Ref(head, path):
            into_data = isinstance(head, Var) and head.name == "data"
            return dotted(node) in _SHOWING or (into_data and not _named(path))
        case Var(name):
            return name in _SHOWING
        case Object(members):
            return not _named([key for key, _ in members])
        case Comprehension(kind, key):
            return kind == "object" and not _named([key] if key else ())
        case Rule(path):
            return not _named(path)
        case _:
            return False


def _named(steps: Iterable[Term]) -> bool:
    return all(isinstance(step, Scalar) and not step.written for step in steps)
