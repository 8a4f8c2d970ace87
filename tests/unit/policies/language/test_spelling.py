"""Numbers of another spelling, keywords as names, replaced parts of templates, several computed keys."""

from typing import Any

import pytest

from policies.engine import LoadError
from policies.language import UNDEFINED, compile_modules


def answer(rules: str, *others: str, question: object = UNDEFINED) -> Any:
    modules = {f"{n}.rego": f"package t\n\n{text}\n" for n, text in enumerate((rules, *others))}
    return compile_modules(modules).evaluate("data.t.p", question)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("p := 1.0", 1),
        ("p := -42.0", -42),
        ("p := 1e3 / 8", 125),
        ("p := count({1, 1.0, 1e0})", 1),
        ("p := [1.0 == 1, 1.50 == 1.5, [1e0] == [1], 1.0 in {1}]", [True] * 4),
        ("p := {`a`: 1}[`a`] if input.n == 2.0", 1),
        ("p := json.marshal([1e6 * 2])", "[2000000]"),
        ("p := {1: x | x := 3}[1] if input.n > 1.0", 3),
    ],
)
def test_a_number_of_another_spelling_is_the_same_number(rule: str, value: Any) -> None:
    assert answer(rule, question={"n": 2}) == value


@pytest.mark.parametrize(
    "rule",
    [
        "p := json.marshal([1.0])",
        "p := sprintf(`%v`, [x]) if x := 1e6",
        "p := $`{x}` if x := 1.0",
        "p := {1.0: 2}",
        "p := {x: 2 | x := 1.0}",
        "p[x] := 1 if x := 1.0",
        "p := data.table[x] if x := 1.0",
        "p := json.marshal({1.0, 2} - {2})",
        "p := 1e500",
        "p := 1.0000000000000000000000000000000000000000000000000000000000000000",
    ],
)
def test_a_spelling_that_could_be_seen_is_refused(rule: str) -> None:
    with pytest.raises(LoadError, match=r"0\.rego:3:\d+: "):
        answer(rule)


def test_what_shows_numbers_is_looked_for_in_every_module() -> None:
    with pytest.raises(LoadError, match="the plain form needed"):
        answer("p := q\n\nq := 1.0", "r := json.marshal(q)")


@pytest.mark.parametrize("word", ["if", "in", "with", "else", "contains", "some", "not", "default"])
def test_a_keyword_begins_a_name_on_a_new_line(word: str) -> None:
    rules = f'p := [x.a, {word}.foo] if x := {{"a": 1}}\n\n{word}.foo := "a"\n{word}.bar := "b"'
    assert answer(rules) == [1, "a"]


def test_a_keyword_inside_of_a_line_stays_a_keyword() -> None:
    assert answer("p if 1 in[1, 2]") is True
    assert answer("p := x if x := input.n\n\twith input.n as 3") == 3


def test_a_part_of_a_template_is_shown_under_its_replacement() -> None:
    rules = "p := $`{a} {a with input.n as 4} {b with input.n as 5}`\n\na := input.n\nb := input.m"
    assert answer(rules, question={"n": 1}) == "1 4 <undefined>"


def test_several_computed_keys_lead_to_their_values() -> None:
    assert answer("p[q][r] := 1 if q := [`a`, `b`][r]") == {"a": {"0": 1}, "b": {"1": 1}}
    assert answer("p[q].x[r] contains r if q := [`a`][r]") == {"a": {"x": {"0": [0]}}}


def test_a_comparison_binds_on_either_side() -> None:
    assert answer("p := k if { some k; k == input.n[k] }", question={"n": [2, 1, 0]}) == 1
