"""The answer says of every department what came of it, in the caller's language, around recorded bytes."""

import json
from typing import Any

import msgspec
import pytest

from audit.entry import Sequenced
from catalogue.model import CodeKind, Department
from gateway.assemble import assemble
from gateway.errors import GATEWAY_CODES, Wording
from gateway.model import Masked, Outcome, Recorded, Refused, Step
from gateway.outcomes import code_of, outcome_of
from gateway.plan import Plan
from gateway.respond import prefers_english, respond
from policies.model import ItemVerdicts, Reason, Verdict
from policies.reasons import REASONS
from tests.fakes.calls import a_call
from tests.fakes.documents import a_plan, failed, masked, refused

DEPARTMENTS = {
    "market": Department(
        code="market", code_kind=CodeKind.OTHER, name="市场监管局", name_en="Market Supervision"
    ),
    "ecology": Department(code="ecology", code_kind=CodeKind.OTHER, name="生态环境局"),
}
QUERY = """{ enterprise(uscc: "A1") { businessLicence { name phone status }
             environmentalApprovals { number } }
             household(id: "P1") { address } }"""
SEQUENCED = Sequenced(
    index=41, size=42, body=b"{}", proof=(), checkpoint="district.example/log\n42\n…\n", openings={}
)


def words(code: str) -> Wording:
    return GATEWAY_CODES.get(code) or REASONS[code]


def recorded(plan: Plan, outcomes: list[Outcome]) -> Recorded:
    assembled = assemble(plan, outcomes)
    return Recorded(a_call(), tuple(outcomes), assembled.data, assembled.errors, SEQUENCED)


def answered(plan: Plan, outcomes: list[Outcome], **options: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        respond(recorded(plan, outcomes), departments=DEPARTMENTS, words=words, **options)
    )
    return told


def partly(plan: Plan) -> list[Outcome]:
    """One department gives a part, one is down, one was never asked for a grant."""
    licence, approvals, household = plan.steps
    verdicts = ItemVerdicts(
        allowed=["name"], masked={"phone": "phone"}, denied={"status": "ITEM_NOT_GRANTED"}
    )
    return [
        masked(licence, {"name": "甲", "phone": "138****0000"}, items=verdicts),
        failed(approvals, "SOURCE_TIMEOUT"),
        refused(household, "GRANT_MISSING"),
    ]


def test_the_recorded_data_is_sent_as_it_is_byte_for_byte() -> None:
    plan = a_plan(QUERY)
    kept = recorded(plan, partly(plan))
    body = respond(kept, departments=DEPARTMENTS, words=words)
    assert body.startswith(b'{"data":' + kept.data + b',"errors":')


def test_each_step_has_one_line_that_says_what_came_of_it() -> None:
    plan = a_plan(QUERY)
    lines = answered(plan, partly(plan))["extensions"]["outcomes"]
    assert lines[0] == {
        "step": "s1",
        "path": ["enterprise", "businessLicence"],
        "department": {"code": "market", "name": "市场监管局"},
        "resource": "307001/licence",
        "outcome": "partly-given",
        "code": None,
        "masked": ["phone"],
        "refused": {"status": "ITEM_NOT_GRANTED"},
        "asOf": "2023-11-14T22:13:20.123Z",
        "next": REASONS["ITEM_NOT_GRANTED"].next,
        "retryAfter": None,
        "disputed": [],
    }
    assert [line["outcome"] for line in lines] == ["partly-given", "unavailable", "refused"]
    assert [line["code"] for line in lines] == [None, "SOURCE_TIMEOUT", "GRANT_MISSING"]
    assert [line["next"] for line in lines[1:]] == ["wait", "ask"]
    assert lines[1]["asOf"] is None
    assert lines[2]["department"] == {"code": "police", "name": ""}


def test_three_departments_two_refused_the_third_answers_and_the_two_say_how_to_ask() -> None:
    plan = a_plan(QUERY)
    licence, approvals, household = plan.steps
    told = answered(
        plan,
        [
            refused(licence, "GRANT_EXPIRED"),
            masked(approvals, {"number": "环1"}),
            refused(household, "GRANT_MISSING"),
        ],
    )
    assert told["data"]["enterprise"]["environmentalApprovals"] == [{"number": "环1"}]
    assert told["data"]["enterprise"]["businessLicence"] is told["data"]["household"] is None
    assert [error["extensions"]["code"] for error in told["errors"]] == [
        "GRANT_EXPIRED",
        "GRANT_MISSING",
    ]
    for error in told["errors"]:
        assert error["message"] == REASONS[error["extensions"]["code"]].zh
        assert error["extensions"]["next"] == "ask"


def test_all_items_that_were_not_permitted_are_named() -> None:
    plan = a_plan('{ businessLicence(uscc: "A") { name phone status } }')
    denied = {"status": "ITEM_NOT_GRANTED", "phone": "ITEM_NOT_SHARED", "other": "ITEM_UNKNOWN"}
    verdicts = ItemVerdicts(allowed=["name"], masked={}, denied=denied)
    told = answered(plan, [masked(plan.steps[0], {"name": "甲"}, items=verdicts)])
    (line,) = told["extensions"]["outcomes"]
    assert line["refused"] == {"phone": "ITEM_NOT_SHARED", "status": "ITEM_NOT_GRANTED"}
    assert told["data"]["businessLicence"] == {"name": "甲", "phone": None, "status": None}
    assert "errors" not in told


def items_none(step: Step, detail: Any) -> Refused:
    reason = Reason(rule="items.none", code="ITEMS_NONE", legal_basis=[], detail=detail)
    verdict = Verdict(allow=False, code="ITEMS_NONE", resource=step.resource.code, reasons=[reason])
    return Refused(step, "ITEMS_NONE", verdict)


@pytest.mark.proves("F5", "E7")
@pytest.mark.parametrize(
    ("detail", "status"),
    [
        (
            {"grant": "grt_1", "items": {"name": "ITEM_NOT_SHARED", "status": "ITEM_NOT_GRANTED"}},
            "ITEM_NOT_GRANTED",
        ),
        ({"items": {"name": "ITEM_NOT_SHARED", "status": 7}}, "ITEMS_NONE"),
        ({"items": {"name": "ITEM_NOT_SHARED"}}, "ITEMS_NONE"),
    ],
)
def test_a_step_of_which_nothing_may_be_given_names_each_item(detail: Any, status: str) -> None:
    plan = a_plan('{ businessLicence(uscc: "A") { name status } }')
    told = answered(plan, [items_none(plan.steps[0], detail)])
    (line,) = told["extensions"]["outcomes"]
    assert (line["outcome"], line["code"], line["next"]) == ("refused", "ITEMS_NONE", "ask")
    assert line["refused"] == {"name": "ITEM_NOT_SHARED", "status": status}


@pytest.mark.parametrize("detail", [None, "a text", {"items": ["name"]}, {"grant": "grt_1"}])
def test_items_that_a_decision_does_not_explain_have_the_steps_own_code(detail: Any) -> None:
    plan = a_plan('{ businessLicence(uscc: "A") { name } }')
    told = answered(plan, [items_none(plan.steps[0], detail)])
    assert told["extensions"]["outcomes"][0]["refused"] == {"name": "ITEMS_NONE"}


def test_a_step_that_was_refused_as_a_whole_names_no_items() -> None:
    plan = a_plan('{ businessLicence(uscc: "A") { name } }')
    told = answered(plan, [refused(plan.steps[0], "GRANT_EXPIRED")])
    assert told["extensions"]["outcomes"][0]["refused"] == {}


def test_words_are_in_the_callers_language_and_codes_are_not() -> None:
    plan = a_plan(QUERY)
    chinese = answered(plan, partly(plan), languages="zh-CN,zh;q=0.9,en;q=0.8")
    english = answered(plan, partly(plan), languages="en-GB")
    assert [error["message"] for error in chinese["errors"]] == [
        GATEWAY_CODES["SOURCE_TIMEOUT"].zh,
        REASONS["GRANT_MISSING"].zh,
    ]
    assert [error["message"] for error in english["errors"]] == [
        GATEWAY_CODES["SOURCE_TIMEOUT"].en,
        REASONS["GRANT_MISSING"].en,
    ]
    assert english["extensions"]["outcomes"][0]["department"]["name"] == "Market Supervision"
    assert english["extensions"]["outcomes"][1]["department"]["name"] == "生态环境局"
    for told in (chinese, english):
        assert [error["extensions"]["retryable"] for error in told["errors"]] == [True, False]


@pytest.mark.parametrize(
    ("header", "english"),
    [
        ("", False),
        ("en", True),
        ("EN-us, zh;q=0.5", True),
        ("zh, en", False),
        ("en, zh", True),
        ("en;q=0.3, zh-Hans;q=0.7", False),
        ("fr, en;q=0.1", True),
        ("en;q=0", False),
        ("en;q=much", False),
        ("de-DE, *", False),
        ("en;q=7, zh;q=0.1", False),
    ],
)
def test_chinese_is_spoken_unless_english_is_preferred(header: str, *, english: bool) -> None:
    assert prefers_english(header) is english


def test_the_answer_names_its_entry_and_carries_the_receipt_where_it_is_wanted() -> None:
    plan = a_plan(QUERY)
    whole = answered(plan, partly(plan), receipt={"index": 41})["extensions"]
    assert whole["entry"] == {"origin": "district.example/log", "index": 41}
    assert whole["receipt"] == {"index": 41}
    assert "receipt" not in answered(plan, partly(plan))["extensions"]


def test_a_call_that_was_refused_as_a_replay_says_so_and_gives_nothing() -> None:
    plan = a_plan(QUERY)
    replayed: list[Outcome] = [refused(step, "REPLAYED") for step in plan.steps]
    kept = Recorded(
        a_call(), tuple(replayed), b"null", ({"extensions": {"code": "REPLAYED"}},), SEQUENCED
    )
    told = json.loads(respond(kept, departments=DEPARTMENTS, words=words, languages="en"))
    assert told["data"] is None
    assert told["errors"][0]["message"] == GATEWAY_CODES["REPLAYED"].en
    assert {line["outcome"] for line in told["extensions"]["outcomes"]} == {"refused"}


def test_an_answer_without_errors_has_no_member_for_them() -> None:
    plan = a_plan("{ contract }")
    told = answered(plan, [])
    assert set(told) == {"data", "extensions"}


def test_outcomes_have_one_word_each() -> None:
    plan = a_plan('{ businessLicence(uscc: "A") { name } }')
    verify = a_plan('{ verifyBusinessLicence(uscc: "A", claims: {name: "x"}) { result } }')
    (step,), (claim,) = plan.steps, verify.steps
    denied = ItemVerdicts(allowed=[], masked={}, denied={"name": "ITEM_NOT_GRANTED"})
    hidden = ItemVerdicts(allowed=[], masked={"name": "name"}, denied={})
    words_of: list[tuple[Outcome, str, str | None]] = [
        (masked(step, {"name": "n"}), "given", None),
        (masked(step, {"name": "n"}, items=hidden), "given", None),
        (masked(step, {}, items=denied), "partly-given", None),
        (masked(step, items=denied), "not-found", None),
        (masked(step), "not-found", None),
        (refused(step), "refused", "GRANT_MISSING"),
        (failed(step), "unavailable", "SOURCE_UNAVAILABLE"),
        (masked(claim, verified="MATCH"), "given", None),
        (masked(claim, verified="MISMATCH"), "given", None),
        (masked(claim, verified="NOT_VALID"), "given", None),
        (masked(claim, verified="NOT_FOUND"), "not-found", None),
        (failed(claim), "unavailable", "SOURCE_UNAVAILABLE"),
    ]
    assert [(outcome_of(one), code_of(one)) for one, _, _ in words_of] == [
        (word, code) for _, word, code in words_of
    ]


def test_a_disputed_value_is_marked_by_its_place_and_says_what_to_do() -> None:
    plan = a_plan(QUERY)
    licence, *others = partly(plan)
    assert isinstance(licence, Masked)
    marks = (("enterprise", "businessLicence", "name"),)
    doubtful = msgspec.structs.replace(licence, disputed={0: frozenset({"name"})}, marks=marks)
    first, second, _ = answered(plan, [doubtful, *others])["extensions"]["outcomes"]
    assert first["outcome"] == "disputed"
    assert first["disputed"] == [["enterprise", "businessLicence", "name"]]
    assert first["next"] == GATEWAY_CODES["VALUE_DISPUTED"].next
    assert second["disputed"] == []
