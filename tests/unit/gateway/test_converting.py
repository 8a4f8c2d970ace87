"""A record converted in one go is what its values are, converted one by one."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.model import ItemType
from gateway.formats import WRITTEN_CHARACTERS, text_test, to_wire
from gateway.sources.converting import row_converter
from tests.examples import examples
from tests.fakes.calls import an_item

ZONE = ZoneInfo("Asia/Shanghai")
TYPES = (
    ItemType.TEXT,
    ItemType.TEXT,
    ItemType.DATE,
    ItemType.DECIMAL,
    ItemType.INTEGER,
    ItemType.TEXT,
)
KEPT = ("甲", "n", "2026-11-30", "10.50", 7, None)
"""As a source keeps a record that is written as it is."""
found = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False),
    st.text(max_size=4),
    st.binary(max_size=4),
    st.sampled_from(["2026-11-30", "20261130", "2026-02-30", "1.00", "-0", "01", "1e3", "-1.5"]),
)


def expected(types: tuple[ItemType, ...], values: tuple[Any, ...]) -> Any:
    try:
        return {
            f"i{at}": to_wire(type_, value, ZONE)
            for at, (type_, value) in enumerate(zip(types, values, strict=True))
        }
    except ValueError:
        return ValueError


def converted(types: tuple[ItemType, ...], values: tuple[Any, ...], *, decoded: bool) -> Any:
    items = [an_item(f"i{at}", at, type=type_) for at, type_ in enumerate(types)]
    try:
        (record,) = row_converter(items, ZONE, decoded=decoded)([values])
    except ValueError:
        return ValueError
    return record


@settings(max_examples=examples(300))
@given(data=st.data(), decoded=st.booleans())
def test_a_record_is_what_its_values_are(data: st.DataObject, *, decoded: bool) -> None:
    types = data.draw(st.tuples(*[st.sampled_from(ItemType)] * 4) | st.just(TYPES))
    values = data.draw(
        st.tuples(*[found] * len(types)) if types != TYPES else some_places(KEPT, found)
    )
    record = converted(types, values, decoded=decoded)
    told = expected(types, values)
    assert record == told
    if told is not ValueError:
        assert list(map(type, record.values())) == list(map(type, told.values()))
        assert list(record) == list(told)


@st.composite
def some_places(draw: st.DrawFn, kept: tuple[Any, ...], values: st.SearchStrategy[Any]) -> Any:
    """A record written as it is, but for one place."""
    at = draw(st.integers(0, len(kept) - 1))
    return (*kept[:at], draw(values), *kept[at + 1 :])


def test_a_long_text_is_no_amount_and_not_kept() -> None:
    kept = text_test(ItemType.DECIMAL)
    before = kept.cache_info().misses  # type: ignore[union-attr]  # it is a cache
    long = "1" * (WRITTEN_CHARACTERS + 1)
    assert converted(TYPES, (*KEPT[:3], long, *KEPT[4:]), decoded=True)["i3"] == long
    assert converted(TYPES, (*KEPT[:3], "x" * 10_000, *KEPT[4:]), decoded=True) is ValueError
    assert kept.cache_info().misses == before  # type: ignore[union-attr]


@pytest.mark.parametrize("at", range(len(TYPES)))
def test_a_value_that_is_no_such_type_is_found_in_each_place(at: int) -> None:
    wrong = (*KEPT[:at], b"\xff", *KEPT[at + 1 :])
    assert converted(TYPES, wrong, decoded=True) is ValueError
    assert converted(TYPES, KEPT, decoded=True) == dict(
        zip([f"i{n}" for n in range(len(TYPES))], KEPT, strict=True)
    )
