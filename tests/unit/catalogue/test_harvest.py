"""Published catalogues as they come: names, keys, owners and what is never opened by taking them over."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue import lifecycle
from catalogue.errors import InvalidError, NotAllowedError
from catalogue.harvest import Harvest, read_harvest
from catalogue.model import ItemType, Role, SharingClass
from catalogue.naming import ResourceNames
from catalogue.validation import check_department, check_resource, check_source
from tests.examples import examples
from tests.fakes.catalogue import an_actor, an_officer


def harvest(*entries: dict[str, object]) -> Harvest:
    return read_harvest(json.dumps(entry).encode() for entry in entries)


def entry(number: int = 1, **changes: object) -> dict[str, object]:
    return {
        "id": f"aaaa-{number:04d}",
        "title": "Directory of Hospitals",
        "host": "data.example.gov",
        "publisher": "Office of Health",
        "columns": [["borough", "Borough", "text"], ["beds", "Beds", "number"]],
    } | changes


labels = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=200
).filter(str.strip)
columns = st.tuples(labels, labels, st.sampled_from(["text", "number", "money", "date", "url"]))


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(labels, st.lists(columns, min_size=1, max_size=12)), max_size=6))
def test_whatever_the_labels_are_the_names_are_legal_and_each_stands_once(
    found: list[tuple[str, list[tuple[str, str, str]]]],
) -> None:
    entries = [
        entry(number, title=title, columns=cells) for number, (title, cells) in enumerate(found)
    ]
    taken = harvest(*entries)
    for resource in taken.resources:
        check_resource(resource)
    names = [name for r in taken.resources for name in (r.type_name, r.field_name, r.list_name)]
    assert len(set(names)) == len(names)
    assert harvest(*entries) == taken


def test_a_table_of_426_columns_whose_labels_differ_in_nothing_but_case_is_taken() -> None:
    wide = [[f"{'Xx'[n % 2]}_column_{n // 2}", "X", "text"] for n in range(426)]
    (resource,) = harvest(entry(columns=wide)).resources
    check_resource(resource)
    assert len({item.graphql_name for item in resource.items}) == 426
    assert [item.column for item in resource.items] == [name for name, _, _ in wide]


def test_a_chinese_title_and_a_title_that_is_reserved_get_names_of_their_own() -> None:
    first, second, third = harvest(
        entry(1, title="2005年统计"), entry(2, title="Contract"), entry(3, title="Person")
    ).resources
    assert first.field_name == "nianTongJi"
    assert second.field_name == "contract2"
    assert third.type_name == "Person2"


def test_a_long_label_is_cut_and_told_apart_from_another_that_begins_alike() -> None:
    long = "would you be interested in purchasing shares of a community solar project "
    first, second = harvest(entry(1, title=long + "now"), entry(2, title=long + "later")).resources
    assert first.field_name[:40] == second.field_name[:40]
    assert max(len(first.list_name), len(second.list_name)) < 60


def test_names_given_before_never_change() -> None:
    names = ResourceNames(type_name="Old", field_name="old", list_name="olds")
    kept = {"data.example.gov/aaaa-0002": names}
    lines = [json.dumps(entry(n, title=t)).encode() for n, t in ((1, "Old"), (2, "New"))]
    first, second = read_harvest(lines, kept=kept).resources
    assert (second.type_name, second.field_name) == ("Old", "old")
    assert first.type_name == "Old2"


def test_a_table_without_a_text_column_is_keyed_by_the_portals_own_row_number() -> None:
    (resource,) = harvest(entry(columns=[["beds", "Beds", "number"]])).resources
    assert resource.key.column == ":id"
    assert [item.type for item in resource.items] == [ItemType.DECIMAL, ItemType.TEXT]


def test_who_publishes_becomes_a_department_and_a_portal_that_names_nobody_is_one_itself() -> None:
    taken = harvest(entry(1), entry(2), entry(3, publisher=None), entry(4, host="other.gov"))
    assert [d.name for d in taken.departments] == ["Office of Health", "data.example.gov"]
    assert len(taken.sources) == 3
    for department in taken.departments:
        check_department(department)
    for source in taken.sources:
        assert check_source(source).state == lifecycle.WAITING


def test_a_line_that_is_none_is_named_by_its_number() -> None:
    with pytest.raises(InvalidError, match="line 2"):
        read_harvest([json.dumps(entry()).encode(), b'{"id": 1}'])


def test_one_officer_can_list_a_resource_and_cannot_open_it_by_that() -> None:
    (resource,) = harvest(entry()).resources
    authority = an_actor(an_officer(roles=frozenset({Role.AUTHORITY})))
    listed = lifecycle.take_over(resource, by=authority)
    assert listed.resource.state == "announced"
    assert (listed.signed_by, listed.announced_by) == (None, authority.id)
    opened = replace(resource.items[1], sharing_class=SharingClass.UNCONDITIONAL)
    for item in (
        replace(resource, sharing_class=SharingClass.UNCONDITIONAL),
        replace(resource, items=(resource.items[0], opened)),
    ):
        with pytest.raises(InvalidError):
            lifecycle.take_over(item, by=authority)
    head = an_actor(an_officer(roles=frozenset({Role.HEAD})))
    with pytest.raises(NotAllowedError):
        lifecycle.take_over(resource, by=head)
