"""One source per item: what means the same, and what belongs to a record alone."""

from dataclasses import replace

import pytest

from catalogue.errors import InvalidError
from catalogue.model import Resource, SubjectType
from catalogue.single_source import (
    ItemSource,
    check_designated,
    collisions,
    meanings,
    plain_title,
    undesignated,
)
from tests.fakes.catalogue import HALL, MARKET, TODAY, a_resource, an_item

KEY = an_item("uscc", 0, title="统一社会信用代码", key=True, subject=SubjectType.ENTERPRISE)


def an_entry(code: str, department: str, *titles: str, **changes: str) -> Resource:
    items = tuple(an_item(f"i{n}", n, title=title, **changes) for n, title in enumerate(titles, 1))
    return a_resource(code, department=department, items=(KEY, *items), validity=None)


@pytest.mark.parametrize(
    "title", ["企业名称", " 企业名称 ", "企业名称（全称）", "企業名稱", "企业 名称"]
)
def test_a_title_is_one_however_it_is_written(title: str) -> None:
    assert plain_title(title) == "企业名称"


def test_an_item_of_another_department_collides() -> None:
    mine = an_entry("h/1", HALL, "企業名稱", "住所")
    (found,) = collisions(mine, [an_entry("m/1", MARKET, "企业名称", "注册资本（万元）")])
    assert found.meaning == "enterprise/企业名称"
    assert [one.resource for one in found.holders] == ["h/1", "m/1"]


def test_an_item_of_the_same_department_does_not() -> None:
    assert (
        collisions(an_entry("m/2", MARKET, "企业名称"), [an_entry("m/1", MARKET, "企业名称")]) == ()
    )


def test_the_same_title_about_another_kind_of_subject_means_something_else() -> None:
    parcel = (replace(KEY, subject=SubjectType.PARCEL), an_item("use", 1, title="用途"))
    other = a_resource("p/1", department=MARKET, items=parcel, validity=None)
    assert collisions(an_entry("h/1", HALL, "用途"), [other]) == ()


def test_the_same_element_of_a_standard_means_the_same_under_any_title() -> None:
    mine = an_entry("h/1", HALL, "单位名称", data_element="DE 00123")
    theirs = an_entry("m/1", MARKET, "企业名称", data_element="de00123")
    (found,) = collisions(mine, [theirs])
    assert found.meaning == "element/de00123"
    both = an_entry("m/1", MARKET, "单位名称", data_element="de00123")
    assert len(collisions(mine, [both])) == 1  # one question, though title and element are the same


def test_what_belongs_to_a_record_is_nobodys_item() -> None:
    licence = a_resource(items=(KEY, an_item("status", 1), an_item("validUntil", 2)))
    assert meanings(licence) == {}  # its validity names both
    assert meanings(an_entry("h/1", HALL, "证书编号", "备注", "发证日期")) == {}


def test_an_entry_waits_until_the_source_is_designated() -> None:
    found = collisions(an_entry("h/1", HALL, "企业名称"), [an_entry("m/1", MARKET, "企业名称")])
    with pytest.raises(InvalidError, match="registered by m/1 of department") as raised:
        check_designated(found, {})
    assert raised.value.code == "ITEM_SOURCE_OPEN"
    said = ItemSource(
        id="enterprise/企业名称",
        department=MARKET,
        title="企业名称",
        reason="登记机关",
        designated_by="off_authority",
        designated_at=TODAY,
    )
    check_designated(found, {said.id: said})
    # A designation of somebody who does not hold the item any more settles nothing.
    assert undesignated(found, {said.id: replace(said, department="gone")}) == found
