"""A contract schema holds what its system may name, said in the catalogue's words, and nothing else."""

from dataclasses import replace

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType, print_schema

from gateway.errors import RefusedDocumentError
from gateway.limits import Limits
from gateway.parse import parse_document
from gateway.schema import build_contract
from tests.fakes.calls import a_household, a_resource
from tests.fakes.documents import RESOURCES, a_permit_resource, a_registry


def test_a_subject_joins_what_several_departments_know_of_it() -> None:
    sdl = print_schema(build_contract(RESOURCES).schema)
    enterprise = sdl.split("type Enterprise {")[1].split("\n}")[0]
    assert "businessLicence: BusinessLicence" in enterprise
    assert "environmentalApprovals(first: Int = 20): [EnvironmentalApproval!]" in enterprise


def test_a_record_leads_on_to_the_subjects_that_it_names() -> None:
    sdl = print_schema(build_contract(RESOURCES).schema)
    assert "person: Person" in sdl.split("type BusinessLicence {")[1].split("\n}")[0]
    assert "household: Household" in sdl.split("type Person {")[1].split("\n}")[0]


def test_a_verification_takes_the_items_that_may_be_matched_and_no_other() -> None:
    sdl = print_schema(build_contract(RESOURCES).schema)
    claims = sdl.split("input EnvironmentalApprovalClaims {")[1].split("\n}")[0]
    fields = [line.split(":")[0].strip() for line in claims.splitlines() if ":" in line]
    assert fields == ["number", "valid"]
    assert "verifyEnvironmentalApproval(" in sdl
    assert "verifyHousehold" not in sdl, "nothing of a household may be matched"


def test_fields_say_their_chinese_name_their_code_and_their_unit() -> None:
    type_ = build_contract(RESOURCES).schema.type_map["EnvironmentalApproval"]
    assert isinstance(type_, GraphQLObjectType)
    assert type_.fields["charge"].description == "charge（charge，单位：万元）"
    assert type_.description == "环评批复（333001/approval，第1版）"


def test_every_field_that_crosses_a_border_can_be_null() -> None:
    schema = build_contract(RESOURCES).schema
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            strict = {
                name for name, f in type_.fields.items() if isinstance(f.type, GraphQLNonNull)
            }
            assert strict <= {"contract"}, type_.name


def test_nothing_in_a_contract_resolves_by_itself() -> None:
    schema = build_contract(RESOURCES).schema
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            assert all(field.resolve is None for field in type_.fields.values())


@pytest.mark.proves("F18")
def test_two_systems_of_one_department_have_their_own_contracts() -> None:
    snapshot = a_registry(RESOURCES, sys_permit="307001/licence", sys_benefits="101002/household")
    permit = build_contract(snapshot.contract("sys_permit"))
    benefits = build_contract(snapshot.contract("sys_benefits"))
    assert permit.digest != benefits.digest
    assert set(permit.types) == {"BusinessLicence"}
    assert set(benefits.types) == {"Household"}
    assert "Household" not in print_schema(permit.schema)
    assert "BusinessLicence" not in print_schema(benefits.schema)
    query = '{ person(id: "1") { household { address } } }'
    parse_document(query, benefits, limits=Limits())
    with pytest.raises(RefusedDocumentError):
        parse_document(query, permit, limits=Limits())


@pytest.mark.proves("F18")
def test_links_of_shared_record_types_lead_into_the_contract_they_stand_in() -> None:
    # Record classes are cached over contracts: their links must not lead into somebody else's.
    wide = build_contract([a_resource(), a_household()])
    narrow = build_contract([a_resource()])
    assert "household" in wide.schema.type_map["Person"].fields  # type: ignore[attr-defined]  # object type
    assert list(narrow.schema.type_map["Person"].fields) == ["id"]  # type: ignore[attr-defined]  # object type


def test_the_digest_tells_contracts_apart_by_what_they_show_and_by_nothing_else() -> None:
    one = build_contract(RESOURCES)
    assert build_contract(tuple(reversed(RESOURCES))).digest == one.digest
    later = replace(a_resource(), revision=2)
    assert build_contract([later, *RESOURCES[1:]]).digest != one.digest
    several = replace(a_resource(), single=False)
    assert build_contract([several, *RESOURCES[1:]]).digest != one.digest


def test_a_resource_that_clashes_is_left_out_and_the_others_stay() -> None:
    clash = a_permit_resource(code="999999/clash", type_name="BusinessLicence")
    contract = build_contract([*RESOURCES, clash])
    assert contract.digest == build_contract(RESOURCES).digest
    assert any("999999/clash" in why and "BusinessLicence" in why for why in contract.left_out)


def test_a_contract_without_resources_is_a_contract() -> None:
    contract = build_contract([])
    parse_document("{ contract }", contract, limits=Limits())
    assert not contract.records
