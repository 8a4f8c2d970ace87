"""What every store of the log must do, run on each adapter."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from msgspec import structs
from sqlalchemy import Engine, column, delete, event, select, table
from sqlalchemy.exc import DBAPIError, OperationalError

from audit import tables, words
from audit.entry import Nonce
from audit.errors import LogUnavailableError, StartRefusedError
from audit.merkle import EMPTY_ROOT, FullTile
from audit.search import walk
from audit.sqlstore import SqlStore
from audit.startup import empty_head
from audit.store import Head, LogStore, SealedPart, StoredEntry, StoredIndexRow, Writes
from audit.wanted import Wanted, query
from audit.words import read_rows
from exchange import storage
from exchange.storage import migrate, postgresql_engine, sqlite_engine
from tests.fakes.logs import NOON, ORIGIN
from tests.fakes.postgres import postgresql

EMPTY = replace(empty_head(ORIGIN, ts=5), seal=b"s")
MIGRATIONS = Path(str(storage.__file__)).parent / "migrations"
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


def some_rows(*rows: StoredIndexRow) -> Writes:
    """Search rows and nothing beside them."""
    return some_writes(index=rows, entries=(), tiles=(), parts=(), nonces=())


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
    rows = [structs.replace(ROW, index=i, step="a\\b\tc\n" + "汉" * (i % 3)) for i in range(count)]
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
    rows = [structs.replace(ROW, n=n, officer="o" * n or None, sealed=n % 2 == 1) for n in range(9)]
    with store.transaction() as batch:
        batch.write(some_writes(index=rows))
    assert rows_of(engine) == rows


def rows_of(engine: Engine) -> list[StoredIndexRow]:
    with engine.execution_options(reading=True).connect() as connection:
        columns = tables.index.c
        found = connection.execute(select(tables.index).order_by(columns.idx, columns.n)).all()
        return read_rows(connection, found)


def test_a_word_of_a_batch_that_was_rolled_back_is_not_believed_in(
    store: LogStore, engine: Engine
) -> None:
    row = structs.replace(ROW, officer="0ff1ce", system="new")
    with suppress(ZeroDivisionError), store.transaction() as batch:
        batch.write(some_rows(row))
        raise ZeroDivisionError
    assert rows_of(engine) == []
    with store.transaction() as batch:
        batch.write(some_rows(row))
    assert rows_of(engine) == [row]
    assert store.indices_of("call") == [0]


def test_two_stores_on_one_log_number_words_alike(store: LogStore, engine: Engine) -> None:
    rows = [structs.replace(ROW, index=n, system=f"system {n % 3}", code=f"C{n}") for n in range(6)]
    for row, writer in zip(rows, [store, SqlStore(engine)] * 3, strict=True):
        with writer.transaction() as batch:
            batch.write(some_rows(row))
    assert rows_of(engine) == rows
    with engine.execution_options(reading=True).connect() as connection:
        words = connection.execute(select(tables.word.c.facet, tables.word.c.value)).all()
    assert len(words) == len(set(words)) == 3 + 6 + len(tables.WORDS) - 3


def test_more_words_than_are_kept_in_memory_are_looked_up_again(
    store: LogStore, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "_KEPT", 15)
    rows = [structs.replace(ROW, index=n, code=f"C{n % 7}") for n in range(300)]
    for row in rows:
        with store.transaction() as batch:
            batch.write(some_rows(row))
    assert rows_of(engine) == rows
    with engine.execution_options(reading=True).connect() as connection:
        places = connection.execute(select(tables.word_bundle)).all()
    # Seven codes and what all rows share, in both bundles.
    assert len(places) == 2 * (7 + len(tables.FOUND_BY) - 2)


def test_a_row_of_known_words_is_numbered_as_one_of_new_ones(
    store: LogStore, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "_ROWS", 2)
    rows = [structs.replace(ROW, index=n, code=f"C{n % 3}", case=f"{n:04x}") for n in range(12)]
    for row in rows:
        with store.transaction() as batch:
            batch.write(some_rows(row))
    assert rows_of(engine) == rows
    assert store.indices_of("call") == list(range(12))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 64, 511, 513, 700])
def test_however_many_are_looked_up_those_are_found_that_are_there(
    store: LogStore, count: int
) -> None:
    held = {f"counter {n}": n + 1 for n in range(0, count, 3)}
    with store.transaction() as batch:
        batch.write(some_writes(counters=held))
    with store.transaction() as batch:
        assert batch.counters(f"counter {n}" for n in range(count)) == held


def an_older_log(engine: Engine, revision: str) -> None:
    """Make a log of an earlier revision with rows as programs wrote them then."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS / "log"))
    long = 64 if revision < "log_0007" else 32
    names = ("idx", "n", "ts", "sealed", *(name for name in tables.WORDS), "case_number", "subject")
    old = table("audit_index", *(column(name) for name in names))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for number in range(2_500):
            connection.execute(
                old.insert(),
                {
                    **dict.fromkeys(tables.WORDS, ""),
                    "idx": number // 2,
                    "n": number % 2,
                    "ts": 7 + number,
                    "sealed": number == 77,
                    "kind": "call" if number % 3 else "grant.issued",
                    "consumer": f"D{number % 5}",
                    "provider": f"D{number % 7}",
                    "decision": "given" if number % 11 else "refused",
                    "items": "gA" if number % 2 else "",
                    "officer": "ab" * (long // 2) if number % 4 else None,
                    "case_number": f"{number % 50:02x}" * (long // 2) if number % 3 else None,
                    "subject": "cd" * (long // 2) if number % 9 == 0 else None,
                },
            )


@pytest.mark.proves("U1")
@pytest.mark.parametrize("revision", ["log_0005", "log_0007"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_search_in_an_older_log_finds_the_same(
    tmp_path: Path, kind: str, revision: str
) -> None:
    made = (
        sqlite_engine(tmp_path / "old.db")
        if kind == "sqlite"
        else postgresql_engine(postgresql().database(), "log")
    )
    (tmp_path / "backups").mkdir()
    an_older_log(made, revision)
    assert migrate(made, "log", home=tmp_path, at=NOON) == revision
    assert [(row.index, row.n) for row in rows_of(made)] == [divmod(n, 2) for n in range(2_500)]

    def found(**facets: object) -> set[int]:
        page = walk(made, Wanted(**facets), token=lambda _, value: value, most=2_500)  # type: ignore[arg-type]
        assert page.next is None
        return {2 * row.index + row.n for row in page.rows}

    def numbers(holds: Callable[[int], bool]) -> set[int]:
        return {number for number in range(2_500) if holds(number)}

    assert found(kind="grant.issued") == numbers(lambda n: n % 3 == 0)
    assert found(decision="refused", kind="call") == numbers(lambda n: n % 11 == 0 and n % 3 > 0)
    assert found(department="D6") == numbers(lambda n: n % 7 == 6)
    assert found(department="D1") == numbers(lambda n: n % 7 == 1 or n % 5 == 1)
    assert found(officer="ab" * 16) == numbers(lambda n: n % 4 > 0)
    assert found(case="07" * 16) == numbers(lambda n: n % 50 == 7 and n % 3 > 0)
    assert found(subject=("person", "cd" * 16)) == numbers(lambda n: n % 9 == 0)
    assert found(subject=("person", "cd" * 16), consumer="D3") == numbers(lambda n: n % 45 == 18)
    assert found(sealed=True) == {77}
    assert found(consumer="D9") == set()
    assert SqlStore(made).indices_of("grant.issued") == sorted(
        {n // 2 for n in numbers(lambda n: n % 3 == 0)}
    )
    made.dispose()


def test_postgresql_reads_a_bundle_by_the_key_and_never_the_whole_table(tmp_path: Path) -> None:
    made = postgresql_engine(postgresql().database(), "log")
    an_older_log(made, "log_0007")
    migrate(made, "log", home=tmp_path, at=NOON)
    with made.execution_options(isolation_level="AUTOCOMMIT", reading=True).connect() as connection:
        connection.exec_driver_sql("ANALYZE")
    for facets in (
        {"consumer": "D3"},
        {"kind": "call", "decision": "refused"},
        {"department": "D3"},
    ):
        with made.execution_options(reading=True).connect() as connection:
            asked = query(connection, Wanted(**facets), lambda _, value: value, 21, None)  # type: ignore[arg-type]
            made_of = asked.compile(connection, compile_kwargs={"render_postcompile": True})
            plan = connection.exec_driver_sql(f"EXPLAIN {made_of}", made_of.params).scalars().all()
        assert any("using audit_index_pkey on audit_index" in step for step in plan)
        assert not any("Seq Scan on audit_index" in step for step in plan)
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
