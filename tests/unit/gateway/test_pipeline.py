"""One call through all stages: nothing leaves unrecorded, and who fails spoils only their own part."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from audit.errors import LogUnavailableError
from catalogue.model import Resource, SubjectType
from catalogue.snapshot import Snapshot
from gateway.errors import GatewayError, SourceUnavailableError
from gateway.model import Masked, Refused
from gateway.pipeline import (
    ATTEMPTS,
    Answered,
    Contracts,
    RefusedCallError,
    Terms,
    answer,
    refuse,
)
from gateway.ports import Ports, Source
from policies.engine import DecisionPoint
from policies.model import ItemVerdicts, Obligation, RequestFacts, Verdict
from tests.fakes.calls import (
    CASE,
    NOW,
    PERSON,
    USCC,
    a_call,
    a_caller,
    a_case,
    a_household,
    a_party,
    a_resource,
    a_snapshot,
    a_system,
    an_item,
)
from tests.fakes.decisions import Decides, Undecided, permitted, refused
from tests.fakes.recorder import ListRecorder
from tests.fakes.registry import FixedQuotas, FixedRegistry
from tests.fakes.sources import FailingSource, FixedSource, SilentSource

LICENCE = {"uscc": USCC, "name": "某某", "phone": "13800138000", "status": "v", "legal_id": PERSON}
QUERY = "query($e: ID!) { enterprise(uscc: $e) { businessLicence { name phone } } }"
THREE = """query($e: ID!) { enterprise(uscc: $e) {
    businessLicence { name } planningPermit { number } environmentalApproval { number } } }"""


def permit_of(department: str, type_name: str) -> Resource:
    """A resource of another department about enterprises."""
    return a_resource(
        code=f"400/{department}",
        department=department,
        type_name=type_name,
        field_name=type_name[0].lower() + type_name[1:],
        list_name=type_name[0].lower() + type_name[1:] + "s",
        source=f"{department}-db",
        table="permit",
        items=(
            an_item("uscc", 0, key=True, match=True, subject=SubjectType.ENTERPRISE),
            an_item("number", 1),
        ),
    )


PLANNING, ECOLOGY = permit_of("land", "PlanningPermit"), permit_of("eco", "EnvironmentalApproval")
RESOURCES = (a_resource(), a_household(), PLANNING, ECOLOGY)


class Setting:
    """An exchange in which everything works, and whatever a test exchanges in it."""

    def __init__(
        self,
        *,
        decisions: DecisionPoint | None = None,
        recorder: ListRecorder | None = None,
        snapshots: tuple[Snapshot, ...] = (),
        **sources: Source,
    ) -> None:
        permit = {"uscc": USCC, "number": "2026-1"}
        self.sources: Mapping[str, Any] = {
            "market-db": FixedSource({USCC: [LICENCE]}),
            "police-db": FixedSource({PERSON: [{"id": PERSON, "address": "某路1号"}]}),
            "land-db": FixedSource({USCC: [permit]}),
            "eco-db": FixedSource({USCC: [permit]}),
            **{name.replace("_", "-"): source for name, source in sources.items()},
        }
        self.recorder = recorder or ListRecorder()
        self.decisions: Any = decisions or Decides()
        case = a_case(a_party(SubjectType.ENTERPRISE, USCC))
        self.registry = FixedRegistry(
            *(snapshots or (a_snapshot(RESOURCES),)), cases={("sys_permit", CASE): case}
        )
        numbers = count()
        self.ports = Ports(
            decisions=self.decisions,
            sources=self.sources,
            recorder=self.recorder,
            registry=self.registry,
            quotas=FixedQuotas(),
            now=lambda: NOW,
            monotonic=lambda: 0.0,
            fresh_id=lambda prefix: f"{prefix}{next(numbers)}",
            gateway="gw",
        )

    async def answer(self, query: str = QUERY, **changes: Any) -> Answered:
        terms = Terms(zone=ZoneInfo("Asia/Shanghai"))
        call = a_call(query, case=None, **changes)
        return await answer(call, self.ports, terms=terms, contracts=Contracts())

    def reads(self) -> int:
        return sum(len(source.reads) for source in self.sources.values())

    def entry(self) -> Any:
        return json.loads(self.recorder.bodies[-1])


def data(answered: Answered) -> Any:
    return json.loads(answered.recorded.data)


async def test_a_call_is_asked_given_and_recorded() -> None:
    setting = Setting()
    answered = await setting.answer()
    assert data(answered) == {
        "enterprise": {"businessLicence": {"name": "某某", "phone": "13800138000"}}
    }
    (step,) = setting.entry()["steps"]
    assert (step["outcome"], step["rows"]) == ("given", 1)
    assert answered.status == 200


def spoken(code: str) -> Any:
    return SimpleNamespace(zh=f"zh {code}", en=f"en {code}", retryable=False, next="ask")


async def test_the_answer_holds_the_recorded_bytes_and_the_receipts_paths() -> None:
    answered = await Setting().answer()
    body = answered.write(words=spoken)
    assert b'"data":' + answered.recorded.data in body
    receipt = json.loads(body)["extensions"]["receipt"]
    assert receipt["paths"] == {"answer.s1": ["enterprise", "businessLicence"]}
    assert (
        "receipt" not in json.loads(answered.write(words=spoken, whole_receipt=False))["extensions"]
    )


async def test_a_masked_item_is_given_masked_in_the_answer() -> None:
    def masking(request: RequestFacts) -> Verdict:
        items = ItemVerdicts(allowed=["name"], masked={"phone": "phone"}, denied={})
        return replace_verdict(permitted(request), items=items)

    answered = await Setting(decisions=Decides({"s1": masking})).answer()
    assert data(answered)["enterprise"]["businessLicence"]["phone"] == "138****8000"


def replace_verdict(verdict: Verdict, **changes: Any) -> Verdict:
    members = {name: getattr(verdict, name) for name in verdict.__struct_fields__}
    return Verdict(**members | changes)


@pytest.mark.proves("W16")
async def test_while_the_log_refuses_nothing_is_decided_and_nobody_is_asked() -> None:
    setting = Setting(decisions=Decides({"s1": lambda request: refused(request, "GRANT_MISSING")}))
    setting.recorder.down = True
    with pytest.raises(LogUnavailableError) as raised:
        await setting.answer()
    assert "GRANT_MISSING" not in str(raised.value)
    assert setting.decisions.questions == []
    assert setting.reads() == 0
    assert setting.registry.loaded == 0


@pytest.mark.proves("W1")
async def test_what_was_read_is_dropped_where_the_log_fails_after_the_read() -> None:
    setting = Setting()
    setting.recorder.down_after = 1
    with pytest.raises(LogUnavailableError):
        await setting.answer()
    assert setting.reads() == 1
    assert [json.loads(body)["kind"] for body in setting.recorder.bodies] == ["intent"]


async def test_a_document_that_would_be_refused_gets_no_code_while_the_log_refuses() -> None:
    setting = Setting()
    setting.recorder.down = True
    with pytest.raises(LogUnavailableError):
        await setting.answer("{ nonsense }")


@pytest.mark.proves("F1")
async def test_a_call_without_any_right_gives_null_with_the_reason_and_reads_nothing() -> None:
    decisions = Decides({"307001/licence": lambda request: refused(request, "GRANT_MISSING")})
    setting = Setting(decisions=decisions)
    answered = await setting.answer()
    assert data(answered) == {"enterprise": {"businessLicence": None}}
    (error,) = answered.recorded.errors
    assert error["extensions"]["code"] == "GRANT_MISSING"
    assert error["extensions"]["department"] == "market"
    assert setting.reads() == 0
    assert setting.entry()["steps"][0]["code"] == "GRANT_MISSING"


@pytest.mark.proves("F4", "F5", "F10")
@pytest.mark.parametrize("denied", [("phone",), ("phone", "name")])
async def test_items_that_are_not_permitted_are_null_and_named_in_the_entry(
    denied: tuple[str, ...],
) -> None:
    def partly(request: RequestFacts) -> Verdict:
        allowed = [name for name in request.items if name not in denied]
        items = ItemVerdicts(
            allowed=allowed, masked={}, denied=dict.fromkeys(denied, "ITEM_NOT_GRANTED")
        )
        return replace_verdict(permitted(request), items=items)

    setting = Setting(decisions=Decides({"s1": partly}))
    query = QUERY.replace("phone", "phone status")
    answered = await setting.answer(query)
    record = data(answered)["enterprise"]["businessLicence"]
    assert {name for name, value in record.items() if value is None} == set(denied)
    line = json.loads(answered.write(words=spoken))["extensions"]["outcomes"][0]
    assert line["refused"] == dict.fromkeys(denied, "ITEM_NOT_GRANTED")
    assert setting.entry()["steps"][0]["outcome"] == "partly-given"


@pytest.mark.proves("F21")
async def test_of_three_departments_one_answers_and_two_say_why_not() -> None:
    decisions = Decides(
        {
            "400/land": lambda request: refused(request, "GRANT_EXPIRED"),
            "400/eco": lambda request: refused(request, "GRANT_MISSING"),
        }
    )
    setting = Setting(decisions=decisions)
    answered = await setting.answer(THREE)
    assert data(answered)["enterprise"] == {
        "businessLicence": {"name": "某某"},
        "planningPermit": None,
        "environmentalApproval": None,
    }
    told = {
        error["extensions"]["department"]: error["extensions"]["code"]
        for error in answered.recorded.errors
    }
    assert told == {"land": "GRANT_EXPIRED", "eco": "GRANT_MISSING"}
    assert len(decisions.questions) == 1
    assert [step["code"] for step in setting.entry()["steps"]] == [
        "",
        "GRANT_EXPIRED",
        "GRANT_MISSING",
    ]
    assert setting.sources["land-db"].reads == setting.sources["eco-db"].reads == []


@pytest.mark.proves("S7", "S1")
async def test_one_of_three_departments_is_down_and_the_others_answer() -> None:
    setting = Setting(land_db=FailingSource(SourceUnavailableError()))
    answered = await setting.answer(THREE)
    assert data(answered)["enterprise"] == {
        "businessLicence": {"name": "某某"},
        "planningPermit": None,
        "environmentalApproval": {"number": "2026-1"},
    }
    (error,) = answered.recorded.errors
    assert error["extensions"]["code"] == "SOURCE_UNAVAILABLE"
    assert error["extensions"]["retryable"] is True
    outcomes = [step["outcome"] for step in setting.entry()["steps"]]
    assert outcomes == ["given", "unavailable", "given"]


async def test_absent_and_down_are_never_the_same_answer() -> None:
    absent = await Setting(land_db=FixedSource()).answer(THREE)
    assert data(absent)["enterprise"]["planningPermit"] is None
    assert absent.recorded.errors == ()


LINKED = """query($e: ID!) { enterprise(uscc: $e) {
    businessLicence { name person { id household { address } } } } }"""


@pytest.mark.proves("C5")
async def test_a_stranger_reached_by_a_link_is_refused_recorded_and_not_named() -> None:
    def parties_only(request: RequestFacts) -> Verdict:
        return replace_verdict(permitted(request), obligations=[Obligation(type="parties-only")])

    setting = Setting(decisions=Decides({"101002/household": parties_only}))
    answered = await setting.answer(LINKED)
    record = data(answered)["enterprise"]["businessLicence"]
    assert record["person"]["household"] is None
    assert setting.sources["police-db"].reads == []
    (row,) = [row for row in setting.recorder.drafts[-1].index if row.step == "s2"]
    assert (row.code, row.subject) == ("SUBJECT_NOT_PARTY", ("person", PERSON))


async def test_a_permitted_link_gives_what_lies_behind_it() -> None:
    answered = await Setting().answer(LINKED)
    record = data(answered)["enterprise"]["businessLicence"]
    assert record["person"] == {"id": PERSON, "household": {"address": "某路1号"}}


async def test_a_link_shows_no_identifier_that_the_record_itself_does_not_give() -> None:
    def masking(request: RequestFacts) -> Verdict:
        items = ItemVerdicts(allowed=["name"], masked={}, denied={"legal_id": "ITEM_NOT_GRANTED"})
        return replace_verdict(permitted(request), items=items)

    answered = await Setting(decisions=Decides({"s1": masking})).answer(LINKED)
    assert PERSON.encode() not in answered.write(words=spoken, whole_receipt=False)
    record = data(answered)["enterprise"]["businessLicence"]
    assert record["person"] == {"id": None, "household": {"address": "某路1号"}}


async def test_what_hangs_on_a_record_that_is_refused_after_its_read_is_refused_too() -> None:
    def unknown_mask(request: RequestFacts) -> Verdict:
        items = ItemVerdicts(allowed=[], masked={"name": "blur"}, denied={})
        return replace_verdict(permitted(request), items=items)

    setting = Setting(decisions=Decides({"s1": unknown_mask}))
    answered = await setting.answer(LINKED)
    outcomes = answered.recorded.outcomes
    assert [o.code for o in outcomes if isinstance(o, Refused)] == ["MASK_UNKNOWN", "LINK_UNREAD"]


async def test_everything_is_refused_and_recorded_where_no_decision_comes() -> None:
    setting = Setting(decisions=Undecided())
    answered = await setting.answer(THREE)
    assert set(data(answered)["enterprise"].values()) == {None}
    assert setting.reads() == 0
    assert {step["code"] for step in setting.entry()["steps"]} == {"POLICY_UNAVAILABLE"}


async def test_a_call_ruled_on_an_old_picture_is_ruled_once_more() -> None:
    fresh = a_snapshot(RESOURCES, applied_index=9)
    setting = Setting(recorder=ListRecorder(stale=1), snapshots=(a_snapshot(RESOURCES), fresh))
    answered = await setting.answer()
    assert isinstance(answered.recorded.outcomes[0], Masked)
    assert [draft.applied for draft in setting.recorder.drafts] == [7, 9, 9]
    assert len(setting.recorder.bodies) == 2


async def test_a_call_that_is_stale_at_every_attempt_is_not_answered() -> None:
    setting = Setting(recorder=ListRecorder(stale=ATTEMPTS))
    with pytest.raises(LogUnavailableError):
        await setting.answer()
    assert setting.recorder.bodies == []


@pytest.mark.parametrize(
    "changes",
    [
        {"keys": {}},
        {"systems": {"sys_permit": a_system(state="stopped")}},
        {"systems": {"sys_permit": a_system(department="other")}},
    ],
)
async def test_a_caller_whose_key_or_system_was_taken_away_is_refused_and_recorded(
    changes: Mapping[str, Any],
) -> None:
    setting = Setting(snapshots=(a_snapshot(RESOURCES, **changes),))
    with pytest.raises(RefusedCallError) as raised:
        await setting.answer()
    assert raised.value.code == "NOT_AUTHENTICATED"
    assert setting.entry()["code"] == "NOT_AUTHENTICATED"
    assert setting.reads() == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ nonsense }", "DOCUMENT_INVALID"),
        ("{ enterprise(", "SYNTAX_INVALID"),
        ('{ enterprise(uscc: "x") { uscc } }', "KEY_INVALID"),
    ],
)
async def test_a_document_that_cannot_be_planned_is_refused_and_recorded(
    query: str, code: str
) -> None:
    setting = Setting()
    with pytest.raises(RefusedCallError) as raised:
        await setting.answer(query)
    assert raised.value.code == code
    assert raised.value.errors
    assert raised.value.sequenced.index == 0
    assert (setting.entry()["code"], setting.entry()["steps"]) == (code, [])


@pytest.mark.parametrize(("instead", "status"), [("replayed", 401), ("quota", 429)])
async def test_a_replay_or_a_spent_quota_found_by_the_log_drops_the_rows(
    instead: str, status: int
) -> None:
    answered = await Setting(recorder=ListRecorder(instead=instead)).answer()
    assert answered.recorded.data == b"null"
    assert answered.status == status
    assert "某某".encode() not in answered.write(words=spoken)


async def test_a_bad_request_that_is_also_a_replay_is_answered_as_a_replay() -> None:
    setting = Setting(recorder=ListRecorder(instead="replayed"))
    with pytest.raises(RefusedCallError) as raised:
        await setting.answer("{ nonsense }")
    assert raised.value.code == "REPLAYED"
    assert raised.value.errors == ({"extensions": {"code": "REPLAYED"}},)


@pytest.mark.parametrize("stale", [0, ATTEMPTS - 1, ATTEMPTS])
async def test_the_web_has_a_refusal_recorded_before_it_says_it(stale: int) -> None:
    setting = Setting(recorder=ListRecorder(stale=stale))
    work: Callable[[], Any] = lambda: refuse(  # noqa: E731  read twice below
        a_caller(),
        GatewayError("USAGE_MISSING", members=["case"]),
        setting.ports,
        number="call_1",
        body=b"{}",
        usage=None,
    )
    if stale == ATTEMPTS:
        with pytest.raises(LogUnavailableError):
            await work()
        return
    error = await work()
    assert error.facts == {"members": ["case"]}
    assert setting.entry()["code"] == "USAGE_MISSING"


async def test_more_steps_than_an_entry_holds_are_refused() -> None:
    fields = " ".join(f"f{n}: businessLicence {{ name }}" for n in range(25))
    setting = Setting()
    with pytest.raises(RefusedCallError) as raised:
        await setting.answer(f"query($e: ID!) {{ enterprise(uscc: $e) {{ {fields} }} }}")
    assert raised.value.code == "TOO_MANY_STEPS"


async def test_contracts_are_built_once_and_the_oldest_is_let_go() -> None:
    contracts = Contracts(kept=1)
    first = await contracts.of([a_resource()])
    assert await contracts.of([a_resource()]) is first
    second = await contracts.of([a_resource(revision=2)])
    assert second is not first
    assert await contracts.of([a_resource()]) is not first


async def test_the_time_that_planning_took_is_taken_from_the_time_to_fetch() -> None:
    setting = Setting(market_db=SilentSource())
    moments = iter([0.0, 100.0])
    ports = replace(setting.ports, monotonic=lambda: next(moments))
    terms = Terms(zone=ZoneInfo("Asia/Shanghai"), deadline_s=8.0)
    answered = await answer(a_call(QUERY), ports, terms=terms, contracts=Contracts())
    assert answered.recorded.errors[0]["extensions"]["code"] == "SOURCE_TIMEOUT"
