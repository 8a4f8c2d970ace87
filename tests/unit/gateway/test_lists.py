"""Lists: every record once and in order, by open items alone, and no cursor but one's own."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogue.granted import RowRule
from catalogue.model import Listing, SharingClass, SubjectType
from exchange.cursoring import SealedCursors
from gateway.assemble import assemble
from gateway.compile import MADE, put_together
from gateway.cursors import CursorError
from gateway.formats import parse_bytes
from gateway.limits import Limits
from gateway.model import Listed
from gateway.parse import parse_document
from gateway.pipeline import RefusedCallError
from gateway.planned import Plans, Template
from gateway.schema import build_contract
from gateway.sources.breaker import Breaker, Guarded
from tests.examples import examples
from tests.fakes.calls import an_item
from tests.fakes.open_data import Lists, Parcel, a_land_office, a_register
from tests.fakes.sources import FixedSource

FIRM = SubjectType.ENTERPRISE
PARCELS: tuple[Parcel, ...] = (
    ("P1", "东山", 300, "2020-01-01", "13800138001"),
    ("P2", "西坪", 100, "2021-01-01", "13800138002"),
    ("P3", None, None, None, "13800138003"),
    ("P4", "东河", 200, "2019-05-05", "13800138004"),
)
PAGE = """query($a: String, $n: Int, $w: LandParcelWhere, $o: [LandParcelOrder!]) {
  list: listLandParcel(first: $n, after: $a, where: $w, orderBy: $o) {
    nodes { no name area }
    pageInfo { endCursor hasNextPage }
  }
}"""


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[Lists]:
    with a_land_office(tmp_path, PARCELS) as source:
        yield Lists(source)


async def numbers(lists: Lists, **variables: Any) -> list[str]:
    page = await lists.data(PAGE, **{"n": 20, **variables})
    return [node["no"] for node in page["list"]["nodes"]]


async def walked(lists: Lists, *, first: int, **variables: Any) -> list[str]:
    """Every number on every page, from the beginning to the end."""
    found: list[str] = []
    after = None
    for _ in range(100):
        page = (await lists.data(PAGE, n=first, a=after, **variables))["list"]
        found += [node["no"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
    raise AssertionError("the list does not end")


async def test_a_list_without_order_comes_in_the_order_of_its_unique_item(lists: Lists) -> None:
    assert await numbers(lists) == ["P1", "P2", "P3", "P4"]
    assert await walked(lists, first=1) == ["P1", "P2", "P3", "P4"]


async def test_edges_and_nodes_are_the_same_records_and_the_last_edge_ends_the_page(
    lists: Lists,
) -> None:
    page = await lists.data(
        "{ listLandParcel(first: 2) { nodes { no } edges { cursor node { n: no } }"
        " pageInfo { endCursor } } }"
    )
    found = page["listLandParcel"]
    assert [edge["node"]["n"] for edge in found["edges"]] == [one["no"] for one in found["nodes"]]
    assert found["edges"][-1]["cursor"] == found["pageInfo"]["endCursor"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"name": {"eq": "东山"}}, ["P1"]),
        ({"name": {"prefix": "东"}}, ["P1", "P4"]),
        ({"name": {"in": ["东山", "西坪"]}}, ["P1", "P2"]),
        ({"area": {"ge": 200}}, ["P1", "P4"]),
        ({"area": {"gt": 100, "lt": 300}}, ["P4"]),
        ({"since": {"le": "2020-01-01"}, "name": {"prefix": "东"}}, ["P1", "P4"]),
        ({"name": {"eq": "北"}}, []),
        ({}, ["P1", "P2", "P3", "P4"]),
    ],
)
async def test_a_list_is_filtered_by_what_its_publisher_marked(
    lists: Lists, where: Any, expected: list[str]
) -> None:
    assert await numbers(lists, w=where) == expected


async def test_a_list_is_ordered_either_way_and_what_has_no_value_comes_last(
    lists: Lists,
) -> None:
    assert await numbers(lists, o=["area_ASC"]) == ["P2", "P4", "P1", "P3"]
    assert await numbers(lists, o=["area_DESC"]) == ["P1", "P4", "P2", "P3"]


_parcel = st.tuples(
    st.sampled_from(["甲", "乙", "A", "a", "%", None]),
    st.one_of(st.none(), st.integers(-2, 2)),
    st.sampled_from(["2020-01-01", "2021-01-01", None]),
)
_order = st.lists(st.sampled_from(["name", "area", "since"]), unique=True, max_size=3).flatmap(
    lambda names: st.tuples(*(st.sampled_from([f"{n}_ASC", f"{n}_DESC"]) for n in names)).map(list)
)


@pytest.mark.slow
@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(_parcel, max_size=9), _order, st.integers(1, 4))
def test_pages_hold_every_record_once_in_the_order_of_the_whole(
    tmp_path: Path, parcels: list[Any], order: list[str], first: int
) -> None:
    rows = [(f"P{n}", *parcel, "1") for n, parcel in enumerate(parcels)]
    with a_land_office(tmp_path, rows) as source:
        paged = asyncio.run(walked(Lists(source), first=first, o=order))
        whole = asyncio.run(numbers(Lists(source), n=100, o=order))
    assert paged == whole
    assert sorted(paged) == sorted(row[0] for row in rows)
    by_number = {row[0]: row for row in rows}
    for before, after in itertools.pairwise(paged):
        assert not _comes_before(by_number[after], by_number[before], order)


def _comes_before(one: Any, other: Any, order: list[str]) -> bool:
    columns = {"name": 1, "area": 2, "since": 3}
    for name in order:
        at, descends = columns[name.rsplit("_", 1)[0]], name.endswith("DESC")
        left, right = one[at], other[at]
        if left == right:
            continue
        if left is None or right is None:
            return right is None
        return bool(left > right) if descends else bool(left < right)
    return bool(one[0] < other[0])


async def refused(lists: Lists, **variables: Any) -> str:
    with pytest.raises(RefusedCallError) as raised:
        await lists.answer(PAGE, **{"n": 2, **variables})
    return raised.value.code


async def end_of(lists: Lists, **variables: Any) -> str:
    page = await lists.data(PAGE, **{"n": 2, **variables})
    return str(page["list"]["pageInfo"]["endCursor"])


async def test_a_changed_cursor_opens_nothing_and_the_source_is_not_asked(lists: Lists) -> None:
    cursor = await end_of(lists)
    asked = lists.source.asked
    other = "A" if cursor[0] != "A" else "B"
    for text in (other + cursor[1:], cursor[:-1], "", "!", cursor * 200):
        assert await refused(lists, a=text) == "CURSOR_INVALID"
    assert lists.source.asked == asked


async def test_a_cursor_says_nothing_of_the_record_that_it_stands_for(lists: Lists) -> None:
    cursor = await end_of(lists, n=1)
    assert b"P1" not in parse_bytes(cursor)
    assert cursor == await end_of(lists, n=1), "equal pages have equal bytes"
    assert cursor != await end_of(lists, n=2)


async def test_a_cursor_is_good_for_its_own_order_and_filter_alone(lists: Lists) -> None:
    cursor = await end_of(lists, o=["area_ASC"], w={"area": {"ge": 0}})
    assert await numbers(lists, a=cursor, o=["area_ASC"], w={"area": {"ge": 0}}) == ["P1"]
    assert (
        await refused(lists, a=cursor, o=["area_DESC"], w={"area": {"ge": 0}}) == "CURSOR_INVALID"
    )
    assert await refused(lists, a=cursor, o=["area_ASC"], w={"area": {"ge": 1}}) == "CURSOR_INVALID"
    assert await refused(lists, a=cursor, o=["area_ASC"]) == "CURSOR_INVALID"


def test_a_cursor_opens_for_the_consumer_and_under_the_key_that_it_was_sealed_for() -> None:
    sealed = SealedCursors(b"k" * 32).seal(b'["P1"]', bound=b"sys_permit")
    for key, bound in ((b"k" * 32, b"sys_other"), (b"l" * 32, b"sys_permit")):
        with pytest.raises(CursorError):
            SealedCursors(key).open(sealed, bound=bound)


@pytest.mark.parametrize(
    "variables",
    [
        {"n": 0},
        {"n": 1001},
        {"o": ["area_ASC", "area_DESC"]},
        {"w": {"name": {"in": []}}},
        {"w": {"name": {"in": ["x"] * 101}}},
        {"w": {"name": {"eq": ""}}},
        {"w": {"name": {"eq": None}}},
        {"w": {"name": {"prefix": "a\x00"}}},
    ],
)
async def test_a_list_that_is_asked_for_wrongly_asks_nobody(lists: Lists, variables: Any) -> None:
    assert await refused(lists, **variables) == "ARGUMENT_INVALID"
    assert lists.source.asked == 0


MASKED = replace(a_register(), listing=Listing(items=("name", "phone")))
"""As no validation lets it be announced: the policy decides by itself."""
BY_PHONE = (
    '{ listLandParcel(where: {phone: {prefix: "1380013800"}}) { nodes { no } } }',
    "{ listLandParcel(orderBy: [phone_DESC]) { nodes { no } } }",
)


@pytest.mark.proves("F12")
@pytest.mark.parametrize("query", BY_PHONE)
async def test_a_masked_item_filters_and_orders_nothing(tmp_path: Path, query: str) -> None:
    with a_land_office(tmp_path, PARCELS) as source:
        lists = Lists(source, MASKED)
        assert await lists.codes(query) == ["ITEM_NOT_FILTERABLE"]
        assert lists.source.asked == 0


async def test_what_may_not_filter_and_order_is_named(tmp_path: Path) -> None:
    with a_land_office(tmp_path, PARCELS) as source:
        recorded = (await Lists(source, MASKED).answer(BY_PHONE[-1])).recorded
    assert [error["extensions"]["items"] for error in recorded.errors] == ["phone, no"]


@pytest.mark.proves("F12")
@pytest.mark.parametrize("item", ["name", "no"])
async def test_an_item_that_the_grant_masks_or_leaves_out_filters_and_orders_nothing(
    tmp_path: Path, item: str
) -> None:
    asked = '{ listLandParcel(where: {name: {eq: "东山"}}) { nodes { area } } }'
    with a_land_office(tmp_path, PARCELS) as source:
        masked = Lists(source, masks={item: "name"})
        left_out = Lists(source, items=tuple({"no", "name", "area"} - {item}))
        for lists in (masked, left_out):
            assert await lists.codes(asked) == ["ITEM_NOT_FILTERABLE"]
            assert lists.source.asked == 0


@pytest.mark.proves("F13")
async def test_a_masked_number_is_not_found_by_halving(tmp_path: Path) -> None:
    """Whoever asks digit by digit learns the same of a right guess as of a wrong one: nothing."""
    with a_land_office(tmp_path, PARCELS) as source:
        lists = Lists(source, MASKED)
        answers = set()
        for guess in ("1", "138", "139", "13800138001", "99"):
            query = f'{{ listLandParcel(where: {{phone: {{prefix: "{guess}"}}}}) {{ nodes {{ no }} }} }}'
            recorded = (await lists.answer(query)).recorded
            answers.add((recorded.data, json.dumps(recorded.errors)))
        assert len(answers) == 1
        assert lists.source.asked == 0


@pytest.mark.proves("F14")
async def test_a_page_has_no_count_and_an_empty_one_looks_like_any_end(lists: Lists) -> None:
    schema = build_contract([a_register()]).schema
    connection: Any = schema.type_map["LandParcelConnection"]
    assert set(connection.fields) == {"nodes", "edges", "pageInfo"}
    page = await lists.data(PAGE, n=2, w={"name": {"eq": "北"}})
    assert page["list"] == {"nodes": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}


@pytest.mark.proves("F14")
async def test_a_row_that_the_grant_hides_is_on_no_page_and_opens_none(tmp_path: Path) -> None:
    hidden = RowRule(item="area", op="le", value=200)
    with a_land_office(tmp_path, PARCELS) as source:
        lists = Lists(source, rows=(hidden,))
        assert await walked(lists, first=1, o=["name_ASC"]) == ["P4", "P2"]
        assert await numbers(lists, w={"name": {"eq": "东山"}}) == []
        page = await lists.data(PAGE, n=2, o=["area_ASC"])
        assert page["list"]["pageInfo"]["hasNextPage"] is False, "P1 is behind it, and hidden"


async def test_a_page_never_holds_more_than_the_grant_lets_and_the_next_one_goes_on(
    tmp_path: Path,
) -> None:
    with a_land_office(tmp_path, PARCELS) as source:
        assert await walked(Lists(source, max_rows=3), first=1_000) == ["P1", "P2", "P3", "P4"]


async def test_the_entry_names_compared_items_and_only_commits_to_the_filter(lists: Lists) -> None:
    await lists.answer(PAGE, n=2, w={"name": {"prefix": "东"}}, o=["area_ASC"])
    body = lists.recorder.bodies[-1]
    (step,) = json.loads(body)["steps"]
    assert (step["rows"], step["outcome"]) == (2, "given")
    # Ordinals 0, 1 and 2: the unique item, the filter's and the order's.
    assert step["matched"] != ""
    assert "list.s1" in json.loads(body)["digests"]
    assert "东".encode() not in body


async def test_a_source_that_reads_by_keys_alone_says_that_it_cannot_list() -> None:
    source = FixedSource()
    lists = Lists(source)
    assert await lists.codes(PAGE, n=2) == ["SOURCE_NOT_LISTABLE"]
    assert source.reads == []
    guarded = Guarded(source, breaker=Breaker(monotonic=lambda: 0.0), timeout_s=1.0)
    assert await Lists(guarded).codes(PAGE, n=2) == ["SOURCE_NOT_LISTABLE"]


async def test_records_that_nobody_asked_for_are_the_sources_mistake(tmp_path: Path) -> None:
    class Lying:
        async def read_list(self, *_: Any, **__: Any) -> Any:
            return [{"no": "P9", "name": "西", "area": 1}]

        async def read(self, *_: Any, **__: Any) -> Any:
            return ()

        async def close(self) -> None: ...

    assert await Lists(Lying()).codes(PAGE, n=2, w={"name": {"eq": "东"}}) == ["SOURCE_INVALID"]


@pytest.mark.parametrize(
    "closed",
    [
        a_register(sharing_class=SharingClass.CONDITIONAL),
        a_register(personal=True),
        a_register(single=False),
    ],
    ids=["conditional", "personal", "no-unique-item"],
)
def test_what_is_not_open_or_has_no_place_of_its_own_has_no_list(closed: Any) -> None:
    assert not build_contract([closed]).listings


def test_several_records_of_a_subject_are_listed_by_an_item_that_is_unique() -> None:
    several = a_register(single=False, listing=Listing(items=(), unique="name"))
    contract = build_contract([several])
    assert set(contract.listings) == {"listLandParcel"}
    assert "LandParcelWhere" not in contract.schema.type_map


@pytest.mark.proves("F12")
async def test_a_record_is_not_joined_by_an_item_that_may_not_be_compared(tmp_path: Path) -> None:
    owner = an_item("name", 1, sharing_class=SharingClass.UNCONDITIONAL, subject=FIRM)
    items = (a_register().items[0], owner, *a_register().items[2:])
    firms = a_register(
        code="307001/firm",
        type_name="Firm",
        field_name="firm",
        list_name="firms",
        items=(an_item("uscc", 0, key=True, match=True, subject=FIRM), an_item("town", 1)),
        listing=None,
        sharing_class=SharingClass.CONDITIONAL,
    )
    query = '{ landParcel(no: "P1") { enterprise { firm { town } } } }'
    with a_land_office(tmp_path, PARCELS) as source:
        lists = Lists(source, a_register(items=items, listing=None), firms)
        assert await lists.codes(query) == ["ITEM_NOT_MATCHABLE", "LINK_UNREAD"]
        assert lists.source.asked == 0


def test_a_plan_of_a_list_is_kept_for_no_other_consumer() -> None:
    contract = build_contract([a_register()])
    document = parse_document("{ listLandParcel { nodes { no } } }", contract, limits=Limits())
    plans = Plans()

    def bound(consumer: str) -> bytes:
        (step,) = plans.plan(
            document,
            operation_name=None,
            variables={},
            normalise=lambda _, text: text,
            limits=Limits(),
            cursors=SealedCursors(b"k" * 32),
            consumer=consumer,
        ).steps
        assert isinstance(step.key, Listed)
        return step.key.bound

    assert len({bound("sys_permit"), bound("sys_other"), bound("sys_permit")}) == 2


LISTINGS = (
    PAGE,
    """query($n: Int) {
      listLandParcel(first: $n) { edges { cursor node { no name } } pageInfo { hasNextPage } }
    }""",
    """query($n: Int) {
      __typename
      here: listLandParcel(first: $n) {
        __typename
        pageInfo { __typename endCursor more: hasNextPage }
        nodes { __typename number: no no area }
        edges { __typename place: cursor node { area } }
      }
    }""",
)


@pytest.mark.proves("F17")
@pytest.mark.parametrize("query", LISTINGS)
@pytest.mark.parametrize("first", [1, 3, 20])
async def test_a_page_is_written_by_the_compiled_road_as_by_graphql_core(
    lists: Lists, query: str, first: int
) -> None:
    for bound in (False, True):
        answered = await lists.answer(query, n=first)
        template, recorded = answered.plan.template, answered.recorded
        assert isinstance(template, Template)
        assert (answered.plan.shape is not None) is bound
        assert template.made[MADE] is not None
        slowly = assemble(answered.plan, recorded.outcomes)
        assert recorded.data == slowly.data
        assert recorded.errors == slowly.errors
        assert put_together(answered.plan, recorded.outcomes) == slowly


async def test_the_shape_of_a_list_serves_other_variables_and_no_other_selection(
    lists: Lists,
) -> None:
    query = """query($all: Boolean!, $n: Int) {
      listLandParcel(first: $n) { nodes { no name @include(if: $all) } }
    }"""
    shapes = [
        (await lists.answer(query, all=whole, n=number)).plan.template
        for whole, number in ((True, 1), (True, 2), (False, 1), (False, 4))
    ]
    assert shapes[0] is shapes[1]
    assert shapes[2] is shapes[3]
    assert shapes[0] is not shapes[2]
