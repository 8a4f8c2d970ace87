"""Small policies, decided by genuine OPA and by ours on the same questions: there is no difference."""

import contextlib
import functools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine import LoadError, UndecidedError
from policies.language import UNDEFINED, Program, compile_modules
from tests.fakes.genuine import Genuine, Refused, needs_opa
from tests.fakes.rego_corpus import DATA, INPUTS, OTHER, TRAPS, module

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
