"""What a source on PostgreSQL sends at most; its lists and pages against the definition."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from catalogue.model import ItemType
from gateway.errors import KeyTooWideError, SourceInvalidError
from gateway.model import EveryKey, Filter, Listed, Order, Permitted, Row
from gateway.sources.needs import ANSWER_BYTES, FILE_BYTES, PAGE_BYTES
from tests.contracts.test_sources import CALL, postgres_at, psycopg_url
from tests.fakes.calls import a_filter, a_permit, a_resource, a_step, an_item
from tests.fakes.postgres import PostgreSQL, postgresql

RESOURCE = a_resource(
    table="s.paper",
    single=False,
    items=(
        an_item("no", 0, key=True),
        an_item("x0", 1),
        an_item("area", 2, type=ItemType.INTEGER),
        an_item("scan", 3, type=ItemType.BYTES),
        an_item("line", 4, type=ItemType.INTEGER),
    ),
)
PLAIN = ("no", "x0", "area", "line")
Record = tuple[str | None, str | None, int | None, bytes | None]


@pytest.fixture(scope="module")
def server() -> PostgreSQL:
    return postgresql()


@pytest.fixture(scope="module")
def url(server: PostgreSQL) -> Iterator[str]:
    made = server.database()
    yield made
    server.drop(made)


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(psycopg_url(url))
    with engine.begin() as tx:
        tx.exec_driver_sql(
            'CREATE SCHEMA s; CREATE TABLE s.paper (no text COLLATE "C", x0 text COLLATE "C",'
            " area int, scan bytea, line int PRIMARY KEY)"
        )
    yield engine
    engine.dispose()


def fill(engine: Engine, records: Sequence[Record]) -> None:
    with engine.begin() as tx:
        tx.exec_driver_sql("TRUNCATE s.paper")
        if records:
            tx.exec_driver_sql(
                "INSERT INTO s.paper VALUES (%s, %s, %s, %s, %s)",
                [(*record, line) for line, record in enumerate(records)],
            )


def a_read(*, asked: Sequence[str] = PLAIN, key: Any = None, **changes: Any) -> Permitted:
    step = a_step(
        RESOURCE,
        items=tuple(RESOURCE.item(name) for name in asked),
        limit=changes.pop("limit", 5),
        many=True,
        **({} if key is None else {"key": key}),
        **{name: changes.pop(name) for name in ("filters",) if name in changes},
    )
    return a_permit(step, **changes)


def wide(size: int) -> str:
    """A text that compression makes small: its weight is what would be sent."""
    return "x" * size


@pytest.mark.proves("S5")
@pytest.mark.parametrize(
    "records",
    [
        [("A", wide(ANSWER_BYTES + 1), 1, None)],
        [("A", wide(300_000), n, None) for n in range(4)],
    ],
    ids=["one wide value", "many narrower ones"],
)
@pytest.mark.parametrize("keys", [["A"], ["A", "B"]], ids=["one key", "several"])
async def test_an_answer_beyond_its_bound_is_refused_and_none_of_it_is_sent(
    url: str, engine: Engine, records: list[Record], keys: list[str]
) -> None:
    fill(engine, records)
    async with counted(url) as (near, sent):
        source = postgres_at(near)
        with pytest.raises(SourceInvalidError) as raised:
            await source.read(a_read(), keys=keys, call=CALL)
        await source.close()
    assert raised.value.facts == {"allowed_bytes": ANSWER_BYTES}
    assert sum(sent) < 20_000


@pytest.mark.proves("S5")
async def test_a_list_beyond_its_bound_is_refused_and_none_of_it_is_sent(
    url: str, engine: Engine
) -> None:
    fill(engine, [(f"{n}", wide(300_000), n, None) for n in range(4)])
    listed = Listed(item=RESOURCE.item("line"), orders=(Order(item=RESOURCE.item("line")),))
    async with counted(url) as (near, sent):
        source = postgres_at(near)
        with pytest.raises(SourceInvalidError):
            await source.read_list(a_read(key=listed), call=CALL)
        await source.close()
    assert sum(sent) < 20_000


async def test_what_is_within_the_bound_is_given_whole(url: str, engine: Engine) -> None:
    fill(engine, [("A", wide(ANSWER_BYTES - 100), 1, None)])
    source = postgres_at(url)
    (row,) = await source.read(a_read(), keys=["A"], call=CALL)
    await source.close()
    assert len(row["x0"]) == ANSWER_BYTES - 100


@pytest.mark.proves("S5")
async def test_a_file_has_a_bound_of_its_own(url: str, engine: Engine) -> None:
    fill(engine, [("A", None, 1, b"\0" * 3_000_000), ("B", None, 1, b"\0" * (FILE_BYTES + 1))])
    source = postgres_at(url)
    (row,) = await source.read(a_read(asked=["scan"]), keys=["A"], call=CALL)
    with pytest.raises(SourceInvalidError) as raised:
        await source.read(a_read(asked=["scan"]), keys=["B"], call=CALL)
    await source.close()
    assert len(row["scan"]) == 4_000_000
    assert raised.value.facts == {"allowed_bytes": FILE_BYTES}


async def every(source: Any, **changes: Any) -> list[list[Row]]:
    """Turn all pages."""
    pages: list[list[Row]] = []
    after: str | None = None
    while True:
        key = EveryKey(item=RESOURCE.key, after=after)
        permitted = a_read(key=key, **changes)
        rows, more = await source.page(permitted, after=after, call=CALL)
        pages.append(list(rows))
        if not more:
            return pages
        after = str(rows[-1]["no"])


@pytest.mark.proves("S5")
async def test_a_page_that_has_no_room_ends_before_and_the_next_goes_on(
    url: str, engine: Engine
) -> None:
    third = PAGE_BYTES // 3
    fill(engine, [(key, wide(third), 0, None) for key in ("A", "B", "B", "C", "D", "E")])
    async with counted(url) as (near, sent):
        source = postgres_at(near)
        pages = await every(source, limit=6)
        await source.close()
    assert [[row["no"] for row in page] for page in pages] == [["A"], ["B", "B"], ["C", "D"], ["E"]]
    assert sum(sent) < 9 * third


async def test_a_key_too_wide_for_any_page_is_named_as_such(url: str, engine: Engine) -> None:
    fill(engine, [("A", wide(PAGE_BYTES + 1), 0, None)])
    source = postgres_at(url)
    with pytest.raises(KeyTooWideError):
        await every(source, limit=6)
    await source.close()


# Characters for all of which UTF-8 and code points agree on the order, quotes and wildcards among them.
_texts = st.text("AaB%_'\"中é ", min_size=1, max_size=2)
_records = st.lists(
    st.tuples(
        _texts | st.none(), _texts | st.none(), st.integers(-2, 2) | st.none(), st.just(None)
    ),
    max_size=14,
)
_many = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@_many
@given(records=_records, limit=st.integers(1, 6))
async def test_every_key_is_met_once_with_all_its_records_and_pages_keep_their_bound(
    url: str, engine: Engine, records: list[Record], limit: int
) -> None:
    fill(engine, records)
    keys = [record[0] for record in records]
    widest = max((keys.count(key) for key in keys if key is not None), default=0)
    source = postgres_at(url)
    try:
        if widest > limit:
            with pytest.raises(KeyTooWideError):
                await every(source, limit=limit, max_rows=limit)
            return
        pages = await every(source, limit=limit, max_rows=limit)
    finally:
        await source.close()
    assert all(len(page) <= limit for page in pages)
    found = [(row["no"], row["line"]) for page in pages for row in page]
    held = [(key, line) for line, key in enumerate(keys) if key is not None]
    assert sorted(found) == sorted(held)
    assert [key for key, _ in found] == sorted(key for key, _ in found)
    on = [{str(row["no"]) for row in page} for page in pages]
    assert sum(map(len, on)) == len(set().union(*on))


@_many
@given(
    records=_records,
    orders=st.lists(
        st.tuples(st.sampled_from(["no", "x0", "area"]), st.booleans()),
        max_size=3,
        unique_by=lambda order: order[0],
    ),
    first=st.integers(1, 5),
)
async def test_a_list_holds_every_record_once_in_the_order_of_the_whole(
    url: str, engine: Engine, records: list[Record], orders: list[tuple[str, bool]], first: int
) -> None:
    fill(engine, records)
    wanted = [*orders, ("line", False)]
    source = postgres_at(url)
    found: list[Row] = []
    after: tuple[Any, ...] | None = None
    try:
        while True:
            key = Listed(
                item=RESOURCE.item("line"),
                orders=tuple(
                    Order(item=RESOURCE.item(name), descending=down) for name, down in wanted
                ),
                after=after,
            )
            rows = await source.read_list(a_read(key=key, limit=first, max_rows=first), call=CALL)
            found += rows[:first]
            if len(rows) <= first:
                break
            after = tuple(rows[first - 1][name] for name, _ in wanted)
    finally:
        await source.close()
    expected: list[dict[str, Any]] = [
        {"no": no, "x0": x0, "area": area, "line": line}
        for line, (no, x0, area, _) in enumerate(records)
    ]
    for name, down in reversed(wanted):
        held = [row for row in expected if row[name] is not None]
        held.sort(key=lambda row: row[name], reverse=down)
        expected = held + [row for row in expected if row[name] is None]
    assert [row["line"] for row in found] == [row["line"] for row in expected]


async def test_a_list_and_a_page_hold_to_every_filter(url: str, engine: Engine) -> None:
    fill(engine, [(f"K{n}", f"{n % 3}", n, None) for n in range(9)])
    source = postgres_at(url)
    line = RESOURCE.item("line")
    filters = (Filter(item=RESOURCE.item("no"), op="in", value=("K1", "K4", "K5")),)
    key = Listed(item=line, orders=(Order(item=line, descending=True),), after=(8,))
    ruled = a_filter(("x0", "eq", "1"))
    rows = await source.read_list(a_read(key=key, filters=filters, row_filter=ruled), call=CALL)
    pages = await every(source, limit=2, max_rows=2, row_filter=ruled)
    nothing = await source.page(
        a_read(key=EveryKey(item=RESOURCE.key), max_rows=0), after=None, call=CALL
    )
    await source.close()
    assert [row["no"] for row in rows] == ["K4", "K1"]
    assert [[row["no"] for row in page] for page in pages] == [["K1", "K4"], ["K7"]]
    assert nothing == ((), False)


@asynccontextmanager
async def counted(url: str) -> AsyncIterator[tuple[str, list[int]]]:
    """Stand between the source and its server; yields the address and how much the server sent."""
    sent: list[int] = []
    place = make_url(url)
    socket = f"{place.query['host']}/.s.PGSQL.{place.port or 5432}"
    carried: list[asyncio.Task[None]] = []

    def accepted(near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        carried.append(asyncio.ensure_future(carry(near, near_out)))

    async def carry(near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far, far_out = await asyncio.open_unix_connection(socket)

        async def onward(
            of: asyncio.StreamReader, to: asyncio.StreamWriter, count: list[int] | None
        ) -> None:
            while chunk := await of.read(65_536):
                if count is not None:
                    count.append(len(chunk))
                to.write(chunk)
                await to.drain()
            to.close()
            await to.wait_closed()

        await asyncio.gather(onward(near, far_out, None), onward(far, near_out, sent))

    relay = await asyncio.start_server(accepted, "127.0.0.1", 0)
    port = relay.sockets[0].getsockname()[1]
    near = place.set(host="127.0.0.1", port=port).difference_update_query(["host"])
    try:
        yield near.render_as_string(hide_password=False), sent
    finally:
        relay.close()
        await asyncio.gather(*carried)
        await relay.wait_closed()
