"""Values cross the border in one spelling each, exactly, or not at all."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.model import ItemType
from gateway.formats import (
    LONG_MAX,
    converted,
    converter,
    format_bytes,
    format_datetime,
    format_epoch_ms,
    from_wire,
    parse_bytes,
    to_wire,
)
from tests.examples import examples

SHANGHAI = ZoneInfo("Asia/Shanghai")

decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15)
moments = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001  Hypothesis adds the zone.
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001  Hypothesis adds the zone.
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
values: st.SearchStrategy[tuple[ItemType, Any]] = st.one_of(
    st.tuples(st.just(ItemType.TEXT), st.text(st.characters(codec="utf-8"))),
    st.tuples(st.just(ItemType.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just(ItemType.LONG), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(ItemType.DECIMAL), decimals),
    st.tuples(st.just(ItemType.BOOLEAN), st.booleans()),
    st.tuples(st.just(ItemType.DATE), st.dates()),
    st.tuples(st.just(ItemType.DATETIME), moments),
    st.tuples(st.just(ItemType.BYTES), st.binary()),
)


@settings(max_examples=examples(100))
@given(values)
def test_what_is_written_is_read_back_as_the_same_value(typed: tuple[ItemType, Any]) -> None:
    type_, value = typed
    assert from_wire(type_, to_wire(type_, value, SHANGHAI)) == value


@settings(max_examples=examples(100))
@given(st.sampled_from(ItemType), st.text(max_size=30) | st.integers() | st.booleans())
def test_what_is_read_writes_back_to_the_same(type_: ItemType, wire: Any) -> None:
    try:
        value = from_wire(type_, wire)
    except ValueError:
        return
    assert to_wire(type_, value, UTC) == wire


@pytest.mark.parametrize(
    ("type_", "value", "wire"),
    [
        (ItemType.LONG, 2**53 + 1, "9007199254740993"),
        (ItemType.DECIMAL, Decimal("1200.50"), "1200.50"),
        (ItemType.DECIMAL, 0.1, "0.1"),
        (ItemType.DECIMAL, Decimal("-0.00"), "0.00"),
        (ItemType.DECIMAL, Decimal("1E+3"), "1000"),
        (ItemType.BOOLEAN, 1, True),
        (ItemType.DATE, datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02"),
        (ItemType.DATE, "2026-01-02", "2026-01-02"),
        (ItemType.BYTES, b"\xff\xfe", "__4"),
        (ItemType.TEXT, 330106, "330106"),
        (ItemType.INTEGER, "42", 42),
    ],
)
def test_each_type_has_one_spelling(type_: ItemType, value: Any, wire: Any) -> None:
    written = to_wire(type_, value, SHANGHAI)
    assert written == wire
    assert type(written) is type(wire)


def test_a_naive_moment_is_read_in_the_zone_of_its_source() -> None:
    assert to_wire(ItemType.DATETIME, "2026-01-02 08:00:00", SHANGHAI) == "2026-01-02T00:00:00.000Z"
    assert to_wire(ItemType.DATETIME, "2026-01-02T08:00:00+09:00", SHANGHAI).startswith(
        "2026-01-01T23:00"
    )


def test_milliseconds_are_cut_off_and_never_rounded_into_the_next_second() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 59, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert format_datetime(moment) == "2026-01-01T19:04:59.999Z"
    assert format_epoch_ms(1_700_000_000_123) == "2023-11-14T22:13:20.123Z"
    with pytest.raises(ValueError, match="zone"):
        format_datetime(moment.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (ItemType.INTEGER, 2**31),
        (ItemType.INTEGER, True),
        (ItemType.INTEGER, "١٢"),
        (ItemType.INTEGER, 1.0),
        (ItemType.LONG, LONG_MAX + 1),
        (ItemType.LONG, Decimal("1E+999999")),
        (ItemType.DECIMAL, float("nan")),
        (ItemType.DECIMAL, Decimal("Infinity")),
        (ItemType.DECIMAL, "1e5"),
        (ItemType.DECIMAL, True),
        (ItemType.BOOLEAN, "secret-17"),
        (ItemType.BOOLEAN, 2),
        (ItemType.DATE, "2026-02-30"),
        (ItemType.DATE, datetime(2026, 1, 2, 3, tzinfo=UTC)),
        (ItemType.DATE, date),
        (ItemType.DATETIME, "yesterday"),
        (ItemType.TEXT, "\ud800"),
        (ItemType.TEXT, 1.5),
        (ItemType.BYTES, "not base64url!"),
        (ItemType.BYTES, 17),
    ],
)
def test_what_has_not_the_registered_type_is_an_error_that_never_quotes_it(
    type_: ItemType, value: Any
) -> None:
    with pytest.raises(ValueError, match=type_.value) as caught:
        to_wire(type_, value, SHANGHAI)
    assert "secret-17" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_null_stays_null() -> None:
    assert all(to_wire(type_, None, SHANGHAI) is None for type_ in ItemType)
    assert all(from_wire(type_, None) is None for type_ in ItemType)


@given(st.binary())
def test_bytes_have_one_spelling(content: bytes) -> None:
    assert parse_bytes(format_bytes(content)) == content


@pytest.mark.parametrize("text", ["YQ==", "YR", "a+b/", "Y", "Y Q"])
def test_other_spellings_of_bytes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        parse_bytes(text)


def attempted(convert: Any, *given: Any) -> Any:
    try:
        return convert(*given)
    except ValueError as error:
        return str(error)


@settings(max_examples=examples(400))
@given(
    st.sampled_from(ItemType),
    st.one_of(
        values.map(lambda pair: pair[1]),
        st.none(),
        st.floats(),
        st.text(),
        st.integers(-(2**70), 2**70),
        st.sampled_from(
            [
                "2020-W01-1",
                "2020-1-1",
                "20200101",
                "2020-02-30",
                "-0",
                "-0.00",
                "00",
                "1e5",
                "\ud800",
            ]
        ),
        decimals.map(lambda number: format(number, "f")),
        st.dates().map(str),
        st.from_regex(r"-?[0-9]{1,70}(\.[0-9]{1,4})?", fullmatch=True),
    ),
)
def test_a_converter_made_for_a_type_writes_exactly_what_is_written_without_one(
    type_: ItemType, value: Any
) -> None:
    made = converter(type_, SHANGHAI)
    found, expected = attempted(made, value), attempted(to_wire, type_, value, SHANGHAI)
    assert found == expected
    assert type(found) is type(expected)


raw = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.decimals(allow_nan=True),
    st.dates(),
    st.datetimes(),
    st.text(max_size=8),
    st.sampled_from(
        ["1", "1.0", "1.00", "-0", "007", "2026-11-23", "20261123", "2026-W01-1", "\ud83d"]
    ),
    st.dates().map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
)


@settings(max_examples=examples(500))
@given(
    st.sampled_from(ItemType),
    st.lists(raw, max_size=5) | raw.flatmap(lambda one: st.just([one] * 3)),
)
def test_many_values_are_written_as_each_of_them_is(type_: ItemType, found: list[Any]) -> None:
    try:
        expected = [to_wire(type_, value, SHANGHAI) for value in found]
    except ValueError:
        with pytest.raises(ValueError, match="is no"):
            converted(type_, found, SHANGHAI)
        return
    written = list(converted(type_, found, SHANGHAI))
    assert [(type(one), one) for one in written] == [(type(one), one) for one in expected]


@given(st.sampled_from([ItemType.TEXT, ItemType.DATE, ItemType.DECIMAL]), st.data())
def test_many_texts_are_written_as_each_of_them_is(type_: ItemType, data: st.DataObject) -> None:
    words = {
        ItemType.TEXT: st.text(st.characters(codec="utf-8")),
        ItemType.DATE: st.dates().map(str),
        ItemType.DECIMAL: decimals.map(lambda one: format(one, "f")),
    }[type_]
    found = data.draw(st.lists(words | st.none()))
    assert list(converted(type_, found, SHANGHAI)) == [
        to_wire(type_, one, SHANGHAI) for one in found
    ]


@settings(max_examples=examples(300))
@given(
    st.sampled_from([ItemType.DECIMAL, ItemType.DATE, ItemType.LONG, ItemType.INTEGER]),
    st.lists(
        st.sampled_from(["1.50", "0", "07", "", "1\n2", "1\n", "\n", ".5", "1.", "-0", "9" * 61])
        | st.sampled_from(["2026-11-23", "2026-02-29", "20261123", "2026-11-23\n"])
        | st.sampled_from([2**31 - 1, 2**31, -(2**63), 2**63 - 1, 2**63, 0])
        | st.none(),
        max_size=4,
    ),
)
def test_of_many_values_none_is_taken_for_another(type_: ItemType, found: list[Any]) -> None:
    try:
        expected = [to_wire(type_, value, SHANGHAI) for value in found]
    except ValueError:
        with pytest.raises(ValueError, match="is no"):
            converted(type_, found, SHANGHAI)
        return
    written = list(converted(type_, found, SHANGHAI))
    assert [(type(one), one) for one in written] == [(type(one), one) for one in expected]
