"""Writes one body of a rule as straight Python: loops, tests and calls, in an order that is safe."""

from collections.abc import Sequence
from dataclasses import replace

from policies.language.analysis import (
    Analysed,
    Group,
    Scope,
    constant_prefix,
    declared_variables,
    dotted,
    outer_variables,
)
from policies.language.ast import (
    Array,
    Assign,
    Body,
    Branch,
    Call,
    Declare,
    Each,
    Every,
    Expression,
    Infix,
    Literal,
    Member,
    Object,
    Ref,
    Scalar,
    SetOf,
    Template,
    Term,
    Unify,
    Var,
    With,
    descend,
)
from policies.language.errors import IllegalError, UnsafeError, UnsupportedError, at
from policies.language.inlining import may_be_inlined
from policies.language.references import ReferenceWriter
from policies.language.tracing import TRACE, Trace
from policies.language.writing import Env, Namespace, OnSolution, Pending

_DEEPEST_INLINED = 3
_MOST_INLINED = 200
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})


class BodyWriter(ReferenceWriter):
    """Bodies and literals; references and terms are written by the classes below this one.

    Every body stands inside a loop, so that `continue` is what a literal does when it fails.
    """

    def __init__(
        self, analysed: Analysed, names: Namespace, scope: Scope, group: Group | None
    ) -> None:
        super().__init__(analysed, names, scope, group)
        self.depth = 0
        """How many bodies stand around this one; none around that of a rule."""
        self._inlining: list[int] = []
        """Numbers of the functions inside which this is written."""
        self._inlined = 0
        found = names.held.get(TRACE)
        self._trace = found if isinstance(found, Trace) else None

    def once(self, body: Body, env: Env, on_solution: OnSolution, *, done: str = "") -> None:
        """Write the body in a loop of its own; `done` names a flag that ends it early."""
        indent, opened, fail, depth = self.indent, self.opened, self.fail, self.depth
        self.write("for _ in ONCE:")
        self.indent += 1
        self.fail = "continue"
        self.depth += 1
        try:
            self.body(body, env, on_solution, done=done)
        finally:
            self.indent, self.opened, self.fail, self.depth = indent, opened, fail, depth

    def inner(self, env: Env) -> Env:
        """Return what a body inside this one sees: a variable not bound yet is not its own."""
        return {
            name: Pending.OUTSIDE if held is Pending.HERE else held for name, held in env.items()
        }

    def body(self, body: Body, env: Env, on_solution: OnSolution, *, done: str = "") -> None:
        self._check_declarations(body, env)
        for name in declared_variables(body):
            env[name] = Pending.HERE
        for literal in body:
            for name in outer_variables(literal) - self._substitutes(literal):
                if name not in env and self.scope.path(name) is None:
                    env[name] = Pending.HERE
        indent = self.indent
        loops: list[int] = []
        waiting = [one for one in body if not isinstance(one.expression, Declare)]
        while waiting:
            late: list[Literal] = []
            refused: UnsafeError | None = None
            for literal in waiting:
                mark = self.mark(env)
                state = self.state
                self.opened = []
                try:
                    self.literal(literal, env)
                except UnsafeError as error:
                    refused = error
                    late.append(literal)
                    self.go_back(mark, env)
                else:
                    loops += self.opened
                finally:
                    self.state = state
            if refused is not None and len(late) == len(waiting):
                raise refused
            waiting = late
        self.opened = loops
        self._hook("held", *body[:1])
        on_solution(env)
        # What the solution itself opened, a walk in the head for one, closes here as well.
        for loop in reversed(self.opened):
            self.indent = loop
            if done and loop > indent:
                self.write(f"if {done}: break")
        self.indent = indent
        self.opened = []

    def own_variables(self, term: Term, env: Env) -> None:
        """Enter a head's variables: they are the rule's own, also where its body is silent."""
        for name in outer_variables(term):
            if name not in env and self.scope.path(name) is None:
                env[name] = Pending.HERE

    # Functions that are written where they are called.

    def inlines(self, group: Group) -> bool:
        if group.number in self._inlining or len(self._inlining) >= _DEEPEST_INLINED:
            return False
        if not self.names.inlines or self._inlined >= _MOST_INLINED:
            return False
        return may_be_inlined(group, self.analysed)

    def inlined(self, group: Group, arguments: list[str]) -> str:
        self.charge(self.let(f"{self.state}.meter", "m"), "1")
        found = self.let("U", "r")
        held = [one if one.isidentifier() else self.let(one) for one in arguments]
        scope, depth = self.scope, self.depth
        self._inlined += 1
        self._inlining.append(group.number)
        try:
            for part in group.parts:
                self.scope, self.depth = part.scope, -1
                taken = (one.name for one in part.rule.arguments or () if isinstance(one, Var))
                env: Env = dict(zip(taken, held, strict=True))
                self._alternatives(part.rule.branches, env, found, name=group.name)
        finally:
            self.scope, self.depth = scope, depth
            self._inlining.pop()
        self.stop_if(f"{found} is U")
        return found

    def _alternatives(
        self, branches: Sequence[Branch], bound: Env, found: str, *, name: str
    ) -> None:
        """Write the branches of a rule that is inlined: the first that has a value gives it."""
        for branch in branches:
            written = isinstance(branch.value, Scalar)

            def give(env: Env, branch: Branch = branch, written: bool = written) -> None:  # noqa: FBT001 - bound early
                (given,) = self.early((branch.value,), env)
                value = self.term(given, env)
                if written or not self.opened:
                    self.write(f"{found} = {value}")
                    self.write("break")
                else:
                    self.write(f"{found} = agree({found}, {value}, {name!r})")

            env = dict(bound)
            self.own_variables(branch.value, env)
            self.write(f"if {found} is U:")
            self.indent += 1
            self.once(branch.body, env, give, done=f"{found} is not U" if written else "")
            self.indent -= 1

    def _substitutes(self, literal: Literal) -> set[str]:
        """Return the names of built-ins that stand in for others under the literal's `with`."""
        values = (one.value for one in literal.withs)
        return {one.name for one in values if isinstance(one, Var) and self.offers(one.name)}

    def _check_declarations(self, body: Body, env: Env) -> None:
        """Refuse, as OPA does, a variable that is declared twice or after it was used."""
        seen: set[str] = set()
        declared: set[str] = set()
        for literal in body:
            names = {n for n in declared_variables((literal,)) if not n.startswith("$")}
            used = {one.name for one in descend(literal) if isinstance(one, Var)}
            if isinstance(literal.expression, Assign):
                right = descend(literal.expression.right)
                seen |= {one.name for one in right if isinstance(one, Var)}
            for name in sorted(names):
                if name in declared:
                    raise IllegalError(at(literal.place, f"`{name}` is declared twice"))
                if name in seen and name not in env and self.scope.path(name) is None:
                    raise IllegalError(at(literal.place, f"`{name}` is used before it is declared"))
            declared |= names
            seen |= used

    def _hook(self, event: str, *literals: Literal) -> None:
        """Write a call of the trace where the program is traced, and nothing where it is not."""
        for literal in literals:
            if self._trace is not None and (number := self._trace.number(literal)) is not None:
                self.write(f"{TRACE}.{event}({number})")

    def literal(self, literal: Literal, env: Env) -> None:
        self._hook("reached", literal)
        self._tested(literal, env)
        self._hook("passed", literal)

    def _tested(self, literal: Literal, env: Env) -> None:
        if literal.withs:
            self._replace(literal.withs, env)
        # Under `not`, what is read of the input may stay inside: see _negated.
        depth, self.depth = self.depth, self.depth + literal.negated
        expression = self._early_sides(literal.expression, env)
        self.depth = depth
        if literal.negated:
            self._negated(expression, env)
            return
        match expression:
            case Assign(left, right) | Unify(left, right):
                self.unify(left, right, env)
            case Each():
                self._each(expression, env)
            case Every():
                self._every(expression, env)
            case Declare():
                pass
            case Call() if self.has_output(expression, env):
                result = Call(expression.operator, expression.arguments[:-1], expression.place)
                self.unify(expression.arguments[-1], result, env)
            case Call() if test := self.kind_test(expression, env):
                self.stop_if(f"not ({test})")
            case Infix() if expression.operator in _COMPARISONS:
                self.stop_if(f"not {self.comparison(expression, env)}")
            case _:
                found = self.term(expression, env)
                if found.isidentifier() and found not in {"True", "None"}:
                    self.stop_if(f"{found} is False")

    # The order of what one literal asks for. OPA makes a literal's calls before it looks at rules,
    # wherever they stand; in the body of a rule itself, what it reads of the input comes before both.
    # The order shows where a call ends in an error and the rest is undefined.

    def _early_sides(self, expression: Expression, env: Env) -> Expression:
        match expression:
            case Assign(left, right) | Unify(left, right) if self.is_free(left, env):
                (only,) = self.early((right,), env)
                return replace(expression, right=only)
            case Assign(left, right) | Unify(left, right):
                first, second = self.early((left, right), env)
                return replace(expression, left=first, right=second)
            case Each(collection=collection) | Every(collection=collection):
                (only,) = self.early((collection,), env)
                return replace(expression, collection=only)
            case Declare():
                return expression
            case _:
                (only,) = self.early((expression,), env)
                return only

    def early(self, terms: tuple[Term, ...], env: Env) -> tuple[Term, ...]:
        """Write the calls inside the terms now; return the terms with variables in their place."""
        several = len(terms) > 1
        if not any(map(_calls, terms) if several else map(_calls, _parts(terms[0]))):
            return terms
        mark, opened = self.mark(env), list(self.opened)
        act = self._made if several else self._with_parts
        try:
            return tuple(act(term, env) for term in terms)
        except UnsafeError:
            # A call that needs what the literal itself binds is made when that is known.
            self.go_back(mark, env)
            self.opened[:] = opened
            return terms

    def _with_parts(self, term: Term, env: Env) -> Term:
        """Return the term over parts whose calls were made."""
        held = tuple(self._made(part, env) for part in _parts(term))
        match term:
            case Call():
                return replace(term, arguments=held)
            case Infix():
                return replace(term, left=held[0], right=held[1])
            case Member(key=None):
                return replace(term, value=held[0], collection=held[1])
            case Member():
                return replace(term, key=held[0], value=held[1], collection=held[2])
            case Array() | SetOf():
                return replace(term, elements=held)
            case Object():
                return replace(term, pairs=tuple(zip(held[::2], held[1::2], strict=True)))
            case Ref():
                return replace(term, path=held)
            case _:
                return term

    def _made(self, term: Term, env: Env) -> Term:
        if isinstance(term, Call | Infix | Member | Template):
            # What is given to a call that has no other in it is looked at by the call alone.
            inner = any(map(_calls, _parts(term)))
            return self._outside(self._with_parts(term, env) if inner else term, env)
        if self.depth == 0 and self._is_plain(term, env):
            return self._outside(term, env)
        return self._with_parts(term, env)

    def _is_plain(self, term: Term, env: Env) -> bool:
        """Whether a term is one written place of the input or of the data, where no rule stands."""
        head, path = (term.head, term.path) if isinstance(term, Ref) else (term, ())
        if not isinstance(head, Var) or head.name in env:
            return False
        root = self.scope.path(head.name)
        if root is None or not all(isinstance(step, Scalar) for step in path):
            return False
        if root[0] == "input":
            return True
        node = self.analysed.tree
        for name in (*root[1:], *constant_prefix(path)):
            if node.group is not None:
                return False
            if name not in node.children:
                return True
            node = node.children[name]
        return node.group is None and not node.children

    def _each(self, each: Each, env: Env) -> None:
        collection = self.lazily(each.collection, env)
        value = self.names.fresh("x")
        self.element(collection, value)
        if not self.is_free(each.value, env):
            self.used(value)
        if each.key is None:
            self.loop(f"for {value} in {self.elements(collection)}:")
        else:
            index = self.names.fresh("k")
            self.loop(f"for {index}, {value} in {self.state}.pairs({collection}):")
            self.match(each.key, index, env)
        self.match(each.value, value, env)

    def _every(self, every: Every, env: Env) -> None:
        collection = self.lazily(every.collection, env)
        self.stop_if(f"type({collection}) not in COLLECTIONS")
        failed, value = self.let("True", "n"), self.names.fresh("x")
        inner = self.inner(env)
        if every.key is None:
            head = f"for {value} in {self.elements(collection)}:"
        else:
            inner[every.key] = self.names.fresh("k")
            head = f"for {inner[every.key]}, {value} in {self.state}.pairs({collection}):"
        self.write(head)
        inner[every.value] = value
        self.element(collection, value)
        self._every_body(every.body, inner)
        self.write(f"else: {failed} = False")
        self.stop_if(failed)

    def _every_body(self, body: Body, env: Env) -> None:
        """Write what ends the loop around it where the body has no solution."""
        mark, loops, depth = self.mark(env), self.loops, self.depth
        opened, fail = self.opened, self.fail
        self.indent += 1
        self.depth += 1
        self.fail = "break"
        try:
            self.body(body, env, lambda _: self.write("pass"))
        finally:
            self.indent, self.depth = mark.indent, depth
            self.opened, self.fail = opened, fail
        if self.loops > loops:
            # It has loops of its own, and a failure in those is not yet the end.
            self.go_back(mark, env)
            self.indent += 1
            held = self.let("False", "n")
            self._exists(body, env, held)
            self.write(f"if not {held}: break")
            self.indent -= 1

    def _exists(self, body: Body, env: Env, flag: str) -> None:
        """Write code that raises the flag when the body has a solution."""

        def raise_flag(_: Env) -> None:
            self.write(f"{flag} = True")
            self.write("break")

        self.once(body, env, raise_flag, done=flag)

    # Negation. OPA evaluates what a negated call is given outside of the negation: where that is
    # undefined, the whole body fails. A bare reference, also beside `==`, stays inside.

    def _negated(self, expression: Expression, env: Env) -> None:
        core: Term
        match expression:
            case Call():
                self.need_bound(expression, env)
                arguments = self._outside_all(expression.arguments, env)
                core = Call(expression.operator, arguments, expression.place)
            case Infix("==", left, right, place) | Unify(left, right, place):
                self.need_bound(left, env)
                self.need_bound(right, env)
                core = Infix(
                    "==",
                    self._reference_inside(left, env),
                    self._reference_inside(right, env),
                    place,
                )
            case Infix(operator, left, right, place):
                self.need_bound(expression, env)
                core = Infix(operator, self._outside(left, env), self._outside(right, env), place)
            case Member(key, value, collection, place):
                self.need_bound(expression, env)
                outside = None if key is None else self._outside(key, env)
                core = Member(
                    outside, self._outside(value, env), self._outside(collection, env), place
                )
            case Ref() | Var():
                self.need_bound(expression, env)
                core = self._reference_inside(expression, env)
            case Assign() | Every() | Each() | Declare():
                raise IllegalError(at(expression.place, "`not` before this expression"))
            case _:
                self.need_bound(expression, env)
                core = self._outside(expression, env)
        self._absent(core, env)

    def _absent(self, core: Term, env: Env) -> None:
        flag = self.let("False", "n")
        literal = Literal(core, negated=False, withs=(), place=core.place)
        self._exists((literal,), self.inner(env), flag)
        self.stop_if(f"{flag}")

    def _outside_all(self, terms: Sequence[Term], env: Env) -> tuple[Term, ...]:
        return tuple(self._outside(term, env) for term in terms)

    def _outside(self, term: Term, env: Env) -> Term:
        """Write the term now and return a variable that holds it."""
        if isinstance(term, Scalar) or (isinstance(term, Var) and not self._is_document(term, env)):
            return term
        found = self.term(term, env)
        name = self.names.fresh("$held")
        env[name] = found
        return Var(name, term.place)

    def _reference_inside(self, term: Term, env: Env) -> Term:
        if isinstance(term, Var):
            return term
        if not isinstance(term, Ref):
            return self._outside(term, env)
        head = term.head if isinstance(term.head, Var) else self._outside(term.head, env)
        return Ref(head, self._outside_all(term.path, env), term.place)

    def _is_document(self, term: Var, env: Env) -> bool:
        """Whether a name stands for a rule, `input` or an import: it is a reference like any other."""
        return term.name not in env and self.scope.path(term.name) is not None

    # With.

    def _replace(self, withs: Sequence[With], env: Env) -> None:
        values = self.early(tuple(one.value for one in withs), env)
        pairs = zip(withs, values, strict=True)
        parts = [self._replacement(replace(one, value=value), env) for one, value in pairs]
        outer = self.replaced[self.state]
        self.state = self.let(f"{self.state}.under(({', '.join(parts)},))", "S")
        self.replaced[self.state] = outer | {dotted(one.target) for one in withs}
        if self.group is not None:
            self.group.replaces = True

    def _replacement(self, one: With, env: Env) -> str:
        target = one.target
        head = target if isinstance(target, Var) else target.head
        steps = () if isinstance(target, Var) else target.path
        if not isinstance(head, Var):
            raise IllegalError(at(one.place, "`with` replaces a document or a function by name"))
        names: list[str] = []
        for step in steps:
            if not (isinstance(step, Scalar) and isinstance(step.value, str)):
                raise UnsupportedError(at(one.place, "`with` on a computed path"))
            names.append(step.value)
        root = self.scope.path(head.name) if head.name not in env else None
        path = None if root is None else (*root, *names)
        if path is not None and path[0] == "input":
            return f"Replacement('input', {path[1:]!r}, {self.term(one.value, env)})"
        if path is not None and not self._is_function(path[1:]):
            self._check_whole(path[1:], one)
            return f"Replacement('data', {path[1:]!r}, {self.term(one.value, env)})"
        name = ".".join(path) if path is not None else ".".join((head.name, *names))
        if path is None and not self.replaceable(name):
            raise IllegalError(at(one.place, f"`{name}` is no document and no function"))
        substitute = self.function_value(one.value, env) or self.term(one.value, env)
        return f"Replacement('function', ({name!r},), {substitute})"

    def _is_function(self, path: tuple[str, ...]) -> bool:
        node = self.analysed.tree.below(path)
        return node is not None and node.group is not None and node.group.arity is not None

    def _check_whole(self, path: tuple[str, ...], one: With) -> None:
        for length in range(len(path)):
            node = self.analysed.tree.below(path[:length])
            if node is not None and node.group is not None:
                raise IllegalError(at(one.place, f"`with` on a part of {node.group.name}"))


def _parts(term: Term) -> tuple[Term, ...]:
    """Return the terms that a term is made of; a comprehension is made in a body of its own."""
    match term:
        case Call(arguments=arguments):
            return arguments
        case Infix(left=left, right=right):
            return (left, right)
        case Member(key=key, value=value, collection=collection):
            return (value, collection) if key is None else (key, value, collection)
        case Array(elements=elements) | SetOf(elements=elements):
            return elements
        case Object(pairs=pairs):
            return tuple(part for pair in pairs for part in pair)
        case Ref(path=path):
            return path
        case _:
            return ()


def _calls(term: Term) -> bool:
    """Whether a term is a call, or has one in it."""
    return isinstance(term, Call | Infix | Member | Template) or any(map(_calls, _parts(term)))
