"""Finds out what the names of modules stand for: rules grouped into documents and functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policies.language.ast import (
    Assign,
    Body,
    Call,
    Comprehension,
    Declare,
    Each,
    Every,
    Literal,
    Module,
    Node,
    Place,
    Ref,
    Rule,
    Scalar,
    Term,
    Var,
    children,
    descend,
)
from policies.language.errors import IllegalError, UnsupportedError, at

Path = tuple[str, ...]
Pattern = tuple[str | None, ...]
_MOST_RULES = 20_000


@dataclass(frozen=True, slots=True)
class Scope:
    """What a global name means in one module."""

    package: Path
    imports: Mapping[str, Path]
    names: frozenset[str]

    def path(self, name: str) -> Path | None:
        """Return the absolute path of a name that is no variable, None where it is no global."""
        if name in {"input", "data"}:
            return (name,)
        if name in self.names:
            return ("data", *self.package, name)
        return self.imports.get(name)


@dataclass(frozen=True, slots=True)
class Part:
    """A rule as one part of its group; `keys` are the head's steps below the group's path."""

    scope: Scope
    rule: Rule
    keys: tuple[Term, ...]


@dataclass(slots=True)
class Group:
    """All rules that define one document or function. `arity` is None for a document."""

    path: Path
    number: int
    parts: list[Part] = field(default_factory=list)
    arity: int | None = None
    reads: set[Pattern] = field(default_factory=set)
    """Absolute paths read by the rules; None stands for a step known only while deciding."""
    shapes: set[Pattern] = field(default_factory=set)
    """Paths of the input of which only the kind, the length and the keys are read."""
    replaces: bool = False
    """Whether a rule holds `with`, so that what others read it may read from elsewhere."""

    @property
    def name(self) -> str:
        return ".".join(("data", *self.path))

    @property
    def partial(self) -> bool:
        return any(part.keys or part.rule.element is not None for part in self.parts)

    @property
    def place(self) -> Place:
        return self.parts[0].rule.place


@dataclass(slots=True)
class Names:
    """The tree of packages and groups."""

    children: dict[str, "Names"] = field(default_factory=dict)
    group: Group | None = None

    def below(self, path: Path) -> "Names | None":
        node: Names | None = self
        for name in path:
            node = node.children.get(name) if node else None
        return node

    def make(self, path: Path) -> "Names":
        node = self
        for name in path:
            node = node.children.setdefault(name, Names())
        return node


@dataclass(frozen=True, slots=True)
class Analysed:
    tree: Names
    groups: tuple[Group, ...]
    scopes: Mapping[str, Scope]
    mocked: frozenset[str]
    """Names of functions that some `with` may replace; longer than the truth, never shorter."""


def analyse(modules: Iterable[Module]) -> Analysed:
    """Group the rules of all modules, or raise LoadError where they contradict each other."""
    found = list(modules)
    names: dict[Path, set[str]] = {}
    for module in found:
        names.setdefault(module.package, set()).update(rule.name for rule in module.rules)
    scopes = {
        module.name: Scope(module.package, _imports(module), frozenset(names[module.package]))
        for module in found
    }
    rules = [(scopes[module.name], rule) for module in found for rule in module.rules]
    if len(rules) > _MOST_RULES:
        raise UnsupportedError(f"{len(rules)} rules found, {_MOST_RULES} at most")
    groups = _group(rules)
    tree = Names()
    for module in found:
        tree.make(module.package)
    for group in groups.values():
        tree.make(group.path).group = group
    _check(groups, tree)
    literals = (node for module in found for node in descend(module) if isinstance(node, Literal))
    return Analysed(tree, tuple(groups.values()), scopes, frozenset(_replaced(literals)))


def _imports(module: Module) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for imported in module.imports:
        if imported.path[0] in {"data", "input"}:
            if found.get(imported.alias, imported.path) != imported.path:
                raise IllegalError(at(imported.place, f"`{imported.alias}` is imported twice"))
            found[imported.alias] = imported.path
    return found


def constant_prefix(path: Iterable[Term]) -> Path:
    """Return the leading steps that are texts."""
    found: list[str] = []
    for step in path:
        if not (isinstance(step, Scalar) and isinstance(step.value, str)):
            break
        found.append(step.value)
    return tuple(found)


def _group(rules: list[tuple[Scope, Rule]]) -> dict[Path, Group]:
    placed = []
    computed: set[Path] = set()
    for scope, rule in rules:
        prefix = constant_prefix(rule.path)
        if rule.arguments is None and len(prefix) < len(rule.path):
            computed.add((*scope.package, *prefix))
        elif len(prefix) < len(rule.path):
            raise UnsupportedError(at(rule.place, "a function's name with computed steps"))
        placed.append((scope, rule, (*scope.package, *prefix)))
    groups: dict[Path, Group] = {}
    for scope, rule, full in placed:
        path = full
        if rule.arguments is None:
            # What lies below a partial object is a part of it, also under a written key.
            shorter = (full[:length] for length in range(len(scope.package) + 1, len(full)))
            path = next((prefix for prefix in shorter if prefix in computed), full)
        group = groups.setdefault(path, Group(path, len(groups)))
        keys = rule.path[len(path) - len(scope.package) :]
        group.parts.append(Part(scope, rule, keys))
    return groups


def _check(groups: Mapping[Path, Group], tree: Names) -> None:
    for group in groups.values():
        arities = {
            None if part.rule.arguments is None else len(part.rule.arguments)
            for part in group.parts
        }
        if len(arities) > 1:
            raise IllegalError(at(group.place, f"{group.name} is defined in different forms"))
        group.arity = arities.pop()
        _check_forms(group)
        node = tree.below(group.path)
        if node is not None and node.children and group.arity is None:
            raise IllegalError(at(group.place, f"{group.name} is a rule and a package"))


def _check_forms(group: Group) -> None:
    defaults = [part.rule for part in group.parts if part.rule.default]
    if len(defaults) > 1:
        raise IllegalError(at(defaults[1].place, f"{group.name} has two defaults"))
    if group.partial:
        sets = [part.rule.element is not None for part in group.parts if not part.keys]
        if defaults or not all(sets) or (sets and len(sets) < len(group.parts)):
            raise IllegalError(at(group.place, f"{group.name} is defined in different forms"))


def _replaced(literals: Iterable[Literal]) -> set[str]:
    """Return the last names of what `with` replaces, whatever they turn out to be."""
    found: set[str] = set()
    for literal in literals:
        for replaced in literal.withs:
            target = replaced.target
            last = target.name if isinstance(target, Var) else ""
            if isinstance(target, Ref) and (prefix := constant_prefix(target.path)):
                last = prefix[-1]
            found.add(last)
    return found


def dotted(operator: Var | Ref) -> str:
    """Return the operator of a call as it was written, empty where it has computed steps."""
    if isinstance(operator, Var):
        return operator.name
    prefix = constant_prefix(operator.path)
    if not isinstance(operator.head, Var) or len(prefix) < len(operator.path):
        return ""
    return ".".join((operator.head.name, *prefix))


def check_recursion(groups: Iterable[Group]) -> None:
    """Raise LoadError where a rule reads itself, directly or by way of others."""
    found = list(groups)
    read = {
        group.number: [
            other.number
            for other in found
            if any(meets(pattern, other.path) for pattern in group.reads)
        ]
        for group in found
    }
    places = {group.number: group for group in found}
    finished: set[int] = set()
    for start in read:
        _visit(start, read, finished, places)


def _visit(
    start: int, read: Mapping[int, list[int]], finished: set[int], groups: Mapping[int, Group]
) -> None:
    if start in finished:
        return
    path = [start]
    waiting = [iter(read[start])]
    while waiting:
        following = next(waiting[-1], None)
        if following is None:
            waiting.pop()
            finished.add(path.pop())
        elif following in path:
            group = groups[following]
            raise IllegalError(at(group.place, f"{group.name} is recursive"))
        elif following not in finished:
            path.append(following)
            waiting.append(iter(read[following]))


def meets(pattern: Pattern, path: Path) -> bool:
    """Whether a read of `pattern` may need the document at `path` (both without `data`)."""
    if pattern[0] != "data":
        return False
    return all(step is None or step == name for step, name in zip(pattern[1:], path, strict=False))


def outer_variables(node: Node) -> set[str]:
    """Return the variables that stand outside of comprehensions and the bodies of `every`."""
    match node:
        case Var():
            return {node.name}
        case Comprehension():
            return set()
        case Every():
            return outer_variables(node.collection)
        case Call():
            return _union(node.arguments)
        case _:
            return _union(children(node))


def _union(nodes: Iterable[Node]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        found |= outer_variables(node)
    return found


def declared_variables(body: Body) -> set[str]:
    """Return the variables that the body's own literals declare, hiding outer ones."""
    found: set[str] = set()
    for literal in body:
        match literal.expression:
            case Declare(names):
                found.update(names)
            case Assign(left, _):
                found |= outer_variables(left)
            case Each(key, value, _):
                found |= outer_variables(value)
                if key is not None:
                    found |= outer_variables(key)
            case _:
                pass
    return found
