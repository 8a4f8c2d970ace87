"""Writes terms as Python: references into documents, calls, collections and patterns."""

from policies.language.analysis import (
    Analysed,
    Group,
    Pattern,
    Scope,
    constant_prefix,
    dotted,
    outer_variables,
)
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
from policies.language.builtins.table import BUILTINS, OPERATORS, REPLACEABLE, python_name
from policies.language.errors import (
    IllegalError,
    NoFunctionError,
    UnsafeError,
    UnsupportedError,
    at,
)
from policies.language.values import UNDEFINED, RegoSet, Value, step
from policies.language.writing import Env, Namespace, OnSolution, Pending, Writer


class ReferenceWriter(Writer):
    """Terms: each method writes what must run first and returns an expression for the value.

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
        meter, found = self.let(f"{self.state}.meter", "m"), self.names.fresh("e")
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
        open_left = self._is_pattern(left, env)
        open_right = self._is_pattern(right, env)
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

    def _is_pattern(self, term: Term, env: Env) -> bool:
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

    # Terms.

    def term(self, term: Term, env: Env) -> str:  # noqa: PLR0911 - one return for each kind of term
        match term:
            case Scalar(value):
                return self.names.constant(value)
            case Var():
                return self._variable(term, env)
            case Ref():
                return self._reference(term, env)
            case Call():
                return self._call(term, env)
            case Infix():
                return self._infix(term, env)
            case Member():
                return self.let(self._membership(term, env))
            case Comprehension():
                return self._comprehension(term, env)
            case Template():
                return self._template(term, env)
            case Array() | SetOf() | Object():
                return self._collection(term, env)

    def _collection(self, term: Array | SetOf | Object, env: Env) -> str:
        constant = fold(term)
        if constant is not None:
            return self.names.constant(constant[0])
        if isinstance(term, Object):
            members = [
                (key, self.term(key, env), self.term(value, env)) for key, value in term.pairs
            ]
            written = [key.value for key, _, _ in members if isinstance(key, Scalar)]
            texts = all(type(key) is str for key in written)
            if texts and len(set(written)) == len(members):
                return self.let(
                    "{" + ", ".join(f"{key}: {value}" for _, key, value in members) + "}"
                )
            joined = "".join(f", ({key}, {value})" for _, key, value in members)
            return self.let(f"make_object('an object'{joined})")
        parts = ", ".join([self.term(part, env) for part in term.elements])
        return self.let(f"[{parts}]" if isinstance(term, Array) else f"RegoSet(({parts},))")

    def _comprehension(self, term: Comprehension, env: Env) -> str:
        start = {"array": "[]", "set": "RegoSet()", "object": "Collected('a comprehension')"}
        found = self.let(start[term.kind], "c")

        def collect(inner: Env) -> None:
            said = (term.value,) if term.key is None else (term.key, term.value)
            given = [self.term(part, inner) for part in self.early(said, inner)]
            if term.kind == "object":
                self.write(f"{found}.put(({given[0]},), {given[1]})")
            elif term.kind == "array":
                self.write(f"{found}.append({given[0]})")
            else:
                self.write(adding(found, given[0]))

        state = self.state
        self.once(term.body, self.inner(env), collect)
        self.state = state
        return self.let(f"{found}.value") if term.kind == "object" else found

    def _template(self, term: Template, env: Env) -> str:
        parts = []
        for part in term.parts:
            if isinstance(part, str):
                parts.append(repr(part))
                continue
            self.need_bound(part, env)
            shown = self.let("UNDEFINED_TEXT", "t")

            def show(inner: Env, part: Term = part, shown: str = shown) -> None:
                (given,) = self.early((part,), inner)
                self.write(f"{shown} = show({self.term(given, inner)})")

            self.once((), self.inner(env), show)
            parts.append(shown)
        return self.let(f"''.join(({', '.join(parts)},))" if parts else "''")

    def _variable(self, term: Var, env: Env) -> str:
        if term.name in env:
            held = env[term.name]
            if isinstance(held, Pending):
                shown = "_" if term.wildcard else term.name
                raise UnsafeError(at(term.place, f"`{shown}` has no value here"))
            if held in self._origins:
                self._note(self._origins[held])
            return held
        return self._reference(Ref(term, (), term.place), env)

    # References. A value of the input counts as read where it is used, not where it is named: who goes
    # through the requests and uses their refs has read the refs.

    def lazily(self, term: Term, env: Env) -> str:
        """Write a term of which, where it stands in the input, only the shape is read so far."""
        place = self._place(term, env)
        if place is None or self.group is None:
            return self.term(term, env)
        found, origin, path = place
        pattern = (*origin, *_pattern(path))
        self.group.shapes.add(pattern)
        held = self._steps(found, path, env)
        if held.isidentifier():
            self._origins[held] = pattern
        return held

    def element(self, collection: str, value: str) -> None:
        """Say that `value` goes through the elements of `collection`."""
        if collection in self._origins:
            self._origins[value] = (*self._origins[collection], None)

    def used(self, held: str) -> None:
        """Say that all of a value is read."""
        if held in self._origins:
            self._note(self._origins[held])

    def _place(self, term: Term, env: Env) -> tuple[str, Pattern, tuple[Term, ...]] | None:
        """Return name, place and further steps of a term in the input, None where it is none."""
        head, path = (term.head, term.path) if isinstance(term, Ref) else (term, ())
        if not isinstance(head, Var):
            return None
        held = env.get(head.name)
        if isinstance(held, str):
            return (held, self._origins[held], path) if held in self._origins else None
        root = None if head.name in env else self.scope.path(head.name)
        if root is None or root[0] != "input":
            return None
        found = self.defined(f"{self.state}.input")
        path = (*(Scalar(name, head.place) for name in root[1:]), *path)
        return found, ("input",), path

    def _note(self, pattern: Pattern) -> None:
        if self.group is not None:
            self.group.reads.add(pattern)

    def _reference(self, term: Ref, env: Env) -> str:
        place = self._place(term, env)
        if place is not None:
            found, origin, path = place
            self._note((*origin, *_pattern(path)))
            return self._steps(found, path, env)
        if isinstance(term.head, Var) and term.head.name not in env:
            root = self.scope.path(term.head.name)
            if root is None:
                raise UnsafeError(at(term.place, f"`{term.head.name}` has no value here"))
            written = (Scalar(name, term.head.place) for name in root[1:])
            return self._data((*written, *term.path), term, env)
        return self._steps(self.term(term.head, env), term.path, env)

    def _read(self, path: tuple[Term, ...]) -> None:
        """Remember which of the rules and data the group reads."""
        self._note(("data", *_pattern(path)))

    def _data(self, path: tuple[Term, ...], term: Ref, env: Env) -> str:
        self._read(path)
        node = self.analysed.tree
        prefix = constant_prefix(path)
        taken = 0
        while taken < len(prefix) and node.group is None and prefix[taken] in node.children:
            node = node.children[prefix[taken]]
            taken += 1
        if node.group is not None:
            if node.group.arity is not None:
                raise IllegalError(at(term.place, f"{node.group.name} is a function, not a value"))
            found = self.defined(f"rule_{node.group.number}({self.state})")
            return self._steps(found, path[taken:], env)
        if taken < len(prefix):
            found = self.defined(self._base(prefix))
            return self._steps(found, path[len(prefix) :], env, walk="base_step")
        found = self.let(f"{self.state}.document({prefix!r})")
        return self._steps(found, path[taken:], env, walk="walk")

    def _base(self, prefix: tuple[str, ...]) -> str:
        """Return an expression for base data: known now, unless a `with` puts other data there."""
        held: Value = self.names.held.get("DATA", UNDEFINED)
        for name in prefix:
            held = step(held, name)
        looked_up = f"{self.state}.base({prefix!r})"
        if held is UNDEFINED:
            return looked_up
        return f"{self.names.part(prefix, held)} if {self.state}.data is DATA else {looked_up}"

    def _steps(self, found: str, path: tuple[Term, ...], env: Env, *, walk: str = "step") -> str:
        """Write one step after the other, by the function that fits the document walked."""
        virtual = walk == "walk"
        for index in path:
            if self.is_free(index, env) or self._is_pattern(index, env):
                held, value = self.names.fresh("k"), self.names.fresh("x")
                source = (
                    f"walk_pairs({self.state}, {found})"
                    if virtual
                    else f"{self.state}.pairs({found})"
                )
                self.loop(f"for {held}, {value} in {source}:")
                self.match(index, held, env)
                found = value
                continue
            key = self.term(index, env)
            if not virtual and isinstance(index, Scalar) and isinstance(index.value, str):
                expression = (
                    f"{found}.get({key}, U) if type({found}) is dict else step({found}, {key})"
                )
            elif not virtual and key.isidentifier():
                plain = f"type({key}) is str and type({found}) is dict"
                expression = f"{found}.get({key}, U) if {plain} else {walk}({found}, {key})"
            else:
                expression = f"{walk}({found}, {key})"
            found = self.defined(expression)
        if virtual:
            found = self.let(f"settle({found})")
            self.stop_if(f"{found} is U")
        return found

    # Calls and operators.

    def offers(self, name: str) -> bool:
        return name in BUILTINS

    def replaceable(self, name: str) -> bool:
        """Whether `with` may replace the function, be it one that is refused itself."""
        return name in BUILTINS or name in REPLACEABLE

    def function_group(self, operator: Var | Ref, env: Env) -> Group | None:
        """Return the user's function of that name, None where there is none."""
        prefix = () if isinstance(operator, Var) else constant_prefix(operator.path)
        head = operator if isinstance(operator, Var) else operator.head
        if not isinstance(head, Var) or head.name in env:
            return None
        root = self.scope.path(head.name)
        if root is None or root[0] != "data":
            return None
        node = self.analysed.tree.below((*root[1:], *prefix))
        return node.group if node and node.group and node.group.arity is not None else None

    def arity(self, call: Call, env: Env) -> int:
        group = self.function_group(call.operator, env)
        if group is not None and group.arity is not None:
            return group.arity
        name = dotted(call.operator)
        if name in REPLACEABLE and name in self.replaced[self.state]:
            return REPLACEABLE[name]
        if name not in BUILTINS:
            raise NoFunctionError(call.place, name or "a computed name")
        return BUILTINS[name].arity

    def has_output(self, call: Call, env: Env) -> bool:
        """Whether the call's last argument takes the result, as in `count(x, n)`."""
        return len(call.arguments) == self.arity(call, env) + 1

    def function_value(self, term: Term, env: Env) -> str:
        """Return the Python function that the term names, empty where it names none."""
        if not isinstance(term, Var | Ref) or (isinstance(term, Var) and term.name in env):
            return ""
        group = self.function_group(term, env)
        if group is not None:
            self._read(tuple(Scalar(name, term.place) for name in group.path))
            return f"function_{group.number}"
        name = dotted(term)
        head = term if isinstance(term, Var) else term.head
        if name in BUILTINS and isinstance(head, Var) and self.scope.path(head.name) is None:
            return f"M_{python_name(name)}"
        return ""

    def kind_test(self, call: Call, env: Env) -> str:
        """Return a call that is one test in Python as its condition, empty for any other."""
        name = dotted(call.operator)
        if name not in _KINDS or name in self.analysed.mocked or len(call.arguments) != 1:
            return ""
        if self.function_group(call.operator, env) is not None:
            return ""
        return _KINDS[name].format(self.lazily(call.arguments[0], env))

    def _call(self, call: Call, env: Env) -> str:
        if test := self.kind_test(call, env):
            return self.let(test)
        arity = self.arity(call, env)
        if len(call.arguments) != arity:
            name = dotted(call.operator)
            raise IllegalError(
                at(call.place, f"`{name}` takes {arity} arguments, {len(call.arguments)} found")
            )
        group = self.function_group(call.operator, env)
        shape = group is None and dotted(call.operator) in _OF_SHAPE
        write = self.lazily if shape else self.term
        arguments = [write(argument, env) for argument in call.arguments]
        joined = ", ".join(arguments)
        if group is not None:
            self._read(tuple(Scalar(name, call.place) for name in group.path))
            target, name = f"function_{group.number}", group.name
            direct = f"{target}({', '.join([self.state, *arguments])})"
        else:
            name = dotted(call.operator)
            target = f"M_{python_name(name)}"
            direct = f"B_{python_name(name)}({joined})"
            if name in BUILTINS and BUILTINS[name].relation:
                found = self.names.fresh("x")
                self.loop(f"for _, {found} in {self.state}.pairs({direct}):")
                return found
        mocked = name.rpartition(".")[2] in self.analysed.mocked
        if name == "count" and group is None and not mocked:
            direct = f"len({joined}) if type({joined}) in SIZED else {direct}"
        if mocked:
            tail = f"({joined},)" if arguments else "()"
            direct = f"{self.state}.mocked({name!r}, {target}, {tail})"
        found = self.let(direct)
        self.stop_if(f"{found} is U")
        return found

    def _infix(self, term: Infix, env: Env) -> str:
        if term.operator not in OPERATORS:
            return self.let(self.comparison(term, env))
        left = self.term(term.left, env)
        found = self.let(f"B_{OPERATORS[term.operator]}({left}, {self.term(term.right, env)})")
        self.stop_if(f"{found} is U")
        return found

    def comparison(self, term: Infix, env: Env) -> str:
        """Return an expression that is True or False."""
        left, right = self._sides(term, env)
        match term.operator:
            case "==":
                return self._equality(term, left, right)
            case "!=":
                return f"(not {self._equality(term, left, right)})"
            case "<":
                return self._order(left, "<", right, otherwise=f"less({left}, {right})")
            case ">":
                return self._order(left, ">", right, otherwise=f"less({right}, {left})")
            case "<=":
                return self._order(left, "<=", right, otherwise=f"not less({right}, {left})")
            case _:
                return self._order(left, ">=", right, otherwise=f"not less({left}, {right})")

    def _order(self, left: str, sign: str, right: str, *, otherwise: str) -> str:
        """Return a comparison that asks Python alone where both are integers."""
        return f"({left} {sign} {right} if type({left}) is type({right}) is int else {otherwise})"

    def _sides(self, term: Infix, env: Env) -> tuple[str, str]:
        """Write both operands; one may bind a variable that the other needs."""
        mark, opened = self.mark(env), list(self.opened)
        try:
            left = self.term(term.left, env)
            return left, self.term(term.right, env)
        except UnsafeError:
            self.go_back(mark, env)
            self.opened[:] = opened
            right = self.term(term.right, env)
            return self.term(term.left, env), right

    def _equality(self, term: Infix, left: str, right: str) -> str:
        # Only a text compares in Python as in Rego without a look at the types.
        for side in (term.left, term.right):
            if isinstance(side, Scalar) and isinstance(side.value, str):
                return f"({left} == {right})"
        plain = f"type({left}) is type({right}) is str"
        return f"({left} == {right} if {plain} else equal({left}, {right}))"

    def _membership(self, term: Member, env: Env) -> str:
        collection = self.term(term.collection, env)
        value = self.term(term.value, env)
        if term.key is None:
            plain = f"type({collection}) is list and type({value}) is str"
            return f"({value} in {collection} if {plain} else member({value}, {collection}))"
        return f"member_at({self.term(term.key, env)}, {value}, {collection})"


_OF_SHAPE = frozenset(
    {"count", "is_array", "is_boolean", "is_null", "is_number", "is_object", "is_string"}
)
"""Built-ins that look at the kind and the length of what they are given."""

_KINDS = {
    "is_array": "type({}) is list",
    "is_boolean": "type({}) is bool",
    "is_null": "type({}) is NONE",
    "is_number": "type({}) in NUMBERS",
    "is_object": "type({}) is dict",
    "is_string": "type({}) is str",
}
"""Built-ins that are one test in Python."""


def adding(holder: str, value: str) -> str:
    """Return a statement that puts a value into a set in the making."""
    if value.isidentifier():
        return f"{holder}.members[{value} if type({value}) is str else identity({value})] = {value}"
    return f"{holder}.add({value})"


def _pattern(path: tuple[Term, ...]) -> Pattern:
    """Return the steps that are written texts; any other may be any (None)."""
    return tuple(
        step.value if isinstance(step, Scalar) and isinstance(step.value, str) else None
        for step in path
    )


def fold(term: Term) -> tuple[Value] | None:
    """Return the value of a term that is written out whole, None where it is computed."""
    match term:
        case Scalar(value):
            return (value,)
        case Array(elements) | SetOf(elements):
            parts = [fold(element) for element in elements]
            known = [part[0] for part in parts if part is not None]
            if len(known) < len(parts):
                return None
            return (known,) if isinstance(term, Array) else (RegoSet(known),)
        case Object(members):
            found: dict[str, Value] = {}
            for key, part in members:
                folded = fold(part)
                if not (isinstance(key, Scalar) and isinstance(key.value, str)) or folded is None:
                    return None
                found[key.value] = folded[0]
            return (found,) if len(found) == len(members) else None
        case _:
            return None
