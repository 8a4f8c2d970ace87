"""Values keep their types apart, numbers stay exact, and a budget ends what runs away."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine import UndecidedError
from policies.language import UNDEFINED, Budget, compile_modules
from policies.language.errors import ConflictError, ExhaustedError
from policies.language.numbers import add, divide, multiply, read_number, subtract
from policies.language.values import admit, equal, identity, less, to_json
from tests.examples import examples

_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=4), st.floats(-1e9, 1e9)
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
_INTEGERS = st.integers(-(2**62), 2**62)


def evaluate(rules: str, question: object = UNDEFINED, **budget: Any) -> Any:
    program = compile_modules({"m.rego": f"package t\n\n{rules}\n"})
    return program.evaluate("data.t.p", question, budget=Budget(**budget))


@settings(max_examples=examples(100), deadline=None)
@given(_JSON)
def test_what_is_admitted_comes_out_again(plain: Any) -> None:
    assert to_json(admit(plain)) == plain


@settings(max_examples=examples(100), deadline=None)
@given(_JSON, _JSON)
def test_values_are_equal_exactly_when_their_identities_are(left: Any, right: Any) -> None:
    first, second = admit(left), admit(right)
    assert equal(first, second) == (identity(first) == identity(second))
    assert sum([less(first, second), less(second, first), equal(first, second)]) == 1


@settings(max_examples=examples(100), deadline=None)
@given(st.decimals(-(10**6), 10**6, allow_nan=False, places=4))
def test_a_number_is_read_exactly(number: Decimal) -> None:
    assert read_number(format(number, "f")) == number


@settings(max_examples=examples(100), deadline=None)
@given(_INTEGERS, _INTEGERS)
def test_integers_are_added_and_subtracted_exactly(left: int, right: int) -> None:
    assert add(left, right) == left + right
    assert subtract(left, right) == left - right


@settings(max_examples=examples(100), deadline=None)
@given(st.integers(-(2**31), 2**31), st.integers(1, 2**31))
def test_what_is_multiplied_divides_back(left: int, right: int) -> None:
    assert divide(multiply(left, right), right) == left


@pytest.mark.parametrize("text", ["1e999999999", "1" * 500, "NaN", "Infinity"])
def test_a_number_out_of_all_measure_is_refused(text: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        read_number(text)


def test_numbers_beyond_a_float_and_decimals_are_exact() -> None:
    assert evaluate("p := 9007199254740993 + 2") == 9007199254740995
    assert evaluate("p if 0.1 + 0.2 == 0.3") is True
    assert evaluate("p if input.a == 0.1", {"a": 0.1}) is True
    assert evaluate("p if input.a == 9007199254740992", {"a": 9007199254740993}) is UNDEFINED


def test_true_is_never_one() -> None:
    assert evaluate("p if input.a == 1", {"a": True}) is UNDEFINED
    assert evaluate("p := count({1, true, false, 0})") == 4
    assert evaluate("p if true in [1]") is UNDEFINED


@pytest.mark.parametrize(
    "rules",
    [
        "p := count([x | some x in numbers.range(1, 500); some y in numbers.range(1, 500)])",
        "p if every x in numbers.range(1, 90000) { x > 0 }",
        "p := {x: y | some x in numbers.range(1, 500); some y in [x]; some z in numbers.range(1, 500)}",
        "p := count([1 | some x in numbers.range(1, 9000); f(x)])\n\nf(x) if x > 0",
    ],
)
@pytest.mark.proves("P4")
def test_a_policy_that_runs_away_is_ended(rules: str) -> None:
    with pytest.raises(ExhaustedError, match="steps"):
        evaluate(rules, steps=10_000)


@pytest.mark.proves("P4")
def test_a_decision_that_takes_too_long_is_ended() -> None:
    ticks = iter(range(1_000_000))
    with pytest.raises(ExhaustedError, match="time"):
        evaluate(
            "p := count([1 | some x in numbers.range(1, 300); some y in numbers.range(1, 300)])",
            seconds=5,
            monotonic=lambda: float(next(ticks)),
        )


@pytest.mark.parametrize(
    "rules",
    [
        "p := concat(``, [q3 | some _ in numbers.range(1, 4000)])\n\nq3 := concat(``, [q2, q2])\n\n"
        "q2 := concat(``, [`" + "x" * 1000 + "`])",
        "p := numbers.range(1, 10000000)",
        "p := sprintf(`%9999d`, [1])",
        "p := bits.lsh(1, 100000)",
    ],
)
def test_a_value_that_grows_beyond_measure_is_refused(rules: str) -> None:
    with pytest.raises(UndecidedError):
        evaluate(rules)


def test_two_values_are_a_conflict_and_never_one_of_them() -> None:
    with pytest.raises(ConflictError):
        evaluate("p := 1 if input.a\n\np := 2 if input.b", {"a": 1, "b": 1})
    with pytest.raises(ConflictError):
        evaluate("p[k] := v if some k, v in [[1, 2], [3]][_]")


def test_a_question_that_is_no_json_or_too_deep_is_not_decided() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UndecidedError):
        evaluate("p := input", deep)
    with pytest.raises(UndecidedError):
        evaluate("p := input", {"a": object()})
    with pytest.raises(UndecidedError):
        evaluate("p := input", {"a": float("nan")})


def test_one_evaluation_leaves_nothing_for_the_next() -> None:
    program = compile_modules(
        {"m.rego": "package t\n\np := q\n\nq contains x if some x in input.xs\n"}
    )
    assert program.evaluate("data.t.p", {"xs": [1]}) == [1]
    assert program.evaluate("data.t.p", {"xs": [2]}) == [2]
    assert msgspec.json.encode(program.evaluate("data.t")) == b'{"p":[],"q":[]}'
