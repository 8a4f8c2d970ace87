"""Writes terms as Python: references into documents, calls, collections and patterns."""

from policies.language.analysis import (
    Pattern,
    constant_prefix,
)
from policies.language.ast import (
    Array,
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
from policies.language.calls import CallWriter
from policies.language.errors import (
    IllegalError,
    UnsafeError,
    at,
)
from policies.language.values import UNDEFINED, RegoSet, Value, step
from policies.language.writing import Env, Pending


class ReferenceWriter(CallWriter):
    """Terms and references: each method writes what must run first and returns an expression."""

    def term(self, term: Term, env: Env) -> str:  # noqa: PLR0911 - one return for each kind of term
        match term:
            case Scalar(value):
                return self.names.constant(value)
            case Var():
                return self._variable(term, env)
            case Ref():
                return self._reference(term, env)
            case Call():
                return self.call(term, env)
            case Infix():
                return self.infix(term, env)
            case Member():
                return self.let(self.membership(term, env))
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
        return self.let(f"[{parts}]" if isinstance(term, Array) else f"RegoSet.of(({parts},))")

    def _comprehension(self, term: Comprehension, env: Env) -> str:
        start = {"array": "[]", "set": "RegoSet()", "object": "{}"}
        found = self.let(start[term.kind], "c")

        def collect(inner: Env) -> None:
            said = (term.value,) if term.key is None else (term.key, term.value)
            given = [self.term(part, inner) for part in self.early(said, inner)]
            if term.kind == "object":
                self.put(found, given[0], given[1], "a comprehension")
            elif term.kind == "array":
                self.write(f"{found}.append({given[0]})")
            else:
                self.write(adding(found, given[0]))

        state = self.state
        self.once(term.body, self.inner(env), collect)
        self.state = state
        return found

    def put(self, holder: str, index: str, value: str, name: str) -> None:
        """Write that a value is put into an object in the making, which `name` tells of."""
        if index.isidentifier():
            new = f"type({index}) is str and {index} not in {holder}"
            self.write(f"if {new}: {holder}[{index}] = {value}")
            self.write(f"else: put({holder}, {index}, {value}, {name!r})")
        else:
            self.write(f"put({holder}, {index}, {value}, {name!r})")

    def put_under(self, holder: str, index: str, value: str) -> None:
        """Write that a value is put into the set under a key, in an object of such sets in the making."""
        written = index[0] in "'\""
        held = index if written else self.let(f"{index} if type({index}) is str else key({index})")
        members = self.let(f"{holder}.get({held})")
        self.write(f"if {members} is None: {members} = {holder}[{held}] = RegoSet()")
        self.write(adding(members, value))

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

    def remember(self, path: tuple[Term, ...]) -> None:
        """Remember which of the rules and data the group reads."""
        self._note(("data", *_pattern(path)))

    def _data(self, path: tuple[Term, ...], term: Ref, env: Env) -> str:
        self.remember(path)
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
            if self.is_free(index, env) or self.is_pattern(index, env):
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


def adding(holder: str, value: str) -> str:
    """Return a statement that puts a value into a set in the making."""
    if value[0] in "'\"":
        return f"{holder}.members[{value}] = {value}"
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
            return (known,) if isinstance(term, Array) else (RegoSet.of(known),)
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
