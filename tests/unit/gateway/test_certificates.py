"""E-certificates of several departments are one kind of record, found by holder, number or identifier."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import lexicographic_sort_schema, print_schema

from catalogue.errors import InvalidError
from catalogue.model import Resource
from catalogue.validation import check_resource
from gateway import raw
from gateway.pipeline import RefusedCallError
from gateway.schema import build_classes, build_contract
from tests.fakes.calls import OTHER_USCC, USCC, a_household, an_item
from tests.fakes.certificates import LICENCE_TYPE, SKILL_TYPE, a_licence, a_skill, identifier
from tests.fakes.open_data import Lists
from tests.fakes.sources import FixedSource

ONE = identifier()


def a_row(**changes: Any) -> dict[str, Any]:
    members = {"holder": USCC, "id": ONE, "no": "F-1", "state": "有效", "until": "2027-01-01"}
    return {**members, "floor": "3", **changes}


def an_office(*rows: dict[str, Any], others: tuple[Resource, ...] = (), **grant: Any) -> Lists:
    rows = rows or (a_row(),)
    held = {USCC: list(rows), OTHER_USCC: [], ONE: list(rows), "F-1": list(rows)}
    return Lists(FixedSource(held), a_licence(), *others, **grant)


BY_HOLDER = f"""{{ certificates(holder: {{scheme: USCC, code: "{USCC}"}}) {{
  __typename typeCode typeName number status validUntil ... on FireLicence {{ floor }}
}} }}"""


async def test_the_certificates_of_a_holder_come_from_all_departments_in_one_form() -> None:
    skill = {"holder": USCC, "number": "K-9", "grade": "一级"}
    source = FixedSource({USCC: [{**a_row(), **skill}]})
    found = await Lists(source, a_licence(), a_skill()).data(BY_HOLDER)
    assert found["certificates"] == [
        {
            "__typename": "FireLicence",
            "typeCode": LICENCE_TYPE,
            "typeName": "消防安全许可证",
            "number": "F-1",
            "status": "VALID",
            "validUntil": "2027-01-01",
            "floor": "3",
        },
        {
            "__typename": "Skill",
            "typeCode": SKILL_TYPE,
            "typeName": "资质证书",
            "number": "K-9",
            "status": None,
            "validUntil": None,
        },
    ]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "VALID"),
        ({"state": "吊销"}, "FORFEITED"),
        ({"state": "暂扣"}, "WITHHELD"),
        ({"state": "存续"}, "UNKNOWN"),
        ({"state": None}, "UNKNOWN"),
        ({"until": "2026-11-22"}, "EXPIRED"),
        ({"until": None}, "UNKNOWN"),
        ({"until": "2026-11-22", "state": "吊销"}, "FORFEITED"),
    ],
)
async def test_a_status_is_one_of_seven_or_unknown(changes: dict[str, Any], status: str) -> None:
    found = await an_office(a_row(**changes)).data(BY_HOLDER)
    assert found["certificates"][0]["status"] == status


@pytest.mark.parametrize("changes", [{"state": "存续"}, {"state": None}, {"until": "2026-11-22"}])
async def test_what_is_unknown_or_expired_never_passes_a_verification(
    changes: dict[str, Any],
) -> None:
    office = an_office(a_row(**changes))
    query = f'{{ verifyFireLicence(holder: "{USCC}", claims: {{no: "F-1"}}) {{ result }} }}'
    assert (await office.data(query))["verifyFireLicence"]["result"] == "NOT_VALID"


@pytest.mark.parametrize(
    ("items", "status"),
    [(("holder", "no", "state"), "UNKNOWN"), (("holder", "no", "until"), None)],
)
async def test_a_status_says_no_more_than_the_items_that_it_rests_on(
    items: tuple[str, ...], status: str | None
) -> None:
    (found,) = (await an_office(items=items).data(BY_HOLDER))["certificates"]
    assert found["status"] == status


async def test_a_department_that_refuses_leaves_a_null_and_its_code_in_its_place() -> None:
    skill = {"holder": USCC, "number": "K-9", "grade": "一级"}
    source = FixedSource({USCC: [{**a_row(), **skill}]})
    lists = Lists(source, a_licence(), a_skill(), channels=("verify",))
    recorded = (await lists.answer(BY_HOLDER)).recorded
    (error,) = recorded.errors
    assert error["path"] == ["certificates", 0]
    assert error["extensions"]["code"] == "GRANT_CHANNEL"
    assert recorded.data.startswith(b'{"certificates":[null,{"__typename":"Skill"')


async def test_a_certificate_is_found_by_its_identifier_where_its_holder_is_a_party() -> None:
    query = f'{{ certificate(identifier: "{ONE}") {{ identifier number ... on FireLicence {{ holder }} }} }}'
    office = an_office()
    found = await office.data(query)
    assert found["certificate"] == {"identifier": ONE, "number": "F-1", "holder": USCC}
    others = an_office(a_row(holder=OTHER_USCC))
    assert await others.data(query) == {"certificate": None}
    assert await others.codes(query) == ["SUBJECT_NOT_PARTY"]
    assert await an_office(a_row(holder=None)).codes(query) == ["SUBJECT_NOT_PARTY"]


@pytest.mark.proves("F15")
async def test_where_existence_is_protected_nobody_looks_for_a_number() -> None:
    query = f'{{ certificate(identifier: "{ONE}") {{ number }} }}'
    source = FixedSource({ONE: [a_row()]})
    lists = Lists(source, a_licence(protected=True))
    assert await lists.codes(query) == ["SUBJECT_MISSING"]
    assert source.reads == []


async def test_a_number_narrows_what_a_holder_has_and_is_enough_with_its_type() -> None:
    rows = (a_row(), a_row(no="F-2"))
    holder = f'holder: {{scheme: USCC, code: "{USCC}"}}'
    for arguments in (
        f'{holder}, number: "F-2"',
        f'typeCode: "{LICENCE_TYPE}", {holder}, number: "F-2"',
    ):
        found = await an_office(*rows).data(f"{{ certificates({arguments}) {{ number }} }}")
        assert found["certificates"] == [{"number": "F-2"}]
    query = f'{{ certificates(typeCode: "{LICENCE_TYPE}", number: "F-1") {{ number }} }}'
    assert (await an_office().data(query))["certificates"] == [{"number": "F-1"}]


@pytest.mark.proves("F12")
async def test_a_number_that_is_not_granted_in_full_narrows_nothing() -> None:
    query = (
        f'{{ certificates(holder: {{scheme: USCC, code: "{USCC}"}}, number: "F-1") {{ status }} }}'
    )
    office = an_office(masks={"no": "tail4"})
    assert await office.codes(query) == ["ITEM_NOT_FILTERABLE"]


@pytest.mark.proves("F19")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('typeCode: "NONE", number: "F-1"', "ARGUMENT_INVALID"),
        ('number: "F-1"', "ARGUMENT_INVALID"),
        (f'typeCode: "{LICENCE_TYPE}"', "ARGUMENT_INVALID"),
        ('holder: {scheme: PARCEL, code: "P1"}', "ARGUMENT_INVALID"),
        ('holder: {scheme: USCC, code: "1"}', "KEY_INVALID"),
    ],
)
async def test_certificates_that_cannot_be_meant_are_no_empty_answer(
    arguments: str, code: str
) -> None:
    with pytest.raises(RefusedCallError) as raised:
        await an_office().answer(f"{{ certificates({arguments}) {{ number }} }}")
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ONE[:-1] + ("0" if ONE[-1] != "0" else "1"), "KEY_INVALID"),
        ("F-1", "KEY_INVALID"),
        (identifier("11100000MB0009"), "ARGUMENT_INVALID"),
    ],
)
async def test_an_identifier_that_is_none_or_of_no_type_here_asks_nobody(
    text: str, code: str
) -> None:
    with pytest.raises(RefusedCallError) as raised:
        await an_office().answer(f'{{ certificate(identifier: "{text}") {{ number }} }}')
    assert raised.value.code == code


def test_a_contract_without_certificates_knows_none() -> None:
    contract = build_contract([a_household()])
    assert "Certificate" not in contract.schema.type_map
    assert contract.certificates == ()


def test_both_builders_make_certificates_alike() -> None:
    made = [
        print_schema(lexicographic_sort_schema(build_contract([a_licence()], builder=one).schema))
        for one in (build_classes, raw.build_schema)
    ]
    assert made[0] == made[1]
    assert "type FireLicence implements Certificate {" in made[0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"type_code": "x"}, "type code"),
        ({"type_name": " "}, "name of the type"),
        ({"roles": {"status": "state", "validUntil": "until"}}, "identifier or number"),
        ({"roles": {"colour": "no", "number": "no"}}, "no role colour"),
        ({"roles": {"number": "gone"}}, "no item gone"),
        ({"roles": {"number": "no", "validUntil": "floor"}}, "date needed for validUntil"),
        ({"statuses": {"有效": "good"}}, "one of the seven"),
        ({"statuses": {"存续": "valid"}}, "words for valid"),
        ({"roles": {"number": "no"}}, "by which records stand"),
    ],
)
def test_a_mapping_that_would_mislead_is_refused(changes: dict[str, Any], told: str) -> None:
    licence = a_licence(conditions="办理消防许可")
    assert check_resource(licence) == licence
    assert licence.certificate is not None
    with pytest.raises(InvalidError, match=told):
        check_resource(replace(licence, certificate=replace(licence.certificate, **changes)))


def test_an_item_named_like_a_field_of_every_certificate_must_be_that_field() -> None:
    items = (*a_licence().items, an_item("word", 6, graphql_name="status"))
    with pytest.raises(InvalidError, match="cannot be named status"):
        check_resource(a_licence(conditions="办理消防许可", items=items))
