"""Both engines on the same questions: the exchange policy, small policies by hand, and many by chance."""

import contextlib
import functools
import json
import secrets
import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine import LoadError, UndecidedError
from policies.language import UNDEFINED, Program, compile_modules
from policies.model import Decision
from policies.simulate import compare
from tests.fakes.both_engines import EXPLAINED, SAME, Both, written
from tests.fakes.decision_table import table_bundle
from tests.fakes.engines import RawEngine, raw_embedded, raw_opa
from tests.fakes.genuine import Genuine, Refused, needs_opa
from tests.fakes.question_stream import stream
from tests.fakes.rego_corpus import DATA, INPUTS, OTHER, TRAPS, module
from tests.fakes.rego_generated import policy

_NO_ANSWER = "no answer"


@pytest.fixture(autouse=True)
def _opa() -> None:
    needs_opa()


@functools.cache
def _both(name: str) -> tuple[Program | None, Genuine]:
    modules = {"t.rego": module(TRAPS[name]), "other.rego": OTHER}
    try:
        ours = compile_modules(modules, DATA)
    except LoadError:
        ours = None
    return ours, Genuine(modules, DATA)


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=float, ensure_ascii=False)


def answers(name: str, question: object) -> tuple[str, str]:
    """Return what ours and what genuine OPA say; refusing at load and failing are both no answer."""
    program, genuine = _both(name)
    ours = theirs = _NO_ANSWER
    if program is not None:
        with contextlib.suppress(UndecidedError):
            found = program.evaluate("data.t.p", question)
            ours = _written({} if found is UNDEFINED else {"value": found})
    with contextlib.suppress(Refused):
        theirs = _written(genuine.answer("t.p", question))
    return ours, theirs


@pytest.mark.proves("P5")
@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_answered_as_by_opa(name: str) -> None:
    for question in INPUTS:
        ours, theirs = answers(name, question)
        assert ours == theirs, question


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 5),
    st.sampled_from(["", "a", "bob", "ann", "k"]),
    st.sampled_from([0.5, 2.5, -1.25]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["k", "x", "y", "1"]), inner, max_size=3),
    ),
    max_leaves=5,
)
_QUESTIONS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("user", "n", "b", "no", "nil", "xs", "o", "zero"), _VALUES),
)
# json.marshal of a number that is no integer is refused here, and not compared.
_SHOWN = {"JSON"}


@pytest.mark.proves("P5")
@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(TRAPS.keys() - _SHOWN)), _QUESTIONS)
def test_a_generated_question_is_answered_as_by_opa(name: str, question: object) -> None:
    ours, theirs = answers(name, question)
    assert ours == theirs


# Questions and policies by chance. Ten parts of each, so that several workers share them.
PARTS = range(10)
QUESTIONS_A_PART = 2_000
POLICIES_A_PART = 400
FEW_QUESTIONS, FEW_POLICIES = 150, 40


@functools.cache
def _engines() -> tuple[RawEngine, RawEngine]:
    bundle = table_bundle()
    return raw_embedded(bundle), raw_opa(bundle)


def _said(engine: RawEngine, question: Any) -> Any:
    """A decision; None where the engine gives none."""
    try:
        return engine(question)
    except UndecidedError:
        return None


def _decision(said: Any) -> Decision | None:
    try:
        return msgspec.convert(said, Decision)
    except msgspec.ValidationError:
        return None


def _compare_questions(seed: int, count: int) -> Counter[str]:
    """Ask both engines `count` questions of a seed: any difference fails, and one that gives more says so."""
    masks = table_bundle().data["exchange"]["reference"]["masks"]
    embedded, opa = _engines()
    seen: Counter[str] = Counter()
    for number, question in enumerate(islice(stream(seed), count)):
        ours, theirs = _said(embedded, question), _said(opa, question)
        where = f"question {number} of seed {seed}"
        wider = compare(_decision(theirs), _decision(ours), masks=masks).wider
        assert not wider, f"the embedded engine gives more: {where}"
        assert ours == theirs, where
        seen["silent" if ours is None else ours["code"]] += 1
    return seen


@pytest.mark.proves("P5")
def test_a_stream_of_questions_is_decided_alike() -> None:
    seen = _compare_questions(1, FEW_QUESTIONS)
    assert seen.keys() >= {"PERMITTED", "PARTLY_PERMITTED", "REFUSED"}


@pytest.mark.slow
@pytest.mark.proves("P5")
@pytest.mark.parametrize("part", PARTS)
def test_twenty_thousand_questions_are_decided_alike(part: int) -> None:
    seen = _compare_questions(1_000 + part, QUESTIONS_A_PART)
    # The stream is worth something only where many of the questions are permitted.
    assert seen["PERMITTED"] + seen["PARTLY_PERMITTED"] > QUESTIONS_A_PART // 4


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.proves("P5")
def test_questions_that_nobody_asked_before_are_decided_alike(
    record_property: Callable[[str, object], None],
) -> None:
    seed = secrets.randbits(32)
    record_property("seed", seed)
    sys.stdout.write(f"questions of seed {seed}\n")
    assert _compare_questions(seed, QUESTIONS_A_PART).total() == QUESTIONS_A_PART


def _compare_policies(first: int, count: int) -> Counter[str]:
    """Put each of `count` policies to both engines; what no explanation covers fails."""
    seen: Counter[str] = Counter()
    for seed in range(first, first + count):
        rules = module(policy(seed))
        both = Both({"t.rego": rules, "other.rego": OTHER}, DATA, path="t.p")
        for question in INPUTS:
            stands = both.stand(question)
            assert stands == SAME or stands in EXPLAINED, (
                f"seed {seed}, {question}:\n{rules}{stands}"
            )
            seen[stands] += 1
    return seen


@pytest.mark.proves("P5")
def test_policies_written_by_chance_are_answered_alike() -> None:
    seen = _compare_policies(0, FEW_POLICIES)
    assert seen[SAME] > seen.total() * 3 // 4


@pytest.mark.slow
@pytest.mark.proves("P5")
@pytest.mark.parametrize("part", PARTS)
def test_four_thousand_policies_are_answered_alike(part: int) -> None:
    seen = _compare_policies(10_000 + part * POLICIES_A_PART, POLICIES_A_PART)
    assert seen[SAME] > seen.total() * 3 // 4


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.proves("P5")
def test_policies_that_nobody_wrote_before_are_answered_alike(
    record_property: Callable[[str, object], None],
) -> None:
    first = secrets.randbits(32)
    record_property("seed", first)
    sys.stdout.write(f"policies from seed {first}\n")
    assert _compare_policies(first, POLICIES_A_PART)[SAME]


def test_an_answer_that_differs_is_no_explained_one() -> None:
    """The comparison itself: two policies that are not the same do not stand as the same."""
    both = Both({"t.rego": module("p := input.n")}, DATA, path="t.p")
    assert both.stand({"n": 2}) == SAME
    one, true = {"value": [1]}, {"value": [True]}
    assert written(one) != written(true)
    assert written({"value": 1.0}) == written({"value": 1})
