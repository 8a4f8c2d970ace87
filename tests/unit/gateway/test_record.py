"""The entry of a call says what was asked, given, masked and refused, and gives nobody away."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given as given_by
from hypothesis import strategies as st
from msgspec import structs

from audit import canonical
from audit.entry import ByteCommit, Commit, Draft, Sequenced
from audit.errors import LogUnavailableError
from audit.questions import joined
from gateway.basis import Basis, Given
from gateway.commitments import arguments_commit, outcome_step
from gateway.model import Call, Failed, Filter, Masked, Outcome, Refused
from gateway.record import MOST_STEPS, draft, quota_key, record, record_refusal
from gateway.rule import Facts, put_forward, question
from policies.model import ItemVerdicts
from policies.replay import read_decision, read_question
from tests.fakes.calls import (
    CASE,
    NOW,
    OTHER_USCC,
    PERSON,
    REASON,
    STAFF,
    USCC,
    a_call,
    a_caller,
    a_link,
    a_permit,
    a_resource,
    a_snapshot,
    a_step,
    a_usage,
)
from tests.fakes.decisions import Decides
from tests.fakes.recorder import ListRecorder
from tests.fakes.registry import token

OPERATION = "6d" * 32
LOOSE = st.text(st.characters(), max_size=5) | st.text('a"\\/<~\x7f ', max_size=5)
"""Texts as JSON may bring them: lone surrogates too."""
ITEMS = ItemVerdicts(
    allowed=["name", "status"], masked={"phone": "phone"}, denied={"legal_id": "ITEM_NOT_GRANTED"}
)
GIVEN = {"name": "某某公司", "status": "valid", "phone": "138****8000"}


def a_masked(found: int = 1) -> Masked:
    permitted = a_permit(a_step(), ["legal_id"], items=ITEMS)
    joins = ({"uscc": USCC, "legal_id": PERSON},) * found
    return Masked(permitted, (GIVEN,) * found, 0, joins=joins)


def given(*outcomes: Outcome, data: bytes = b'{"a":1}') -> Given:
    refs = [outcome_step(outcome).ref for outcome in outcomes]
    return Given(data=data, step_bytes=dict.fromkeys(refs, b"1"), errors=())


def basis(call: Call, outcomes: Sequence[Outcome], **changes: Any) -> Basis:
    snapshot = a_snapshot()
    steps = [outcome_step(outcome) for outcome in outcomes]
    grants = put_forward(call, steps, snapshot, now=NOW)
    facts = Facts(snapshot=snapshot, operation=OPERATION, grants=grants, used={}, now=NOW)
    asked = question(call, steps, facts, tokens=lambda _: "tok", token=token)
    members: dict[str, Any] = {
        "snapshot": snapshot,
        "asked": asked,
        "decision": None,
        "revision": "rev-1",
        "operation": OPERATION,
        "day": "2026-11-23",
    }
    return Basis(**members | changes)


def drafted(*outcomes: Outcome, call: Call | None = None) -> Draft:
    call = call or a_call()
    return draft(call, outcomes, given(*outcomes), basis=basis(call, outcomes))


def ordinals(bits: str) -> set[int]:
    return set(canonical.parse_bitmap(bits))


@pytest.mark.proves("F10")
@pytest.mark.parametrize(("found", "outcome"), [(2, "partly-given"), (0, "not-found")])
def test_the_entry_names_items_asked_given_masked_and_refused_also_when_none_was_found(
    found: int, outcome: str
) -> None:
    (step,) = drafted(a_masked(found)).clear["steps"]
    assert (step["rows"], step["outcome"], step["code"]) == (found, outcome, "")
    assert ordinals(step["asked"]) == {1, 2, 3, 4}
    assert ordinals(step["given"]) == {1, 3}
    assert ordinals(step["masked"]) == {2}
    assert ordinals(step["refused"]) == {4}
    assert ordinals(step["matched"]) == {0, 4}
    assert (step["provider"], step["resource"], step["revision"]) == ("market", "307001/licence", 1)


@pytest.mark.proves("F10")
def test_steps_that_differ_in_their_filters_alone_are_recorded_with_what_each_compared() -> None:
    resource = a_resource()
    found = [
        drafted(
            Refused(
                structs.replace(
                    a_step(resource, items=()),
                    filters=(Filter(item=resource.item(name), op="eq", value="x"),),
                ),
                "GRANT_MISSING",
                None,
            )
        ).clear["steps"][0]["matched"]
        for name in ("name", "status")
    ]
    assert [ordinals(bits) for bits in found] == [{0, 1}, {0, 3}]


@pytest.mark.proves("F10")
def test_a_refused_step_is_recorded_with_all_its_items_refused_and_its_code() -> None:
    (step,) = drafted(Refused(a_step(), "GRANT_EXPIRED", None)).clear["steps"]
    assert (step["rows"], step["outcome"], step["code"]) == (0, "refused", "GRANT_EXPIRED")
    assert ordinals(step["refused"]) == ordinals(step["asked"]) == {1, 2, 3, 4}
    assert ordinals(step["given"]) == ordinals(step["masked"]) == set()


def test_a_department_that_did_not_answer_is_recorded_as_unavailable() -> None:
    (step,) = drafted(Failed(a_permit(a_step()), "SOURCE_TIMEOUT")).clear["steps"]
    assert (step["outcome"], step["code"]) == ("unavailable", "SOURCE_TIMEOUT")


@pytest.mark.proves("F10")
def test_calls_of_one_plan_and_decision_are_each_recorded_with_their_own_outcome() -> None:
    permitted, shape, call = a_masked().permitted, object(), a_call()
    outcomes: list[Outcome] = [
        *(Masked(permitted, (GIVEN,) * found, 0) for found in (1, 2, 0, 1)),
        Failed(permitted, "SOURCE_TIMEOUT"),
        Failed(permitted, "SOURCE_DOWN"),
        Refused(permitted.step, "GRANT_EXPIRED", None),
    ]
    for outcome in outcomes:
        rests = basis(call, [outcome], shape=shape)
        shared = draft(call, [outcome], given(outcome), basis=rests)
        alone = drafted(outcome)
        assert (shared.clear, shared.index) == (alone.clear, alone.index)


def test_what_a_draft_gives_along_is_what_would_be_written() -> None:
    found = drafted(a_masked())
    formed = [one for one in found.commits if isinstance(one, Commit) and one.form is not None]
    assert {one.name for one in formed} >= {"question", "decision", "signature", "subject.s1"}
    for one in formed:
        assert one.form == canonical.encode(one.value)
        assert one.shared in {None, canonical.end_of(canonical.encode(one.name), one.form)}
    assert found.forms == {"steps": canonical.encode(found.clear["steps"])}


@given_by(st.dictionaries(st.text(max_size=3), LOOSE | st.floats() | st.integers(), max_size=3))
def test_arguments_are_committed_to_as_python_writes_them(variables: dict[str, Any]) -> None:
    written = json.dumps(variables, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    commit = arguments_commit(structs.replace(a_call(), variables=variables), {})
    assert str(commit.value).endswith(f'"variables":{written}}}')


def test_the_call_stands_in_the_clear_as_far_as_the_exchange_knows_it() -> None:
    clear = dict(drafted(a_masked()).clear)
    del clear["steps"]
    assert clear == {
        "call": "call_0193-1",
        "consumer": "housing",
        "system": "sys_permit",
        "auth": "signature",
        "operator_auth": "declared",
        "matter": "11330106MB0001X10",
        "purpose": "administrative-basis",
        "channel": "query",
        "case": "attested",
        "operation": OPERATION,
        "policy": "rev-1",
    }


def test_a_matter_that_nobody_registered_is_free_text_and_only_committed_to() -> None:
    call = a_call(usage=a_usage(matter="张三的事", purpose="nosy"))
    found = drafted(a_masked(), call=call)
    assert (found.clear["matter"], found.clear["purpose"]) == ("", "")
    assert values(found)["matter"] == "张三的事"
    assert values(found)["purpose"] == "nosy"
    assert {row.matter for row in found.index} == {""}


@pytest.mark.parametrize("query", ['{ enterprise(uscc: "9133") { uscc } }', "{ p(id: 110105) }"])
def test_the_digest_of_a_document_with_a_literal_is_not_in_the_clear(query: str) -> None:
    found = drafted(a_masked(), call=a_call(query))
    assert found.clear["operation"] == ""
    assert values(found)["operation"] == OPERATION


def values(found: Draft) -> dict[str, Any]:
    return {commit.name: commit.value for commit in found.commits if isinstance(commit, Commit)}


def test_everything_that_names_somebody_or_says_why_is_committed_to() -> None:
    step = a_step()
    linked = Masked(a_permit(a_link(step)), (), 0)
    found = drafted(a_masked(), linked)
    kept = values(found)
    assert (kept["case"], kept["reason"], kept["operator"]) == (CASE, REASON, STAFF)
    assert kept["officer"] == "off_1"
    assert kept["subject.s1"] == {"type": "enterprise", "id": USCC}
    assert kept["subject.s2"] == {"type": "person", "id": PERSON}
    assert json.loads(kept["arguments"])["variables"] == {"e": USCC}
    assert json.loads(kept["question"]["own"])["schema"] == "exchange.input/1"
    assert set(kept["signature"]) == {"key", "base", "signature"}
    hidden = {
        commit.name: commit.content for commit in found.commits if isinstance(commit, ByteCommit)
    }
    assert hidden == {"request": b"{}", "answer": b'{"a":1}', "answer.s1": b"1", "answer.s2": b"1"}


def test_several_subjects_of_one_step_are_committed_to_and_found_one_by_one() -> None:
    step = a_step(limit=20)
    other = "110105194912310118"
    joins = ({"uscc": USCC, "legal_id": PERSON}, {"uscc": USCC, "legal_id": other})
    parent = Masked(a_permit(step, ["legal_id"], items=ITEMS), (GIVEN, GIVEN), 0, joins=joins)
    found = drafted(parent, Masked(a_permit(a_link(step)), (), 0))
    subjects = {
        commit.name: commit.subject
        for commit in found.commits
        if isinstance(commit, Commit) and commit.name.startswith("subject.s2")
    }
    assert subjects == {"subject.s2.1": ("person", PERSON), "subject.s2.2": ("person", other)}
    assert [row.subject for row in found.index if row.step == "s2"] == [
        ("person", PERSON),
        ("person", other),
    ]


def test_a_stranger_met_by_a_link_is_found_under_their_own_name() -> None:
    step = a_step()
    found = drafted(a_masked(), Refused(a_link(step), "SUBJECT_NOT_PARTY", None))
    (row,) = [row for row in found.index if row.step == "s2"]
    assert (row.decision, row.code) == ("refused", "SUBJECT_NOT_PARTY")
    assert row.subject == ("person", PERSON)
    assert (row.case, row.officer) == (CASE, "off_1")


def test_a_call_is_counted_once_against_each_grant_that_permitted_something() -> None:
    steps = [a_step(ref=f"s{n}") for n in range(3)]
    outcomes: list[Outcome] = [
        Masked(a_permit(steps[0]), (), 0),
        Failed(a_permit(steps[1]), "SOURCE_TIMEOUT"),
        Refused(steps[2], "GRANT_MISSING", None),
    ]
    (quota,) = drafted(*outcomes).quotas
    assert (quota.key, quota.amount, quota.most) == (quota_key("grt_1"), 1, 100)
    assert quota.day == "2026-11-23"
    assert drafted(outcomes[2]).quotas == ()


def test_gap_free_numbers_are_drawn_for_the_consumer_and_each_resource_once() -> None:
    found = drafted(a_masked(), Masked(a_permit(a_step(ref="s2")), (), 0))
    assert found.counters == ("consumer:sys_permit", "resource:307001/licence")
    assert found.applied == 7


@pytest.mark.proves("L18")
async def test_two_calls_on_one_subject_share_no_leaf_value_but_the_permitted_ones() -> None:
    recorder = ListRecorder()
    for number in ("call_1", "call_2"):
        await recorder.append(drafted(a_masked(), call=a_call(number=number)))
    bodies = [json.loads(body) for body in recorder.bodies]
    first, second = (set(scalars(body)) for body in bodies)
    shared = first & second
    permitted = {
        *("entry/1", "call", "housing", "sys_permit", "signature", "declared", "attested"),
        *("11330106MB0001X10", "administrative-basis", "query", "rev-1", OPERATION),
        *("s1", "market", "307001/licence", "conditional", "partly-given", "grt_1", "", 1),
        *(canonical.bitmap(bits) for bits in ([1, 2, 3, 4], [0, 4], [1, 3], [2], [4])),
    }
    assert shared <= permitted
    for secret in (USCC, PERSON, CASE, REASON, STAFF, "某某公司"):
        assert secret not in json.dumps(bodies, ensure_ascii=False)


def scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for inner in value.values() for one in scalars(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in scalars(inner)]
    return [value]


async def recorded(recorder: ListRecorder, *outcomes: Outcome) -> Any:
    call = a_call()
    return await record(
        call, outcomes, given(*outcomes), basis=basis(call, outcomes), recorder=recorder
    )


async def test_what_is_recorded_is_what_is_sent() -> None:
    recorder = ListRecorder()
    found = await recorded(recorder, a_masked())
    assert found.data == b'{"a":1}'
    opening = found.sequenced.openings["answer"]
    digests = json.loads(found.sequenced.body)["digests"]
    assert digests["answer"] == canonical.commit_bytes(opening.salt, found.data)
    assert set(found.sequenced.openings) == {
        "request",
        "answer",
        "answer.s1",
        "n.consumer:sys_permit",
    }


async def test_nothing_is_recorded_as_given_when_the_log_cannot_be_written() -> None:
    recorder = ListRecorder()
    recorder.down_after = 0
    with pytest.raises(LogUnavailableError):
        await recorded(recorder, a_masked())


@pytest.mark.parametrize(("instead", "code"), [("replayed", "REPLAYED"), ("quota", "GRANT_QUOTA")])
async def test_the_rows_are_dropped_where_the_log_finds_a_replay_or_a_spent_quota(
    instead: str, code: str
) -> None:
    recorder = ListRecorder(instead=instead)
    found = await recorded(recorder, a_masked(), Masked(a_permit(a_link(a_step())), (), 0))
    assert found.data == b"null"
    assert [outcome.code for outcome in found.outcomes] == [code, code]
    body = json.loads(recorder.bodies[0])
    assert {(step["outcome"], step["code"], step["rows"]) for step in body["steps"]} == {
        ("refused", code, 0)
    }
    opening = found.sequenced.openings["answer"]
    assert body["digests"]["answer"] == canonical.commit_bytes(opening.salt, b"null")
    (draft_,) = recorder.drafts
    # Whoever replays, or has no quota left, is still found by the subjects they asked about.
    assert {row.subject for row in draft_.otherwise[instead].index} == {
        ("enterprise", USCC),
        ("person", PERSON),
    }
    assert draft_.otherwise["replayed"].nonce is None
    assert draft_.otherwise["quota"].nonce == draft_.nonce


@pytest.mark.parametrize("usage", [None, a_usage(matter="某事")])
async def test_a_call_that_is_refused_before_it_is_planned_is_recorded(usage: Any) -> None:
    recorder = ListRecorder()
    sequenced: Sequenced = await record_refusal(
        a_caller(),
        number="call_2",
        code="USAGE_MISSING",
        body=b"[]",
        usage=usage,
        snapshot=a_snapshot(),
        recorder=recorder,
    )
    body = json.loads(sequenced.body)
    assert (body["outcome"], body["code"], body["steps"]) == ("refused", "USAGE_MISSING", [])
    assert body["matter"] == ""
    assert {"request", "answer", "signature", "officer"} <= set(body["digests"])
    assert ("reason" in body["digests"]) is (usage is not None)
    (row,) = recorder.drafts[0].index
    assert (row.decision, row.code, row.system) == ("refused", "USAGE_MISSING", "sys_permit")


@pytest.mark.parametrize("outcome", [a_masked(), Refused(a_step(), "GRANT_EXPIRED", None)])
async def test_question_and_decision_are_committed_to_as_they_were(outcome: Outcome) -> None:
    call = a_call()
    based = basis(call, [outcome])
    decided = await Decides().decide(based.question)
    for decision in (decided, None):
        made = draft(
            call, [outcome], given(outcome), basis=structs.replace(based, decision=decision)
        )
        for each in (made, *made.otherwise.values()):
            commits = {one.name: one for one in each.commits if isinstance(one, Commit)}
            (shared,) = each.documents
            assert read_question(joined(commits["question"].value, shared)) == based.question
            assert read_decision(commits["decision"].value) == decision
            # Under the general key: a decision is replayed after its subject was erased.
            assert commits["question"].subject is commits["decision"].subject is None


async def test_the_largest_call_fits_into_an_entry() -> None:
    resource = a_resource(code="3" * 40, department="9" * 18)
    parent = a_step(resource, limit=60)
    joins = tuple({"uscc": USCC, "legal_id": f"{n:018d}"} for n in range(60))
    verdict = a_permit(parent, ["legal_id"])
    outcomes: list[Outcome] = [Masked(verdict, ({},) * 60, 0, joins=joins)]
    outcomes.append(Masked(a_permit(a_link(parent)), (), 0))
    outcomes += [
        Masked(a_permit(a_step(a_resource(code=f"{n:040d}"), ref=f"s{n}")), ({},), 0)
        for n in range(3, MOST_STEPS + 1)
    ]
    assert len(outcomes) == MOST_STEPS
    call = a_call()
    await record(
        call, outcomes, given(*outcomes), basis=basis(call, outcomes), recorder=ListRecorder()
    )


def test_a_verification_counts_no_rows_and_names_what_was_compared() -> None:
    resource = a_resource()
    step = a_step(resource, items=(), claims=())
    outcome = Masked(a_permit(step), (), 0, "MATCH")
    (facts,) = drafted(outcome).clear["steps"]
    assert (facts["rows"], facts["asked"], facts["outcome"]) == (0, "", "given")
    assert OTHER_USCC not in json.dumps(facts)
