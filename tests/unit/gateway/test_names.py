"""Names of a contract depend on one resource alone, and clash with nothing."""

import pytest

from catalogue.model import Item, Resource, SubjectType
from gateway import names
from tests.fakes.calls import a_resource, an_item
from tests.fakes.documents import RESOURCES, a_permit_resource

KEY = an_item("uscc", 0, key=True, subject=SubjectType.ENTERPRISE)


def linked(*items: Item) -> Resource:
    return a_resource(items=(KEY, *items))


def a_person(name: str, ordinal: int) -> Item:
    return an_item(name, ordinal, subject=SubjectType.PERSON)


def test_an_only_link_is_named_by_the_kind_of_its_subject() -> None:
    assert list(names.links(linked(a_person("owner", 1)))) == ["person"]


def test_several_links_to_one_kind_are_named_by_their_items() -> None:
    resource = linked(a_person("owner", 1), a_person("agent", 2))
    assert list(names.links(resource)) == ["ownerSubject", "agentSubject"]


@pytest.mark.parametrize("taken", ["person", "ownerSubject"])
def test_a_link_never_hides_an_item(taken: str) -> None:
    items = [a_person("owner", 1), an_item("person", 2), an_item(taken, 3)]
    resource = linked(*{item.name: item for item in items}.values())
    found = names.links(resource)
    assert len(found) == 1
    assert not set(found) & {item.graphql_name for item in resource.items}


def test_the_key_is_no_link_and_no_claim() -> None:
    resource = a_resource()
    assert resource.key.name not in {item.name for item in names.links(resource).values()}
    assert resource.key not in names.claimable(resource)


def test_records_are_reached_by_the_name_that_says_how_many_there_are() -> None:
    assert names.record_field(a_resource()) == "businessLicence"
    assert names.record_field(a_permit_resource()) == "environmentalApprovals"


def test_good_names_have_nothing_against_them() -> None:
    assert [list(names.check_names(resource)) for resource in RESOURCES] == [[], [], []]


@pytest.mark.parametrize(
    "bad",
    [
        a_resource(type_name="Query"),
        a_resource(type_name="Person"),
        a_resource(type_name="9Lives"),
        a_resource(field_name="enterprise"),
        a_resource(list_name="__schema"),
        a_resource(items=()),
        a_resource(
            items=(KEY, an_item("a", 1, graphql_name="x"), an_item("b", 2, graphql_name="x"))
        ),
        a_resource(items=(an_item("first", 0, key=True),)),
        a_resource(items=(KEY, an_item("n", 1, graphql_name="名称"))),
        a_permit_resource(items=(KEY, an_item("valid", 1, match=True))),
    ],
)
def test_names_that_cannot_stand_are_said_to_be(bad: Resource) -> None:
    assert list(names.check_names(bad))
