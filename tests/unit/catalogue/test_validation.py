"""What a registration must hold; every gap is found, and all are named at once."""

from dataclasses import replace
from typing import Any

import pytest

from catalogue.errors import CATALOGUE_CODES, CatalogueError, InvalidError
from catalogue.model import (
    CodeKind,
    ItemType,
    Listing,
    MatterKind,
    SharingClass,
    SubjectType,
    Validity,
)
from catalogue.validation import (
    check_department,
    check_key_id,
    check_matter,
    check_resource,
    check_source,
    check_system,
)
from tests.fakes.catalogue import (
    a_department,
    a_matter,
    a_resource,
    a_source,
    a_system,
    an_item,
    licence_items,
)

BASIS = ("《反间谍法》", "第一条", "……", "law")
KEY, NAME = licence_items()[:2]


def test_what_the_builders_make_is_valid() -> None:
    check_resource(a_resource())
    check_matter(a_matter())
    check_department(a_department())
    check_source(a_source())
    check_system(a_system())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": "a b"}, "code:"),
        ({"name": ""}, "a name of"),
        ({"type_name": "licence"}, "type name"),
        ({"type_name": "Query"}, "type name"),
        ({"field_name": "__x"}, "field name"),
        ({"field_name": "person"}, "field name"),
        ({"list_name": "businessLicence"}, "both named"),
        ({"source": ""}, "a source and a table"),
        ({"items": ()}, "at least one item"),
        ({"items": (NAME,)}, "0 key items"),
        ({"items": (KEY, replace(NAME, key=True))}, "2 key items"),
        ({"items": (KEY, replace(NAME, ordinal=0))}, "ordinal 0 stands twice"),
        ({"items": (KEY, replace(NAME, name="uscc"))}, "name uscc stands twice"),
        ({"items": (KEY, replace(NAME, graphql_name="uscc"))}, "GraphQL name uscc stands twice"),
        ({"items": (KEY, replace(NAME, graphql_name="名"))}, "cannot be used"),
        ({"items": (KEY, replace(NAME, level=5))}, "data level 5"),
        ({"items": (replace(KEY, type=ItemType.DATE),)}, "a key of type date"),
        ({"sharing_class": SharingClass.UNCONDITIONAL}, "its items need conditional"),
        ({"conditions": " "}, "states its conditions"),
        ({"sharing_class": SharingClass.NOT_SHARED}, "document, article, text and level"),
        (
            {
                "sharing_class": SharingClass.NOT_SHARED,
                "no_share_basis": ("内部规定", "第一条", "……", "internal-rule"),
            },
            "basis of level 'internal-rule'",
        ),
        ({"consent": "maybe"}, "consent"),
        ({"level": 1}, "below that of one of its items"),
        ({"purposes": ("fun",)}, "purpose 'fun'"),
        (
            {"validity": Validity(status_item="x", valid_words=("有效",), until_item=None)},
            "validity: no item x",
        ),
        (
            {"validity": Validity(status_item="status", valid_words=(), until_item=None)},
            "words that mean valid",
        ),
    ],
)
def test_a_gap_in_a_resource_is_found(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidError) as raised:
        check_resource(a_resource(**changes))
    assert any(said in finding for finding in raised.value.findings)


def test_not_shared_stands_on_a_law() -> None:
    check_resource(a_resource(sharing_class=SharingClass.NOT_SHARED, no_share_basis=BASIS))


def test_all_gaps_are_named_at_once() -> None:
    with pytest.raises(InvalidError) as raised:
        check_resource(a_resource(name="", source="", consent="maybe"))
    assert len(raised.value.findings) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": MatterKind.LOCAL},
        {"name": ""},
        {"max_parties": 0},
        {"case_pattern": "("},
        {"case_pattern": r"(?=x)"},
        {"code": "坏"},
    ],
)
def test_a_gap_in_a_matter_is_found(changes: dict[str, Any]) -> None:
    with pytest.raises(CatalogueError):
        check_matter(a_matter(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"code_kind": CodeKind.OTHER},
        {"name": ""},
        {"name": "a\nb"},
        {"region": "99"},
        {"superior": a_department().code},
    ],
)
def test_a_gap_in_a_department_is_found(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        check_department(a_department(**changes))


@pytest.mark.parametrize("changes", [{"kind": "ftp"}, {"timeout_ms": 0}, {"address": ""}])
def test_a_gap_in_a_source_is_found(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        check_source(a_source(**changes))


def test_every_code_has_words_in_both_languages() -> None:
    for code in CATALOGUE_CODES:
        error = CatalogueError(code)
        assert error.text("zh") != error.text("en")
        assert error.text("en") in str(error)


@pytest.mark.parametrize("key_id", ["-Zc3Bq", "_a", "x" * 43])
def test_a_thumbprint_may_begin_with_any_character_of_base64url(key_id: str) -> None:
    assert check_key_id(key_id) == key_id


@pytest.mark.parametrize("key_id", ["", "a b", "é", "x" * 129, "a/b"])
def test_what_is_no_base64url_is_no_key_id(key_id: str) -> None:
    with pytest.raises(InvalidError):
        check_key_id(key_id)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mask": "name"}, "without a mask"),
        ({"match": False}, "matchable"),
        ({"sharing_class": SharingClass.CONDITIONAL}, "unconditional needed"),
        ({"type": ItemType.DATETIME}, "no order that every source knows"),
        ({"subject": SubjectType.PERSON}, "identifies a person"),
    ],
)
def test_a_list_is_filtered_by_open_items_alone(changes: dict[str, Any], told: str) -> None:
    open_ = replace(
        a_resource(),
        sharing_class=SharingClass.UNCONDITIONAL,
        level=1,
        validity=None,
        items=(
            an_item(
                "no", 0, key=True, match=True, sharing_class=SharingClass.UNCONDITIONAL, level=1
            ),
            an_item("name", 1, match=True, sharing_class=SharingClass.UNCONDITIONAL, level=1),
        ),
        listing=Listing(items=("name",), unique="no"),
    )
    assert check_resource(open_) == open_
    key, name = open_.items
    with pytest.raises(InvalidError, match=told):
        check_resource(replace(open_, items=(key, replace(name, **changes))))


def test_a_list_names_items_that_are_there_each_once_and_only_where_data_is_open() -> None:
    listed = replace(a_resource(), listing=Listing(items=("name", "name"), unique="gone"))
    with pytest.raises(InvalidError) as raised:
        check_resource(listed)
    told = str(raised.value)
    for part in ("no item gone", "name stands twice", "only an unconditional resource"):
        assert part in told
