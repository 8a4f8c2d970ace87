"""Writes the Python function of each document and each function that rules define."""

from collections.abc import Sequence

from policies.language.analysis import Analysed, Group, Part, outer_variables
from policies.language.ast import Branch, Scalar, Template, Term, Var
from policies.language.compiler import BodyWriter
from policies.language.errors import IllegalError, UnsupportedError, at
from policies.language.inlining import first_decides
from policies.language.references import adding
from policies.language.writing import Env, Namespace, Pending, Writer

Patterns = Sequence[tuple[Term, str]]
"""Arguments that are no mere names, each with what holds the value that was given."""


def write_group(analysed: Analysed, names: Namespace, group: Group) -> list[str]:
    """Return the lines that define the group's function, and those of rules that have one of their own."""
    if group.partial:
        return _write_partial(analysed, names, group)
    if first_decides(group):
        return _write_first(analysed, names, group)
    return _write_agreeing(analysed, names, group)


def _arguments(group: Group) -> list[str]:
    return [f"a{number}" for number in range(group.arity or 0)]


def _write_first(analysed: Analysed, names: Namespace, group: Group) -> list[str]:
    """Write a function whose first rule that holds decides, the default last: it keeps what it gives."""
    lines: list[str] = []
    writer = Writer(names)
    if group.arity is None:
        _open_document(writer, group)
        leave = f"S.memo[{group.number}] = v = {{}}; return v"
    else:
        _open_function(writer, group)
        leave = f"v = {{}}; S.memo[known] = ({', '.join(['v', *_arguments(group)])},); return v"
    lines += writer.lines
    for part in sorted(group.parts, key=lambda part: part.rule.default):
        body = BodyWriter(analysed, names, part.scope, group)
        body.indent = 1
        _write_body(body, part, leave=leave)
        lines += body.lines
    return [*lines, "    " + leave.format("U")]


def _write_agreeing(analysed: Analysed, names: Namespace, group: Group) -> list[str]:
    """Write a function of several rules, which must not give different values."""
    bodies: list[str] = []
    lines: list[str] = []
    default = ""
    for part in group.parts:
        name = names.fresh("body")
        writer = BodyWriter(analysed, names, part.scope, group)
        writer.write(f"def {name}({', '.join(['S', *_arguments(group)])}):")
        writer.indent = 1
        _write_body(writer, part, leave="return {}")
        writer.write("return U")
        lines += writer.lines
        if part.rule.default:
            default = name
        else:
            bodies.append(name)
    closing = Writer(names)
    arguments = ", ".join(["S", *_arguments(group)])
    if group.arity is None:
        _open_document(closing, group)
    else:
        _open_function(closing, group)
    closing.write(f"v = {bodies[0]}({arguments})")
    for body in bodies[1:]:
        closing.write(f"x = {body}({arguments})")
        closing.write(f"if x is not U: v = agree(v, x, {group.name!r})")
    if default:
        closing.write(f"if v is U: v = {default}({arguments})")
    if group.arity is None:
        closing.write(f"S.memo[{group.number}] = v")
    else:
        closing.write(f"S.memo[known] = ({', '.join(['v', *_arguments(group)])},)")
    closing.write("return v")
    return lines + closing.lines


def _write_partial(analysed: Analysed, names: Namespace, group: Group) -> list[str]:
    """Write the function of a partial document: each rule enters into it what it finds."""
    opening = Writer(names)
    _open_document(opening, group)
    forms = {(len(part.keys), part.rule.element is not None) for part in group.parts}
    made = {
        frozenset({_SET}): "RegoSet()",
        frozenset({_UNDER_KEY}): "{}",
        frozenset({_SET_UNDER_KEY}): "{}",
    }.get(frozenset(forms), f"Collected({group.name!r})")
    opening.write(f"v = {made}")
    lines = opening.lines
    for part in group.parts:
        writer = BodyWriter(analysed, names, part.scope, group)
        writer.indent = 1
        _write_part(writer, part, alike=len(forms) == 1)
        lines += writer.lines
    closing = Writer(names)
    closing.indent = 1
    if made.startswith("Collected"):
        closing.write("v = v.value")
    closing.write(f"S.memo[{group.number}] = v")
    closing.write("return v")
    return lines + closing.lines


_SET, _UNDER_KEY, _SET_UNDER_KEY = (0, True), (1, False), (1, True)
"""Forms of a rule of a partial document: how many keys it has, and whether it adds to a set."""


def _write_part(writer: BodyWriter, part: Part, *, alike: bool) -> None:
    """Write a rule of a partial document; `alike` where all its rules are of one form."""
    rule = part.rule
    name = "" if writer.group is None else writer.group.name

    def enter(env: Env) -> None:
        said = rule.branches[0].value if rule.element is None else rule.element
        keys = [writer.term(step, env) for key in part.keys for step in writer.early((key,), env)]
        (given,) = writer.early((said,), env)
        value = writer.term(given, env)
        where = f"({', '.join(keys)},)"
        match len(keys), rule.element is not None:
            case form if form == _SET:
                writer.write(adding("v", value))
            case form if form == _UNDER_KEY and alike:
                writer.put("v", keys[0], value, name)
            case form if form == _SET_UNDER_KEY and alike:
                writer.put_under("v", keys[0], value)
            case _, True:
                writer.write(f"v.put_member({where}, {value})")
            case _:
                writer.write(f"v.put({where}, {value})")

    if len(rule.branches) > 1:
        raise IllegalError(at(rule.place, "`else` on a rule with computed keys"))
    env: Env = {}
    for term in (*part.keys, *([rule.element] if rule.element else [rule.branches[0].value])):
        writer.own_variables(term, env)
    writer.depth = -1  # The loop around the body is no body.
    writer.once(rule.branches[0].body, env, enter)


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
        found, start = writer.let("U", "r"), len(writer.lines)
        env = dict(bound)
        writer.own_variables(branch.value, env)
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
        if any(f"{found} = agree" in line for line in writer.lines[start:]):
            writer.write(f"if {found} is not U: {leave.format(found)}")


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
    writer.charge("m", "1")


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
