"""What every store of the log must do, run on each adapter."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit.entry import Nonce
from audit.merkle import EMPTY_ROOT, FullTile
from audit.sqlstore import SqlStore
from audit.startup import empty_head
from audit.store import Head, LogStore, SealedPart, StoredEntry, StoredIndexRow, Writes
from exchange.storage import migrate, sqlite_engine
from tests.fakes.logs import NOON, ORIGIN

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


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogStore]:
    assert request.param == "sqlite"
    engine = sqlite_engine(tmp_path / "log.db")
    migrate(engine, "log", home=tmp_path, at=NOON)
    yield SqlStore(engine)
    engine.dispose()


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
