"""Compiles modules into a program of Python functions, and evaluates its documents."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from policies.engine import LoadError, UndecidedError
from policies.language.analysis import Analysed, Group, Names, Scope, analyse, check_recursion
from policies.language.ast import Literal, Module, Place, Scalar, descend
from policies.language.builtins.operands import Builtin
from policies.language.builtins.table import BUILTINS, REPLACEABLE, python_name
from policies.language.builtins.texts import show
from policies.language.charging import FREE, charged
from policies.language.compiler import BodyWriter
from policies.language.errors import (
    BuiltinError,
    IllegalError,
    NotOfferedError,
    UnsupportedError,
    at,
)
from policies.language.groups import write_group
from policies.language.metering import SMALL, running
from policies.language.parser import parse_module, parse_query
from policies.language.runtime import (
    MISSING,
    ONCE,
    Budget,
    Collected,
    Meter,
    PackageNode,
    Replacement,
    State,
    agree,
    base_step,
    make_object,
    put,
    settle,
    walk,
    walk_pairs,
)
from policies.language.tracing import TRACE, Trace
from policies.language.values import (
    UNDEFINED,
    RegoSet,
    Value,
    admit,
    equal,
    identity,
    key,
    less,
    member,
    member_at,
    step,
    to_json,
)
from policies.language.writing import Env, Namespace
from policies.language.written import check_written

_RUNTIME: Mapping[str, Any] = MappingProxyType(
    {
        "U": UNDEFINED,
        "MISSING": MISSING,
        "NONE": type(None),
        "NUMBERS": frozenset({int, Decimal}),
        "ONCE": ONCE,
        "UNDEFINED_TEXT": "<undefined>",
        "COLLECTIONS": frozenset({list, dict, RegoSet}),
        "SMALL": SMALL,
        "SIZED": frozenset({str, list, dict}),
        "Collected": Collected,
        "Replacement": Replacement,
        "RegoSet": RegoSet,
        "agree": agree,
        "base_step": base_step,
        "equal": equal,
        "identity": identity,
        "less": less,
        "key": key,
        "make_object": make_object,
        "member": member,
        "member_at": member_at,
        "put": put,
        "settle": settle,
        "show": show,
        "step": step,
        "walk": walk,
        "walk_pairs": walk_pairs,
    }
)


@dataclass(frozen=True, slots=True)
class RuleName:
    """A rule by its path (`data.…`) and where it stands."""

    path: str
    place: Place


def compile_modules(
    modules: Mapping[str, str],
    data: object = UNDEFINED,
    *,
    strict: bool = True,
    trace: Trace | None = None,
) -> "Program":
    """Compile all modules (file name → source) over their base data, or raise LoadError.

    `strict` is how the exchange decides: an error of a built-in fails the decision. Otherwise it
    only makes its expression undefined, which is OPA's own default. A `trace` sees what the program
    reaches; without one the program is written without hooks.
    """
    parsed = [parse_module(name, source) for name, source in sorted(modules.items())]
    if trace is not None:
        parsed = trace.watch(parsed, modules)
    check_written(parsed)
    analysed = analyse(parsed)
    try:
        base = admit({} if data is UNDEFINED else data)
    except (TypeError, ValueError, RecursionError) as error:
        raise LoadError(f"the data are no JSON: {error}") from error
    _check_data(analysed.groups, base)
    names = Namespace({**_RUNTIME, **_functions(strict=strict), "DATA": base})
    if trace is not None:
        names.held[TRACE] = trace
    lines = _written(analysed, names)
    check_recursion(analysed.groups)
    try:
        _define(lines, names.held)
    except UnsupportedError:
        # Python nests no more than so many loops; with a call between them there may be room.
        names.inlines = False
        _define(_written(analysed, names), names.held)
    root = _nodes(analysed.tree, (), names.held)
    return Program(tuple(parsed), analysed, names, root, base)


def _written(analysed: Analysed, names: Namespace) -> list[str]:
    """Return the Python of all rules."""
    return [line for group in analysed.groups for line in write_group(analysed, names, group)]


def _check_data(groups: tuple[Group, ...], base: Value) -> None:
    for group in groups:
        found = base
        for name in group.path:
            found = step(found, name)
        if found is not UNDEFINED:
            raise IllegalError(at(group.place, f"{group.name} is a rule, and the data have it too"))


def _functions(*, strict: bool) -> dict[str, Any]:
    """Return each built-in twice: as generated code calls it, and as a mock, given the state."""
    held: dict[str, Any] = {}
    for name, builtin in BUILTINS.items():
        function = builtin.function if strict else _lenient(builtin)
        if name not in FREE:
            function = charged(function)
        held[f"B_{python_name(name)}"] = function
        held[f"M_{python_name(name)}"] = _without_state(function)
    held |= {f"M_{python_name(name)}": _refusing(name) for name in REPLACEABLE}
    return held


def _refusing(name: str) -> Callable[..., Value]:
    def refuse(*_: Value) -> Value:
        raise NotOfferedError(f"`{name}` outside of what replaces it")

    return refuse


def _lenient(builtin: Builtin) -> Callable[..., Value]:
    nothing: Value = [] if builtin.relation else UNDEFINED

    def call(*arguments: Value) -> Value:
        try:
            return builtin.function(*arguments)
        except BuiltinError:
            return nothing

    return call


def _without_state(function: Callable[..., Value]) -> Callable[..., Value]:
    return lambda _, *arguments: function(*arguments)


def _define(lines: list[str], held: dict[str, Any]) -> None:
    try:
        code = compile("\n".join(lines), "<rego>", "exec")
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise UnsupportedError(
            f"the rules are nested more deeply than is offered: {error}"
        ) from error
    # The text was written by this package alone: names are numbered, texts are Python literals.
    exec(code, held)  # noqa: S102


def _nodes(names: Names, path: tuple[str, ...], held: Mapping[str, Any]) -> PackageNode:
    node = PackageNode(path)
    group = names.group
    if group is not None and group.arity is None:
        node.rule = held[f"rule_{group.number}"]
    for name, child in names.children.items():
        below = _nodes(child, (*path, name), held)
        if below.rule is not None or below.children or child.group is None:
            node.children[name] = below
    return node


class Program:
    """Compiled modules over their data. Holds no state of any decision; safe to share."""

    def __init__(
        self,
        modules: tuple[Module, ...],
        analysed: Analysed,
        names: Namespace,
        root: PackageNode,
        data: Value,
    ) -> None:
        self.modules = modules
        self._analysed = analysed
        self._names = names
        self._root = root
        self._data = data

    def evaluate(
        self,
        path: str,
        input: object = UNDEFINED,  # noqa: A002 - the word of Rego
        *,
        budget: Budget | None = None,
    ) -> Any:
        """Return the document at `path` (`data.a.b`) as plain JSON, UNDEFINED where there is none.

        Raises UndecidedError where an error or the budget ended the evaluation.
        """
        return self._admitted(self.reading(path.split(".")), input, budget)

    def reading(self, names: Sequence[str]) -> Callable[[State], Any]:
        """Return what reads the document at a path (`data`, `a`, `b`) as plain JSON, or UNDEFINED."""
        if names[0] != "data":
            raise UndecidedError("a path that does not begin with `data`")

        def read(state: State) -> Any:
            found: Any = state.document(())
            for name in names[1:]:
                found = walk(found, name)
            value = settle(found)
            return value if value is UNDEFINED else to_json(value)

        return read

    def query(
        self,
        text: str,
        input: object = UNDEFINED,  # noqa: A002 - the word of Rego
        *,
        budget: Budget | None = None,
    ) -> list[dict[str, Any]]:
        """Return the bindings of each solution of a query, as OPA's evaluation of a query does."""
        body = parse_query(text)
        for literal in body:
            self._check_query(literal)
        held = dict(self._names.held)
        names = Namespace(held, _fresh=1_000_000)
        scope = Scope((), {}, frozenset())
        writer = BodyWriter(self._analysed, names, scope, None)
        writer.write("def query(S):")
        writer.indent += 1
        writer.write("found = []")

        def collect(env: Env) -> None:
            bound = [
                f"{name!r}: {held}"
                for name, held in env.items()
                if isinstance(held, str) and not name.startswith("$")
            ]
            writer.write(f"found.append({{{', '.join(bound)}}})")

        writer.once(body, {}, collect)
        writer.write("return found")
        _define(writer.lines, held)
        found = self._admitted(held["query"], input, budget)
        return [{name: to_json(value) for name, value in one.items()} for one in found]

    def _check_query(self, literal: Literal) -> None:
        if any(isinstance(one, Literal) and one.withs for one in descend(literal)):
            raise UnsupportedError(at(literal.place, "`with` in a query; write a rule"))

    def rules(self) -> list[RuleName]:
        """Return every rule, in the order in which it was written."""
        found = []
        for module in self.modules:
            for rule in module.rules:
                steps = [str(one.value) if isinstance(one, Scalar) else "*" for one in rule.path]
                found.append(RuleName(".".join(("data", *module.package, *steps)), rule.place))
        return found

    def tests(self) -> list[RuleName]:
        """Return the rules whose name begins with `test_`: each must be true."""
        return [rule for rule in self.rules() if rule.path.rpartition(".")[2].startswith("test_")]

    def reads(self, path: str) -> set[tuple[str | None, ...]]:
        """Return what the rule at `path` reads itself; None stands for a computed step."""
        return {
            pattern
            for group in self._analysed.groups
            if group.name == path
            for pattern in group.reads | group.shapes
        }

    @property
    def groups(self) -> tuple[Group, ...]:
        """What the rules define, each with what it reads."""
        return self._analysed.groups

    def function(self, group: Group) -> Callable[..., Value]:
        """Return what computes the group's document, or its function, from a state."""
        kind = "rule" if group.arity is None else "function"
        found: Callable[..., Value] = self._names.held[f"{kind}_{group.number}"]
        return found

    def _admitted(
        self, act: Callable[[State], Any], question: object, budget: Budget | None
    ) -> Any:
        try:
            admitted = question if question is UNDEFINED else admit(question)
        except RecursionError as error:
            raise UndecidedError("the question is nested too deeply") from error
        except (ArithmeticError, TypeError, ValueError) as error:
            raise UndecidedError(f"the question is no JSON: {type(error).__name__}") from error
        return self.run(act, admitted, budget=budget)

    def run(self, act: Callable[[State], Any], question: Value, *, budget: Budget | None) -> Any:
        """Return what `act` makes of a state over a question that is a value of Rego already.

        Raises UndecidedError where an error or the budget ended it.
        """
        try:
            meter = Meter(budget or Budget())
            return running(meter.charge, act, State(self._root, question, self._data, meter))
        except UndecidedError:
            raise
        except RecursionError as error:
            raise UndecidedError("the question is nested too deeply") from error
        except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
            # A fault of ours must refuse like any other; its text might hold a value, so it is left out.
            raise UndecidedError(f"the engine failed: {type(error).__name__}") from error
