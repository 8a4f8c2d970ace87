"""What every store of the log must do, run on each adapter."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, event, select
from sqlalchemy.exc import DBAPIError, OperationalError

from audit import tables
from audit.entry import Nonce
from audit.errors import LogUnavailableError, StartRefusedError
from audit.merkle import EMPTY_ROOT, FullTile
from audit.sqlstore import SqlStore
from audit.startup import empty_head
from audit.store import Head, LogStore, SealedPart, StoredEntry, StoredIndexRow, Writes
from exchange.storage import migrate, postgresql_engine, sqlite_engine
from tests.fakes.logs import NOON, ORIGIN
from tests.fakes.postgres import postgresql

EMPTY = replace(empty_head(ORIGIN, ts=5), seal=b"s")
ROW = StoredIndexRow(
    index=0,
    n=0,
    ts=7,
    kind="call",
    step="s1",
    consumer="D2",
    system="hall",
    provider="D1",
    resource="R",
    matter="M",
    decision="given",
    code="GRANTED",
    officer=None,
    case="c0ffee",
    subject=None,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    made = (
        sqlite_engine(tmp_path / "log.db")
        if request.param == "sqlite"
        else postgresql_engine(postgresql().database(), "log")
    )
    migrate(made, "log", home=tmp_path, at=NOON)
    yield made
    made.dispose()


@pytest.fixture
def store(engine: Engine) -> LogStore:
    return SqlStore(engine)


def some_writes(**changed: object) -> Writes:
    empty: dict[str, object] = {
        "entries": [StoredEntry(index=0, body=b"{}", leaf=b"l" * 32)],
        "tiles": [FullTile(level=0, n=0, root=b"r" * 32, hashes=b"h" * 8192)],
        "index": [ROW],
        "parts": [SealedPart(index=0, part=0, key_id="k", sealed=b"x")],
        "nonces": [Nonce(key="k1", nonce="n1", expires=100)],
        "used": {("grt_1", "2026-11-23"): 3},
        "counters": {"consumer:hall": 4},
        "expired_before": None,
        "documents": {"d1": b"{}"},
    }
    return Writes(**{**empty, **changed})  # type: ignore[arg-type]


def moved(head: Head, **changed: object) -> Head:
    return replace(head, size=1, root=b"r" * 32, seal=b"t", **changed)  # type: ignore[arg-type]


def test_a_new_store_has_no_head_and_no_entry(store: LogStore) -> None:
    store.check_durability()
    assert store.head() is None
    assert store.last_index() == -1
    assert store.body(0) is None
    assert store.tile(0, 0) is None


def test_what_a_batch_wrote_is_read_back(store: LogStore) -> None:
    store.create(EMPTY)
    writes = some_writes()
    with store.transaction() as batch:
        batch.write(writes)
        assert batch.move_head(EMPTY, moved(EMPTY))
    assert store.head() == moved(EMPTY)
    assert store.last_index() == 0
    assert store.body(0) == b"{}"
    assert store.entries(0, 9) == list(writes.entries)
    assert store.leaves(0, 1) == [b"l" * 32]
    assert store.tile(0, 0) == writes.tiles[0]
    assert store.tile_roots(0, 0, 1) == [b"r" * 32]
    assert store.parts(0) == list(writes.parts)
    assert store.quota_used("grt_1", "2026-11-23") == 3
    assert store.quota_used("grt_1", "2026-11-24") == 0


def write_and_fail(store: LogStore) -> None:
    with store.transaction() as batch:
        batch.write(some_writes())
        batch.move_head(EMPTY, moved(EMPTY))
        raise ZeroDivisionError


def test_a_batch_that_fails_leaves_nothing_behind(store: LogStore) -> None:
    store.create(EMPTY)
    with pytest.raises(ZeroDivisionError):
        write_and_fail(store)
    assert store.head() == EMPTY
    assert store.last_index() == -1
    assert store.quota_used("grt_1", "2026-11-23") == 0


def test_a_head_that_somebody_else_moved_is_not_moved(store: LogStore) -> None:
    store.create(EMPTY)
    with store.transaction() as batch:
        assert not batch.move_head(replace(EMPTY, size=1), moved(EMPTY))
        assert not batch.move_head(replace(EMPTY, epoch=9), moved(EMPTY))
    assert store.head() == EMPTY


def test_counts_and_nonces_are_found_by_the_next_batch(store: LogStore) -> None:
    store.create(EMPTY)
    with store.transaction() as batch:
        batch.write(some_writes())
    with store.transaction() as batch:
        held = Nonce(key="k1", nonce="n1", expires=1)
        other_key = Nonce(key="k2", nonce="n1", expires=1)
        assert batch.used_nonces([held, other_key]) == {("k1", "n1")}
        assert batch.counters(["consumer:hall", "new"]) == {"consumer:hall": 4}
        place = ("grt_1", "2026-11-23")
        assert batch.quota_use([place, ("grt_1", "2026-11-24")]) == {place: 3}
        batch.write(
            some_writes(
                entries=[],
                tiles=[],
                index=[],
                parts=[],
                nonces=[],
                used={place: 9},
                counters={"consumer:hall": 7},
            )
        )
    assert store.quota_used(*place) == 9
    with store.transaction() as batch:
        assert batch.counters(["consumer:hall"]) == {"consumer:hall": 7}


def test_expired_nonces_are_forgotten_and_others_kept(store: LogStore) -> None:
    nonces = [Nonce(key="k", nonce=name, expires=at) for name, at in (("old", 99), ("new", 100))]
    with store.transaction() as batch:
        batch.write(some_writes(nonces=nonces))
    with store.transaction() as batch:
        batch.write(
            some_writes(entries=[], tiles=[], index=[], parts=[], nonces=[], expired_before=100)
        )
        assert batch.used_nonces(nonces) == {("k", "new")}


def test_a_size_is_published_once(store: LogStore) -> None:
    assert store.publish(0, note="first", at=1) == "first"
    assert store.publish(0, note="second", at=2) == "first"


def test_an_empty_root_is_kept_as_it_is(store: LogStore) -> None:
    store.create(EMPTY)
    head = store.head()
    assert head is not None
    assert head.root == EMPTY_ROOT


@pytest.mark.parametrize("count", [1, 7, 8, 300])
def test_a_batch_of_any_size_is_read_back_as_it_was_written(store: LogStore, count: int) -> None:
    # From some number of rows on PostgreSQL is handed them by another road.
    store.create(EMPTY)
    entries = [
        StoredEntry(index=i, body=bytes([i % 256, 0, 92, 10, 13]) * 9, leaf=bytes([i % 256]) * 32)
        for i in range(count)
    ]
    rows = [replace(ROW, index=i, step="a\\b\tc\n" + "汉" * (i % 3)) for i in range(count)]
    parts = [SealedPart(index=i, part=0, key_id="k", sealed=b"\\x00\0") for i in range(count)]
    nonces = [Nonce(key="k1", nonce=f"n{i}", expires=100 + i) for i in range(count)]
    tiles = [FullTile(level=0, n=i, root=b"r" * 32, hashes=b"\xff\0" * 4096) for i in range(count)]
    with store.transaction() as batch:
        batch.write(
            some_writes(entries=entries, index=rows, parts=parts, nonces=nonces, tiles=tiles)
        )
    assert store.entries(0, count) == entries
    assert store.last_index() == count - 1
    assert [part for i in range(count) for part in store.parts(i)] == parts
    assert [store.tile(0, i) for i in range(count)] == tiles
    with store.transaction() as batch:
        assert batch.used_nonces(nonces) == {(held.key, held.nonce) for held in nonces}


def test_search_rows_are_kept_whole(store: LogStore, engine: Engine) -> None:
    rows = [replace(ROW, n=n, officer="o" * n or None, sealed=n % 2 == 1) for n in range(9)]
    with store.transaction() as batch:
        batch.write(some_writes(index=rows))
    with engine.execution_options(reading=True).connect() as connection:
        found = connection.execute(select(tables.index).order_by(tables.index.c.n)).all()
    assert [
        StoredIndexRow(**dict(zip(StoredIndexRow.__dataclass_fields__, row, strict=True)))
        for row in found
    ] == rows


def test_tokens_of_an_older_program_are_found_by_what_a_value_is_searched_for_now(
    tmp_path: Path,
) -> None:
    made = sqlite_engine(tmp_path / "old.db")
    (tmp_path / "backups").mkdir()
    migrate(made, "log", home=tmp_path, at=NOON)
    with made.begin() as connection:
        # As it was before: whole digests, and a database of the revision before.
        columns = {column.name: "" for column in tables.index.columns if not column.nullable}
        row = columns | {"idx": 0, "n": 0, "ts": 7, "sealed": False, "kind": "call"}
        row |= {"officer": "a" * 32 + "b" * 32, "case_number": None, "subject": "c" * 32}
        connection.execute(tables.index.insert(), row)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'log_0005'")
    assert migrate(made, "log", home=tmp_path, at=NOON) == "log_0005"
    with made.connect() as connection:
        found = connection.execute(select(tables.index)).one()
    assert (found.officer, found.case_number, found.subject) == ("a" * 32, None, "c" * 32)
    made.dispose()


def test_the_first_head_is_written_once(store: LogStore) -> None:
    store.create(EMPTY)
    store.create(moved(EMPTY))
    assert store.head() == store.settled_head() == EMPTY
    with store.transaction() as batch:
        assert batch.head() == EMPTY


def test_writers_take_turns_and_readers_do_not_wait(store: LogStore) -> None:
    store.create(EMPTY)
    begun, second = threading.Event(), threading.Event()
    found: list[Head | None] = []

    def write_after() -> None:
        begun.set()
        with store.transaction() as batch:
            second.set()
            found.append(batch.head())

    other = threading.Thread(target=write_after)
    with store.transaction() as batch:
        other.start()
        assert begun.wait(30)
        assert batch.move_head(EMPTY, moved(EMPTY))
        assert store.head() == EMPTY
        assert not second.is_set()
    other.join(30)
    # The second began only when the first had ended, and so finds what it wrote.
    assert found == [moved(EMPTY)]


def test_what_is_read_is_of_one_moment(engine: Engine) -> None:
    store = SqlStore(engine)
    store.create(EMPTY)
    with engine.execution_options(reading=True).connect() as connection:
        before = connection.execute(select(tables.head.c.size)).scalar_one()
        with store.transaction() as batch:
            assert batch.move_head(EMPTY, moved(EMPTY))
        assert connection.execute(select(tables.head.c.size)).scalar_one() == before == 0
    assert store.head() == moved(EMPTY)


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    engine = postgresql_engine(postgresql().database(), "log")
    migrate(engine, "log", home=tmp_path, at=NOON)
    with (
        engine.execution_options(reading=True).connect() as connection,
        pytest.raises(DBAPIError, match="read-only"),
    ):
        connection.execute(delete(tables.entry))
    engine.dispose()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("fsync", "off"), ("full_page_writes", "off"), ("synchronous_commit", "off")],
)
def test_a_postgresql_that_may_lose_what_it_committed_is_refused(
    tmp_path: Path, setting: str, value: str
) -> None:
    server = postgresql()
    engine = postgresql_engine(server.database(), "log")
    migrate(engine, "log", home=tmp_path, at=NOON)
    store = SqlStore(engine)
    store.check_durability()
    with server.configured(**{setting: value}):
        engine.dispose()
        with pytest.raises(StartRefusedError, match=f"{setting}={value}"):
            store.check_durability()
    engine.dispose()


@pytest.mark.parametrize(
    ("pragma", "found"),
    [("synchronous=NORMAL", "synchronous=1"), ("synchronous=OFF", "synchronous=0")],
)
def test_a_sqlite_that_may_lose_what_it_committed_is_refused(
    tmp_path: Path, pragma: str, found: str
) -> None:
    engine = sqlite_engine(tmp_path / "log.db")
    event.listen(engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))
    with pytest.raises(StartRefusedError, match=found):
        SqlStore(engine).check_durability()
    engine.dispose()


def test_a_database_that_is_gone_is_said_to_be_so(store: LogStore, engine: Engine) -> None:
    def gone(*_: object) -> None:
        raise OperationalError("SELECT", {}, OSError("connection reset"))

    event.listen(engine, "before_cursor_execute", gone)
    for read in (store.head, store.settled_head, store.last_index, store.check_durability):
        with pytest.raises(LogUnavailableError, match="OperationalError"):
            read()
    with pytest.raises(LogUnavailableError, match="OperationalError"):
        store.create(EMPTY)
