"""What SQLite finds by an index is read on the loop; whatever is slow, locked or wrong goes to a thread."""

import re
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC
from pathlib import Path

import pytest

from catalogue.model import ItemType
from gateway.errors import (
    CircuitOpenError,
    SourceDriftError,
    SourceError,
    SourceInvalidError,
)
from gateway.model import Permitted
from gateway.sources.breaker import Breaker, Guarded
from gateway.sources.needs import ANSWER_BYTES
from gateway.sources.sql import AT_ONCE_S, LATE_S, Clocks, SqlSource, open_engine
from tests.fakes.calls import OTHER_USCC, USCC, a_filter, a_permit, a_resource, a_step, an_item

CALL = "call_0193c7e2-1"
RESOURCE = a_resource(
    items=(*a_resource().items[:2], an_item("floors", 2, type=ItemType.INTEGER)),
)
STEP = a_step(RESOURCE, items=RESOURCE.items[1:])


class Watch:
    """A monotonic clock that goes on by as much as it is told to at each look."""

    def __init__(self) -> None:
        self.time, self.tick = 0.0, 0.0

    def __call__(self) -> float:
        self.time += self.tick
        return self.time


def clocks(spent: Watch, monotonic: Watch | None = None) -> Clocks:
    return Clocks(spent=spent, monotonic=monotonic or Watch())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "source.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE licence (uscc TEXT PRIMARY KEY, name TEXT, floors)")
    connection.execute("INSERT INTO licence VALUES (?, '甲', 3)", (USCC,))
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def source(path: Path, watch: Watch) -> AsyncIterator[SqlSource]:
    engine = open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0)
    source = SqlSource(engine, zone=UTC, clocks=clocks(watch))
    yield source
    await source.close()


PERMIT = a_permit(STEP)
ROW = {"uscc": USCC, "name": "甲", "floors": 3}


def now(source: SqlSource, permitted: Permitted = PERMIT, key: str = USCC) -> object:
    return source.read_now(permitted, keys=(key,), call=CALL)


async def known(source: SqlSource, permitted: Permitted = PERMIT) -> None:
    """Read once in a thread, which finds out how the database looks the key up."""
    await source.read(permitted, keys=(USCC,), call=CALL)


async def test_the_first_read_goes_to_a_thread_and_the_next_are_done_on_the_loop(
    source: SqlSource,
) -> None:
    assert now(source) is None
    assert list(await source.read(PERMIT, keys=(USCC,), call=CALL)) == [ROW]
    assert now(source) == [ROW]
    assert now(source, key=OTHER_USCC) == []


async def test_lists_and_several_keys_are_left_to_a_thread(source: SqlSource) -> None:
    await known(source)
    many = a_permit(a_step(RESOURCE, items=RESOURCE.items[1:], many=True, limit=20))
    assert now(source, many) is None
    assert source.read_now(PERMIT, keys=(USCC, OTHER_USCC), call=CALL) is None


async def test_a_key_without_an_index_is_never_looked_up_on_the_loop(tmp_path: Path) -> None:
    path = tmp_path / "bare.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE licence (uscc TEXT, name TEXT, floors)")
    connection.close()
    engine = open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0)
    source = SqlSource(engine, zone=UTC, clocks=clocks(Watch()))
    await known(source)
    assert now(source) is None
    await source.close()


@pytest.mark.proves("S5")
async def test_what_an_answer_has_no_room_for_is_not_looked_at_on_the_loop(
    source: SqlSource, path: Path
) -> None:
    await known(source)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE licence SET name = ?", ("x" * (ANSWER_BYTES + 1),))
    assert now(source) is None
    with pytest.raises(SourceInvalidError) as raised:
        await source.read(PERMIT, keys=(USCC,), call=CALL)
    assert raised.value.facts == {"allowed_bytes": ANSWER_BYTES}


async def test_without_a_clock_nothing_is_read_on_the_loop(path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0)
    source = SqlSource(engine, zone=UTC)
    await known(source)
    assert now(source) is None
    await source.close()


async def test_a_read_that_takes_longer_than_its_bound_is_broken_off(
    source: SqlSource, watch: Watch, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE licence")
    connection.execute(
        "CREATE TABLE licence (uscc TEXT COLLATE nocase, number TEXT, name TEXT, floors)"
    )
    connection.execute("CREATE INDEX held ON licence (uscc)")
    rows = [(USCC, str(n), f"n{n}") for n in range(20_000)]
    connection.executemany("INSERT INTO licence VALUES (?, ?, ?, 1)", rows)
    connection.commit()
    connection.close()
    await known(source)
    assert now(source) == [{"uscc": USCC, "name": "n0", "floors": 1}]
    watch.tick = AT_ONCE_S
    assert now(source) is None
    watch.tick = 0
    # The next two are not tried; a thread has the time that the loop has not.
    assert [now(source) is None for _ in range(3)] == [True, True, False]
    assert len(await source.read(PERMIT, keys=(USCC,), call=CALL)) == 1


async def test_the_more_often_it_was_slow_in_a_row_the_longer_it_is_left_to_a_thread(
    source: SqlSource, watch: Watch
) -> None:
    await known(source)
    watch.tick = 2 * AT_ONCE_S  # Done, but later than anybody may wait on the loop.
    assert now(source) == [ROW]
    assert [now(source) is None for _ in range(3)] == [True, True, False]
    assert [now(source) is None for _ in range(5)] == [True, True, True, True, False]
    watch.tick = 0
    assert [now(source) is None for _ in range(10)] == [True] * 8 + [False, False]


async def test_waiting_for_the_processor_is_no_slip_and_waiting_for_a_disk_is(path: Path) -> None:
    wall = Watch()
    engine = open_engine(f"sqlite:///{path}", secret=None, timeout_s=1.0)
    source = SqlSource(engine, zone=UTC, clocks=clocks(Watch(), wall))
    await known(source)
    wall.tick = LATE_S / 2
    assert [now(source) for _ in range(3)] == [[ROW]] * 3
    wall.tick = LATE_S * 2
    assert [now(source) is None for _ in range(3)] == [False, True, True]
    await source.close()


async def test_a_locked_database_is_not_waited_for_on_the_loop(
    source: SqlSource, path: Path
) -> None:
    await known(source)
    writer = sqlite3.connect(path)
    writer.execute("BEGIN EXCLUSIVE")
    assert now(source) is None
    writer.rollback()
    writer.close()
    assert list(await source.read(PERMIT, keys=(USCC,), call=CALL)) == [ROW]


@pytest.mark.proves("S9")
async def test_drift_is_found_on_the_loop_and_told_by_the_thread(
    source: SqlSource, path: Path
) -> None:
    await known(source)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE licence RENAME COLUMN name TO called")
    connection.close()
    assert now(source) is None
    with pytest.raises(SourceDriftError):
        await source.read(PERMIT, keys=(USCC,), call=CALL)


async def test_a_value_of_another_type_is_the_same_error_on_the_loop(
    source: SqlSource, path: Path
) -> None:
    await known(source)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE licence SET floors = 'secret'")
    connection.commit()
    connection.close()
    with pytest.raises(SourceInvalidError) as on_loop:
        now(source)
    with pytest.raises(SourceInvalidError) as in_thread:
        await source.read(PERMIT, keys=(USCC,), call=CALL)
    assert on_loop.value.facts == in_thread.value.facts
    assert "floors" in str(on_loop.value.facts)
    assert "secret" not in str(on_loop.value.facts)


async def test_a_row_filter_is_bound_on_the_loop_too(source: SqlSource) -> None:
    hidden = a_permit(STEP, row_filter=a_filter(("name", "in", ["乙", "丙"])))
    shown = a_permit(STEP, row_filter=a_filter(("name", "in", ["甲", "乙"])))
    await known(source, hidden)
    assert now(source, hidden) == []
    assert now(source, shown) == [ROW]


async def test_a_verdict_that_gives_other_items_reads_other_columns(source: SqlSource) -> None:
    await known(source)
    less = a_permit(a_step(RESOURCE, items=RESOURCE.items[1:2]))
    assert now(source, less) is None
    await known(source, less)
    assert now(source, less) == [{"uscc": USCC, "name": "甲"}]


async def test_the_call_number_is_checked_and_bound_anew_in_each_read(source: SqlSource) -> None:
    await known(source)
    with pytest.raises(SourceInvalidError):
        source.read_now(PERMIT, keys=(USCC,), call="call_1 */ DROP")
    ran: list[str] = []
    source._own.set_trace_callback(ran.append)
    asked = [(USCC, "call_1"), (OTHER_USCC, "call_2"), (USCC, "call_3")]
    for key, call in asked:
        source.read_now(PERMIT, keys=(key,), call=call)
    assert len(ran) == len(asked)
    for text, (key, call) in zip(ran, asked, strict=True):
        assert re.findall(r"'(\w+)'", text) == [key, call]


async def test_a_source_that_was_closed_reads_nothing_on_the_loop(source: SqlSource) -> None:
    await known(source)
    await source.close()
    assert now(source) is None


async def test_a_breaker_that_is_open_lets_nothing_through_on_the_loop(
    source: SqlSource, watch: Watch
) -> None:
    await known(source)
    breaker = Breaker(monotonic=watch, failures=1)
    guarded = Guarded(source, breaker=breaker, timeout_s=1.0)
    assert guarded.read_now(PERMIT, keys=(USCC,), call=CALL) == [ROW]
    breaker.failed()
    with pytest.raises(CircuitOpenError):
        guarded.read_now(PERMIT, keys=(USCC,), call=CALL)
    watch.time = 60.0
    assert guarded.read_now(PERMIT, keys=(USCC, OTHER_USCC), call=CALL) is None
    # What was left to a thread was no probe: the next one is, and closes it.
    assert guarded.read_now(PERMIT, keys=(USCC,), call=CALL) == [ROW]
    assert guarded.read_now(PERMIT, keys=(USCC,), call=CALL) == [ROW]


async def test_threads_and_the_loop_read_side_by_side(source: SqlSource) -> None:
    await known(source)
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(source._read(PERMIT, (USCC,), CALL)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for _ in range(200):
        assert now(source) == [ROW]
    for thread in threads:
        thread.join()
    assert found == [[ROW]] * 8


async def test_text_that_is_no_utf8_is_never_given(source: SqlSource, path: Path) -> None:
    await known(source)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE licence SET name = CAST(x'EDA080' AS TEXT)")  # A lone surrogate.
    connection.commit()
    connection.close()
    assert now(source) is None
    with pytest.raises(SourceError):
        await source.read(PERMIT, keys=(USCC,), call=CALL)
