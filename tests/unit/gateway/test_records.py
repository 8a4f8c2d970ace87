"""A record's items by prepared ways, held against the looking at each value that they spare."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.model import ItemType
from catalogue.readings import Member
from gateway.errors import SourceDriftError, SourceError, SourceInvalidError
from gateway.sources import records
from gateway.sources.records import make_row, wire_value
from tests.fakes.calls import an_item

ZONE = ZoneInfo("Asia/Shanghai")

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "甲", "2020-02-29", "2020-02-29T09:30:00+08:00", "12.50", "AP8=", "\ud800"]
    ),
)
values = st.one_of(plain, st.lists(plain, max_size=2), st.dictionaries(st.just("b"), plain))
members = st.builds(
    Member,
    type=st.sampled_from(["string", "integer", "number", "boolean", "scalar"]),
    nullable=st.booleans(),
    optional=st.booleans(),
    values=st.sampled_from([(), ("甲", "")]),
    base64=st.booleans(),
)


def looked_at(items: Any, record: Any, by: Any) -> dict[str, Any]:
    """As `make_row` promises, one value after the other."""
    found = {item.name: records._value(record, item, by[item.column]) for item in items}
    missing = [name for name, value in found.items() if value is records._MISSING]
    if missing:
        raise SourceDriftError(missing=missing)
    return {item.name: wire_value(item, found[item.name], ZONE) for item in items}


def outcome(make: Callable[[], Any]) -> Any:
    """Return the row, each value with its type (True is not 1); or the error and what it tells."""
    try:
        return {name: (type(value), value) for name, value in make().items()}
    except SourceError as error:
        return type(error), error.facts


@given(st.data())
def test_a_row_is_what_looking_at_each_value_gives(data: st.DataObject) -> None:
    columns = ["/a", "/b", "/a~1b", "/c/b"]
    items = tuple(
        an_item(f"i{at}", at, column=column, type=data.draw(st.sampled_from(list(ItemType))))
        for at, column in enumerate(columns)
    )
    by = {column: data.draw(members) for column in columns}
    for _ in range(2):  # The second time by what was prepared for the first.
        record = data.draw(st.dictionaries(st.sampled_from(["a", "b", "a/b", "c"]), values))
        wanted = outcome(partial(looked_at, items, record, by))
        found = outcome(partial(make_row, items, record, members=by, zone=ZONE))
        assert found == wanted


def test_a_member_that_is_gone_is_told_before_a_value_that_cannot_be_written() -> None:
    items = (an_item("since", 0, column="/a", type=ItemType.DATE), an_item("gone", 1, column="/b"))
    by = {"/a": Member(type="string"), "/b": Member(type="string")}
    with pytest.raises(SourceDriftError):
        make_row(items, {"a": "no day"}, members=by, zone=ZONE)
    with pytest.raises(SourceInvalidError):
        make_row(items, {"a": "no day", "b": Decimal(1)}, members=by, zone=ZONE)
