"""The authoring rules that a machine can check, and the facts that a department's rules read.

`not`: it stands only before a bare rule or a helper's call on plain variables, because the operands of
anything else are evaluated outside the negation and a missing fact would open a door. `io`: no clock,
network or randomness. `code`: each denial has a code and a legal basis. `department`: a department's package
only adds to `deny`. `package`: a file's path says its package, `exchange` or a department's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal as Choice

from policies.language.ast import (
    Array,
    Call,
    Each,
    Every,
    Literal,
    Module,
    Node,
    Object,
    Place,
    Ref,
    Rule,
    Scalar,
    Term,
    Var,
    children,
    descend,
)
from policies.language.parser import parse_module
from policies.reasons import REASONS

RuleName = Choice["not", "io", "code", "department", "package"]
Fact = Choice["case", "subject", "digest"]

NULLABLE: tuple[Fact, ...] = ("case", "subject", "digest")
"""What may be null in a complete question: no case, no subject, a subject not known yet."""

_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
_IO = re.compile(
    r"http\.send|time\.now_ns|opa\.runtime|rego\.parse_module|trace|print|uuid\..*|rand\..*|net\.lookup_.*"
)
# A digest is a member of the subject: who reads it reads both.
_NAMED: Mapping[str, tuple[Fact, ...]] = {
    "case": ("case",),
    "subject": ("subject",),
    "digest": ("subject", "digest"),
}
# The members of a question in which nothing may be null.
_CLOSED = frozenset(
    {
        "schema", "now", "hour", "channel", "network", "caller", "officer", "usage",
        "catalogue", "matters", "grants",
    }
)  # fmt: skip
_OPAQUE = re.compile(r"walk|sprintf|object\..*|json\..*|yaml\..*|base64.*|graph\..*")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One place where a module breaks an authoring rule."""

    file: str
    line: int
    column: int
    rule: RuleName
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.rule}: {self.message}"


def lint(modules: Mapping[str, str]) -> list[Finding]:
    """Return every finding in the modules (file name → source), ordered by place.

    Tests (`*_test.rego`) are parsed and not judged. Raises LoadError for what is no Rego.
    """
    parsed = [parse_module(name, source) for name, source in sorted(modules.items())]
    rules = _rule_names(parsed)
    findings: list[Finding] = []
    for module in parsed:
        if module.name.endswith("_test.rego"):
            continue
        findings += _negations(module, rules)
        findings += _io(module)
        match module.package:
            case ("departments", code) if module.name.startswith(f"departments/{code}/"):
                findings += _department(module)
            case ("exchange", name) if module.name == f"exchange/{name}.rego":
                findings += _codes(module)
            case other:
                message = (
                    f"package {'.'.join(other)}, needed exchange.<name> in exchange/<name>.rego "
                    "or departments.<code> in departments/<code>/"
                )
                findings.append(_finding(module.place, "package", message))
    return sorted(findings)


def facts_read(modules: Mapping[str, str]) -> dict[str, list[Fact]]:
    """Return, by department code, the nullable facts that its rules read or may read.

    What cannot be told apart counts as read: a question in which such a fact is null is refused.
    """
    read: dict[str, set[Fact]] = {}
    for name, source in modules.items():
        module = parse_module(name, source)
        match module.package:
            case ("departments", code):
                read.setdefault(code, set()).update(_facts(module))
            case _:
                pass
    return {code: [fact for fact in NULLABLE if fact in read[code]] for code in sorted(read)}


def _rule_names(modules: list[Module]) -> dict[tuple[str, ...], set[str]]:
    names: dict[tuple[str, ...], set[str]] = {}
    for module in modules:
        names.setdefault(module.package, set()).update(rule.name for rule in module.rules)
    return names


def _finding(place: Place, rule: RuleName, message: str) -> Finding:
    return Finding(place.file, place.line, place.column, rule, message)


def _negations(module: Module, rules: Mapping[tuple[str, ...], set[str]]) -> Iterator[Finding]:
    known = rules[module.package] | {found.alias for found in module.imports} | {"data"}
    for node in descend(module):
        if isinstance(node, Literal) and node.negated and not _harmless(node.expression, known):
            message = "`not` before more than a bare rule or a helper's call on plain variables"
            yield _finding(node.place, "not", message)


def _harmless(expression: Node, known: set[str]) -> bool:
    match expression:
        case Var(name=name):
            return name in known
        case Ref(head=Var(name=name), path=path):
            return name in known and all(isinstance(step, Scalar | Var) for step in path)
        case Call(operator=operator, arguments=arguments):
            head = operator.head if isinstance(operator, Ref) else operator
            plain = all(isinstance(argument, Scalar | Var) for argument in arguments)
            return isinstance(head, Var) and head.name in known and plain
        case _:
            return False


def _io(module: Module) -> Iterator[Finding]:
    for node in descend(module):
        if isinstance(node, Call) and _IO.fullmatch(_dotted(node.operator)):
            message = f"{_dotted(node.operator)} reaches outside the question"
            yield _finding(node.place, "io", message)


def _dotted(operator: Var | Ref) -> str:
    if isinstance(operator, Var):
        return operator.name
    steps = [str(step.value) for step in operator.path if isinstance(step, Scalar)]
    head = operator.head.name if isinstance(operator.head, Var) else ""
    return ".".join([head, *steps])


def _codes(module: Module) -> Iterator[Finding]:
    for node in descend(module):
        if isinstance(node, Scalar) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
            reason = REASONS.get(node.value)
            if reason is None or not reason.basis:
                message = f"{node.value} has no text and legal basis in policies/reasons.py"
                yield _finding(node.place, "code", message)


def _department(module: Module) -> Iterator[Finding]:
    for found in module.imports:
        if found.path[:1] != ("rego",):
            yield _finding(found.place, "department", "a department's rules import nothing")
    for node in descend(module):
        if isinstance(node, Var) and node.name == "data":
            message = "a department's rules read the question, not other rules or data"
            yield _finding(node.place, "department", message)
    for rule in module.rules:
        if rule.element is None or rule.name != "deny" or len(rule.path) != 1 or rule.default:
            message = f"{rule.name or 'a rule'} is defined, only `deny contains …` may be"
            yield _finding(rule.place, "department", message)
        elif not _denial_complete(rule):
            message = "a denial needs ref, rule, code and a legal_basis that is not empty"
            yield _finding(rule.place, "code", message)


def _denial_complete(rule: Rule) -> bool:
    if not isinstance(rule.element, Object):
        return False
    members: dict[object, Term] = {
        key.value: value for key, value in rule.element.pairs if isinstance(key, Scalar)
    }
    code, basis = members.get("code"), members.get("legal_basis")
    return (
        members.keys() >= {"ref", "rule"}
        and isinstance(code, Scalar)
        and isinstance(code.value, str)
        and _CODE.fullmatch(code.value) is not None
        and isinstance(basis, Array)
        and len(basis.elements) > 0
    )


def _facts(node: Node) -> set[Fact]:
    """The nullable facts that a node names, or all where it reads in a way that names nothing."""
    match node:
        case Ref(head=Var(name="input"), path=(Scalar(value=str(first)), *_)) if first in _CLOSED:
            # `input.officer.digest` is never null; only what stands in brackets may read more.
            return _below(tuple(step for step in node.path if not isinstance(step, Scalar)))
        case Ref(head=Var(name="input"), path=(Scalar(value=str()), *_)):
            return _below(node.path)
        case Ref(head=Var(name=name)) if name != "input":
            dynamic = any(isinstance(step, Var) for step in node.path)
            return set(NULLABLE) if dynamic else _below(node.path)
        case Var(name="input") | Each(collection=Var()) | Every(collection=Var()):
            return set(NULLABLE)
        case Call() if _OPAQUE.fullmatch(_dotted(node.operator)):
            return set(NULLABLE)
        case Scalar(value=str(name)):
            return set(_NAMED.get(name, ()))
        case _:
            return _below(tuple(children(node)))


def _below(nodes: tuple[Node, ...]) -> set[Fact]:
    return set[Fact]().union(*(_facts(node) for node in nodes))
