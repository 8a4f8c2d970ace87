"""Many records of SQLite are read in one step, and are the records that the driver gives one by one."""

import sqlite3
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from catalogue.model import Item, ItemType, SubjectType
from gateway.columns import Columns
from gateway.errors import SourceDriftError, SourceInvalidError
from gateway.formats import to_wire
from gateway.model import Listed, Order, Permitted, Row
from gateway.sources.sql import SqlSource, open_engine
from gateway.sources.whole import NotWholeError, read_whole, whole_of
from tests.fakes.calls import a_permit, a_resource, a_step, an_item

ZONE = ZoneInfo("Asia/Shanghai")
CALL = "call_0193c7e2-1"
RESOURCE = a_resource(
    table="licence",
    single=False,
    items=(
        an_item("uscc", 0, key=True, match=True, subject=SubjectType.ENTERPRISE),
        an_item("name", 1),
        an_item("floors", 2, type=ItemType.INTEGER),
        an_item("area", 3, type=ItemType.DECIMAL),
        an_item("day", 4, type=ItemType.DATE),
    ),
)
TABLE = "CREATE TABLE licence (uscc TEXT, name, floors, area, day)"


def a_list(items: Sequence[Item] = RESOURCE.items) -> Permitted:
    key = Listed(item=RESOURCE.key, orders=(Order(item=RESOURCE.key),))
    step = a_step(RESOURCE, items=tuple(items), key=key, subject=None, many=True, limit=100)
    return a_permit(step, max_rows=100)


def a_file(path: Path, rows: Sequence[Sequence[Any]], *statements: str) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements or (TABLE,):
        connection.execute(statement)
    if rows:
        connection.executemany("INSERT INTO licence VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


class Reading:
    """A source over a file, and the statements that its driver was given."""

    def __init__(self, path: Path) -> None:
        self.statements: list[str] = []
        engine = open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0)
        event.listen(engine, "connect", self._watch)
        self.source = SqlSource(engine, zone=ZONE)

    def _watch(self, connection: Any, _: Any) -> None:
        connection.set_trace_callback(self.statements.append)

    async def listed(self, permitted: Permitted) -> Sequence[Row]:
        try:
            return await self.source.read_list(permitted, call=CALL)
        finally:
            await self.source.close()

    @property
    def in_one_step(self) -> bool:
        return "json_group_array" in self.statements[-1]

    @property
    def by_place(self) -> bool:
        return "CROSS JOIN" in self.statements[-1]


def by_definition(rows: Sequence[Sequence[Any]]) -> list[Row] | None:
    """Return what each value is at the border; None where one cannot be written."""
    try:
        return [
            {
                item.name: to_wire(item.type, value, ZONE)
                for item, value in zip(RESOURCE.items, row, strict=True)
            }
            for row in sorted(rows, key=lambda row: row[0])
        ]
    except ValueError:
        return None


texts = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ['"', "\\", "\x00a", "\x1f\x7f", "\\ud800", "</", "\u2028", "[1]", "null", "😀"]
)
whole_numbers = st.integers(-(2**63), 2**63 - 1)
cells = texts | whole_numbers | st.floats(allow_nan=False) | st.binary(max_size=3) | st.none()
TIDY = st.tuples(
    texts,
    st.integers(-(2**31), 2**31 - 1) | st.none(),
    st.sampled_from(["1.50", "0", "007"]) | whole_numbers | st.floats(-1e6, 1e6) | st.none(),
    st.sampled_from(["2026-11-23", "20261123"]) | st.none(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(TIDY, max_size=4) | st.lists(st.tuples(cells, cells, cells, cells), max_size=3))
async def test_records_read_in_one_step_are_the_records_as_the_driver_gives_them(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[Any, ...]]
) -> None:
    rows = [(f"K{number}", *values) for number, values in enumerate(found)]
    reading = Reading(a_file(tmp_path_factory.mktemp("whole") / "source.db", rows))
    expected = by_definition(rows)
    if expected is None:
        with pytest.raises(SourceInvalidError):
            await reading.listed(a_list())
        return
    given_ = await reading.listed(a_list())
    assert [_typed(row) for row in given_] == [_typed(row) for row in expected]


def _typed(row: Row) -> list[tuple[str, type, Any]]:
    return [(name, type(value), value) for name, value in row.items()]


VIEW = """CREATE VIEW licence AS
SELECT 'A' AS uscc, json('"x"') AS name, 1 AS floors, NULL AS area, NULL AS day"""
COMPUTED = """CREATE TABLE licence
(uscc, floors, area, day, name AS (json('"x"')) VIRTUAL)"""
PLAIN = [("A", "甲", 3, "1.50", "2026-11-23"), ("B", None, None, None, None)]


async def test_a_list_is_read_in_one_step_and_signed_with_the_number_of_the_call(
    tmp_path: Path,
) -> None:
    reading = Reading(a_file(tmp_path / "source.db", PLAIN))
    found = await reading.listed(a_list())
    assert found == by_definition(PLAIN)
    assert isinstance(found, Columns)
    assert reading.in_one_step
    assert reading.statements[-1].startswith(f"/* {CALL} */ WITH")


ORDERS = (
    Order(item=RESOURCE.item("day")),
    Order(item=RESOURCE.item("floors"), descending=True),
    Order(item=RESOURCE.key),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["2026-11-23", "1949-10-01", None])),
        max_size=9,
    ),
    st.integers(1, 10),
)
async def test_records_come_in_their_order_and_no_more_of_them_than_asked_for(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[int, str | None]], most: int
) -> None:
    rows = [(f"K{number}", "甲", floors, None, day) for number, (floors, day) in enumerate(found)]
    reading = Reading(a_file(tmp_path_factory.mktemp("whole") / "source.db", rows))
    key = Listed(item=RESOURCE.key, orders=ORDERS)
    step = a_step(RESOURCE, items=RESOURCE.items, key=key, subject=None, many=True, limit=most)
    given_ = await reading.listed(a_permit(step, max_rows=most))
    ordered = sorted(rows, key=lambda row: (row[4] is None, row[4] or "", -row[2], row[0]))
    # One more says that others follow.
    assert [row["uscc"] for row in given_] == [row[0] for row in ordered[: most + 1]]
    assert reading.in_one_step
    assert reading.by_place


BY_KEY = "CREATE TABLE licence (uscc TEXT PRIMARY KEY, name, floors, area, day) WITHOUT ROWID"
TAKEN = "CREATE TABLE licence (uscc TEXT, name, floors, area, day, rowid, oid, _RowID_)"
ALMOST = """CREATE TABLE licence
(uscc TEXT, name, floors, area, day, "RowId" DEFAULT 1, oid INTEGER DEFAULT 1)"""
QUOTED = 'CREATE TABLE Licence ("USCC" TEXT, name, floors, area, day)'
FILLED = "INSERT INTO licence (uscc, name, floors) VALUES ('B', '乙', 1), ('A', '甲', 2)"


@pytest.mark.parametrize(
    ("table", "by_place"), [(BY_KEY, False), (TAKEN, False), (ALMOST, True), (QUOTED, True)]
)
async def test_records_are_read_by_their_places_where_a_table_has_some(
    tmp_path: Path, table: str, by_place: bool
) -> None:
    reading = Reading(a_file(tmp_path / "source.db", [], table, FILLED))
    found = await reading.listed(a_list())
    assert [(row["uscc"], row["name"], row["floors"]) for row in found] == [
        ("A", "甲", 2),
        ("B", "乙", 1),
    ]
    assert reading.in_one_step
    assert reading.by_place is by_place


async def test_one_key_with_many_records_is_read_by_their_places(tmp_path: Path) -> None:
    rows = [(key, f"n{number}", number, None, None) for number in range(40) for key in "AB"]
    reading = Reading(a_file(tmp_path / "source.db", rows))
    step = a_step(RESOURCE, items=RESOURCE.items, many=True, limit=50)
    try:
        found = await reading.source.read(a_permit(step, max_rows=50), keys=("A",), call=CALL)
    finally:
        await reading.source.close()
    assert reading.by_place
    assert [row["floors"] for row in sorted(found, key=lambda row: row["floors"])] == [*range(40)]


async def test_a_column_that_is_not_there_any_more_is_drift_by_places_too(tmp_path: Path) -> None:
    without = "CREATE TABLE licence (uscc TEXT, name, floors, area)"
    reading = Reading(a_file(tmp_path / "source.db", [], without))
    with pytest.raises(SourceDriftError, match="not there any more"):
        await reading.listed(a_list())


@pytest.mark.parametrize("strange", [1.5, b"blob"])
async def test_what_json_does_not_hold_exactly_is_read_record_by_record(
    tmp_path: Path, strange: Any
) -> None:
    rows = [("A", "甲", 3, strange, None)]
    reading = Reading(a_file(tmp_path / "source.db", rows))
    expected = by_definition(rows)
    if expected is None:
        with pytest.raises(SourceInvalidError, match="item area"):
            await reading.listed(a_list())
    else:
        assert await reading.listed(a_list()) == expected
    assert not reading.in_one_step


@pytest.mark.parametrize(
    "statements",
    [
        (VIEW,),
        (COMPUTED, "INSERT INTO licence (uscc, floors) VALUES ('A', 1)"),
    ],
)
async def test_what_is_computed_is_read_record_by_record(
    tmp_path: Path, statements: tuple[str, ...]
) -> None:
    reading = Reading(a_file(tmp_path / "source.db", [], *statements))
    (row,) = await reading.listed(a_list())
    assert row["name"] == '"x"'
    assert not reading.in_one_step


async def test_many_keys_with_many_records_are_read_in_one_step(tmp_path: Path) -> None:
    rows = [(key, f"n{number}", number, None, None) for number in range(4) for key in "ABC"]
    reading = Reading(a_file(tmp_path / "source.db", rows))
    step = a_step(RESOURCE, items=RESOURCE.items, many=True, limit=20)
    try:
        permitted = a_permit(step, max_rows=20)
        found = await reading.source.read(permitted, keys=("A", "B"), call=CALL)
    finally:
        await reading.source.close()
    assert reading.in_one_step
    assert [(row["uscc"], row["floors"]) for row in found] == [
        (key, number) for key in "AB" for number in range(4)
    ]


def test_bytes_are_not_asked_for_in_one_step() -> None:
    item = an_item("scan", 1, type=ItemType.BYTES)
    assert whole_of("SELECT 1", [item], table="licence", ranked=False, connection=None) == ""


@pytest.mark.parametrize("answer", [b"[1.5]", b"[true]", b"[[1]]", b'["\xff"]', b"[Inf]"])
def test_an_array_that_holds_anything_but_texts_and_whole_numbers_is_not_taken(
    answer: bytes,
) -> None:
    with pytest.raises(NotWholeError):
        read_whole([answer])


TYPES = {
    ItemType.TEXT: texts | st.sampled_from(["a,b", "甲,乙", '甲","乙', "null", "[", "\\"]),
    ItemType.INTEGER: st.integers(-(2**31) - 1, 2**31),
    ItemType.LONG: whole_numbers,
    ItemType.DECIMAL: st.sampled_from(["1.50", "0", "007", "1e5", "-0.0", "1\n2"]) | whole_numbers,
    ItemType.DATE: st.dates().map(str)
    | st.sampled_from(["20261123", "2026-W01-1", "2026-02-29", "0000-01-01", "2026-1-02", ""]),
    ItemType.DATETIME: st.sampled_from(["2026-11-23 08:00:00", "2026-11-23T08:00:00Z"]),
    ItemType.BOOLEAN: st.integers(0, 1),
}


@settings(max_examples=400)
@given(st.sampled_from(sorted(TYPES)), st.data(), st.integers(1, 3))
def test_what_is_known_to_be_written_as_its_type_is_so(
    type_: ItemType, data: st.DataObject, repeated: int
) -> None:
    """Whatever SQLite's JSON holds is, without being looked at again, what each value is by itself."""
    values = data.draw(st.lists(TYPES[type_] | st.none() | texts, max_size=5)) * repeated
    (array,) = _arrays([values])
    whole = read_whole([array], [an_item("one", 0, type=type_)])
    (found,) = whole.columns
    assert [(type(one), one) for one in found] == [(type(one), one) for one in values]
    if whole.written:
        assert [to_wire(type_, one, ZONE) for one in values] == values
    elif type_ is ItemType.TEXT:
        assert not all(one is None or isinstance(one, str) for one in values)


def _arrays(columns: Sequence[Sequence[Any]]) -> list[bytes]:
    """Write arrays by SQLite itself."""
    connection = sqlite3.connect(":memory:")
    try:
        found = []
        for values in columns:
            connection.execute("CREATE TEMP TABLE t (v)")
            connection.executemany("INSERT INTO t VALUES (?)", [(one,) for one in values])
            ((array,),) = connection.execute("SELECT CAST(json_group_array(v) AS BLOB) FROM t")
            connection.execute("DROP TABLE t")
            found.append(array)
        return found
    finally:
        connection.close()


@given(st.text(max_size=12) | st.dates().map(str), st.text(max_size=3))
def test_a_day_that_msgspec_reads_is_written_as_days_are(day: str, more: str) -> None:
    for text in (day, day + more, more + day):
        try:
            msgspec.json.decode(msgspec.json.encode([text]), type=list[date])
        except (msgspec.DecodeError, UnicodeEncodeError):
            continue
        assert date.fromisoformat(text).isoformat() == text


@pytest.mark.parametrize(
    "array",
    [
        *(b'["\\ud800"]', b'["\\udc00"]', b'["\\ud800\\ud800"]', b'["a","\\ude00\\ud83d"]'),
        *(b'["\xed\xa0\x80"]', b'["\xed\xa0\x80","\xed\xa0\x80"]', b'["\xff","\xe7\x94\xb2"]'),
    ],
)
def test_half_of_a_surrogate_pair_is_no_text_however_it_is_written(array: bytes) -> None:
    """SQLite escapes no such character, and would write its bytes as they are: neither is taken."""
    with pytest.raises(NotWholeError):
        read_whole([array], [an_item("name", 1)])


async def test_a_text_that_spells_an_escape_is_that_text(tmp_path: Path) -> None:
    rows = [("A", "\\ud800", 1, None, None), ("B", "甲\\ud800", 1, None, None)]
    reading = Reading(a_file(tmp_path / "source.db", rows))
    found = await reading.listed(a_list())
    assert [row["name"] for row in found] == ["\\ud800", "甲\\ud800"]
    assert reading.in_one_step


def test_what_is_the_same_of_each_record_is_one_object() -> None:
    items = [an_item("name", 0), an_item("day", 1, type=ItemType.DATE), an_item("none", 2)]
    rows: list[list[Any]] = [["甲局"] * 3, ["2026-11-23"] * 3, [None] * 3]
    whole = read_whole(_arrays(rows), items)
    assert list(map(list, whole.columns)) == rows
    assert all(len(set(map(id, column))) == 1 for column in whole.columns)
    assert whole.written == {0, 1, 2}
