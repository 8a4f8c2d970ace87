"""One question, one decision; and whatever is not a permit in so many words is a refusal."""

import gc
import json
import weakref
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from catalogue.granted import RowRule
from catalogue.model import CaseState, SubjectType
from catalogue.snapshot import Snapshot
from gateway.model import Call, Claim, Permitted, Refused, Step
from gateway.rule import Facts, Ruled, put_forward, question, rule, told_use
from policies.engine import DecisionPoint
from policies.model import Question, RequestFacts, Verdict
from tests.fakes.calls import (
    CASE,
    MATTER,
    PERSON,
    REASON,
    STAFF,
    USCC,
    a_call,
    a_caller,
    a_case,
    a_grant,
    a_household,
    a_link,
    a_party,
    a_resource,
    a_snapshot,
    a_step,
    a_system,
)
from tests.fakes.decisions import Decides, Undecided, permitted, refused
from tests.fakes.registry import token

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


class Tokens:
    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, value: str) -> str:
        return self._known.setdefault(value, f"tok_{len(self._known)}")


def facts(
    call: Call, steps: Sequence[Step], snapshot: Snapshot | None = None, **used: int
) -> Facts:
    snapshot = snapshot or a_snapshot()
    return Facts(
        snapshot=snapshot,
        operation="6d" * 32,
        grants=put_forward(call, steps, snapshot, now=NOW),
        used=used or {"grt_1": 3},
        now=NOW,
    )


def asked(call: Call, *steps: Step, snapshot: Snapshot | None = None) -> Question:
    known = facts(call, steps, snapshot)
    return question(call, steps, known, tokens=Tokens(), token=token).question


async def ruled(decisions: DecisionPoint, *steps: Step) -> Ruled:
    call = a_call()
    known = facts(call, steps)
    return await rule(call, steps, known, decisions=decisions, tokens=Tokens(), token=token)


def test_the_question_holds_no_identifier_and_no_free_text() -> None:
    step = a_step()
    whole = json.dumps(msgspec.to_builtins(asked(a_call(), step, a_link(step))), ensure_ascii=False)
    for secret in (USCC, PERSON, REASON, CASE, STAFF, "王小明"):
        assert secret not in whole


def test_the_question_states_the_call_in_the_words_of_the_policy() -> None:
    found = asked(a_call(), a_step())
    assert (found.channel, found.hour, found.now) == ("query", 10, int(NOW.timestamp()))
    assert found.caller.system == "sys_permit"
    assert found.usage.matter == MATTER
    assert found.matters[MATTER].department == "housing"
    assert found.case is not None
    assert (found.case.state, found.case.attested, found.case.parties) == ("open", True, 1)
    (request,) = found.requests
    assert request.items == ["name", "phone", "status", "legal_id"]
    assert request.matched == ["uscc"]
    (grant,) = found.grants
    assert grant.masks == dict.fromkeys(["uscc", "name", "phone", "status", "legal_id"], "none")
    assert grant.used_today == 3
    msgspec.convert(msgspec.to_builtins(found), Question, strict=True)


def test_only_the_touched_items_are_described() -> None:
    step = a_step(items=(a_resource().item("name"),))
    resource = asked(a_call(), step).catalogue["307001/licence"]
    assert set(resource.items) == {"uscc", "name"}
    filtered = a_grant(rows=(RowRule(item="status", op="eq", value="valid"),))
    resource = asked(a_call(), step, snapshot=a_snapshot(grants=[filtered])).catalogue[
        "307001/licence"
    ]
    assert set(resource.items) == {"uscc", "name", "status"}


@pytest.mark.parametrize(
    ("case", "relation"),
    [
        (a_case(a_party(SubjectType.ENTERPRISE, USCC)), "party"),
        (a_case(a_party(SubjectType.PERSON, USCC)), "stranger"),
        (a_case(a_party(SubjectType.ENTERPRISE, USCC, late=True)), "stranger"),
        (None, "stranger"),
    ],
)
def test_a_subject_is_a_party_only_if_the_case_counts_it(case: Any, relation: str) -> None:
    (request,) = asked(a_call(case=case), a_step()).requests
    assert request.subject is not None
    assert request.subject.relation == relation


def test_a_subject_behind_a_link_is_named_by_the_link_and_never_taken_for_a_party() -> None:
    step = a_step()
    first, second = asked(a_call(), step, a_link(step)).requests
    assert second.subject is not None
    assert second.subject.relation == "link:307001/licence.legal_id"
    assert second.subject.digest is None
    assert first.matched == ["legal_id", "uscc"]  # What a link follows is compared, too.


def test_equal_subjects_have_equal_tokens_and_no_officer_has_a_subjects_token() -> None:
    steps = (a_step(), a_step(ref="s2"), a_step(ref="s3", key=a_step().key))
    found = asked(a_call(), *steps)
    digests = {request.subject.digest for request in found.requests if request.subject}
    assert len(digests) == 1
    assert found.officer.digest not in digests


def test_an_unattended_job_stands_on_its_responsible_officers_clearance() -> None:
    system = a_system(responsible="off_1")
    caller = a_caller(system=system, officer=None, operator_auth="system-job")
    found = asked(a_call(caller=caller), a_step()).officer
    assert (found.authn_level, found.clearance) == (0, 2)
    nobody = a_caller(system=a_system(), officer=None, operator_auth="system-job")
    assert asked(a_call(caller=nobody), a_step()).officer.clearance == 0


def test_a_verification_is_asked_on_its_own_channel_only_if_all_steps_verify() -> None:
    resource = a_resource()
    verify = a_step(items=(), claims=(Claim(item=resource.item("name"), value="某"),))
    assert asked(a_call(), verify).channel == "verify"
    assert asked(a_call(), verify).requests[0].matched == ["name", "uscc"]
    assert asked(a_call(), verify, a_step(ref="s2")).channel == "query"


def test_a_grant_whose_count_is_not_known_counts_as_spent() -> None:
    call, steps = a_call(), [a_step()]
    unknown = facts(call, steps, grt_x=0)
    found = question(call, steps, unknown, tokens=Tokens(), token=token).question
    assert found.grants[0].used_today == found.grants[0].daily_quota


def test_a_grant_does_not_begin_a_moment_early() -> None:
    grant = a_grant(not_before=NOW + timedelta(milliseconds=1))
    found = asked(a_call(), a_step(), snapshot=a_snapshot(grants=[grant]))
    assert found.grants[0].not_before == int(NOW.timestamp()) + 1


def test_a_matter_that_nobody_registered_is_not_described() -> None:
    assert asked(a_call(), a_step(), snapshot=a_snapshot(matters={})).matters == {}


def test_a_paused_case_is_stated_as_such() -> None:
    found = asked(a_call(case=a_case(state=CaseState.PAUSED)), a_step()).case
    assert found is not None
    assert found.state == "paused"


async def test_one_question_is_put_for_all_steps() -> None:
    decisions = Decides()
    step = a_step()
    found = await ruled(decisions, step, a_link(step))
    assert len(decisions.questions) == 1
    assert all(isinstance(ruling, Permitted) for ruling in found.rulings)
    first = found.rulings[0]
    assert isinstance(first, Permitted)
    assert [item.name for item in first.joins] == ["legal_id"]


async def test_nothing_is_asked_where_nothing_is_to_be_read() -> None:
    decisions = Decides()
    assert (await ruled(decisions)).rulings == ()
    assert decisions.questions == []


@pytest.mark.proves("F1")
async def test_a_step_without_any_right_is_refused_with_the_policys_code() -> None:
    decisions = Decides({"s1": lambda request: refused(request, "GRANT_MISSING")})
    (ruling,) = (await ruled(decisions, a_step())).rulings
    assert isinstance(ruling, Refused)
    assert ruling.code == "GRANT_MISSING"


async def test_where_nothing_filters_or_orders_no_item_is_named() -> None:
    decisions = Decides({"s1": lambda request: refused(request, "ITEM_NOT_FILTERABLE")})
    (ruling,) = (await ruled(decisions, a_step())).rulings
    assert isinstance(ruling, Refused)
    assert (ruling.code, ruling.facts) == ("ITEM_NOT_FILTERABLE", ())


@pytest.mark.parametrize("error", [None, TimeoutError(), ValueError("half a JSON"), KeyError("x")])
async def test_every_step_is_refused_where_no_decision_comes(error: Exception | None) -> None:
    step = a_step()
    found = await ruled(Undecided(error), step, a_link(step))
    assert found.decision is None
    assert codes(found.rulings) == ["POLICY_UNAVAILABLE", "POLICY_UNAVAILABLE"]


@pytest.mark.parametrize(
    "decisions", [Decides(schema="exchange.decision/2"), Decides(expires=int(NOW.timestamp()))]
)
async def test_a_decision_of_another_schema_or_past_its_expiry_refuses(decisions: Decides) -> None:
    assert codes((await ruled(decisions, a_step())).rulings) == ["POLICY_UNAVAILABLE"]


@pytest.mark.parametrize("missing", ["grant", "items", "row_filter", "max_rows"])
async def test_a_permit_with_a_part_missing_refuses(missing: str) -> None:
    def half(request: RequestFacts) -> Verdict:
        return msgspec.structs.replace(permitted(request), **{missing: None})

    assert codes((await ruled(Decides({"s1": half}), a_step())).rulings) == ["POLICY_UNAVAILABLE"]


async def test_a_verdict_on_another_resource_refuses() -> None:
    def other(request: RequestFacts) -> Verdict:
        return msgspec.structs.replace(permitted(request), resource=a_household().code)

    assert codes((await ruled(Decides({"s1": other}), a_step())).rulings) == ["POLICY_UNAVAILABLE"]


def codes(rulings: Sequence[Permitted | Refused]) -> list[str]:
    return [ruling.code if isinstance(ruling, Refused) else "" for ruling in rulings]


@pytest.mark.parametrize("shape", [None, "the shape of a plan"])
def test_no_picture_of_the_registry_is_held_once_it_is_past(shape: str | None) -> None:
    held = a_snapshot([a_resource()])
    call, step = a_call(), a_step(a_resource())
    grants = put_forward(call, [step], held, now=NOW, shape=shape)
    known = msgspec.structs.replace(facts(call, [step], held), grants=grants, shape=shape)
    question(call, [step], known, tokens=Tokens(), token=token)
    past = weakref.ref(held)
    del held, known
    gc.collect()
    assert past() is None


def test_calls_under_the_same_circumstances_ask_the_very_same_question() -> None:
    first, second = a_call(), a_call(number="call_2")
    steps = (a_step(),)
    asked = [
        question(call, steps, facts(call, steps, SAME), tokens=Tokens(), token=token)
        for call in (first, second)
    ]
    assert asked[0].question is asked[1].question
    spent = question(first, steps, facts(first, steps, SAME, grt_1=4), tokens=Tokens(), token=token)
    assert spent.question is not asked[0].question
    assert [grant.used_today for grant in spent.question.grants] == [4]


SAME = a_snapshot()


@pytest.mark.parametrize("of", [1, 100, 1_000, 100_000])
def test_the_count_told_of_a_grant_is_close_never_above_and_exact_at_both_ends(of: int) -> None:
    for used in range(0, of + 3, max(1, of // 5_000)):
        told = told_use(used, of=of)
        assert told <= used
        assert (told < of) == (used < of)
        assert used - told <= used // 64
        if used < 128 or of - used < 128:
            assert told == used
