"""A permit that stands is the decision that would be made, and everything that could change it is asked."""

import functools
import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.bundle import Bundle, default_bundle
from policies.embedded import Embedded
from policies.engine import LoadError, UndecidedError
from policies.language import Budget, Program, compile_modules
from policies.language.rechecking import Rechecker
from policies.language.values import admit
from policies.model import Decision, Question
from policies.standing import (
    PER_CALL,
    StandingPermits,
    admitted,
    facts_of,
    renewed,
    standing_key,
)
from policies.standing import changes as diff
from tests.examples import examples
from tests.fakes.calls_apart import LISTENING, Change, per_call, put, standing, three_resources
from tests.fakes.questions import (
    DAY,
    EXPIRES,
    HOUSEHOLD,
    NOW,
    a_case,
    a_grant,
    a_question,
    a_request,
    a_subject,
    an_officer,
    patched,
    plain,
)
from tests.fakes.rego_corpus import DATA, INPUTS, OTHER, module
from tests.fakes.rego_generated import policy

REVISION = "revision"


@functools.cache
def bundle(*, listening: bool = False) -> Bundle:
    departments = {"departments/market/deny.rego": LISTENING} if listening else {}
    return default_bundle(expires=EXPIRES, departments=departments)


@functools.cache
def program(*, listening: bool = False) -> Program:
    found = bundle(listening=listening)
    return compile_modules(found.modules, found.data)


def an_engine(*, listening: bool = False, standing: bool = True, steps: int = 100_000) -> Embedded:
    found = bundle(listening=listening)
    return Embedded(
        program(listening=listening),
        revision=found.revision,
        expires=found.expires,
        budget=Budget(steps=steps),
        standing=standing,
    )


def decided(engine: Embedded, question: Question) -> Decision | None:
    """The decision, None where there is none."""
    try:
        return engine.decide_now(question)
    except UndecidedError:
        return None


# What a permit spares, and what it does not.


def test_a_permit_stands_for_other_people_at_another_second() -> None:
    engine = an_engine()
    first = engine.decide_now(a_question())
    other = a_question(
        now=NOW + 60,
        hour=11,
        officer=an_officer(digest="tok_other"),
        case=a_case(parties=3),
        requests=[a_request(subject=a_subject(digest="tok_someone"))],
        grants=[a_grant(used_today=4)],
    )
    assert engine.decide_now(other) is first
    assert (engine.counts.hits, engine.counts.rechecked, engine.counts.whole) == (1, 1, 1)


def test_a_refusal_is_decided_every_time() -> None:
    engine = an_engine()
    refused = a_question(case=None)
    assert not engine.decide_now(refused).allow
    assert not engine.decide_now(refused).allow
    assert (engine.counts.hits, engine.counts.whole) == (0, 2)


def test_a_permit_of_only_a_part_is_decided_every_time() -> None:
    engine = an_engine()
    question = three_resources(case=None)
    assert engine.decide_now(question).code == "PARTLY_PERMITTED"
    engine.decide_now(question)
    assert (engine.counts.hits, engine.counts.whole) == (0, 2)


def test_a_permit_stands_no_longer_than_its_grant() -> None:
    engine = an_engine()
    last = NOW + 30 * DAY
    assert engine.decide_now(a_question()).valid_until == last
    assert engine.decide_now(a_question(now=last - 1)).allow
    assert not engine.decide_now(a_question(now=last)).allow
    assert engine.counts.hits == 1


def test_nothing_stands_beyond_the_policy_s_expiry() -> None:
    engine = an_engine()
    grants = [a_grant(not_after=EXPIRES + DAY)]
    assert engine.decide_now(a_question(grants=grants)).allow
    with pytest.raises(UndecidedError, match="expired"):
        engine.decide_now(a_question(grants=grants, now=EXPIRES))


def test_a_recheck_that_spends_the_budget_is_decided_whole() -> None:
    engine = an_engine()
    engine.decide_now(a_question())
    engine._budget = Budget(steps=3)
    with pytest.raises(UndecidedError, match="steps"):
        engine.decide_now(a_question(now=NOW + 1))
    assert engine.counts.whole == 2


def test_standing_permits_can_be_switched_off() -> None:
    engine = an_engine(standing=False)
    assert engine.decide_now(a_question()) == engine.decide_now(a_question())
    assert (engine.counts.hits, engine.counts.whole) == (0, 2)


def test_what_is_no_json_is_refused_with_and_without_standing_permits() -> None:
    spoilt = a_question(hour=object(), channel=object())
    for kept in (True, False):
        with pytest.raises(UndecidedError, match="no JSON"):
            an_engine(standing=kept).decide_now(spoilt)


def test_permits_are_bounded_and_the_longest_unused_one_goes() -> None:
    permits = StandingPermits(most=2)
    engine = an_engine()
    engine._permits = permits

    def ask(limit: int) -> None:
        engine.decide_now(a_question(requests=[a_request(limit=limit)]))

    for limit in (1, 2, 1, 3):
        ask(limit)
    assert len(permits) == 2
    ask(1)
    assert engine.counts.hits == 2
    ask(2)
    assert engine.counts.whole == 4


def test_the_very_same_question_is_permitted_again_without_looking_and_an_equal_one_is_not() -> (
    None
):
    engine, question = an_engine(), a_question()
    first = engine.decide_now(question)
    assert engine.decide_now(question) is first
    assert (engine.counts.whole, engine.counts.rechecked) == (1, 0)
    engine.decide_now(a_question())
    assert (engine.counts.whole, engine.counts.rechecked) == (1, 1)


def test_a_refusal_is_decided_anew_each_time() -> None:
    engine, question = an_engine(), a_question(grants=[])
    assert not engine.decide_now(question).allow
    engine.decide_now(question)
    assert engine.counts.whole == 2


# The whole question is either in the key or asked again.


def _scalars(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    steps = node.items() if isinstance(node, dict) else enumerate(node)
    for step, child in steps:
        below = f"{path}/{str(step).replace('/', '~1')}"
        if isinstance(child, dict | list):
            yield from _scalars(child, below)
        else:
            yield below, child


def _others(value: Any) -> Iterator[Any]:
    """Values to be put in place of one; which of them fits its type is tried."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    else:
        yield from (f"{value}x", "bulk", "bearer", "data-checking", "closed", "person", "required")
        yield from ("none", "ne", msgspec.to_builtins(a_subject()))


def changed(document: Any, path: str, value: Any) -> Question:
    """The question with another value at one path."""
    for other in _others(value):
        if other == value:
            continue
        try:
            return msgspec.convert(patched(document, {path: other}), Question, strict=True)
        except msgspec.ValidationError:
            continue
    message = f"nothing else fits at {path}"
    raise AssertionError(message)


def is_per_call(path: str) -> bool:
    steps = ("input", *path.split("/")[1:])
    return any(
        all(part in {None, step} for part, step in zip(listed, steps, strict=False))
        for listed in PER_CALL
        if len(listed) <= len(steps)
    )


DOCUMENT = plain(three_resources())
PATHS = dict(_scalars(DOCUMENT))


@pytest.mark.proves("P13")
@pytest.mark.parametrize("path", PATHS)
def test_each_path_is_in_the_key_or_asked_again(path: str) -> None:
    before, after = three_resources(), changed(DOCUMENT, path, PATHS[path])
    engine, fresh = an_engine(), an_engine(standing=False)
    assert engine.decide_now(before).allow
    found = decided(engine, after)
    if is_per_call(path):
        assert standing_key(before, REVISION) == standing_key(after, REVISION)
        assert engine.counts.rechecked == 1
    else:
        assert standing_key(before, REVISION) != standing_key(after, REVISION)
        assert engine.counts.rechecked == 0
    assert found == decided(fresh, after)


@pytest.mark.proves("P13")
@pytest.mark.parametrize("member", ["requests", "grants"])
def test_an_element_more_or_less_is_another_key(member: str) -> None:
    question = three_resources()
    elements = getattr(question, member)
    keys = {
        standing_key(put(question, **{member: found}), revision=REVISION)
        for found in (elements, elements[:-1], [*elements, elements[0]], elements[::-1], [])
    }
    assert len(keys) == 5


def test_another_revision_is_another_key() -> None:
    question = a_question()
    assert standing_key(question, "a") != standing_key(question, "b")


@pytest.mark.proves("P13")
@pytest.mark.parametrize(
    "change",
    [
        {"now": NOW + 30 * DAY - 1, "hour": 25},
        {"case": a_case(state="paused")},
        {"case": None},
        {"officer": an_officer(digest="tok_subject")},
        {"officer": an_officer(authn_level=0)},
        {"officer": an_officer(clearance=9)},
        {"now": NOW - 2 * DAY},
        {"grants": [a_grant(used_today=100)]},
        {"requests": [a_request(subject=a_subject(relation="stranger"))]},
        {"requests": [a_request(subject=None)]},
    ],
    ids=str,
)
def test_a_per_call_fact_that_decides_is_decided_by(change: dict[str, Any]) -> None:
    engine, fresh = an_engine(), an_engine(standing=False)
    engine.decide_now(a_question())
    question = a_question(**change)
    assert engine.decide_now(question) == fresh.decide_now(question)
    assert engine.counts.rechecked == 1


# Two roads to one decision.


@pytest.mark.proves("P13")
@settings(max_examples=examples(100), deadline=None)
@given(
    start=st.sampled_from([a_question(), three_resources()]),
    changes=st.lists(st.lists(per_call, max_size=3), min_size=1, max_size=4),
    other=st.lists(standing, max_size=2),
    listening=st.booleans(),
)
def test_standing_and_per_call_parts_make_the_whole_decision(
    start: Question, changes: list[list[Change]], other: list[Change], listening: bool
) -> None:
    engine = an_engine(listening=listening)
    fresh = an_engine(listening=listening, standing=False)
    bases = (start, functools.reduce(lambda question, change: change(question), other, start))
    for base in bases:
        assert decided(engine, base) == decided(fresh, base)
    for per in changes:
        for base in bases:
            question = functools.reduce(lambda question, change: change(question), per, base)
            assert decided(engine, question) == decided(fresh, question)


@given(changes=st.lists(per_call, max_size=5))
def test_a_renewed_question_is_the_admitted_question(changes: list[Change]) -> None:
    first = three_resources()
    second = functools.reduce(lambda question, change: change(question), changes, first)
    assert standing_key(second, REVISION) == standing_key(first, REVISION)
    changed = diff(facts_of(first), second)
    assert renewed(admitted(first), second, changed) == admitted(second)


@given(changes=st.lists(per_call | standing, max_size=5))
def test_an_admitted_question_is_what_the_language_makes_of_its_json(changes: list[Change]) -> None:
    question = functools.reduce(lambda question, change: change(question), changes, a_question())
    assert admitted(question) == admit(msgspec.to_builtins(question))


# What the compiler derives.


def leaves(rules: str, *varying: str) -> frozenset[str]:
    modules = {"t.rego": f"package t\n\n{rules}\n"}
    patterns = [
        ("input", *(None if step == "*" else step for step in path.split("."))) for path in varying
    ]
    return Rechecker(compile_modules(modules), "data.t.p", varying=patterns).leaves


_SMALL = """
of_a(x) if x.a == 1

of_b(x) if x.b == 1

same(x) := x

all_a(xs) if {
	is_array(xs)
	every x in xs { of_a(x) }
}

all_b(xs) if {
	is_array(xs)
	every x in xs { of_b(x) }
}
"""


@pytest.mark.parametrize(
    ("body", "leaf"),
    [
        ("some x in input.xs; x.a == 1", False),
        ("some x in input.xs; x.b == 1", True),
        ("some x in input.xs; x.b.c == 1", True),
        ("some i; input.xs[i].a == 1", False),
        ("some i; input.xs[i].b == 1", True),
        ("some i; x := input.xs[i]; x.a == 1", False),
        ("some i; x := input.xs[i]; x.b == 1", True),
        ("some i; x := input.xs[i]; y := x; y.b == 1", True),
        ("some x in input.xs; y := x; y.a == 1", False),
        ("every x in input.xs { x.a == 1 }", False),
        ("every x in input.xs { x.b == 1 }", True),
        ("count(input.xs) == 2", False),
        ("is_array(input.xs)", False),
        ("is_object(input.xs[0].b)", True),
        ("input.xs == []", True),
        ("some x in input.xs; x == {}", True),
        ("some x in input.xs; f(x)", True),
        ("some x in input.xs; f(x.a)", False),
        ("some x in input.xs; of_a(x)", False),
        ("some x in input.xs; of_b(x)", True),
        ("some x in input.xs; not of_a(x)", False),
        ("some x in input.xs; not of_b(x)", True),
        ("some x in input.xs; same(x) == {}", True),
        ("all_a(input.xs)", False),
        ("all_b(input.xs)", True),
        ('some {"a": 1, "b": _} in input.xs', True),
        ("some x in input.xs; some k; x[k] == 1", True),
        ('some x in input.xs; object.get(x, "a", 0) == 1', True),
        ("xs := input.xs; some x in xs; x.b == 1", True),
        ("xs := [x | some x in input.xs]; count(xs) == 2", True),
        ("xs := {x.a | some x in input.xs}; count(xs) == 2", False),
        ('input["xs"][0].a == 1', False),
        ('name := "xs"; input[name][0].a == 1', False),
        ('name := "xs"; input[name][0].b == 1', True),
        ("some part in input; part[0].a == 1", False),
        ("some part in input; part[0].b == 1", True),
        ('some name, _ in input; name == "xs"', False),
        ("not g(input.xs[0].a)", False),
        ("not g(input.xs[0].b)", True),
        ("not input.xs[0].b", True),
        ("input", True),
        ('$"{input.xs[0].b}" == "1"', True),
        ("[x | x := input.xs[_]; x.a == 1] == []", True),
        ("input.ys[input.xs[0].b]", True),
        ("walk(input.xs, [_, 1])", True),
        ("1 in {y | y := input.xs[0].b}", True),
    ],
)
def test_a_rule_asks_again_where_it_may_read_what_varies(body: str, leaf: bool) -> None:
    rules = f"p if {{ {body} }}\n\nf(x) if x\n\ng(x) if x == 1\n\n{_SMALL}"
    assert ("data.t.p" in leaves(rules, "xs.*.b")) is leaf


def test_only_the_rule_that_reads_is_asked_again() -> None:
    rules = "p if { q; r(input.a) }\n\nq if input.b\n\nr(x) if x == data.t.s\n\ns := 1 if input.b"
    assert leaves(rules, "b") == {"data.t.q", "data.t.s"}


@pytest.mark.parametrize(
    "rules",
    [
        "p if q with input.a as 1",
        "p if r\n\nr if q with data.x as 1",
        "p if count([]) == 1 with count as 1",
    ],
)
def test_what_depends_on_a_replacement_does_not_stand(rules: str) -> None:
    made = compile_modules({"t.rego": f"package t\n\n{rules}\n\nq if input.a == 1\n"})
    assert not Rechecker(made, "data.t.p", varying=[("input", "b")]).possible


def _asked(rules: str, *changed: tuple[int, bool]) -> int:
    """How many leaves are asked where, of `a`, `b`, its kind and `b.c`, these changed."""
    made = compile_modules({"t.rego": f"package t\n\n{rules}\n"})
    varying = [("input", "a"), ("input", "b"), ("input", "b", "c")]
    return Rechecker(made, "data.t.p", varying=varying).asking(changed).bit_count()


@pytest.mark.proves("P13")
@pytest.mark.parametrize(
    ("rules", "change", "asked"),
    [
        ("p if input.a == 1", (0, False), 1),
        ("p if input.a == 1", (1, True), 0),
        ("p if is_string(input.a)", (0, False), 0),
        ("p if is_string(input.a)", (0, True), 1),
        ("p if count(input.a) == 3", (0, True), 1),
        ("p if is_object(input.b)", (2, True), 0),
        ("p if is_object(input.b)", (1, True), 1),
        ("p if input.b.c == 1", (1, True), 1),
        ("p if input.b.d == 1", (2, True), 0),
        ("p if input.b == {}", (2, False), 1),
        ("p if input == {}", (2, False), 1),
        ("p if { q; r }\n\nq if input.a == 1\n\nr if input.b.c == 2", (2, False), 1),
    ],
)
def test_only_what_reads_a_changed_fact_is_asked(
    rules: str, change: tuple[int, bool], asked: int
) -> None:
    assert _asked(rules, change) == asked


def test_a_question_that_differs_in_nothing_asks_nothing() -> None:
    engine = an_engine(steps=100_000)
    engine.decide_now(a_question())
    engine._budget = Budget(steps=0)
    assert engine.decide_now(a_question()).allow


@pytest.mark.proves("P13")
def test_values_that_python_takes_for_the_same_are_another_fact() -> None:
    first = a_question(officer=an_officer(authn_level=1), case=a_case(attested=True))
    officer: Any = an_officer(authn_level=True)
    case: Any = a_case(attested=1)
    number: Any = a_question(now=float(NOW))
    assert [one.place for one in diff(facts_of(first), put(first, officer=officer))] == [
        ("officer", "authn_level")
    ]
    assert [one.place for one in diff(facts_of(first), put(first, case=case))] == [
        ("case", "attested")
    ]
    assert diff(facts_of(first), put(first, now=number.now))[0].reshaped
    assert diff(facts_of(first), first) == []


def test_what_a_caller_changes_afterwards_does_not_change_what_was_kept() -> None:
    consents = [HOUSEHOLD]
    question = a_question(requests=[a_request(subject=a_subject(consents=consents))])
    kept = facts_of(question)
    consents.append("other")
    assert [one.place[-1] for one in diff(kept, question)] == ["consents"]


def test_a_replacement_out_of_reach_is_no_hindrance() -> None:
    made = compile_modules({"t.rego": "package t\n\np if input.a\n\nq if p with input.a as 1\n"})
    assert Rechecker(made, "data.t.p", varying=[("input", "a")]).possible


_VARIED = [("input", name) for name in ("user", "n", "b", "o", "zero")] + [("input", "xs", None)]


@pytest.mark.parametrize("seed", range(300))
def test_what_holds_for_a_generated_policy_is_what_it_answers(seed: int) -> None:
    """For policies by chance: whenever nothing asked again differs, the answer does not differ."""
    try:
        made = compile_modules({"t.rego": module(policy(seed)), "other.rego": OTHER}, DATA)
    except LoadError:
        return
    for varying in _VARIED:
        rechecker = Rechecker(made, "data.t.p", varying=[varying])
        if rechecker.possible:
            _check_recheck(rechecker, varying)


def _check_recheck(rechecker: Rechecker, varying: tuple[str | None, ...]) -> None:
    documents = [found for found in INPUTS if isinstance(found, dict)]
    for first, other in itertools.product(documents, repeat=2):
        second = _varied(first, other, varying)
        if second is None:
            continue
        try:
            answer, memo = rechecker.evaluate(admit(first), budget=Budget())
        except UndecidedError:
            continue
        if rechecker.holds(rechecker.keep(memo), admit(second), budget=Budget()):
            assert rechecker.evaluate(admit(second), budget=Budget())[0] == answer


def _varied(first: Any, other: Any, varying: tuple[str | None, ...]) -> Any:
    """`first` with the varying path as in `other`; None where that would vary anything else."""
    name = varying[1]
    if name not in first or name not in other:
        return None
    if len(varying) == 2:
        return {**first, name: other[name]}
    match first[name]:
        case [*elements]:
            return {**first, name: [*elements[1:], other[name]]}
        case {**members}:
            return {**first, name: dict.fromkeys(members, other[name])}
        case _:
            return None


def test_permits_stand_also_where_a_department_listens_to_the_call() -> None:
    engine = an_engine(listening=True)
    for call in range(10):
        subject = a_subject(digest=f"tok_{call}")
        engine.decide_now(a_question(now=NOW + call, requests=[a_request(subject=subject)]))
    assert engine.counts.hits == 9
    engine.decide_now(a_question(hour=12))
    assert (engine.counts.hits, engine.counts.whole) == (9, 2)
