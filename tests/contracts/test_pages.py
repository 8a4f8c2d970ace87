"""All records of a table, page by page: every key once, whole, and nothing that the decision keeps back."""

import sqlite3
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from catalogue.model import ItemType, SubjectType
from gateway.errors import BulkUnsupportedError, KeyTooWideError
from gateway.model import EveryKey, Permitted, Row
from gateway.ports import PagedSource
from gateway.sources.breaker import Breaker, Guarded
from gateway.sources.sql import SqlSource, open_engine
from tests.fakes.calls import a_filter, a_permit, a_resource, a_step, an_item
from tests.fakes.postgres import postgresql
from tests.fakes.sources import FixedSource

ZONE = ZoneInfo("Asia/Shanghai")
CALL = "call_0193c7e2-1"
RESOURCE = a_resource(
    table="licence",
    single=False,
    items=(
        an_item("uscc", 0, key=True, match=True, subject=SubjectType.ENTERPRISE),
        an_item("name", 1),
        an_item("floors", 2, type=ItemType.INTEGER),
        an_item("region", 3),
    ),
)


def a_page(*, after: str | None = None, limit: int = 3, **changes: Any) -> Permitted:
    step = a_step(
        RESOURCE,
        items=(RESOURCE.item("uscc"), RESOURCE.item("name")),
        key=EveryKey(item=RESOURCE.key, after=after),
        limit=limit,
        many=True,
    )
    return a_permit(step, **changes)


def a_table(path: Path, keys: list[str | None]) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE licence (uscc TEXT, name TEXT, floors INTEGER, region TEXT)"
        )
        connection.executemany(
            "INSERT INTO licence VALUES (?, ?, ?, ?)",
            [(key, f"n{number}", number, f"33{number % 2}") for number, key in enumerate(keys)],
        )


async def every(source: PagedSource, **changes: Any) -> list[list[Row]]:
    """Turn all pages."""
    pages: list[list[Row]] = []
    after: str | None = None
    while True:
        permitted = a_page(after=after, **changes)
        rows, more = await source.page(permitted, after=after, call=CALL)
        pages.append(list(rows))
        if not more:
            return pages
        after = str(rows[-1]["uscc"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    keys=st.lists(st.text("AaBbÄ中Z9 ", min_size=1, max_size=2) | st.none(), max_size=20),
    limit=st.integers(1, 6),
)
async def test_every_key_is_met_once_with_all_its_records_and_pages_keep_their_bound(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str | None], limit: int
) -> None:
    path = tmp_path_factory.mktemp("page") / "source.db"
    a_table(path, keys)
    source = SqlSource(open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0), zone=ZONE)
    widest = max((keys.count(key) for key in keys if key is not None), default=0)
    try:
        if widest > limit:
            with pytest.raises(KeyTooWideError):
                await every(source, limit=limit, max_rows=limit)
            return
        pages = await every(source, limit=limit, max_rows=limit)
    finally:
        await source.close()
    assert all(len(page) <= limit for page in pages)
    found = [(row["uscc"], row["name"]) for page in pages for row in page]
    held = [(key, f"n{number}") for number, key in enumerate(keys) if key is not None]
    assert sorted(found) == sorted(held)
    # Whole keys: none stands on two pages.
    on = [{str(row["uscc"]) for row in page} for page in pages]
    assert sum(map(len, on)) == len(set().union(*on))


async def test_a_page_holds_to_the_row_filter_and_to_the_rows_that_the_grant_gives(
    tmp_path: Path,
) -> None:
    a_table(tmp_path / "source.db", [f"K{number}" for number in range(9)])
    address = f"sqlite:///{tmp_path / 'source.db'}"
    source = SqlSource(open_engine(address, secret=None, timeout_s=1.0), zone=ZONE)
    only = a_filter(("region", "eq", "330"))
    try:
        pages = await every(source, limit=100, max_rows=2, row_filter=only)
        none = await source.page(a_page(max_rows=0), after=None, call=CALL)
    finally:
        await source.close()
    assert [[row["uscc"] for row in page] for page in pages] == [["K0", "K2"], ["K4", "K6"], ["K8"]]
    assert none == ((), False)


@pytest.mark.slow
async def test_postgresql_pages_by_its_own_order() -> None:
    address = postgresql().database()
    engine = create_engine(address)
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE licence (uscc TEXT, name TEXT, floors INT, region TEXT)"))
        for number, key in enumerate(["b", "A", "ä", "a", "B", "中", "_", "é"]):
            tx.execute(
                text("INSERT INTO licence VALUES (:key, :name, 1, '330')"),
                {"key": key, "name": f"n{number}"},
            )
    engine.dispose()
    source = SqlSource(open_engine(address, secret=None, timeout_s=5.0), zone=ZONE)
    try:
        pages = await every(source, limit=3, max_rows=3)
    finally:
        await source.close()
    found = [str(row["uscc"]) for page in pages for row in page]
    assert len(found) == len(set(found)) == 8


async def test_a_source_that_has_no_pages_says_so_and_nothing_of_it_is_given() -> None:
    guarded = Guarded(FixedSource(), breaker=Breaker(monotonic=lambda: 0.0), timeout_s=1.0)
    with pytest.raises(BulkUnsupportedError):
        await guarded.page(a_page(), after=None, call=CALL)
