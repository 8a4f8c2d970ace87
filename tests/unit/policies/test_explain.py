"""Why a question was decided so: for every code that the policy can raise, the condition that decided."""

import functools

import msgspec
import pytest

from policies.bundle import compose, packaged_modules
from policies.engine import UndecidedError
from policies.explain import (
    Explanation,
    Ground,
    PermitExplained,
    RefusalExplained,
    TracedPolicy,
    explain,
)
from policies.language import Budget
from policies.model import Question
from policies.reasons import REASONS
from tests.fakes.decision_table import TableCase, table, table_bundle
from tests.fakes.questions import (
    EXPIRES,
    LICENCE,
    PARCEL,
    a_case,
    a_grant,
    a_matter,
    a_question,
    a_request,
    a_resource,
    a_subject,
    an_item,
    an_officer,
    an_open_resource,
)

CASES = table()

# What the deciding condition reads, by code: what an author looks for in the line that is named.
READS = {
    "RESOURCE_UNKNOWN": "status",
    "RESOURCE_WITHDRAWN": "status",
    "NOT_SHARED": "class",
    "MATTER_UNKNOWN": "matter",
    "MATTER_INACTIVE": "status",
    "MATTER_DEPARTMENT": "department",
    "GRANT_MISSING": "min(",
    "GRANT_REVOKED": "status",
    "GRANT_SUSPENDED": "status",
    "GRANT_EXPIRED": "not_after",
    "GRANT_NOT_YET": "not_before",
    "GRANT_CALLER": "department",
    "GRANT_SYSTEM": "systems",
    "GRANT_CHANNEL": "channel",
    "GRANT_MATTER": "matters",
    "GRANT_PURPOSE": "purposes",
    "GRANT_OPERATION": "operation",
    "GRANT_QUOTA": "daily_quota",
    "CASE_MISSING": "input.case",
    "CASE_NOT_OPEN": "state",
    "CASE_MATTER": "matter",
    "CASE_SYSTEM": "system",
    "CASE_DECLARED_ONLY": "attested",
    "PURPOSE_NOT_ALLOWED": "purposes",
    "SUBJECT_MISSING": "is_object(",
    "SUBJECT_NOT_PARTY": "relation",
    "CONSENT_MISSING": "consent",
    "ZONE_UNTRUSTED": "zone",
    "AUTHN_TOO_LOW": "authn",
    "BEARER_TOKEN": "auth",
    "OWN_RECORD": "digest",
    "ITEM_NOT_MATCHABLE": "match",
    "ITEM_NOT_FILTERABLE": "mask",
    "ITEM_UNKNOWN": "is_object(",
    "ITEM_NOT_SHARED": "class",
    "ITEM_NOT_GRANTED": "grant",
    "ITEM_MASK_UNKNOWN": "masks",
    "ITEMS_NONE": "count(",
    "ROW_FILTER_UNBOUND": "count(",
}

MARKET = """package departments.market

deny contains {"ref": req.ref, "rule": "hours", "code": "MARKET_CLOSED", "legal_basis": ["x"]} if {
	some req in input.requests
	input.hour > 8
	input.case.parties > 0
}
"""


@functools.cache
def policy() -> TracedPolicy:
    return TracedPolicy(table_bundle())


def asked(case: TableCase) -> Question:
    return msgspec.convert(case.question, Question, strict=True)


def grounds(explanation: Explanation) -> list[Ground]:
    return [
        ground
        for one in explanation.requests
        for ground in (
            one.grounds
            if isinstance(one, RefusalExplained)
            else [item.ground for item in one.denied]
        )
    ]


def refusal(question: Question) -> RefusalExplained:
    (found,) = explain(policy(), question).requests
    assert isinstance(found, RefusalExplained)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_refused_request_and_item_has_its_condition(case: TableCase) -> None:
    explanation = explain(policy(), asked(case))
    told = {one.ref: one for one in explanation.requests}
    assert told.keys() == case.expected.keys()
    for ref, expected in case.expected.items():
        one = told[ref]
        assert isinstance(one, PermitExplained) == (expected["code"] == "PERMITTED")
        if isinstance(one, RefusalExplained):
            assert one.code == expected["code"]
            assert [ground.code for ground in one.grounds][: len(expected.get("reasons", []))] == (
                expected.get("reasons", [])
            )
    for ground in grounds(explanation):
        assert ground.condition is not None, ground.code
        chain = [cause.text for attempt in ground.attempts for cause in attempt.causes]
        assert any(READS[ground.code] in text for text in chain), (ground.code, chain)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_condition_s_text_stands_where_it_says(case: TableCase) -> None:
    sources = packaged_modules()
    for ground in grounds(explain(policy(), asked(case))):
        for attempt in ground.attempts:
            for cause in (attempt.head, *attempt.causes):
                line = sources[cause.place.file].splitlines()[cause.place.line - 1]
                written = line[cause.place.column - 1 :].split(" ")[0]
                assert cause.text.startswith(written.rstrip("]);"))


def test_every_code_of_a_refusal_is_explained_by_some_case() -> None:
    told = {ground.code for case in CASES for ground in grounds(explain(policy(), asked(case)))}
    elsewhere = {"PERMITTED", "PARTLY_PERMITTED", "REFUSED"}
    # These need a question that is not complete, or a department's own rules: see below.
    elsewhere |= {"QUESTION_INCOMPLETE", "FACT_MISSING", "DEPARTMENT_DENIED"}
    assert told == REASONS.keys() - elsewhere == READS.keys()


def test_the_officer_is_told_in_both_languages_with_the_law() -> None:
    found = refusal(a_question(grants=[]))
    (ground,) = found.grounds
    reason = REASONS["GRANT_MISSING"]
    assert (ground.zh, ground.en, ground.actor, ground.next) == (
        reason.zh,
        reason.en,
        reason.actor,
        reason.next,
    )
    assert ground.legal_basis == reason.basis


def test_the_definition_that_came_closest_stands_first() -> None:
    found = refusal(a_question(requests=[a_request(subject=a_subject(digest="tok_officer"))]))
    (ground,) = found.grounds
    assert ground.code == "OWN_RECORD"
    assert len(ground.attempts) > 1
    assert not any(attempt.held for attempt in ground.attempts)
    assert all(attempt.passed < attempt.literals for attempt in ground.attempts)


def test_an_incomplete_question_names_the_member_that_is_missing() -> None:
    grant = msgspec.structs.replace(a_grant(), masks={})
    (ground,) = refusal(a_question(grants=[grant])).grounds
    assert ground.code == "QUESTION_INCOMPLETE"
    assert ground.condition is not None
    assert "masks" in ground.condition.text


def test_of_several_requests_each_is_told_by_itself() -> None:
    question = a_question(
        case=a_case(state="closed"),
        requests=[
            a_request(subject=a_subject(relation="stranger")),
            a_request(ref="s2", resource=PARCEL, items=["area"], matched=["number"], subject=None),
        ],
        catalogue={LICENCE: a_resource(), PARCEL: an_open_resource()},
        grants=[
            a_grant(),
            a_grant(id="grt_2", resource=PARCEL, items=["area"], match=["number"], rows=[]),
        ],
    )
    first, second = explain(policy(), question).requests
    assert isinstance(first, RefusalExplained)
    assert [ground.code for ground in first.grounds] == ["CASE_NOT_OPEN", "SUBJECT_NOT_PARTY"]
    assert isinstance(second, PermitExplained)
    assert second.allowed == ("area",)


def test_of_several_grants_the_nearest_is_the_one_explained() -> None:
    grants = [a_grant(id="grt_1", systems=[], purposes=[]), a_grant(id="grt_2", status="revoked")]
    (ground,) = refusal(a_question(grants=grants)).grounds
    assert ground.code == "GRANT_REVOKED"
    assert ground.condition is not None
    assert "status" in ground.condition.text


def test_a_permit_tells_grant_items_filters_and_obligations() -> None:
    question = a_question(requests=[a_request(items=["name", "phone", "notes"])])
    (found,) = explain(policy(), question).requests
    assert isinstance(found, PermitExplained)
    assert (found.grant, found.allowed, found.max_rows) == ("grt_1", ("name",), 10)
    assert [(row.item, row.op, row.value) for row in found.filters] == [
        ("region", "prefix", "330106")
    ]
    assert found.obligations == ("no-store",)
    (masked,) = found.masked
    assert (masked.item, masked.mask) == ("phone", "phone")
    assert [(one.item, one.ground.code) for one in found.denied] == [("notes", "ITEM_NOT_SHARED")]


@pytest.mark.parametrize(
    ("grant", "mask", "source"), [("none", "phone", "resource.items"), ("tail4", "tail4", "grant")]
)
def test_a_mask_is_told_with_the_rule_that_demands_it(grant: str, mask: str, source: str) -> None:
    question = a_question(
        officer=an_officer(clearance=1),
        requests=[a_request(items=["phone"])],
        grants=[a_grant(masks={"phone": grant})],
    )
    (found,) = explain(policy(), question).requests
    assert isinstance(found, PermitExplained)
    (masked,) = found.masked
    assert masked.mask == mask
    assert masked.ruled is not None
    assert source in masked.ruled.head.text


def test_items_that_leave_nothing_are_told_each_with_its_own_condition() -> None:
    found = refusal(a_question(requests=[a_request(items=["status", "notes"])]))
    assert [ground.code for ground in found.grounds] == [
        "ITEMS_NONE",
        "ITEM_NOT_GRANTED",
        "ITEM_NOT_SHARED",
    ]


def test_a_department_s_own_denial_is_told_by_its_line() -> None:
    shipped = table_bundle()
    bundle = compose(
        {**shipped.modules, "departments/market/rules.rego": MARKET},
        shipped.data,
        revision="golden",
        expires=EXPIRES,
    )
    (found,) = explain(TracedPolicy(bundle), a_question()).requests
    assert isinstance(found, RefusalExplained)
    (ground,) = found.grounds
    assert (ground.code, ground.rule, ground.legal_basis) == (
        "MARKET_CLOSED",
        "departments.market.hours",
        ("x",),
    )
    assert str(ground.condition) == "departments/market/rules.rego:6:2: input.case.parties > 0"
    (missing,) = explain(TracedPolicy(bundle), a_question(case=None)).requests
    assert isinstance(missing, RefusalExplained)
    fact = next(ground for ground in missing.grounds if ground.code == "FACT_MISSING")
    assert fact.condition is not None
    assert "input.case" in fact.condition.text


def test_one_request_can_be_told_alone() -> None:
    explanation = explain(policy(), a_question())
    assert explanation.only("s1") == explanation
    with pytest.raises(LookupError, match="no request 's9' in the question; it has s1"):
        explanation.only("s9")


def test_the_same_question_is_explained_alike_again() -> None:
    question = a_question(grants=[], case=None, matters={"other": a_matter()})
    first = explain(policy(), question)
    explain(policy(), a_question())
    assert explain(policy(), question) == first == explain(TracedPolicy(table_bundle()), question)


def test_what_cannot_be_decided_cannot_be_explained() -> None:
    broke = TracedPolicy(table_bundle(), budget=Budget(steps=3))
    with pytest.raises(UndecidedError):
        explain(broke, a_question())


def test_a_resource_with_an_open_and_a_closed_item_is_told_by_the_item() -> None:
    resource = an_open_resource(
        items={
            "number": an_item(sharing_class="unconditional", level=1, match=True),
            "area": an_item(sharing_class="conditional", level=1),
        }
    )
    found = refusal(
        a_question(
            case=None,
            requests=[a_request(resource=PARCEL, items=["area"], matched=["number"])],
            catalogue={PARCEL: resource},
            grants=[a_grant(resource=PARCEL, items=["area"], match=["number"], rows=[])],
        )
    )
    assert [ground.code for ground in found.grounds] == ["CASE_MISSING"]
