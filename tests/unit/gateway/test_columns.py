"""Records held item by item are the same records, and whatever is done to them comes out the same."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.codes import normalise_subject
from catalogue.metadata import Code
from catalogue.model import ItemType
from gateway.columns import Columns, Places, column
from gateway.fetch import linked_keys
from gateway.mask import mask, meeting
from gateway.model import Fetched, Filter, LinkedKey, Listed, Masked, Order, Row
from policies.model import ItemVerdicts
from tests.examples import examples
from tests.fakes.calls import a_filter, a_permit, a_resource, a_step, an_item
from tests.unit.gateway.test_mask import NOW

RESOURCE = a_resource(
    single=False,
    items=(
        an_item("uscc", 0, key=True, match=True),
        an_item("name", 1),
        an_item("grade", 2, codes=(Code(value="1", title="一级"), Code(value="2", title="二级"))),
        an_item("day", 3, type=ItemType.DATE),
        an_item("floors", 4, type=ItemType.INTEGER),
    ),
)
NAMES = [item.name for item in RESOURCE.items]
rows = st.lists(
    st.fixed_dictionaries(
        {
            "uscc": st.sampled_from(["A", "B", "C"]) | st.none(),
            "name": st.sampled_from(["甲有限公司", "", "乙"]) | st.none(),
            "grade": st.sampled_from(["1", "2", "9"]) | st.none(),
            "day": st.sampled_from(["2026-11-23", "1949-10-01"]) | st.none(),
            "floors": st.integers(-2, 2) | st.none(),
        }
    ),
    max_size=8,
)
masks = st.sampled_from(["none", "name", "tail4", "null", "year", "strange"])


def held(found: list[dict[str, Any]], **changes: Any) -> Columns:
    return Columns({n: [row[n] for row in found] for n in NAMES}, size=len(found), **changes)


@given(rows, st.lists(st.sampled_from(NAMES), max_size=3, unique=True), st.integers(-9, 9))
def test_places_are_the_values_of_their_items(
    found: list[dict[str, Any]], names: list[str], at: int
) -> None:
    expected = [tuple(row[name] for name in names) for row in found]
    for rows_ in (found, held(found)):
        places = Places(rows_, names)
        assert places == expected
        assert len(places) == len(found)
        assert places[at:] == expected[at:]
        if -len(found) <= at < len(found):
            assert places[at] == expected[at]
        else:
            with pytest.raises(IndexError):
                places[at]


@given(rows, st.integers(-9, 9), st.integers(-9, 9))
def test_columns_are_the_records_that_they_hold(
    found: list[dict[str, Any]], begins: int, ends: int
) -> None:
    columns = held(found)
    assert columns == found
    assert len(columns) == len(found)
    assert columns[begins:ends] == found[begins:ends]
    assert [columns[at] for at in range(len(found))] == found
    flags = [row["grade"] == "1" for row in found]
    assert columns.picked(flags) == [row for row in found if row["grade"] == "1"]
    assert column(columns, "name") == column(found, "name")
    assert list(column(columns, "absent")) == [None] * len(found)
    without = held(found, without_none=True)
    assert without == [{n: v for n, v in row.items() if v is not None} for row in found]


def test_columns_of_unlike_lengths_are_no_records() -> None:
    with pytest.raises(ValueError, match="2 records needed"):
        Columns({"name": ["a"]}, size=2)


def test_records_without_items_are_still_so_many() -> None:
    assert list(Columns({}, size=2)) == [{}, {}]


@settings(max_examples=examples(300))
@given(
    rows,
    st.dictionaries(st.sampled_from(NAMES), masks, max_size=3),
    st.sets(st.sampled_from(NAMES)),
    st.sampled_from(
        [
            None,
            a_filter(("floors", "ge", 0)),
            a_filter(("grade", "in", ["1", "9"]), ("name", "ne", "乙")),
            a_filter(("uscc", "eq", "nobody"), ("floors", "between", [1])),
        ]
    ),
    st.integers(0, 4),
    st.booleans(),
)
def test_a_verdict_leaves_the_same_of_columns_as_of_records(
    found: list[dict[str, Any]],
    masked: dict[str, str],
    allowed: set[str],
    row_filter: Any,
    most: int,
    listed: bool,
) -> None:
    changes: dict[str, Any] = {}
    if listed:
        item = RESOURCE.key
        changes = {"key": Listed(item=item, orders=(Order(item=item),)), "subject": None}
    step = a_step(RESOURCE, items=RESOURCE.items, many=True, limit=most, **changes)
    permitted = a_permit(
        step,
        items=ItemVerdicts(allowed=sorted(allowed), masked=masked, denied={}),
        row_filter=row_filter,
        max_rows=most,
    )
    by_record, by_item = [
        mask(Fetched(permitted, one, 0), now=NOW, normalise=normalise_subject)
        for one in (tuple(found), held(found))
    ]
    assert type(by_record) is type(by_item)
    if isinstance(by_record, Masked) and isinstance(by_item, Masked):
        for name in by_record.__struct_fields__:
            assert _plain(getattr(by_record, name)) == _plain(getattr(by_item, name)), name


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (Columns, tuple)) else value


def test_what_a_mask_changes_is_not_said_to_be_written_as_its_type() -> None:
    columns = held(
        [dict.fromkeys(NAMES, "1")], written={"name": ItemType.TEXT, "day": ItemType.DATE}
    )
    permitted = a_permit(
        a_step(RESOURCE, items=RESOURCE.items, many=True, limit=9),
        items=ItemVerdicts(allowed=["day"], masked={"name": "null"}, denied={}),
        max_rows=9,
    )
    outcome = mask(Fetched(permitted, columns, 0), now=NOW, normalise=normalise_subject)
    assert isinstance(outcome, Masked)
    assert isinstance(outcome.rows, Columns)
    assert outcome.rows.written == {"day": ItemType.DATE}


@given(rows)
def test_filters_and_links_read_columns_as_they_read_records(found: list[dict[str, Any]]) -> None:
    filters = (
        Filter(item=RESOURCE.item("floors"), op="ge", value=0),
        Filter(item=RESOURCE.item("grade"), op="in", value=("1", "2")),
    )
    plain: list[Row] = list(found)
    assert list(meeting(filters, held(found))) == list(meeting(filters, plain))
    link = LinkedKey(item=RESOURCE.key, parent="s1", parent_item=RESOURCE.key)
    assert linked_keys(link, held(found), normalise=normalise_subject) == linked_keys(
        link, plain, normalise=normalise_subject
    )
