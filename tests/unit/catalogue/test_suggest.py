"""Suggestions: careful by default, and right on what departments really name their columns."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.model import Item, ItemType, SharingClass, SubjectType
from catalogue.suggest import Column, is_personal, suggest_class, suggest_items


def column(name: str, kind: str = "TEXT", comment: str = "", *, primary: bool = False) -> Column:
    return Column(name=name, type=kind, comment=comment, primary_key=primary)


def by_column(*columns: Column) -> dict[str, Item]:
    return {item.column: item for item in suggest_items(columns)}


def test_a_licence_table_is_understood() -> None:
    items = by_column(
        column("uscc", comment="统一社会信用代码", primary=True),
        column("ent_name", comment="企业名称"),
        column("legal_rep", comment="法定代表人姓名"),
        column("legal_rep_id", comment="法定代表人身份证号"),
        column("phone", comment="联系电话"),
        column("capital", "NUMERIC(12, 2)", "注册资本（万元）"),
        column("valid_until", "DATE", "有效期至"),
    )
    assert items["uscc"].key
    assert items["uscc"].subject is SubjectType.ENTERPRISE
    assert items["legal_rep_id"].subject is SubjectType.PERSON
    assert [items[c].mask for c in ("ent_name", "legal_rep", "legal_rep_id", "phone")] == [
        "none",
        "name",
        "id",
        "phone",
    ]
    assert items["capital"].type is ItemType.DECIMAL
    assert items["valid_until"].type is ItemType.DATE
    assert items["legal_rep"].title == "法定代表人姓名"
    assert items["ent_name"].graphql_name == "entName"
    assert suggest_class(list(items.values())) is SharingClass.CONDITIONAL


def test_names_alone_are_understood_where_there_is_no_comment() -> None:
    items = by_column(column("id_no"), column("mobile"), column("credit_code"), column("name"))
    assert items["id_no"].subject is SubjectType.PERSON
    assert items["mobile"].mask == "phone"
    assert items["credit_code"].subject is SubjectType.ENTERPRISE
    assert items["name"].mask == "name"


def test_a_table_keyed_by_a_person_is_personal() -> None:
    assert is_personal(suggest_items([column("id_no", primary=True), column("name")]))
    assert not is_personal(suggest_items([column("uscc", primary=True), column("id_no")]))


def test_the_publisher_may_name_another_key() -> None:
    columns = [column("approval_no", primary=True), column("uscc")]
    assert next(i for i in suggest_items(columns) if i.key).column == "uscc"
    assert next(i for i in suggest_items(columns, key="approval_no") if i.key).column == (
        "approval_no"
    )


@given(st.lists(st.text("语义xyz_", min_size=1, max_size=6), unique=True, min_size=1, max_size=8))
def test_what_nobody_recognises_is_conditional_and_unmatchable(names: list[str]) -> None:
    for item in suggest_items([column(name) for name in names]):
        assert item.sharing_class is SharingClass.CONDITIONAL
        assert not item.match
        assert item.level >= 2


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("VARCHAR(18)", ItemType.TEXT),
        ("integer", ItemType.INTEGER),
        ("BIGINT", ItemType.LONG),
        ("DOUBLE PRECISION", ItemType.DECIMAL),
        ("TIMESTAMP WITH TIME ZONE", ItemType.DATETIME),
        ("BYTEA", ItemType.BYTES),
        ("BOOLEAN", ItemType.BOOLEAN),
        ("", ItemType.TEXT),
    ],
)
def test_declared_types_become_ours(declared: str, kind: ItemType) -> None:
    assert suggest_items([column("x", declared)])[0].type is kind


def test_a_table_looked_at_again_keeps_the_names_that_its_columns_have() -> None:
    (first,) = suggest_items([Column(name="名称", type="TEXT")])
    assert first.graphql_name == "mingCheng"
    named = replace(first, name="item_0", graphql_name="entName")
    again = suggest_items(
        [Column(name="名称", type="TEXT"), Column(name="地址", type="TEXT")], kept=[named]
    )
    assert [(item.name, item.graphql_name) for item in again] == [
        ("item_0", "entName"),
        ("diZhi", "diZhi"),
    ]
