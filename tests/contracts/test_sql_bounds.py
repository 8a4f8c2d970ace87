"""What a source gives at most on a dialect that cannot weigh an answer, and what of the rest is fetched."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from catalogue.model import ItemType
from gateway.errors import KeyTooWideError, SourceInvalidError
from gateway.model import EveryKey, Listed, Order, Permitted, Row
from gateway.sources.needs import ANSWER_BYTES, FILE_BYTES, PAGE_BYTES
from gateway.sources.sql import SqlSource, open_engine
from gateway.sources.streamed import MOST_AT_A_TIME, weigh
from tests.fakes.calls import a_permit, a_resource, a_step, an_item
from tests.fakes.dialect import SCHEME, register_dialect

CALL = "call_0193c7e2-1"
RESOURCE = a_resource(
    table="paper",
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
LINE = Listed(item=RESOURCE.item("line"), orders=(Order(item=RESOURCE.item("line")),))
Record = tuple[str, str | None, int | None, bytes | None]


class Department:
    """A database under a name that nothing here knows, and what its driver was asked for."""

    def __init__(self, path: Path, *, scheme: str = SCHEME) -> None:
        register_dialect()
        self.path = path
        engine = open_engine(f"{scheme}:///{path}", secret=None, timeout_s=1.0)
        self.source = SqlSource(engine, zone=ZoneInfo("Asia/Shanghai"))
        self.fetched = 0
        self.streamed: list[bool] = []
        self.dropped = 0
        event.listen(engine, "connect", self._watch)
        event.listen(engine, "before_cursor_execute", self._asked)
        event.listen(engine, "invalidate", self._dropped)

    def fill(self, records: Sequence[Record]) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("CREATE TABLE paper (no, x0, area, scan, line INTEGER PRIMARY KEY)")
            connection.executemany(
                "INSERT INTO paper VALUES (?, ?, ?, ?, ?)",
                [(*record, line) for line, record in enumerate(records)],
            )

    async def read(self, *keys: str, **changes: Any) -> Sequence[Row]:
        return await self.source.read(a_read(**changes), keys=keys, call=CALL)

    async def listed(self) -> Sequence[Row]:
        return await self.source.read_list(a_read(key=LINE), call=CALL)

    async def every(self, *, limit: int) -> list[list[Row]]:
        """Turn all pages."""
        pages: list[list[Row]] = []
        after: str | None = None
        while True:
            permitted = a_read(key=EveryKey(item=RESOURCE.key, after=after), limit=limit)
            rows, more = await self.source.page(permitted, after=after, call=CALL)
            pages.append(list(rows))
            if not more:
                return pages
            after = str(rows[-1]["no"])

    def _watch(self, connection: Any, _: Any) -> None:
        def count(_cursor: Any, row: Any) -> Any:
            self.fetched += 1
            return row

        connection.row_factory = count

    def _asked(self, _connection: Any, _cursor: Any, *rest: Any) -> None:
        (*_, context, _many) = rest
        self.streamed.append(bool(context.execution_options.get("stream_results")))

    def _dropped(self, *_: Any) -> None:
        self.dropped += 1


def a_read(*, asked: Sequence[str] = PLAIN, key: Any = None, limit: int = 100) -> Permitted:
    step = a_step(
        RESOURCE,
        items=tuple(RESOURCE.item(name) for name in asked),
        limit=limit,
        many=True,
        **({} if key is None else {"key": key}),
    )
    return a_permit(step, max_rows=limit)


@pytest.fixture
def department(tmp_path: Path) -> Department:
    return Department(tmp_path / "department.db")


@pytest.mark.proves("S5")
@pytest.mark.parametrize("keys", [("A",), ("A", "B")], ids=["one key", "several"])
async def test_an_answer_beyond_its_bound_is_refused_and_the_rest_of_it_is_not_fetched(
    department: Department, keys: tuple[str, ...]
) -> None:
    department.fill([("A", "x" * 300_000, n, None) for n in range(60)])
    with pytest.raises(SourceInvalidError) as raised:
        await department.read(*keys)
    await department.source.close()
    assert raised.value.facts == {"allowed_bytes": ANSWER_BYTES}
    assert department.fetched == 7  # One, two, four; the fourth of them passed the bound.
    assert (department.streamed, department.dropped) == ([True], 1)


@pytest.mark.proves("S5")
async def test_a_list_beyond_its_bound_is_refused_and_the_rest_of_it_is_not_fetched(
    department: Department,
) -> None:
    department.fill([(f"{n}", "x" * 300_000, n, None) for n in range(60)])
    with pytest.raises(SourceInvalidError) as raised:
        await department.listed()
    await department.source.close()
    assert raised.value.facts == {"allowed_bytes": ANSWER_BYTES}
    assert department.fetched == 7
    assert (department.streamed, department.dropped) == ([True], 1)


async def test_what_is_within_the_bound_is_given_whole_also_after_an_answer_that_was_not(
    department: Department,
) -> None:
    about = len("A") + len("1") + len("0")
    department.fill(
        [("A", "x" * (ANSWER_BYTES - about), 1, None), ("B", "x" * ANSWER_BYTES, 1, None)]
    )
    with pytest.raises(SourceInvalidError):
        await department.read("B")
    (row,) = await department.read("A")
    await department.source.close()
    assert len(row["x0"]) == ANSWER_BYTES - about
    assert department.dropped == 1


@pytest.fixture
def sqlite(tmp_path: Path) -> Department:
    return Department(tmp_path / "department.db", scheme="sqlite")


@pytest.mark.proves("S5")
@pytest.mark.parametrize("records", [7, 60], ids=["few", "many in one step"])
async def test_a_list_of_sqlite_beyond_its_bound_is_refused(
    sqlite: Department, records: int
) -> None:
    room = ANSWER_BYTES // records
    # Escapes in JSON are longer than what they stand for: it is the values that are weighed.
    sqlite.fill([(f"{n:02}", "\n" * (room - 4 - len(f"{n}")), 7, None) for n in range(records)])
    assert len(await sqlite.listed()) == records
    with closing(sqlite3.connect(sqlite.path)) as connection, connection:
        connection.execute("UPDATE paper SET x0 = x0 || ?", ("x" * 20_000,))
    with pytest.raises(SourceInvalidError) as raised:
        await sqlite.listed()
    await sqlite.source.close()
    assert raised.value.facts == {"allowed_bytes": ANSWER_BYTES}


@pytest.mark.proves("S5")
@pytest.mark.parametrize("keys", [("A",), ("A", "B")], ids=["one key", "several"])
@pytest.mark.parametrize("limit", [10, 100], ids=["record by record", "in one step"])
async def test_an_answer_of_sqlite_beyond_its_bound_is_refused(
    sqlite: Department, keys: tuple[str, ...], limit: int
) -> None:
    sqlite.fill([("A", "x" * 300_000, n, None) for n in range(4)])
    with pytest.raises(SourceInvalidError) as raised:
        await sqlite.read(*keys, limit=limit)
    assert len(await sqlite.read(*keys, limit=3)) == 3
    await sqlite.source.close()
    assert raised.value.facts == {"allowed_bytes": ANSWER_BYTES}


async def test_many_small_records_are_given_whole_and_in_their_order(
    department: Department,
) -> None:
    department.fill([("A", "x", n, None) for n in range(5 * MOST_AT_A_TIME)])
    rows = await department.read("A", limit=4 * MOST_AT_A_TIME)
    await department.source.close()
    assert [row["line"] for row in rows] == list(range(4 * MOST_AT_A_TIME))
    assert department.dropped == 0


@pytest.mark.proves("S5")
async def test_a_file_has_a_bound_of_its_own(department: Department) -> None:
    department.fill([("A", None, 1, b"\0" * 3_000_000), ("B", None, 1, b"\0" * FILE_BYTES)])
    (row,) = await department.read("A", asked=["scan"])
    with pytest.raises(SourceInvalidError) as raised:
        await department.read("B", asked=["scan"])
    await department.source.close()
    assert len(row["scan"]) == 4_000_000
    assert raised.value.facts == {"allowed_bytes": FILE_BYTES}


@pytest.mark.proves("S5")
@pytest.mark.parametrize("scheme", [SCHEME, "sqlite"])
async def test_a_page_that_has_no_room_ends_before_and_the_next_goes_on(
    tmp_path: Path, scheme: str
) -> None:
    department = Department(tmp_path / "department.db", scheme=scheme)
    third = "x" * (PAGE_BYTES // 3)
    department.fill([(key, third, 0, None) for key in ("A", "B", "B", "C", "D", "E")])
    pages = await department.every(limit=6)
    await department.source.close()
    assert [[row["no"] for row in page] for page in pages] == [["A"], ["B", "B"], ["C", "D"], ["E"]]
    assert department.dropped == 3


async def test_a_key_too_wide_for_any_page_is_named_as_such(department: Department) -> None:
    department.fill([("A", "x" * (PAGE_BYTES + 1), 0, None)])
    with pytest.raises(KeyTooWideError) as raised:
        await department.every(limit=6)
    await department.source.close()
    assert raised.value.facts == {"needed": 1, "allowed": 6, "allowed_bytes": PAGE_BYTES}


@given(st.text(st.characters(codec="utf-8")), st.binary())
def test_a_value_weighs_its_bytes(text: str, content: bytes) -> None:
    assert weigh(text) == len(text.encode())
    assert weigh(content) == weigh(bytearray(content)) == weigh(memoryview(content)) == len(content)


@pytest.mark.parametrize(("value", "weight"), [(None, 0), (-120, 4), (1.5, 3), ("\ud800", 3)])
def test_what_is_neither_text_nor_bytes_weighs_what_it_is_as_text(value: Any, weight: int) -> None:
    assert weigh(value) == weight
