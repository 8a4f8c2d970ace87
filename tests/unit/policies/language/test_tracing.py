"""Hooks stand in a traced program only, and tell what was reached, passed and held."""

import itertools

import pytest

from policies.bundle import packaged_modules
from policies.language import UNDEFINED, compile_modules, parse_module
from policies.language.analysis import analyse
from policies.language.ast import Literal, Place
from policies.language.groups import write_group
from policies.language.program import Program
from policies.language.tracing import TRACE, Seen, Trace, explicit
from policies.language.writing import Namespace

RULES = """package t

p if {
	some x in input.xs
	x > 1
	not q
}

q if input.no

f(x) := "one" if x == 1

else := "more" if input.more

else := "none"

r := [f(x) | some x in input.xs; x > 2]
"""


def generated(modules: dict[str, str], *, trace: Trace | None = None) -> list[str]:
    """The lines that are generated for modules, each literal's hooks among them where it is traced."""
    # Both kinds of program get the modules with no body left empty, so that only hooks can differ.
    parsed = [explicit(parse_module(name, text)) for name, text in sorted(modules.items())]
    held = {}
    if trace is not None:
        parsed = trace.watch(parsed, modules)
        held[TRACE] = trace
    analysed = analyse(parsed)
    names = Namespace(held)
    lines = (write_group(analysed, names, group) for group in analysed.groups)
    return list(itertools.chain.from_iterable(lines))


def traced(rules: str = RULES) -> tuple[Program, Trace]:
    trace = Trace()
    return compile_modules({"t.rego": rules}, trace=trace), trace


def seen(trace: Trace, line: int, column: int = 2) -> Seen:
    return trace.seen(Place("t.rego", line, column))


def test_an_untraced_program_has_no_hook() -> None:
    lines = generated(packaged_modules())
    assert not any(TRACE in line for line in lines)


def test_a_traced_program_differs_by_its_hooks_alone() -> None:
    modules = packaged_modules(tests=True)
    lines = generated(modules, trace=Trace())
    without = [line for line in lines if not line.strip().startswith(f"{TRACE}.")]
    assert len(without) < len(lines)
    assert without == generated(modules)


@pytest.mark.parametrize(
    "question", [{}, {"xs": [1, 2]}, {"xs": [1, 2], "no": True}, {"xs": [1], "more": True}]
)
def test_a_traced_program_answers_as_any_other(question: object) -> None:
    program, _ = traced()
    assert program.evaluate("data.t", question) == compile_modules({"t.rego": RULES}).evaluate(
        "data.t", question
    )


def test_what_was_reached_passed_and_held_is_counted() -> None:
    program, trace = traced()
    assert program.evaluate("data.t.p", {"xs": [1, 2]}) is True
    assert seen(trace, 4).reached == 1
    assert seen(trace, 4).passed == 2
    assert (seen(trace, 5).reached, seen(trace, 5).passed) == (2, 1)
    assert seen(trace, 6).passed == 1
    assert seen(trace, 4).held == 1
    assert seen(trace, 9, 6).failed_last


def test_what_is_not_reached_is_never_seen() -> None:
    program, trace = traced()
    assert program.evaluate("data.t.p", {"xs": []}) is UNDEFINED
    assert (seen(trace, 4).reached, seen(trace, 4).passed) == (1, 0)
    assert seen(trace, 5) == seen(trace, 999) == Seen(0, 0, failed_last=False, held=0, held_at=0)


def test_a_branch_without_a_body_is_seen_to_hold() -> None:
    program, trace = traced()
    assert program.evaluate("data.t.r", {"xs": [3]}) == ["none"]
    branches = {
        branch.value.value: trace.holds(branch).held  # type: ignore[union-attr]
        for module in trace.modules
        for rule in module.rules
        if rule.name == "f"
        for branch in rule.branches
    }
    assert branches == {"one": 0, "more": 0, "none": 1}


def test_a_cleared_trace_has_seen_nothing() -> None:
    program, trace = traced()
    program.evaluate("data.t", {"xs": [1, 2, 3]})
    trace.clear()
    assert all(
        trace.seen(place).reached == 0
        for module in trace.modules
        for place in (node.place for rule in module.rules for node in rule.branches[0].body)
    )


def test_time_is_spent_by_the_literal_of_the_earlier_hook() -> None:
    ticks = itertools.count()
    trace = Trace(clock=lambda: float(next(ticks)))
    program = compile_modules({"t.rego": RULES}, trace=trace)
    program.evaluate("data.t.p", {"xs": [2]})
    trace.pause()
    spent = {name: seconds for name, _, seconds in trace.by_rule()}
    # One tick from each hook to the next: of `p` six hooks until `q` is asked, and one of `q`.
    assert spent.keys() == {"t.p", "t.q"}
    assert sum(spent.values()) == next(ticks) - 1


def test_every_literal_of_the_policy_is_watched_under_its_own_place() -> None:
    trace = Trace()
    modules = packaged_modules(tests=True)
    watched = trace.watch([parse_module(name, text) for name, text in modules.items()], modules)
    literals = [
        branch.body for module in watched for rule in module.rules for branch in rule.branches
    ]
    firsts = [body[0] for body in literals if body]
    assert all(isinstance(one, Literal) for one in firsts)
    assert len({trace.number(one) for one in firsts}) == len(firsts)
