"""Writes calls of functions and built-ins, operators, comparisons and membership."""

from policies.language.analysis import Group, constant_prefix, dotted
from policies.language.ast import Call, Infix, Member, Ref, Scalar, Term, Var
from policies.language.builtins.table import BUILTINS, OPERATORS, REPLACEABLE, python_name
from policies.language.errors import IllegalError, NoFunctionError, UnsafeError, at
from policies.language.metering import SMALL
from policies.language.patterns import PatternWriter
from policies.language.writing import Env


class CallWriter(PatternWriter):
    """Calls and operators over terms."""

    def remember(self, path: tuple[Term, ...]) -> None:
        """Remember which of the rules and data the group reads."""
        raise NotImplementedError

    def inlines(self, group: Group) -> bool:
        """Whether the function's rules are written where it is called."""
        raise NotImplementedError

    def inlined(self, group: Group, arguments: list[str]) -> str:
        """Write the function's rules here, over these arguments, and return what holds the value."""
        raise NotImplementedError

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
            self.remember(tuple(Scalar(name, term.place) for name in group.path))
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

    def call(self, call: Call, env: Env) -> str:
        if test := self.kind_test(call, env):
            return self.let(test)
        arity = self.arity(call, env)
        if len(call.arguments) != arity:
            name = dotted(call.operator)
            raise IllegalError(
                at(call.place, f"`{name}` takes {arity} arguments, {len(call.arguments)} found")
            )
        group = self.function_group(call.operator, env)
        if group is not None:
            inlines = group.path[-1] not in self.analysed.mocked and self.inlines(group)
        else:
            inlines = False
        # What is written here reads of its arguments what it uses, as any literal of the rule does.
        shape = group is None and dotted(call.operator) in _OF_SHAPE
        write = self.lazily if shape or inlines else self.term
        arguments = [write(argument, env) for argument in call.arguments]
        joined = ", ".join(arguments)
        if group is not None:
            self.remember(tuple(Scalar(name, call.place) for name in group.path))
            target, name = f"function_{group.number}", group.name
            if inlines:
                return self.inlined(group, arguments)
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
        if group is None and not mocked:
            direct = self._quick(name, arguments, otherwise=direct)
        if mocked:
            tail = f"({joined},)" if arguments else "()"
            direct = f"{self.state}.mocked({name!r}, {target}, {tail})"
        found = self.let(direct)
        self.stop_if(f"{found} is U")
        return found

    def _quick(self, name: str, arguments: list[str], *, otherwise: str) -> str:
        """Return a built-in's call behind what answers the usual case in Python alone."""
        if not all(argument.isidentifier() for argument in arguments[:1]):
            return otherwise
        match name, arguments:
            case "count", [one]:
                sized = f"len({one}.members) if type({one}) is RegoSet"
                return f"len({one}) if type({one}) in SIZED else {sized} else {otherwise}"
            case "object.get", [held, index, default]:
                plain = " and ".join((f"type({held}) is dict", *_text_test(index)))
                return f"{held}.get({index}, {default}) if {plain} else {otherwise}"
            case _:
                return otherwise

    def infix(self, term: Infix, env: Env) -> str:
        if term.operator not in OPERATORS:
            return self.let(self.comparison(term, env))
        left = self.term(term.left, env)
        right = self.term(term.right, env)
        direct = f"B_{OPERATORS[term.operator]}({left}, {right})"
        if term.operator in _OF_SETS and left.isidentifier() and right.isidentifier():
            # Of small sets nothing is to be paid for.
            sets = f"type({left}) is type({right}) is RegoSet"
            small = f"len({left}.members) + len({right}.members) <= SMALL"
            quick = _OF_SETS[term.operator].format(f"{left}.members", f"{right}.members")
            direct = f"RegoSet({quick}) if {sets} and {small} else {direct}"
        found = self.let(direct)
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
        tests = [f"type({one}) is int" for one in (left, right) if not one.isdecimal()]
        return f"({left} {sign} {right} if {' and '.join(tests) or 'True'} else {otherwise})"

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
        for side, this, other in ((term.left, left, right), (term.right, right, left)):
            if quick := self._equal_to_known(side, this, other):
                return quick
        plain = f"type({left}) is type({right}) is str"
        return f"({left} == {right} if {plain} else equal({left}, {right}))"

    def _equal_to_known(self, side: Term, this: str, other: str) -> str:
        """Return the comparison with a side that is a constant, empty where there is nothing quicker."""
        if isinstance(side, Scalar):
            match side.value:
                case str():
                    # Only a text compares in Python as in Rego without a look at the types.
                    return f"({other} == {this})"
                case bool() | None if other.isidentifier():
                    return f"({other} is {this})"
                case int() if not isinstance(side.value, bool):
                    return f"(type({other}) is int and {other} == {this})"
                case _:
                    return ""
        constant = self.names.known_set(this)
        if constant is None or len(constant.members) > SMALL or not other.isidentifier():
            return ""
        members = self.names.beside(this, "members", constant.members.keys())
        same = (
            f"{other}.members.keys() == {members}" if constant.members else f"not {other}.members"
        )
        return f"(type({other}) is RegoSet and {same})"

    def membership(self, term: Member, env: Env) -> str:
        collection = self.term(term.collection, env)
        value = self.term(term.value, env)
        constant = self.names.known_set(collection) if term.key is None else None
        if constant is not None:
            members = self.names.beside(collection, "names", frozenset(constant.members))
            plain = " and ".join(_text_test(value)) or "True"
            return f"({value} in {members} if {plain} else member({value}, {collection}))"
        if term.key is None:
            plain = f"type({collection}) is list and type({value}) is str"
            return f"({value} in {collection} if {plain} else member({value}, {collection}))"
        return f"member_at({self.term(term.key, env)}, {value}, {collection})"


def _text_test(expression: str) -> list[str]:
    """Return the test whether a value is a text, none where it is written as one."""
    return [] if expression[0] in "'\"" else [f"type({expression}) is str"]


_OF_SETS = {"|": "{} | {}", "-": "{{n: one for n, one in {}.items() if n not in {}}}"}
"""Operators on sets as Python writes them for their members."""

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
