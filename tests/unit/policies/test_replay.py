"""A recorded decision is compared with its replay byte for byte, and every difference has a place."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.model import Decision, Question
from policies.replay import (
    Compared,
    Difference,
    UnreadableError,
    differences,
    read_decision,
    read_question,
    replay,
    written,
)
from tests.fakes.decisions import Decides
from tests.fakes.questions import a_grant, a_question, a_request, a_row

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "a", "a/b~"])
    | st.just(1.0),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "/~"]), inner)
    ),
    max_leaves=8,
)


async def a_decision(question: Question | None = None) -> Decision:
    return await Decides().decide(question or a_question())


def test_a_question_is_read_back_as_it_was_written() -> None:
    row = a_row(op="between", value=[2**53 + 1, 0.5])
    question = a_question(grants=[a_grant(rows=[row])])
    assert read_question(written(question)) == question
    assert written(read_question(written(question))) == written(question)


async def test_a_decision_is_read_back_as_it_was_written_and_none_as_none() -> None:
    decision = await a_decision()
    assert read_decision(written(decision)) == decision
    assert read_decision(written(None)) is None


def test_a_question_of_before_lists_is_read_as_one_that_filters_and_orders_nothing() -> None:
    older = json.loads(written(a_question()))
    for name in ("filters", "orders"):
        del older["requests"][0][name]
    text = json.dumps(older, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert read_question(text) == a_question()


def test_a_question_that_lost_one_of_both_is_no_question() -> None:
    lost = json.loads(written(a_question()))
    del lost["requests"][0]["orders"]
    with pytest.raises(UnreadableError):
        read_question(json.dumps(lost, sort_keys=True, separators=(",", ":"), ensure_ascii=True))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "true",
        written(a_question()).replace("exchange.input/1", "exchange.input/2"),
        written(a_question()).replace('"hour":10', '"hour":"10"'),
        written(a_question()).replace('"hour":10', '"hour":10,"minute":3'),
        written(a_question()) + " ",
    ],
)
def test_what_is_not_as_it_was_written_is_not_replayed(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_question(text)


async def test_the_same_decision_is_equal() -> None:
    decision = await a_decision()
    assert replay(a_question(), written(decision), decision).compared is Compared.EQUAL


async def test_another_decision_differs_and_says_where() -> None:
    decision = await a_decision()
    other = msgspec.structs.replace(decision, code="REFUSED", valid_until=7)
    said = replay(a_question(), written(decision), other)
    assert said.compared is Compared.DIFFERENT
    assert [one.path for one in said.differences] == ["/code", "/valid_until"]
    assert said.differences[0].recorded == '"PERMITTED"'
    assert said.differences[0].replayed == '"REFUSED"'


async def test_a_decision_that_is_not_made_any_more_differs() -> None:
    said = replay(a_question(), written(await a_decision()), None)
    assert said.compared is Compared.DIFFERENT
    assert [one.replayed for one in said.differences] == ["null"]


async def test_a_call_that_no_engine_answered_is_not_called_equal() -> None:
    said = replay(a_question(), written(None), await a_decision())
    assert said.compared is Compared.UNANSWERED
    assert replay(a_question(), written(None), None).compared is Compared.EQUAL


async def test_where_nothing_was_asked_nothing_is_decided() -> None:
    nothing = a_question(requests=[])
    assert replay(nothing, written(None), None).compared is Compared.EQUAL
    claimed = written(await a_decision(a_question(requests=[a_request()])))
    assert replay(nothing, claimed, None).compared is Compared.DIFFERENT


@given(_VALUES, _VALUES)
def test_two_values_differ_somewhere_exactly_where_their_texts_do(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (list(differences(one, other)) == []) is same


def test_a_difference_tells_true_from_one_and_absent_from_null() -> None:
    assert list(differences({"a": [1]}, {"a": [True, None]})) == [
        Difference(path="/a/0", recorded="1", replayed="true"),
        Difference(path="/a/1", recorded=None, replayed="null"),
    ]
    assert [one.path for one in differences({"x/y~": 1}, {})] == ["/x~1y~0"]
