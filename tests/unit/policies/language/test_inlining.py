"""Functions that are written where they are called say what they say elsewhere."""

from typing import Any

import pytest

from policies.language import UNDEFINED, Budget, compile_modules
from policies.language import program as compiling
from policies.language.errors import ConflictError, ExhaustedError, IllegalError
from policies.language.writing import Namespace

CALLS = """package t

small(x) if x < 3

word(1) := "one"

word(2) := "two"

kind(x) := "text" if {
	is_string(x)
} else := "list" if {
	is_array(x)
	every one in x { small(one) }
} else := "other"

has(xs, x) if {
	some one in xs
	small(one)
	one == x
}

first(xs) := xs[0]

unlike(xs) := x if some x in xs

scaled(x) := x * factor

factor := input.factor

p := [kind(x) | some x in input.values]

q contains x if {
	some x in input.numbers
	not small(x)
}

r contains x if {
	some x in input.numbers
	has(input.numbers, x)
}

s := [first(xs) | some xs in input.lists]

u := [scaled(x) | some x in input.numbers]

v := [word(x) | some x in input.numbers]
"""

INPUT = {
    "values": ["a", [1, 2], [1, 9], None, {}],
    "numbers": [1, 2, 3, 4],
    "lists": [[7], [], [8, 9]],
    "factor": 2,
}


def answers(monkeypatch: pytest.MonkeyPatch, *, inlines: bool) -> Any:
    def names(held: dict[str, Any]) -> Namespace:
        return Namespace(held, inlines=inlines)

    with monkeypatch.context() as patched:
        patched.setattr(compiling, "Namespace", names)
        program = compile_modules({"t.rego": CALLS})
    return {name: program.evaluate(f"data.t.{name}", INPUT) for name in "pqrsuv"}


def test_a_function_says_the_same_wherever_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    here = answers(monkeypatch, inlines=True)
    assert here == {
        "p": ["text", "list", "other", "other", "other"],
        "q": [3, 4],
        "r": [1, 2],
        "s": [7, 8],
        "u": [2, 4, 6, 8],
        "v": ["one", "two"],
    }
    assert answers(monkeypatch, inlines=False) == here


def test_a_function_of_two_values_is_a_conflict_where_it_is_called() -> None:
    rules = "package t\n\nany(xs) := x if some x in xs\n\np := any(input.xs)\n"
    program = compile_modules({"t.rego": rules})
    assert program.evaluate("data.t.p", {"xs": [4, 4]}) == 4
    assert program.evaluate("data.t.p", {"xs": []}) is UNDEFINED
    with pytest.raises(ConflictError, match=r"data\.t\.any has two values"):
        program.evaluate("data.t.p", {"xs": [4, 5]})


def test_a_call_that_is_written_out_is_a_step_of_the_decision() -> None:
    rules = (
        "package t\n\nsmall(x) if x < 3\n\np contains x if {\n\tsome x in input.xs\n\tsmall(x)\n}\n"
    )
    program = compile_modules({"t.rego": rules})
    assert program.evaluate("data.t.p", {"xs": [1]}, budget=Budget(steps=100)) == [1]
    with pytest.raises(ExhaustedError, match="steps"):
        program.evaluate("data.t.p", {"xs": [1] * 60}, budget=Budget(steps=100))


def test_loops_that_python_would_not_nest_are_called_as_functions() -> None:
    def looping(name: str, inner: str) -> str:
        heads = "".join(f"\tsome x{n} in xs\n" for n in range(11))
        return f"{name}(xs) if {{\n{heads}\t{inner}\n}}\n\n"

    rules = "package t\n\n" + looping("f", "x10 > 0") + looping("g", "f(xs)") + "p if g(input.xs)\n"
    program = compile_modules({"t.rego": rules})
    assert program.evaluate("data.t.p", {"xs": [1]}) is True
    assert program.evaluate("data.t.p", {"xs": [0]}) is UNDEFINED


def test_functions_without_end_are_refused() -> None:
    rules = "package t\n\nf(x) if g(x)\n\ng(x) if f(x)\n\np if f(1)\n"
    with pytest.raises(IllegalError, match="recursive"):
        compile_modules({"t.rego": rules})


def test_what_follows_a_literal_that_had_to_wait_fails_by_itself() -> None:
    rules = """package t

p contains x if {
	some x in input.a
	some z in input.b
	every y in input.c { y > w }
	z != 2
	w = z + 1
}
"""
    program = compile_modules({"t.rego": rules})
    assert program.evaluate("data.t.p", {"a": [1], "b": [2, 3, 2, 1], "c": [5]}) == [1]
    assert program.evaluate("data.t.p", {"a": [1], "b": [2, 3], "c": [5]}) == [1]
