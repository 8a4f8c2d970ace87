"""Rules that try to keep the exchange busy: each ends in a refusal, within the steps of a decision."""

from typing import Any

import pytest

from policies.engine import UndecidedError
from policies.language import UNDEFINED, Budget, Program, compile_modules
from policies.language.errors import ExhaustedError

LEVELS = 400


def nested(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"a": found}
    return found


QUESTION = {"s": "x" * 1000, "a": "a" * 50_000 + "!", "deep": nested(LEVELS)}

ATTACKS = {
    "nested loops": """
p if {
 some a in numbers.range(1,1000)
 some b in numbers.range(1,1000)
 some c in numbers.range(1,1000)
 a+b+c == 0 }
""",
    "range": """
p if count(numbers.range(0,1000000000)) > 0
""",
    "range steps": """
p if count(numbers.range_step(0,1000000000,1)) > 0
""",
    "doubling": """
p if {
 x := concat("", [input.s | some _ in numbers.range(1,100000)])
 y := concat("", [x | some _ in numbers.range(1,100000)])
 count(y) > 0 }
""",
    "replace": """
p if {
 a := concat("", ["a" | some _ in numbers.range(1, 3000)])
 b := replace(a, "a", a)
 c := replace(b, "a", a)
 count(c) > 0 }
""",
    "mul chain": """
a := 99999999999999999999999999999999
b := a*a*a*a*a*a*a*a
c := b*b*b*b*b*b*b*b
d := c*c*c*c*c*c*c*c
e := d*d*d*d*d*d*d*d
f := e*e*e*e*e*e*e*e
g := f*f*f*f*f*f*f*f
h := g*g*g*g*g*g*g*g
p if h*h*h*h*h*h*h*h > 0
""",
    "lsh": """
p if bits.lsh(1, 100000000000) > 0
""",
    "units": """
p if units.parse("1e999999999") > 0
""",
    "regex huge": """
p if regex.match("((a{1,100}){1,100}){1,100}", input.a)
""",
    "glob": """
p if glob.match("{a,b{a,b{a,b{a,b{a,b*}*}*}*}*}*", [], input.a)
""",
    "cidr": """
p if count(net.cidr_expand("10.0.0.0/2")) > 0
""",
    "cidr6": """
p if count(net.cidr_expand("::/1")) > 0
""",
    "walk": """
p if {
 walk(input.deep, [path, _])
 walk(path, [q, _])
 walk(q, [r,_])
 count(r) < 0 }
""",
    "sprintf width": """
p if sprintf("%999999999d", [1]) != ""
""",
    "sprintf precision": """
p if sprintf("%.999999999f", [1.5]) != ""
""",
    "product": """
p if product([x | some x in numbers.range(1, 100000)]) > 0
""",
    "sort sets": """
p if {
 s := {sprintf("%d", [x]) | some x in numbers.range(1, 900000)}
 t := {y | some y in s; some z in s; y != z}
 count(t) < 0 }
""",
    "json": """
p if {
 x := json.unmarshal(concat("", [concat("", ["[" |
	some _ in numbers.range(1,100000)]), concat("", ["]" | some _ in numbers.range(1,100000)])]))
 x }
""",
    "object.union": """
p if {
 o := {sprintf("%d", [x]): x | some x in numbers.range(1, 100000)}
 count([u | some _ in numbers.range(1, 100000); u := object.union(o, {"a": 1})]) < 0 }
""",
    "reach": """
p if {
 g := {sprintf("%d",[x]): [sprintf("%d",[y]) | some y in numbers.range(1,300)] |
	some x in numbers.range(1,300)}
 count(graph.reachable_paths(g, {"1"})) < 0 }
""",
    "indexof_n": """
p if count(indexof_n(concat("", ["a" | some _ in numbers.range(1, 1000000)]), "a")) < 0
""",
    "split": """
p if count(split(concat("", ["a," | some _ in numbers.range(1, 999999)]), ",")) < 0
""",
    "union sets": """
p if count({x | some x in numbers.range(1, 500000)} | {x | some x in numbers.range(500000, 999999)}) < 0
""",
    "schema": """
p if json.match_schema(input.deep, {"type": "object"})[0] == 7
""",
    "semver": """
p if semver.compare(concat("", ["1.0.0-", concat(".", ["1" |
	some _ in numbers.range(1, 500000)])]), "1.0.0-1") == 7
""",
    "strings.replace_n": """
p if count(strings.replace_n({sprintf("%d",[x]): input.s |
	some x in numbers.range(1,2000)}, concat("", [sprintf("%d",[x]) | some x in numbers.range(1,90000)]))) < 0
""",
    "repeat concat": """
p if {
 s := concat("", [input.s | some _ in numbers.range(1, 4000)])
 count([t | some _ in numbers.range(1,100000); t := upper(s)]) < 0 }
""",
    "json marshal loop": """
p if {
 s := numbers.range(1, 10000)
 count([t | some _ in numbers.range(1,100000); t := json.marshal(s)]) < 0 }
""",
    "sum loop": """
p if {
 s := numbers.range(1, 100000)
 count([t | some _ in numbers.range(1,100000); t := sum(s)]) < 0 }
""",
    "contains loop": """
p if {
 s := concat("", [input.s | some _ in numbers.range(1, 4000)])
 count([1 | some _ in numbers.range(1,100000); contains(s, "zq")]) < 0 }
""",
    "regex loop": """
p if {
 s := concat("", [input.s | some _ in numbers.range(1, 4000)])
 count([1 | some _ in numbers.range(1,100000); regex.match("(a|b|c|d)*z", s)]) < 0 }
""",
}


def program(rules: str) -> Program:
    return compile_modules({"t.rego": f"package t\n{rules}"})


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_within_the_budget(name: str) -> None:
    with pytest.raises(UndecidedError):
        program(ATTACKS[name]).evaluate("data.t.p", QUESTION, budget=Budget())


@pytest.mark.parametrize("expression", ["^(a+)+$", "(a|aa)+$", "(.*)*b", "(a*)*c"])
def test_an_expression_that_invites_search_is_answered_in_linear_time(expression: str) -> None:
    rules = f"p if regex.match(`{expression}`, input.a)"
    assert program(rules).evaluate("data.t.p", QUESTION, budget=Budget()) is UNDEFINED


def test_a_built_in_pays_for_what_it_is_given() -> None:
    rules = "p := count([u | some _ in numbers.range(1, 50); u := upper(input.a)])"
    assert program(rules).evaluate("data.t.p", {"a": "b"}, budget=Budget(steps=1_000)) == 50
    with pytest.raises(ExhaustedError):
        program(rules).evaluate("data.t.p", QUESTION, budget=Budget(steps=1_000))


def test_a_comparison_of_large_values_pays_as_well() -> None:
    rules = "p := count([1 | some x in input.rows; x == input.other])"
    question = {"rows": [list(range(500))] * 50, "other": list(range(500))}
    assert program(rules).evaluate("data.t.p", question, budget=Budget()) == 50
    with pytest.raises(ExhaustedError):
        program(rules).evaluate("data.t.p", question, budget=Budget(steps=3_000))


def test_time_is_looked_at_between_built_ins() -> None:
    ticks = iter(range(1_000_000))
    rules = "p := count([u | some _ in numbers.range(1, 1000); u := upper(input.s)])"
    budget = Budget(seconds=5, monotonic=lambda: float(next(ticks)))
    with pytest.raises(ExhaustedError, match="time"):
        program(rules).evaluate("data.t.p", QUESTION, budget=budget)
