"""Code lists: the code as it is, its names where asked for, and no word that the list does not have."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, validate_schema

from catalogue.metadata import Code
from catalogue.model import ItemType, Resource
from gateway import coded, raw
from gateway.assemble import Assembled, assemble
from gateway.compile import put_together
from gateway.mask import mask
from gateway.model import Claim, Fetched, Masked, Step
from gateway.outcomes import outcome_of
from gateway.parse import parse_document
from gateway.plan import Plan
from gateway.planned import Plans
from gateway.schema import build_contract, digest
from gateway.whole import whole_outcomes
from policies.model import ItemVerdicts
from tests.fakes.calls import NOW, USCC, a_permit, a_resource, a_step, an_item
from tests.fakes.documents import LIMITS, normalise

STATES = (
    Code(value="active", title="存续", title_en="In business"),
    Code(value="ended", title="注销"),
)
KINDS = (Code(value="01", title="内资", title_en="Domestic"), Code(value="02", title="外资"))
RESOURCE = a_resource(
    items=(
        a_resource().items[0],
        an_item("state", 1, codes=STATES, match=True),
        an_item("kind", 2, codes=KINDS, code_list="GB/T 12402"),
        an_item("size", 3, codes=(Code(value="1", title="大"),), type=ItemType.INTEGER),
    )
)
QUERY = """query Q($e: ID!) { businessLicence(uscc: $e) {
  state stateCodeName en: stateCodeNameEn kind kindCodeName kindCodeList { code name nameEn }
  size sizeCodeName
} }"""


def planned(resource: Resource = RESOURCE, query: str = QUERY) -> Plan:
    document = parse_document(query, build_contract([resource]), limits=LIMITS)
    return Plans().plan(
        document,
        operation_name=None,
        variables={"e": USCC},
        normalise=normalise,
        limits=LIMITS,
    )


def given(step: Step, rows: Sequence[Mapping[str, Any]], **items: Any) -> Masked:
    verdict = items or {"allowed": [item.name for item in step.items], "masked": {}, "denied": {}}
    permitted = a_permit(step, items=ItemVerdicts(**verdict))
    found = mask(
        Fetched(permitted, [{"uscc": USCC, **row} for row in rows], 0), now=NOW, normalise=normalise
    )
    assert isinstance(found, Masked)
    return found


def both(plan: Plan, outcome: Masked) -> Assembled:
    compiled = put_together(plan, [outcome])
    assert compiled == assemble(plan, [outcome])
    return compiled


ROW = {"state": "active", "kind": "02", "size": 1}


@pytest.mark.proves("F17")
def test_codes_are_given_with_their_names_where_asked_on_both_roads() -> None:
    plan = planned()
    (step,) = plan.steps
    assert [item.name for item in step.items] == ["state", "kind", "size"]
    answer = both(plan, given(step, [ROW]))
    assert answer.errors == ()
    assert answer.data.decode() == (
        '{"businessLicence":{"state":"active","stateCodeName":"存续","en":"In business",'
        '"kind":"02","kindCodeName":"外资","kindCodeList":['
        '{"code":"01","name":"内资","nameEn":"Domestic"},{"code":"02","name":"外资","nameEn":null}],'
        '"size":1,"sizeCodeName":"大"}}'
    )


@pytest.mark.proves("F16")
def test_a_name_beside_a_code_is_the_same_item_by_another_path() -> None:
    plan = planned(query="query Q($e: ID!) { businessLicence(uscc: $e) { stateCodeName } }")
    (step,) = plan.steps
    assert [item.name for item in step.items] == ["state"]
    for verdict in (
        {"allowed": [], "masked": {}, "denied": {"state": "ITEM_NOT_GRANTED"}},
        {"allowed": [], "masked": {"state": "tail4"}, "denied": {}},
    ):
        answer = both(plan, given(step, [ROW], **verdict))
        assert answer.data == b'{"businessLicence":{"stateCodeName":null}}'


@pytest.mark.parametrize("word", ["Active", "", "gone", 1, "\ud800", ["active"]])
def test_a_word_that_the_list_does_not_have_is_null_with_an_error_in_its_place(word: Any) -> None:
    plan = planned(query="query Q($e: ID!) { businessLicence(uscc: $e) { s: state kind } }")
    (step,) = plan.steps
    outcome = given(step, [{**ROW, "state": word}])
    answer = both(plan, outcome)
    assert answer.data == b'{"businessLicence":{"s":null,"kind":"02"}}'
    (error,) = answer.errors
    assert list(error["path"]) == ["businessLicence", "s"]
    assert error["extensions"]["code"] == coded.CODE_UNKNOWN
    assert outcome_of(outcome) == "partly-given"
    # All or nothing: a part that was withheld takes the rest with it.
    assert not isinstance(whole_outcomes([outcome])[0], Masked)


def test_a_null_is_no_word() -> None:
    plan = planned()
    answer = both(plan, given(plan.steps[0], [{"state": None, "kind": None, "size": None}]))
    assert answer.errors == ()


def test_a_number_is_held_to_its_list_too() -> None:
    plan = planned(query="query Q($e: ID!) { businessLicence(uscc: $e) { size } }")
    for wrong in (2, "1", True):
        answer = both(plan, given(plan.steps[0], [{"size": wrong}]))
        assert [error["extensions"]["code"] for error in answer.errors] == [coded.CODE_UNKNOWN]


def test_a_word_outside_the_list_bears_no_claim_out() -> None:
    step = a_step(RESOURCE, claims=(Claim(item=RESOURCE.item("state"), value="gone"),), items=())
    found = mask(
        Fetched(a_permit(step), [{"uscc": USCC, "state": "gone"}], 0), now=NOW, normalise=normalise
    )
    assert isinstance(found, Masked)
    assert found.verified == "MISMATCH"


def test_codes_that_are_legal_names_are_an_enumeration_and_others_text_with_a_list() -> None:
    contract = build_contract([RESOURCE])
    assert validate_schema(contract.schema) == []
    type_ = contract.schema.type_map["BusinessLicence"]
    assert isinstance(type_, GraphQLObjectType)
    assert isinstance(type_.fields["state"].type, GraphQLEnumType)
    assert str(type_.fields["kind"].type) == "String"
    assert "GB/T 12402" in str(type_.fields["kind"].description)
    assert "stateCodeList" not in type_.fields
    again = build_contract([RESOURCE], builder=raw.build_schema)
    assert set(again.schema.type_map) == set(contract.schema.type_map)
    assert digest([RESOURCE]) != digest([a_resource(items=RESOURCE.items[:-1])])


def test_an_item_that_has_such_a_name_already_keeps_it() -> None:
    items = (*RESOURCE.items, an_item("own", 4, graphql_name="stateCodeName"))
    plan = planned(
        a_resource(items=items),
        "query Q($e: ID!) { businessLicence(uscc: $e) { stateCodeName } }",
    )
    assert [item.name for item in plan.steps[0].items] == ["own"]
