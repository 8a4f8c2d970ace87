"""A question in two parts: joined again it is the same text, byte for byte."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import ProofError
from audit.questions import committed, digest_of, joined, shared_of, shared_part
from gateway.commitments import own_part
from policies.model import Question
from policies.replay import written
from tests.fakes.questions import a_grant, a_question, a_request

LARGEST_OWN = 1_500
"""Bytes that one call's own part is to take at most."""


def two_parts(question: Question) -> tuple[bytes, dict[str, str]]:
    document = shared_part(msgspec.to_builtins(question), revision="rev-1")
    return document, committed(digest_of(document), own_part(question))


@given(st.lists(st.integers(0, 2**40), max_size=4), st.integers(0, 2**40))
def test_joined_again_it_is_the_text_that_it_was(counts: list[int], now: int) -> None:
    grants = [a_grant(used_today=count) for count in counts]
    asked = a_question(grants=grants, now=now)
    document, value = two_parts(asked)
    assert shared_of(value) == digest_of(document)
    assert joined(value, document) == written(asked)


def test_calls_that_differ_in_nothing_but_themselves_share_a_part() -> None:
    first = two_parts(a_question(now=1, grants=[a_grant(used_today=1)]))
    second = two_parts(a_question(now=2, hour=3, grants=[a_grant(used_today=2)]))
    assert first[0] == second[0]
    assert first[1]["own"] != second[1]["own"]


def test_another_grant_or_revision_is_another_part() -> None:
    asked = a_question(grants=[a_grant()])
    parts = {
        two_parts(asked)[0],
        two_parts(a_question(grants=[a_grant(max_rows=7)]))[0],
        shared_part(msgspec.to_builtins(asked), revision="rev-2"),
    }
    assert len(parts) == 3


def test_a_call_s_own_part_is_small_and_names_no_grant_s_items() -> None:
    names = [f"item_{n:03}" for n in range(20)]
    asked = a_question(requests=[a_request(items=names)], grants=[a_grant(items=names)])
    document, value = two_parts(asked)
    assert len(value["own"]) <= LARGEST_OWN
    assert b"item_007" in document


def test_a_part_that_is_not_the_one_named_is_refused() -> None:
    document, value = two_parts(a_question())
    with pytest.raises(ProofError, match="not the one"):
        joined(value, document + b" ")


@pytest.mark.parametrize(
    "value", [7, None, [], {}, {"own": "{}"}, {"own": "", "shared": "", "x": 1}]
)
def test_what_is_no_question_is_refused(value: Any) -> None:
    with pytest.raises(ProofError):
        shared_of(value)


@pytest.mark.parametrize("own", ["", "[]", "{}", '{"used_today":[1,2,3]}'])
def test_parts_that_do_not_fit_are_refused(own: str) -> None:
    document, value = two_parts(a_question())
    with pytest.raises(ProofError, match="do not fit"):
        joined(value | {"own": own}, document)


def test_an_older_entry_holds_the_whole_text() -> None:
    assert shared_of(written(a_question())) is None
