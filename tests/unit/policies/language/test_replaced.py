"""Functions that are refused, replaced by `with`: never called, and refused wherever they would be."""

import pytest

from policies.engine import LoadError
from policies.language import compile_modules


@pytest.mark.parametrize(
    "rule",
    [
        "p := x if x := time.now_ns() with time.now_ns as 5",
        "p := x if x = time.now_ns() with time.now_ns as five\n\nfive := 5",
        "p := x if time.now_ns(x) with time.now_ns as 5",
        'p := x if x := http.send({"url": "u"}).n with http.send as {"n": 5}',
        "p := x if x := http.send({}) with http.send as answer\n\nanswer(_) := 5",
        "p := x if x := [time.now_ns() | some _ in [1]][0] with time.now_ns as 5",
        "p := x if x := rand.intn(`a`, 9) with rand.intn as 5",
    ],
)
def test_a_refused_function_may_stand_where_it_is_replaced(rule: str) -> None:
    assert compile_modules({"t.rego": f"package t\n\n{rule}\n"}).evaluate("data.t.p") == 5


@pytest.mark.parametrize(
    "rule",
    [
        "p := time.now_ns()",
        "p if q with time.now_ns as 5\n\nq if time.now_ns() == 5",
        "p if { q with time.now_ns as 5; time.now_ns() > 1 }\n\nq := 1",
        "p if { x := 1 with time.now_ns as 5; time.now_ns() > x }",
        "p if time.now_ns() with input as 5",
        "p if time.now_ns() with http.send as 5",
        "p if f(1) with f as time.now_ns\n\nf(_) := 1",
        "p := x if x := count([1]) with count as http.send",
    ],
)
def test_a_refused_function_is_refused_outside_of_its_replacement(rule: str) -> None:
    with pytest.raises(LoadError, match=r"time|http"):
        compile_modules({"t.rego": f"package t\n\n{rule}\n"})


def test_what_replaces_a_refused_function_cannot_reach_it() -> None:
    rule = "p := x if x := time.now_ns() with time.now_ns as f\n\nf := time.now_ns()"
    with pytest.raises(LoadError, match=r"time\.now_ns"):
        compile_modules({"t.rego": f"package t\n\n{rule}\n"})


def test_a_built_in_takes_the_place_of_another_and_of_a_rule() -> None:
    rules = "p := x if x = object.union_n([{}, {}]) with object.union_n as count"
    assert compile_modules({"t.rego": f"package t\n\n{rules}\n"}).evaluate("data.t.p") == 2
    rules = "p := x if f([1, 2, 3], x) with f as count\n\nf(_) := 7"
    assert compile_modules({"t.rego": f"package t\n\n{rules}\n"}).evaluate("data.t.p") == 3
