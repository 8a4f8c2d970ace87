"""What differs between two revisions, in words."""

from dataclasses import fields, replace

from catalogue.differences import MEMBERS, Change, differences, member_name, written
from catalogue.metadata import Code, Contact, SharingMethod, UpdateCycle
from catalogue.model import Item, Resource, SharingClass
from tests.fakes.catalogue import a_resource, an_item


def test_nothing_differs_from_itself_nor_by_where_it_stands_on_its_way() -> None:
    held = a_resource()
    assert differences(held, replace(held, state="draft", revision=7)) == ()


def test_a_change_names_its_member_and_both_values() -> None:
    held = a_resource()
    changed = replace(
        held,
        update_cycle=UpdateCycle.MONTHLY,
        methods=(SharingMethod.INTERFACE, SharingMethod.FILE),
        contact=Contact(unit="数据科", email="d@x.cn"),
    )
    told = {(one.member, one.was, one.becomes) for one in differences(held, changed)}
    assert told == {
        ("update_cycle", "", "monthly"),
        ("methods", "interface", "interface, file"),
        ("contact", "", "unit=数据科, email=d@x.cn"),
    }


def test_items_are_compared_by_name_whatever_their_order() -> None:
    held = a_resource()
    key, name, *others = held.items
    opened = replace(name, sharing_class=SharingClass.UNCONDITIONAL)
    new = an_item("capital", 9, title="注册资本")
    after = replace(held, items=(*others[1:], opened, key, new))
    assert differences(held, after) == (
        Change(
            kind="changed",
            item="name",
            title="企业名称",
            member="sharing_class",
            was="conditional",
            becomes="unconditional",
        ),
        Change(kind="added", item="capital", title="注册资本", member="", was="", becomes=""),
        Change(kind="removed", item="status", title="登记状态", member="", was="", becomes=""),
    )


def test_every_member_has_its_words_in_both_languages() -> None:
    members = {one.name for kind in (Resource, Item) for one in fields(kind)}
    assert members - MEMBERS.keys() == {"state", "revision", "published_on", "items"}
    assert member_name("update_cycle", language="zh") == "更新周期"
    assert member_name("later", language="en") == "later"


def test_values_are_written_in_one_line() -> None:
    assert written(None) == ""
    assert written(True) == "yes"
    assert written((Code(value="1", title="男"),)) == "value=1, title=男"
