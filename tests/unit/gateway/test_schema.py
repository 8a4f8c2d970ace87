"""A contract schema holds what its system may name, said in the catalogue's words, and nothing else."""

from dataclasses import replace

import pytest
from graphql import (
    GraphQLNonNull,
    GraphQLObjectType,
    lexicographic_sort_schema,
    print_schema,
)

from gateway import raw
from gateway.errors import RefusedDocumentError
from gateway.limits import Limits
from gateway.parse import parse_document
from gateway.plan import plan
from gateway.schema import MOST_CLASSES, Builder, build_classes, build_contract
from tests.fakes.calls import a_household, a_resource
from tests.fakes.documents import RESOURCES, a_permit_resource, a_registry, normalise
from tests.fakes.open_data import a_register


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


OPEN = a_register()


def sdl(builder: Builder) -> str:
    contract = build_contract([*RESOURCES, OPEN], builder=builder)
    return print_schema(lexicographic_sort_schema(contract.schema))


def test_both_builders_make_the_same_schema() -> None:
    assert sdl(build_classes) == sdl(raw.build_schema)
    assert "orderBy: [LandParcelOrder!]" in sdl(raw.build_schema)


@pytest.mark.parametrize("builder", [build_classes, raw.build_schema])
def test_both_builders_read_the_same_arguments(builder: Builder) -> None:
    contract = build_contract([*RESOURCES, OPEN], builder=builder)
    query = """{
      listLandParcel(first: 3, where: {name: {in: ["a"]}, since: {ge: "2020-01-01"}}, orderBy: [area_DESC]) {
        nodes { name }
      }
      verifyEnvironmentalApproval(holder: "A1", claims: {number: "1", valid: true}) { result }
    }"""
    document = parse_document(query, contract, limits=Limits())
    steps = plan(
        document, operation_name=None, variables={}, normalise=normalise, limits=Limits()
    ).steps
    listed, verified = steps
    assert [(one.item.name, one.op, one.value) for one in listed.filters] == [
        ("name", "in", ("a",)),
        ("since", "ge", "2020-01-01"),
    ]
    assert [item.name for item in listed.ordered] == ["area", "no"]
    assert [claim.value for claim in verified.claims] == ["1", None]


@pytest.mark.parametrize("builder", [build_classes, raw.build_schema])
@pytest.mark.parametrize("day", ['"2020-02-30"', '"20200101"', "5", "true"])
def test_a_date_that_is_none_is_refused_and_not_quoted(builder: Builder, day: str) -> None:
    contract = build_contract([OPEN], builder=builder)
    query = f"{{ listLandParcel(where: {{since: {{eq: {day}}}}}) {{ nodes {{ no }} }} }}"
    with pytest.raises(RefusedDocumentError) as raised:
        parse_document(query, contract, limits=Limits())
    assert day.strip('"') not in str(raised.value.errors)


def test_a_large_contract_is_built_of_other_objects_and_says_the_same() -> None:
    many = [
        a_register(code=f"9/{n}", type_name=f"T{n}", field_name=f"t{n}", list_name=f"ts{n}")
        for n in range(70)
    ]
    large, small = build_contract(many), build_contract(many[:1])
    assert len(large.schema.type_map) > MOST_CLASSES
    assert hasattr(small.schema.type_map["T0"], "graphene_type")
    assert not hasattr(large.schema.type_map["T0"], "graphene_type")
