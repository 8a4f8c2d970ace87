"""Many records of PostgreSQL are held item by item, and are the records that each value by itself makes."""

from collections.abc import Sequence
from datetime import date, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from catalogue.model import Item, ItemType
from gateway.columns import Columns
from gateway.errors import SourceInvalidError
from gateway.formats import to_wire
from gateway.model import EveryKey, Listed, Order, Permitted, Row
from tests.contracts.test_sources import CALL, ZONE, postgres_at, psycopg_url
from tests.fakes.calls import a_permit, a_resource, a_step, an_item
from tests.fakes.postgres import postgresql

MANY = 32
ITEMS = tuple(an_item(type_.value, at, type=type_) for at, type_ in enumerate(ItemType))

# What psycopg gives for columns of each type, and what a column of another type would give in its place.
_moments = st.datetimes()
_zones = st.integers(-720, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_of: dict[ItemType, st.SearchStrategy[Any]] = {
    ItemType.TEXT: st.text(st.characters(codec="utf-8"), max_size=4),
    ItemType.INTEGER: st.integers(-(2**31), 2**31 - 1),
    ItemType.LONG: st.integers(-(2**63), 2**63 - 1),
    ItemType.DECIMAL: st.decimals(allow_nan=False, allow_infinity=False, places=2)
    | st.sampled_from([Decimal("1.0"), Decimal("1.00"), Decimal("-0"), Decimal("1E+3")]),
    ItemType.BOOLEAN: st.booleans(),
    ItemType.DATE: st.dates(),
    ItemType.DATETIME: _moments
    | st.tuples(_moments, _zones).map(lambda t: t[0].replace(tzinfo=t[1])),
    ItemType.BYTES: st.binary(max_size=4),
}
_odd = st.sampled_from(
    [1, 0, True, 1.5, "1", "2026-02-30", "2026-11-23", "\ud800", b"a", Decimal("NaN"), 2**63]
)


@st.composite
def records(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Records as the driver gives them, a few different ones many times; odd values now and then."""
    odd = draw(st.booleans())
    cells = [_of[item.type] | st.none() | (_odd if odd else st.nothing()) for item in ITEMS]
    different = draw(st.lists(st.tuples(*cells), min_size=1, max_size=4))
    picked = st.integers(0, len(different) - 1)
    return [different[draw(picked)] for _ in range(draw(st.sampled_from([MANY - 1, MANY, 40])))]


def by_definition(found: Sequence[Sequence[Any]]) -> list[Row] | str:
    """Return each value at the border; of what cannot be written, the words for the first that was met."""
    rows: list[Row] = []
    for values in found:
        row: dict[str, Any] = {}
        for item, value in zip(ITEMS, values, strict=True):
            try:
                row[item.name] = to_wire(item.type, value, ZONE)
            except ValueError as error:
                return f"item {item.name}: {error}"
        rows.append(row)
    return rows


def _typed(row: Row) -> dict[str, tuple[type, Any]]:
    return {name: (type(value), value) for name, value in row.items()}


@given(records())
def test_records_held_item_by_item_have_the_same_values_and_the_same_errors(
    found: list[tuple[Any, ...]],
) -> None:
    source = postgres_at("postgresql://nobody@127.0.0.1:1/none")
    answer = [(*values, 12) for values in found]  # What the record weighs comes last.
    expected = by_definition(found)
    if isinstance(expected, str):
        with pytest.raises(SourceInvalidError) as raised:
            source._rows(ITEMS, answer)
        assert raised.value.facts == {"reason": expected}
        return
    rows = source._rows(ITEMS, answer)
    assert (type(rows) is Columns) == (len(found) >= MANY)
    assert [_typed(row) for row in rows] == [_typed(row) for row in expected]


def a_read(resource: Any, *, key: Any, items: Sequence[Item], limit: int) -> Permitted:
    step = a_step(resource, items=tuple(items), key=key, subject=None, many=True, limit=limit)
    return a_permit(step, max_rows=limit)


@pytest.mark.parametrize("limit", [10, 50])
async def test_lists_and_pages_of_a_server_are_the_same_however_they_are_held(limit: int) -> None:
    server = postgresql()
    url = server.database()
    items = (
        an_item("no", 0, key=True),
        an_item("area", 1, type=ItemType.DECIMAL),
        an_item("since", 2, type=ItemType.DATE),
        an_item("changed", 3, type=ItemType.DATETIME),
        an_item("open", 4, type=ItemType.BOOLEAN),
    )
    resource = a_resource(table="paper", single=False, items=items)
    held = [
        (f"K{n // 2:03}", Decimal(n).scaleb(-2), date(2026, 1, 1 + n % 28), None, n % 3 == 0)
        for n in range(120)
    ]
    engine = create_engine(psycopg_url(url))
    with engine.begin() as tx:
        tx.exec_driver_sql(
            "CREATE TABLE paper (no text, area numeric(8,2), since date, changed timestamp, open bool)"
        )
        tx.exec_driver_sql("INSERT INTO paper VALUES (%s, %s, %s, %s, %s)", held)
    engine.dispose()
    expected = [
        {item.name: to_wire(item.type, value, ZONE) for item, value in zip(items, row, strict=True)}
        for row in held
    ]
    source = postgres_at(url)
    listed = Listed(item=items[0], orders=(Order(item=items[1]), Order(item=items[0])))
    try:
        rows = await source.read_list(
            a_read(resource, key=listed, items=items, limit=limit), call=CALL
        )
        pages: list[Row] = []
        after: str | None = None
        more = True
        while more:
            key = EveryKey(item=items[0], after=after)
            page, more = await source.page(
                a_read(resource, key=key, items=items, limit=limit), after=after, call=CALL
            )
            assert (type(page) is Columns) == (len(page) + more > MANY)
            pages += page
            after = str(pages[-1]["no"])
    finally:
        await source.close()
        server.drop(url)
    assert (type(rows) is Columns) == (limit == 50)
    assert list(rows) == expected[: limit + 1]
    assert pages == expected
