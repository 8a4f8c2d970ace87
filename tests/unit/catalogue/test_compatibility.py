"""Names are kept for ever, and whatever else a revision takes away is said before it is announced."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import lifecycle
from catalogue.compatibility import Break, breaks, broken, kept_names, name_conflicts
from catalogue.errors import InvalidError
from catalogue.granted import GrantState
from catalogue.lifecycle import Registration
from catalogue.model import (
    CertificateMapping,
    Item,
    ItemType,
    Listing,
    Role,
    SharingClass,
    SubjectType,
)
from tests.fakes.catalogue import MARKET, a_grant, a_resource, an_actor, an_item, an_officer

OLD = a_resource()
KEY, NAME, *REST = OLD.items


def with_name(**changes: Any) -> Any:
    return replace(OLD, items=(KEY, replace(NAME, **changes), *REST))


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (OLD, []),
        (replace(OLD, items=(*OLD.items, an_item("extra", 9)), abstract="新"), []),
        (replace(OLD, items=(KEY, *REST)), [("ITEM_GONE", "name")]),
        (with_name(type=ItemType.DATE), [("TYPE_CHANGED", "name")]),
        (with_name(match=False), [("MATCH_GONE", "name")]),
        (with_name(sharing_class=SharingClass.NOT_SHARED), [("CLASS_NARROWED", "name")]),
        (with_name(subject=SubjectType.PROJECT), [("SUBJECT_CHANGED", "name")]),
        (replace(OLD, single=False), [("NUMBER_CHANGED", "")]),
        (replace(OLD, sharing_class=SharingClass.NOT_SHARED), [("CLASS_NARROWED", "")]),
        (
            replace(OLD, items=(replace(KEY, key=False), replace(NAME, key=True), *REST)),
            [("KEY_CHANGED", ""), ("SUBJECT_CHANGED", "")],
        ),
    ],
)
def test_what_breaks_is_named_and_nothing_else(after: Any, expected: list[tuple[str, str]]) -> None:
    assert [(one.code, one.item) for one in breaks(OLD, after)] == expected


def test_a_list_a_filter_and_a_certificate_that_end_are_breaks() -> None:
    open_ = replace(
        OLD,
        sharing_class=SharingClass.UNCONDITIONAL,
        listing=Listing(items=("name",)),
        certificate=CertificateMapping(type_code="T1", type_name="证", roles={"number": "name"}),
    )
    after = replace(open_, listing=None, certificate=None)
    assert [one.code for one in breaks(open_, after)] == ["CERTIFICATE_GONE", "FILTER_GONE"]
    narrowed = replace(open_, sharing_class=SharingClass.CONDITIONAL)
    assert [one.code for one in breaks(open_, narrowed)] == ["CLASS_NARROWED", "LIST_GONE"]


def test_grants_that_rest_on_what_breaks_are_named_with_their_trusted_documents() -> None:
    found = (Break(code="ITEM_GONE", item="phone"),)
    grants = [
        a_grant("grt_1", operations=("ab" * 32,)),
        a_grant("grt_2", items=("name",)),
        a_grant("grt_3", state=GrantState.REVOKED),
        a_grant("grt_4", resource="other/1"),
        a_grant("grt_5", items=("name",), match=("phone",), state=GrantState.SUSPENDED),
    ]
    hit = broken(found, OLD.code, grants)
    assert [(one.grant, one.items) for one in hit] == [("grt_1", ("phone",)), ("grt_5", ("phone",))]
    assert hit[0].operations == ("ab" * 32,)
    whole = broken((Break(code="KEY_CHANGED"),), OLD.code, grants)
    assert [one.grant for one in whole] == ["grt_1", "grt_2", "grt_5"]
    assert broken((), OLD.code, grants) == ()


def a_drafter() -> Any:
    return an_actor(an_officer("off_market", department=MARKET, roles=frozenset({Role.OPERATOR})))


def redrafted(before: Registration, *items: Item) -> Registration:
    withdrawn = replace(before, resource=replace(before.resource, state="withdrawn"))
    draft = replace(OLD, items=items)
    return lifecycle.draft(draft, by=a_drafter(), before=withdrawn)


@pytest.mark.parametrize(
    "taking",
    [
        an_item("phone2", 4, graphql_name="phone2"),
        an_item("phone2", 9, graphql_name="phone"),
        an_item("phone", 9, graphql_name="phone"),
        an_item("phone", 4, graphql_name="telephone"),
    ],
    ids=["ordinal", "GraphQL name", "another ordinal", "another GraphQL name"],
)
def test_no_item_ever_takes_the_name_of_one_that_was_announced_however_long_ago(
    taking: Item,
) -> None:
    first = Registration(resource=OLD, drafted_by="off_a")
    items = tuple(item for item in OLD.items if item.name != "phone")
    second = redrafted(first, *items)
    assert second.before == replace(OLD, state="withdrawn")
    third = redrafted(second, *items)
    assert third.resource.revision == 3
    with pytest.raises(InvalidError, match="belong together for ever"):
        redrafted(third, *items, taking)
    assert redrafted(third, *OLD.items).names == kept_names((), OLD.items)


def test_a_draft_that_was_never_announced_names_its_items_anew() -> None:
    draft = Registration(resource=replace(OLD, state="draft"), drafted_by="off_a")
    again = lifecycle.draft(with_name(graphql_name="title"), by=a_drafter(), before=draft)
    assert (again.names, again.before) == (None, None)


_items = st.lists(
    st.builds(
        an_item,
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 3),
        graphql_name=st.sampled_from(["x", "y", "z"]),
    ),
    max_size=3,
    unique_by=(lambda one: one.name, lambda one: one.ordinal, lambda one: one.graphql_name),
)


@given(st.lists(_items, max_size=5))
def test_whatever_revisions_follow_each_other_a_name_means_one_item(revisions: list[Any]) -> None:
    names: Any = ()
    for items in revisions:
        if not list(name_conflicts(names, items)):
            names = kept_names(names, items)
    for part in ("ordinal", "name", "graphql_name"):
        values = [getattr(one, part) for one in names]
        assert len(values) == len(set(values)), part
