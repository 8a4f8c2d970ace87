"""Writes the Python function of each document and each function that rules define."""

from collections.abc import Sequence

from policies.language.analysis import Analysed, Group, Part, outer_variables
from policies.language.ast import Branch, Scalar, Template, Term, Var
from policies.language.compiler import BodyWriter
from policies.language.errors import IllegalError, UnsupportedError, at
from policies.language.references import adding
from policies.language.writing import Env, Namespace, Pending, Writer

Patterns = Sequence[tuple[Term, str]]
"""Arguments that are no mere names, each with what holds the value that was given."""


def write_group(analysed: Analysed, names: Namespace, group: Group) -> list[str]:
    """Return the lines that define the group's function, and those of its rules before it."""
    first = group.parts[0]
    if len(group.parts) == 1 and not group.partial and not first.rule.default:
        return _write_alone(BodyWriter(analysed, names, first.scope, group), group, first)
    bodies: list[str] = []
    lines: list[str] = []
    default = ""
    for part in group.parts:
        name = names.fresh("body")
        writer = BodyWriter(analysed, names, part.scope, group)
        if group.partial:
            _write_part(writer, name, part)
        else:
            writer.write(f"def {name}({', '.join(['S', *_arguments(group)])}):")
            writer.indent = 1
            _write_body(writer, part, leave="return {}")
        lines += writer.lines
        if part.rule.default:
            default = name
        else:
            bodies.append(name)
    closing = Writer(names)
    if group.arity is not None:
        _write_function(closing, group, bodies, default)
    else:
        _write_document(closing, group, bodies, default)
    return lines + closing.lines


def _arguments(group: Group) -> list[str]:
    return [f"a{number}" for number in range(group.arity or 0)]


def _write_alone(writer: BodyWriter, group: Group, part: Part) -> list[str]:
    """Write a function that is the only rule of its group: it keeps what it gives itself."""
    if group.arity is None:
        _open_document(writer, group)
        leave = f"S.memo[{group.number}] = v = {{}}; return v"
    else:
        _open_function(writer, group)
        leave = f"v = {{}}; S.memo[known] = ({', '.join(['v', *_arguments(group)])},); return v"
    _write_body(writer, part, leave=leave)
    return writer.lines


def _write_part(writer: BodyWriter, name: str, part: Part) -> None:
    """Write a rule of a partial document: each solution is entered into what is collected."""
    rule = part.rule
    writer.write(f"def {name}(S, collected):")
    writer.indent = 1

    def enter(env: Env) -> None:
        said = rule.branches[0].value if rule.element is None else rule.element
        keys = [writer.term(step, env) for key in part.keys for step in writer.early((key,), env)]
        (given,) = writer.early((said,), env)
        value = writer.term(given, env)
        where = f"({', '.join(keys)},)"
        if rule.element is None:
            writer.write(f"collected.put({where}, {value})")
        elif not keys:
            writer.write(adding("collected", value))
        elif len(keys) == 1:
            writer.write(f"collected.put_under({keys[0]}, {value})")
        else:
            writer.write(f"collected.put_member({where}, {value})")

    if len(rule.branches) > 1:
        raise IllegalError(at(rule.place, "`else` on a rule with computed keys"))
    env: Env = {}
    for term in (*part.keys, *([rule.element] if rule.element else [rule.branches[0].value])):
        _own_variables(writer, term, env)
    writer.depth = -1  # The loop around the body is no body.
    writer.once(rule.branches[0].body, env, enter)
    writer.write("return")


def _own_variables(writer: BodyWriter, term: Term, env: Env) -> None:
    """Enter the head's variables: they are the rule's own, also where its body is silent."""
    for name in outer_variables(term):
        if name not in env and writer.scope.path(name) is None:
            env[name] = Pending.HERE


def _write_branches(
    writer: BodyWriter,
    branches: tuple[Branch, ...],
    bound: Env,
    patterns: Patterns,
    *,
    leave: str,
) -> None:
    """Write the alternatives of a complete rule or function, first to last.

    `leave` is what ends the function, with a place for the value.
    """
    name = "" if writer.group is None else writer.group.name
    for branch in branches:
        found = writer.let("U", "r")
        env = dict(bound)
        _own_variables(writer, branch.value, env)
        late: list[tuple[Term, str]] = []

        def give(
            inner: Env, branch: Branch = branch, found: str = found, late: Patterns = late
        ) -> None:
            for pattern, argument in late:
                writer.match(pattern, argument, inner)
            (given,) = writer.early((branch.value,), inner)
            value = writer.term(given, inner)
            if isinstance(branch.value, Scalar) or not writer.opened:
                # One value, or the only one: nothing was gone through.
                writer.write(leave.format(value))
            else:
                writer.write(f"{found} = agree({found}, {value}, {name!r})")

        indent, opened = writer.indent, writer.opened
        writer.write("for _ in ONCE:")
        writer.indent += 1
        writer.opened = []
        for pattern, argument in patterns:
            if isinstance(pattern, Template) and writer.has_free(pattern, env):
                # What it shows is bound by the body.
                late.append((pattern, argument))
            else:
                writer.match(pattern, argument, env)
        if writer.opened:
            raise UnsupportedError(at(branch.place, "an argument that has several values"))
        writer.body(branch.body, env, give)
        writer.indent, writer.opened = indent, opened
        writer.write(f"if {found} is not U: {leave.format(found)}")
    writer.write(leave.format("U"))


def _write_body(writer: BodyWriter, part: Part, *, leave: str) -> None:
    arguments = part.rule.arguments or ()
    names = [f"a{number}" for number in range(len(arguments))]
    env: Env = {}
    patterns: list[tuple[Term, str]] = []
    for argument, held in zip(arguments, names, strict=True):
        if isinstance(argument, Var) and argument.name not in env:
            env[argument.name] = held
        else:
            patterns.append((argument, held))
            for variable in outer_variables(argument):
                # An argument hides every global of its name; a template shows globals.
                if not (isinstance(argument, Template) and writer.scope.path(variable)):
                    env.setdefault(variable, Pending.HERE)
    _write_branches(writer, part.rule.branches, env, tuple(patterns), leave=leave)


def _write_charge(writer: Writer) -> None:
    """Write that the rule is one step of the decision."""
    writer.write("m = S.meter")
    writer.write("m.left -= 1")
    writer.write("if m.left < m.next_check: m.check()")


def _constant(group: Group) -> bool:
    """Whether every rule gives the same written value, so that the first that holds decides."""
    values = {
        (type(branch.value.value), branch.value.value)
        if isinstance(branch.value, Scalar)
        else object()
        for part in group.parts
        if not part.rule.default
        for branch in part.rule.branches
    }
    return len(values) == 1


def _open_document(writer: Writer, group: Group) -> None:
    writer.write(f"def rule_{group.number}(S):")
    writer.indent = 1
    writer.write(f"v = S.memo.get({group.number}, MISSING)")
    writer.write("if v is not MISSING: return v")
    writer.write(f"if S.hidden and S.hides({group.path!r}): return S.base({group.path!r})")
    _write_charge(writer)


def _open_function(writer: Writer, group: Group) -> None:
    names = _arguments(group)
    writer.write(f"def function_{group.number}({', '.join(['S', *names])}):")
    writer.indent = 1
    # A text is its own key, anything else is known by its identity, kept alive beside the result.
    keys = "".join(f", {name} if type({name}) is str else id({name})" for name in names)
    writer.write(f"known = ({group.number}{keys or ','})")
    writer.write("v = S.memo.get(known, MISSING)")
    writer.write("if v is not MISSING: return v[0]")
    _write_charge(writer)


def _write_document(writer: Writer, group: Group, bodies: list[str], default: str) -> None:
    _open_document(writer, group)
    if group.partial:
        is_set = not any(part.keys for part in group.parts)
        writer.write(f"v = {'RegoSet()' if is_set else f'Collected({group.name!r})'}")
        for body in bodies:
            writer.write(f"{body}(S, v)")
        if not is_set:
            writer.write("v = v.value")
    else:
        _write_choice(writer, group, bodies, default, "S")
    writer.write(f"S.memo[{group.number}] = v")
    writer.write("return v")


def _write_function(writer: Writer, group: Group, bodies: list[str], default: str) -> None:
    names = _arguments(group)
    arguments = ", ".join(["S", *names])
    _open_function(writer, group)
    _write_choice(writer, group, bodies, default, arguments)
    writer.write(f"S.memo[known] = ({', '.join(['v', *names])},)")
    writer.write("return v")


def _write_choice(
    writer: Writer, group: Group, bodies: list[str], default: str, arguments: str
) -> None:
    writer.write(f"v = {bodies[0]}({arguments})" if bodies else "v = U")
    for body in bodies[1:]:
        if _constant(group):
            writer.write(f"if v is U: v = {body}({arguments})")
        else:
            writer.write(f"x = {body}({arguments})")
            writer.write(f"if x is not U: v = agree(v, x, {group.name!r})")
    if default:
        writer.write(f"if v is U: v = {default}({arguments})")
