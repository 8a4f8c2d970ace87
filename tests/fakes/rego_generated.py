"""Small policies written by chance around what is easy to get wrong, the same for the same seed.

Each answers under `data.t.p`. They mix true with 1 and 1 with 1.0, negation with what is undefined, `with`,
`else` chains, partial rules, `every` and `some` over nothing, numbers beyond 2^53, conflicts, templates,
nested comprehensions and the order of members.
"""

import random
import re
from collections.abc import Callable

_SCALARS = (
    "null",
    "true",
    "false",
    "0",
    "1",
    "1.0",
    "-1",
    "2",
    "2.5",
    "0.1",
    "1e2",
    "9007199254740993",
    '""',
    '"a"',
    '"bob"',
    '"1"',
)
_REFS = (
    "input.user",
    "input.n",
    "input.b",
    "input.no",
    "input.nil",
    "input.xs",
    "input.o",
    "input.zero",
    "input.none",
    "input.o.k",
    "input.xs[0]",
    "data.list",
    "data.table",
    "data.table.bob",
    "data.nothing",
)
_LISTS = ("input.xs", "input.o", "input.none", "data.list", "data.table", "[]", "{}", "set()", "q")
# Each hole says what OPA's type checker lets stand there: any, number, list, object, text.
_CALLS = (
    "count({list})",
    "sum({list})",
    "max({list})",
    "min({list})",
    "sort({list})",
    "type_name({any})",
    "is_number({any})",
    "abs({number})",
    "object.keys({object})",
    "object.get({object}, {any}, {any})",
    "array.concat({array}, {array})",
    "object.union({object}, {object})",
    "concat(`,`, {list})",
    "upper({text})",
    "startswith({text}, {text})",
    "sprintf(`%v %v`, [{any}, {any}])",
    "f({any})",
)
_FITTING = {
    "number": ("0", "1", "-1", "2.5", "9007199254740993"),
    "list": ("data.list", "[1, 2]", "{1, true}", "q"),
    "array": ("data.list", "[1, true]"),
    "object": ("data.table", "{`a`: 1}", "{`k`: {`x`: 1}}"),
    "set": ("q", "{1, true}", "set()"),
    "text": ("`a`", "``", "`bob`"),
}
_OPEN = tuple(ref for ref in _REFS if ref.startswith("input"))
"""What may be anything, as far as the type checker knows."""

_HOLE = re.compile(r"\{(any|number|list|array|object|text)\}")
_INFIX = ("+", "-", "*", "/", "%")
_COMPARED = ("==", "!=", "<", "<=", ">", ">=", "==", "!=")


class _Author:
    """Writes one policy. `depth` bounds how deeply terms are nested."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - policies for a comparison, no secrets
        self._fresh = 0

    def policy(self) -> str:
        pick = self._chance.choice
        helpers = [self._helper(), self._partial(), self._function()]
        main = pick((self._complete, self._chain, self._conflicting, self._collected, self._mocked))
        return "\n\n".join([main(), *helpers])

    def _complete(self) -> str:
        default = "default p := 3\n\n" if self._chance.random() < 0.3 else ""
        return default + self._rule("p")

    def _chain(self) -> str:
        written = self._rule("p")
        for _ in range(self._chance.randint(1, 2)):
            body = self._body()
            written += f" else := {self._term(1)} {body}"
        return written

    def _conflicting(self) -> str:
        return "\n\n".join(self._rule("p") for _ in range(2))

    def _collected(self) -> str:
        key = self._chance.choice(_FITTING["text"])
        return self._chance.choice(
            (
                f"p contains {self._term(1)} {self._body()}\n\np contains {self._term(1)} {self._body()}",
                f"p[k] := v if some k, v in {self._many()}\n\np[{key}] := 1 {self._body()}",
            )
        )

    def _mocked(self) -> str:
        what = self._chance.choice(
            ("input", "input.n", "input.o", "data.table", "data.t.h", "f", "count")
        )
        return f"p := x if x := [h, f({self._term(0)})] with {what} as {self._term(1)}"

    def _helper(self) -> str:
        return self._rule("h")

    def _partial(self) -> str:
        return f"q contains x if some x in {self._chance.choice(_LISTS[:-1])}"

    def _function(self) -> str:
        made = f"f(x) := {self._chance.choice(('x', '1', 'x + 1', '[x]', 'x == 1'))} if {self._about('x')}"
        if self._chance.random() < 0.3:
            made = f"default f(_) := false\n\n{made}"
        return made

    def _about(self, name: str) -> str:
        return self._chance.choice(
            (
                f"{name}",
                f"{name} == 1",
                f"not {name}",
                f"{name} != null",
                f"is_number({name})",
                f"{name} > 0",
            )
        )

    def _rule(self, name: str) -> str:
        return f"{name} := {self._term(2)} {self._body()}"

    def _body(self) -> str:
        literals = [self._literal() for _ in range(self._chance.randint(1, 3))]
        return "if {\n\t" + "\n\t".join(literals) + "\n}"

    def _literal(self) -> str:
        write: Callable[[], str] = self._chance.choice(
            (
                self._comparison,
                self._comparison,
                lambda: f"not {self._comparison()}",
                self._negation,
                lambda: self._term(1),
                lambda: f"{self._term(1)} in {self._many()}",
                lambda: f"not {self._term(1)} in {self._many()}",
                self._every,
                self._some,
                lambda: "h" if self._chance.random() < 0.5 else "true",
            )
        )
        return write()

    def _negation(self) -> str:
        # OPA 1.20 decides `p := input.n if not true` as if the body were true; it is left to OPA.
        denied = self._term(1)
        return f"not {self._chance.choice(_OPEN) if denied in _SCALARS else denied}"

    def _comparison(self) -> str:
        sides = [self._chance.choice(_OPEN), self._term(1)]
        self._chance.shuffle(sides)
        return f"{sides[0]} {self._chance.choice(_COMPARED)} {sides[1]}"

    def _every(self) -> str:
        name = self._name()
        return f"every {name} in {self._many()} {{ {self._about(name)} }}"

    def _some(self) -> str:
        name = self._name()
        return f"some {name} in {self._many()}; {self._about(name)}"

    def _many(self) -> str:
        return self._chance.choice(_LISTS)

    def _name(self) -> str:
        self._fresh += 1
        return f"v{self._fresh}"

    def _term(self, depth: int) -> str:
        if depth == 0 or self._chance.random() < 0.3:
            return self._chance.choice((*_SCALARS, *_REFS, *_REFS))
        inner = depth - 1
        write: Callable[[], str] = self._chance.choice(
            (
                lambda: f"[{self._term(inner)}, {self._term(inner)}]",
                lambda: f"{{{self._term(inner)}, {self._term(inner)}}}",
                lambda: f"{{{self._term(inner)}: {self._term(inner)}}}",
                lambda: (
                    f"({self._fit('number')} {self._chance.choice(_INFIX)} {self._fit('number')})"
                ),
                lambda: f"({self._fit('set')} {self._chance.choice('|&-')} {self._fit('set')})",
                lambda: self._call(inner),
                lambda: self._beside_a_call(inner),
                lambda: self._comprehension(inner),
                lambda: f'$"{{{self._term(0)}}} and {{{self._term(inner)}}}"',
                lambda: self._chance.choice(("h", "q", "f(input.n)")),
            )
        )
        return write()

    def _call(self, depth: int) -> str:
        pattern = self._chance.choice(_CALLS)
        return _HOLE.sub(lambda hole: self._fit(hole[1], depth), pattern)

    def _beside_a_call(self, depth: int) -> str:
        """Write a rule or a step that may be undefined beside a call that may end in an error."""
        first = self._chance.choice(("h", "[h]", "input.xs[h]", "data.table[input.user]", "q"))
        second = self._chance.choice((self._call(depth), f"({self._fit('set')} & {{1, true}})"))
        pattern = self._chance.choice(
            ("[{}, {}]", "{{{}, {}}}", "{{{}: {}}}", "f([{}, {}])", "[[{}], [{}]]")
        )
        return pattern.format(first, second)

    def _fit(self, kind: str, depth: int = 0) -> str:
        """Write a term of a kind, or one that may be of any kind."""
        if kind == "any":
            return self._term(depth)
        return self._chance.choice((*_FITTING[kind], *self._chance.sample(_OPEN, 3)))

    def _comprehension(self, depth: int) -> str:
        name, many = self._name(), self._many()
        about = self._about(name)
        return self._chance.choice(
            (
                f"[{name} | some {name} in {many}; {about}]",
                f"{{{name} | some {name} in {many}; {about}}}",
                f"{{k: {name} | some k, {name} in {many}; {about}}}",
                f"[[{name}, {self._term(depth)}] | some {name} in {many}]",
                f"count([{name} | some {name} in {many}; not {about}])"
                if not about.startswith("not ")
                else f"[{name} | {name} := {many}[_]]",
            )
        )


def policy(seed: int) -> str:
    """Return the rules of one policy, without its package line."""
    return _Author(seed).policy()
