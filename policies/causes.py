"""Finds in a trace what decided about a code: the rules that name it, and the conditions that failed.

No rule is known here by its name. A rule that is headed by the code (`cleared contains "CODE"`, an argument)
and did not hold would have cleared it; one that held, or that gives the code as its value, raised it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.language.analysis import Analysed, Group, Scope, analyse, constant_prefix
from policies.language.ast import (
    Array,
    Assign,
    Branch,
    Call,
    Comprehension,
    Each,
    Every,
    Literal,
    Module,
    Node,
    Place,
    Ref,
    Rule,
    Scalar,
    SetOf,
    Term,
    Unify,
    Var,
    children,
    descend,
)
from policies.language.source import Excerpts
from policies.language.tracing import Trace

_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Condition:
    """One literal, where it stands and as it was written."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place.file}:{self.place.line}:{self.place.column}: {self.text}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How far one definition came: `passed` of `literals` conditions held.

    `held` is whether all did. `causes` runs from its first condition that failed (of one that held: its
    last) down to the one that decided, through the helpers that were asked.
    """

    rule: str
    head: Condition
    held: bool
    passed: int
    literals: int
    causes: tuple[Condition, ...]

    @property
    def cause(self) -> Condition | None:
        """The condition that decided; None where the definition was never tried."""
        return self.causes[-1] if self.causes else None


@dataclass(frozen=True, slots=True)
class _Definition:
    module: Module
    rule: Rule
    branch: Branch
    earlier: tuple[Branch, ...]

    @property
    def name(self) -> str:
        return ".".join((*self.module.package, *constant_prefix(self.rule.path)))


class Causes:
    """Reads the trace of the decision that was made last."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._analysed: Analysed = analyse(trace.modules)
        self._groups: dict[tuple[str, ...], Group] = {
            group.path: group for group in self._analysed.groups
        }
        self._excerpts = {
            module.name: Excerpts(module, trace.sources[module.name]) for module in trace.modules
        }
        self._definitions = tuple(_definitions(trace.modules))
        self._holding: dict[Place, Branch] = {
            node.place: one.branch
            for one in self._definitions
            for node in descend(one.branch)
            if isinstance(node, Literal)
        }

    def of(self, code: str) -> tuple[Attempt, ...]:
        """Return the definitions that decided about a code, the one that came closest first."""
        headed = [one for one in self._definitions if _headed(one.rule, one.branch, code)]
        held = [one for one in self._definitions if self._held(one) and not one.rule.default]
        given = [one for one in held if _gives(one, code)]
        failed: tuple[Attempt, ...] = ()
        if not any(self._held(one) for one in headed):
            failed = self._closest([self._attempt(one) for one in headed])
        raised = given
        if not failed and not given:
            raised = [one for one in headed if self._held(one)]
            raised = raised or [one for one in held if _named(one.branch, code)]
        return (*failed, *(self._raised(one) for one in raised))

    def _closest(self, attempts: list[Attempt]) -> tuple[Attempt, ...]:
        """Those that were tried first, and of them those that lack least, in themselves and below."""

        def lacking(one: Attempt) -> tuple[bool, int, int, float]:
            below = self._holding.get(one.cause.place) if one.cause else None
            share = self._share(below) if below else 0.0
            return not one.causes, one.literals - one.passed, -one.passed, -share

        return tuple(sorted(attempts, key=lacking))

    def reading(self, members: set[str]) -> Attempt | None:
        """Return the outermost branch that gave one of these members of a fact as its value."""
        found = [
            one
            for one in self._definitions
            if self._held(one) and isinstance(one.branch.value, Ref) and _reads(one.branch, members)
        ]
        if not found:
            return None
        return self._raised(max(found, key=lambda one: self._trace.holds(one.branch).held_at))

    def _held(self, definition: _Definition) -> bool:
        return self._trace.holds(definition.branch).held > 0

    def _attempt(self, definition: _Definition) -> Attempt:
        """How far a definition came that did not hold."""
        body = definition.branch.body
        failed = self._failed(definition.branch)
        causes = () if failed is None else self._down(failed, definition.module, _DEEPEST)
        passed = sum(self._trace.seen(one.place).passed > 0 and one is not failed for one in body)
        return Attempt(
            rule=definition.name,
            head=self._at(definition.branch.place, head=True),
            held=False,
            passed=passed,
            literals=len(body),
            causes=causes,
        )

    def _raised(self, definition: _Definition) -> Attempt:
        """Why a definition held: what it negates, or an alternative before it, or its last condition."""
        body = definition.branch.body
        decisive = next((one for one in reversed(body) if one.negated), None)
        alternative = self._alternative(definition)
        if decisive is None and (alternative is None or alternative.negated):
            # Nothing failed here: what decided stands where this rule is asked for.
            decisive = self._asker(definition)
        decisive = decisive or alternative or body[-1]
        return Attempt(
            rule=definition.name,
            head=self._at(definition.branch.place, head=True),
            held=True,
            passed=len(body),
            literals=len(body),
            causes=self._down(decisive, definition.module, _DEEPEST),
        )

    def _alternative(self, definition: _Definition) -> Literal | None:
        """Where the alternative ended that came closest of those before this one."""
        ended = [(self._share(one), self._failed(one)) for one in definition.earlier]
        found = [(share, failed) for share, failed in ended if failed is not None]
        return max(found, key=lambda one: one[0])[1] if found else None

    def _asker(self, definition: _Definition) -> Literal | None:
        """What a rule negates that asks for this one: nothing failed here, so that is the cause."""
        group = next(group for group in self._analysed.groups if _belongs(definition, group))
        for one in self._definitions:
            scope = self._analysed.scopes[one.module.name]
            if one.module is definition.module and self._held(one):
                asked = any(
                    group in self._named_groups(literal.expression, scope)
                    for literal in one.branch.body
                )
                negated = [literal for literal in one.branch.body if literal.negated]
                if asked and negated:
                    return negated[0]
        return None

    def _failed(self, branch: Branch) -> Literal | None:
        """The first literal that never passed; else the one at which the last try ended."""
        tried = [one for one in branch.body if self._trace.seen(one.place).reached]
        never = [one for one in tried if not self._trace.seen(one.place).passed]
        last = [one for one in tried if self._trace.seen(one.place).failed_last]
        return next(iter([*never, *last]), None)

    def _down(self, literal: Literal, module: Module, depth: int) -> tuple[Condition, ...]:
        """The literal, and what decided about it inside and in the helpers that it asks."""
        here = self._at(literal.place)
        if depth == 0:
            return (here,)
        if isinstance(literal.expression, Every):
            inner = self._failed_inside(literal.expression)
            if inner is not None:
                return (here, *self._down(inner, module, depth - 1))
        for definition in self._asked(literal, module):
            failed = self._failed(definition.branch)
            if failed is not None and failed is not literal:
                return (here, *self._down(failed, definition.module, depth - 1))
        return (here,)

    def _failed_inside(self, every: Every) -> Literal | None:
        return next((one for one in every.body if self._trace.seen(one.place).failed_last), None)

    def _asked(self, literal: Literal, module: Module) -> list[_Definition]:
        """The definitions of what the literal asks for that did not hold, the closest first."""
        scope = self._analysed.scopes[module.name]
        found: list[_Definition] = []
        for group in self._named_groups(literal.expression, scope):
            mine = [one for one in self._definitions if _belongs(one, group)]
            if not any(self._held_last(one) for one in mine):
                found += mine
        return sorted(found, key=lambda one: -self._share(one.branch))

    def _held_last(self, definition: _Definition) -> bool:
        """Whether the definition's last try held."""
        body = definition.branch.body
        return self._held(definition) and not any(
            self._trace.seen(one.place).failed_last for one in body
        )

    def _share(self, branch: Branch) -> float:
        passed = [self._trace.seen(one.place).passed > 0 for one in branch.body]
        return sum(passed) / max(1, len(passed))

    def _named_groups(self, node: Node, scope: Scope) -> Iterator[Group]:
        for name in _names(node):
            path = scope.path(name[0])
            if path is None or path[0] != "data":
                continue
            full = (*path[1:], *name[1:])
            for length in range(len(full), 0, -1):
                if full[:length] in self._groups:
                    yield self._groups[full[:length]]
                    break

    def _at(self, place: Place, *, head: bool = False) -> Condition:
        excerpts = self._excerpts[place.file]
        return Condition(place, excerpts.head(place) if head else excerpts.text(place))


def _belongs(definition: _Definition, group: Group) -> bool:
    return any(part.rule is definition.rule for part in group.parts)


def _definitions(modules: Iterable[Module]) -> Iterator[_Definition]:
    for module in modules:
        if module.name.endswith("_test.rego"):
            continue
        for rule in module.rules:
            for number, branch in enumerate(rule.branches):
                yield _Definition(module, rule, branch, rule.branches[:number])


def _headed(rule: Rule, branch: Branch, code: str) -> bool:
    """Whether the code stands in the rule's head as what it is about."""
    heads: list[Term] = [*rule.path, *(rule.arguments or ())]
    if rule.element is not None:
        heads.append(rule.element)
    if any(isinstance(one, Scalar) and one.value == code for one in heads):
        return True
    names = {one.name for one in heads if isinstance(one, Var)}
    return any(
        isinstance(one.expression, Each)
        and isinstance(one.expression.value, Var)
        and one.expression.value.name in names
        and isinstance(one.expression.collection, SetOf | Array)
        and _mentions(one.expression.collection, code)
        for one in branch.body
    )


def _gives(definition: _Definition, code: str) -> bool:
    """Whether the value of a rule that chooses, or an element that it makes, carries the code."""
    rule, branch = definition.rule, definition.branch
    chosen = rule.arguments is not None or len(rule.branches) > 1
    unconditional = all(one.place == branch.place for one in branch.body)
    if unconditional and not chosen:
        return False
    made = rule.element is not None and not isinstance(rule.element, Scalar)
    return _mentions(branch.value, code) or (made and _mentions(rule.element, code))


def _named(branch: Branch, code: str) -> bool:
    """Whether the body puts the code into something that it makes."""
    return any(
        isinstance(one.expression, Assign | Unify) and _mentions(one.expression.right, code)
        for one in branch.body
    )


def _mentions(node: Node | None, code: str) -> bool:
    return node is not None and any(
        isinstance(one, Scalar) and one.value == code for one in descend(node)
    )


def _reads(branch: Branch, members: set[str]) -> bool:
    value = branch.value
    return isinstance(value, Ref) and any(
        isinstance(step, Scalar) and step.value in members for step in value.path
    )


def _names(node: Node) -> Iterator[tuple[str, ...]]:
    """Yield the names that a literal asks for, the outermost first; not inside what it collects."""
    match node:
        case Comprehension():
            return
        case Call(operator=Var(name=name)):
            yield (name,)
        case Call(operator=Ref(head=Var(name=name), path=path)):
            yield (name, *constant_prefix(path))
        case Ref(head=Var(name=name), path=path):
            yield (name, *constant_prefix(path))
        case Var(name=name):
            yield (name,)
        case _:
            pass
    for child in children(node):
        yield from _names(child)
