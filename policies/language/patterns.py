"""Writes patterns: what is known of variables, and how a term is unified with another (Rego's `=`)."""

from policies.language.analysis import Analysed, Group, Pattern, Scope, outer_variables
from policies.language.ast import Array, Body, Call, Object, Ref, Scalar, Term, Var
from policies.language.errors import UnsafeError, UnsupportedError, at
from policies.language.writing import Env, Namespace, OnSolution, Pending, Writer


class PatternWriter(Writer):
    """Variables and unification; terms, calls and bodies are written by the classes built on this one.

    What is undefined runs into `continue`, so that a returned expression always has a value.
    """

    def __init__(
        self, analysed: Analysed, names: Namespace, scope: Scope, group: Group | None
    ) -> None:
        super().__init__(names)
        self.analysed = analysed
        self.scope = scope
        self.group = group
        self.state = "S"
        self.replaced: dict[str, frozenset[str]] = {"S": frozenset()}
        self.opened: list[int] = []
        self.loops = 0
        """How many loops were written so far."""
        self._origins: dict[str, Pattern] = {}
        """Where in the input a name's value stands, while nothing was read of it but its shape."""

    def term(self, term: Term, env: Env) -> str:
        """Write what must run first and return an expression for the value."""
        raise NotImplementedError

    def lazily(self, term: Term, env: Env) -> str:
        """Write a term of which, where it stands in the input, only the shape is read so far."""
        raise NotImplementedError

    def once(self, body: Body, env: Env, on_solution: OnSolution, *, done: str = "") -> None:
        """Write a body in a loop of its own; bodies are written one class further."""
        raise NotImplementedError

    def inner(self, env: Env) -> Env:
        raise NotImplementedError

    def early(self, terms: tuple[Term, ...], env: Env) -> tuple[Term, ...]:
        """Write the calls inside the terms now; bodies know the order."""
        raise NotImplementedError

    def loop(self, head: str) -> None:
        self.loops += 1
        self.write(head)
        self.opened.append(self.indent)
        self.indent += 1

    def elements(self, collection: str) -> str:
        """Write that each element will be a step of the decision; return what to go through.

        A list is gone through as it is, and paid for here; anything else is put in order by the state.
        """
        meter = self.let(f"{self.state}.meter", "m")
        if (constant := self.names.known_set(collection)) is not None:
            self.charge(meter, str(len(constant.members)))
            return self.names.beside(collection, "ordered", tuple(constant))
        found = self.names.fresh("e")
        self.write(f"if type({collection}) is list:")
        self.write(f"    {found} = {collection}; {meter}.left -= len({collection})")
        self.write(f"    if {meter}.left < {meter}.next_check: {meter}.check()")
        self.write(f"else: {found} = {self.state}.each({collection})")
        return found

    # What is known of variables.

    def is_free(self, term: Term, env: Env) -> bool:
        """Whether the term is a variable that may still be given a value here."""
        if not isinstance(term, Var):
            return False
        if term.name in env:
            return env[term.name] is Pending.HERE
        return self.scope.path(term.name) is None

    def has_free(self, term: Term, env: Env) -> bool:
        return any(
            env[name] is Pending.HERE if name in env else self.scope.path(name) is None
            for name in outer_variables(term)
        )

    def need_bound(self, term: Term, env: Env) -> None:
        """Refuse, for now, a term with a variable that has no value yet."""
        for name in sorted(outer_variables(term)):
            held = env.get(name)
            if isinstance(held, Pending) or (held is None and self.scope.path(name) is None):
                shown = "_" if name.startswith("$") else name
                raise UnsafeError(at(term.place, f"`{shown}` has no value here"))

    # Unification.

    def unify(self, left: Term, right: Term, env: Env) -> None:
        if self.is_free(left, env) and self.is_free(right, env):
            raise UnsafeError(at(left.place, "two variables without a value"))
        open_left = self.is_pattern(left, env)
        open_right = self.is_pattern(right, env)
        if self.is_free(left, env):
            self.match(left, self.lazily(right, env), env)
        elif self.is_free(right, env):
            self.match(right, self.lazily(left, env), env)
        elif open_left and not open_right:
            self.match(left, self.term(right, env), env)
        elif open_right and not open_left:
            self.match(right, self.term(left, env), env)
        elif isinstance(left, Array) and isinstance(right, Array) and open_left:
            self._unify_arrays(left, right, env)
        elif isinstance(left, Object) and isinstance(right, Object) and open_left:
            self._unify_objects(left, right, env)
        elif open_left and open_right:
            self.stop_if("True")
        else:
            first = self.term(left, env)
            self.stop_if(f"not equal({first}, {self.term(right, env)})")

    def is_pattern(self, term: Term, env: Env) -> bool:
        return isinstance(term, Array | Object) and self.has_free(term, env)

    def _unify_arrays(self, left: Array, right: Array, env: Env) -> None:
        if len(left.elements) != len(right.elements):
            self.stop_if("True")
            return
        self._unify_pairs(list(zip(left.elements, right.elements, strict=True)), env)

    def _unify_objects(self, left: Object, right: Object, env: Env) -> None:
        ours = self._constant_keys(left)
        theirs = self._constant_keys(right)
        if ours.keys() != theirs.keys():
            self.stop_if("True")
            return
        self._unify_pairs([(ours[key], theirs[key]) for key in ours], env)

    def _constant_keys(self, found: Object) -> dict[tuple[type, object], Term]:
        keys: dict[tuple[type, object], Term] = {}
        for key, value in found.pairs:
            if not isinstance(key, Scalar):
                raise UnsupportedError(at(key.place, "a computed key in a pattern"))
            keys[type(key.value), key.value] = value
        return keys

    def _unify_pairs(self, waiting: list[tuple[Term, Term]], env: Env) -> None:
        while waiting:
            late: list[tuple[Term, Term]] = []
            for left, right in waiting:
                mark, opened = self.mark(env), list(self.opened)
                try:
                    self.unify(left, right, env)
                except UnsafeError as error:
                    refused = error
                    self.go_back(mark, env)
                    self.opened[:] = opened
                    late.append((left, right))
                    if len(late) == len(waiting):
                        raise refused from error
            waiting = late

    def match(self, pattern: Term, found: str, env: Env) -> None:
        """Write the comparison of a value that is there with a pattern, binding its variables."""
        if isinstance(pattern, Var) and pattern.wildcard:
            return
        if isinstance(pattern, Var) and self.is_free(pattern, env):
            env[pattern.name] = found if found.isidentifier() else self.let(found)
        elif isinstance(pattern, Array) and self.has_free(pattern, env):
            value = found if found.isidentifier() else self.let(found)
            size = len(pattern.elements)
            self.stop_if(f"type({value}) is not list or len({value}) != {size}")
            parts = [(part, self.let(f"{value}[{n}]")) for n, part in enumerate(pattern.elements)]
            self._match_all(parts, env)
        elif isinstance(pattern, Object) and self.has_free(pattern, env):
            value = found if found.isidentifier() else self.let(found)
            size = len(pattern.pairs)
            self.stop_if(f"type({value}) is not dict or len({value}) != {size}")
            parts = []
            for key, part in pattern.pairs:
                held = self.let(f"step({value}, {self.term(key, env)})")
                self.stop_if(f"{held} is U")
                parts.append((part, held))
            self._match_all(parts, env)
        else:
            self.stop_if(f"not equal({self.term(pattern, env)}, {found})")

    def _match_all(self, parts: list[tuple[Term, str]], env: Env) -> None:
        # Simple parts first: a reference beside them may need what they bind.
        later = []
        for part, held in parts:
            if isinstance(part, Ref | Call):
                later.append((part, held))
            else:
                self.match(part, held, env)
        for part, held in later:
            self.match(part, held, env)
