"""Every line of the decision table and generated questions, on both engines, with equal answers."""

import functools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import wire
from policies.model import Question
from policies.reasons import REASONS
from tests.fakes.decision_table import TableCase, differences, golden, table, table_bundle
from tests.fakes.engines import RawEngine, raw_embedded, raw_opa
from tests.fakes.questions import (
    DAY,
    EXPIRES,
    HOUSEHOLD,
    LICENCE,
    MATTER,
    NOW,
    OPERATION,
    PARCEL,
    a_caller,
    a_case,
    a_grant,
    a_household,
    a_matter,
    a_question,
    a_request,
    a_resource,
    a_row,
    a_subject,
    a_usage,
    an_officer,
    an_open_resource,
    plain,
)

CASES = table()


# Built at the first test that asks, so that a sabotage of the policy is in them too.
@functools.cache
def embedded() -> RawEngine:
    return raw_embedded(table_bundle())


@functools.cache
def opa() -> RawEngine:
    return raw_opa(table_bundle())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_embedded_engine_answers_the_table(case: TableCase) -> None:
    assert differences(case, embedded()(case.question)) == []


@pytest.mark.proves("P5")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_genuine_opa_answers_the_table(case: TableCase) -> None:
    answer = opa()(case.question)
    assert differences(case, answer) == []
    assert answer == golden()[case.name]


@pytest.mark.proves("P5")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_embedded_engine_answers_as_genuine_opa_once_did(case: TableCase) -> None:
    assert embedded()(case.question) == golden()[case.name]


def test_each_line_has_its_own_name_and_a_golden_answer() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
    assert set(names) == golden().keys()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_line_is_a_complete_question_with_an_acceptable_answer(case: TableCase) -> None:
    question = msgspec.convert(case.question, Question, strict=True)
    wire.accept(golden()[case.name], question, revision="golden", expires=EXPIRES)


def test_the_table_names_every_code_that_a_complete_question_can_get() -> None:
    told = {
        code
        for case in CASES
        for verdict in case.expected.values()
        for code in (
            verdict["code"],
            *verdict.get("reasons", ()),
            *verdict.get("denied", {}).values(),
        )
    } | {case.operation for case in CASES}
    # What needs a department's rules, or a question that is not complete, is shown by the contract tests.
    elsewhere = {"QUESTION_INCOMPLETE", "FACT_MISSING", "DEPARTMENT_DENIED"}
    assert REASONS.keys() - told == elsewhere


_few = st.integers(0, 3)
_names = st.lists(
    st.sampled_from(["name", "phone", "notes", "region", "area", "address", "none"]),
    unique=True,
    max_size=4,
)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Questions around the edges of every rule; most are refused, many for several reasons."""

    def often(value: Any, *others: Any) -> Any:
        return draw(st.sampled_from([value, value, value, *others]))

    resources = {
        LICENCE: a_resource(
            sharing_class=often("conditional", "unconditional", "not-shared"),
            status=often("announced", "withdrawn"),
            level=often(2, 3, 4),
            personal=often(False, True),
            purposes=often(["administrative-basis"], []),
        ),
        PARCEL: an_open_resource(personal=often(False, True)),
        HOUSEHOLD: a_household(consent=often("none", "required")),
    }
    keys = {LICENCE: "uscc", PARCEL: "number", HOUSEHOLD: "id_no"}
    subject = st.builds(
        a_subject,
        relation=st.sampled_from(
            ["party", "party", "stranger", f"link:{PARCEL}.owner", "link:", ""]
        ),
        digest=st.sampled_from(["tok_subject", "tok_officer", None]),
        consents=st.sampled_from([[], [HOUSEHOLD]]),
    )
    requests = [
        a_request(
            ref=f"s{number}",
            resource=resource,
            items=draw(_names),
            matched=[keys[resource]],
            limit=draw(st.integers(0, 30)),
            subject=draw(st.none() | subject),
        )
        for number, resource in enumerate(
            draw(st.lists(st.sampled_from(sorted(keys)), min_size=1, max_size=4))
        )
    ]
    grants = [
        a_grant(
            id=f"grt_{number}",
            resource=resource,
            items=draw(_names),
            match=often([keys[resource]], []),
            masks=often({}, {"phone": "tail4"}, {"name": "null"}),
            rows=often([], [a_row()], [a_row(value=["1", "$x"], op="in")], [a_row(item="colour")]),
            max_rows=draw(st.integers(0, 30)),
            not_after=NOW + often(DAY, 0, 1, -DAY),
            not_before=NOW + often(-DAY, 0, 1),
            used_today=often(0, 100),
            status=often("active", "suspended", "revoked"),
            attested=often(False, True),
            operations=often(["*"], [OPERATION], []),
            channels=often(["query", "verify"], ["query"], ["verify"]),
        )
        for number, resource in enumerate(draw(st.lists(st.sampled_from(sorted(keys)), max_size=5)))
    ]
    return a_question(
        channel=often("query", "verify", "bulk"),
        caller=a_caller(auth=often("signature", "bearer"), region=often("330106", "")),
        officer=an_officer(authn_level=draw(_few), clearance=draw(st.integers(0, 4))),
        usage=a_usage(purpose=often("administrative-basis", "work-reference")),
        case=often(a_case(), a_case(state="closed"), a_case(attested=False), None),
        requests=requests,
        catalogue=resources,
        matters=often({MATTER: a_matter()}, {MATTER: a_matter(relations=[f"{PARCEL}.owner"])}, {}),
        grants=grants,
    )


@pytest.mark.proves("P5")
@settings(max_examples=100, deadline=None)
@given(question=questions())
def test_both_engines_decide_generated_questions_alike(question: Question) -> None:
    answer = embedded()(plain(question))
    assert answer == opa()(plain(question))
    wire.accept(answer, question, revision="golden", expires=EXPIRES)


def test_a_wrong_answer_is_told_apart_from_the_expected_one() -> None:
    case = next(case for case in CASES if case.expected["s1"].get("masked"))
    answer = golden()[case.name]
    assert differences(case, answer) == []
    answer["resources"]["s1"]["items"]["masked"] = {}
    assert differences(case, answer) != []
