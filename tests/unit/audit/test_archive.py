"""Archiving: bodies go into files and come back, and no proof notices."""

import gzip
import sqlite3
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest

from audit.archive import (
    Archived,
    archived_bundles,
    clean,
    closed_bundles,
    keep_bundle,
    moved,
    restore,
)
from audit.errors import LogUnavailableError, ProofError
from audit.fsck import What
from audit.log import Log, check_stored
from audit.merkle import TILE_WIDTH, check_inclusion, leaf_hash
from audit.sqlstore import SqlStore
from audit.tiles import parse_bundle, tile_path
from tests.fakes.logs import NOON, LogHome, a_call, an_act

SIZE = 2 * TILE_WIDTH + 9
ALL = 2**45


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LogHome]:
    """A log of two closed bundles and a part of a third, acts among the calls."""
    made = LogHome(tmp_path)
    with made.opened() as log:
        wait(
            [
                log._enter(an_act(key=f"grt_{n}", digest=f"d{n}") if n % 90 == 0 else a_call())
                for n in range(SIZE)
            ]
        )
    yield made
    made.close()


def archive(home: LogHome, folder: Path) -> list[Archived]:
    store, engine = SqlStore(home.log_engine), home.log_engine
    kept = [
        Archived(n=n, folder=str(folder), digest=keep_bundle(store, n, folder=folder), at=1)
        for n in closed_bundles(engine, before=ALL)
    ]
    for one in kept:
        clean(engine, one)
    return kept


def every_entry_proves_itself(log: Log, bodies: list[bytes], root: bytes) -> None:
    for index in (0, 1, 255, 256, 511, SIZE - 1):
        assert log.entry(index) == bodies[index]
        proof = log.prove(index, SIZE)
        check_inclusion(leaf_hash(bodies[index]), index=index, size=SIZE, proof=proof, root=root)


def in_database(home: LogHome) -> int:
    with sqlite3.connect(home.home / "log.db") as connection:
        (count,) = connection.execute("SELECT count(body) FROM audit_entry").fetchone()
    connection.close()
    return int(count)


@pytest.mark.proves("L13")
def test_archived_cleaned_and_restored_every_proof_is_kept(home: LogHome) -> None:
    folder = home.home / "away"
    with home.opened() as log:
        bodies, root = log.entries(0, SIZE), log._latest.head.root
        every_entry_proves_itself(log, bodies, root)
        kept = archive(home, folder)
        assert [one.n for one in kept] == [0, 1]
        assert in_database(home) == SIZE - 2 * TILE_WIDTH
        assert log.entries(0, SIZE) == bodies
        every_entry_proves_itself(log, bodies, root)
    # A start reads the acts of the past, and finds them in the files.
    with home.opened() as log:
        assert ("grant", "grt_90") in log.registry_rows()
        every_entry_proves_itself(log, bodies, root)
        assert check_stored(home.log_engine, home.keys, guard=home.guard) == []
        for one in archived_bundles(home.log_engine):
            restore(home.log_engine, SqlStore(home.log_engine), one)
        assert archived_bundles(home.log_engine) == []
        assert in_database(home) == SIZE
        every_entry_proves_itself(log, bodies, root)
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []


def test_the_files_are_the_bundles_of_tlog_tiles(home: LogHome) -> None:
    folder = home.home / "away"
    bodies = [entry.body for entry in SqlStore(home.log_engine).entries(0, SIZE)]
    archive(home, folder)
    for n in (0, 1):
        packed = (folder / tile_path("entries", n)).read_bytes()
        first = n * TILE_WIDTH
        assert parse_bundle(gzip.decompress(packed)) == bodies[first : first + TILE_WIDTH]
        leaves = SqlStore(home.log_engine).leaves(first, first + TILE_WIDTH)
        assert (folder / tile_path(0, n)).read_bytes() == b"".join(leaves)


def test_only_closed_bundles_that_are_old_enough_are_archived(home: LogHome) -> None:
    noon = int(NOON.timestamp() * 1000)
    assert closed_bundles(home.log_engine, before=noon) == []
    assert closed_bundles(home.log_engine, before=noon + 1) == [0, 1]
    with pytest.raises(ProofError, match="not closed"):
        keep_bundle(SqlStore(home.log_engine), 2, folder=home.home / "away")


@pytest.mark.parametrize("fault", ["changed", "cut", "gone", "other"])
def test_a_file_that_was_changed_or_lost_is_an_entry_that_is_missing(
    home: LogHome, fault: str
) -> None:
    folder = home.home / "away"
    archive(home, folder)
    path = folder / tile_path("entries", 0)
    match fault:
        case "changed":
            content = bytearray(gzip.decompress(path.read_bytes()))
            content[40] ^= 1
            path.write_bytes(gzip.compress(bytes(content)))
        case "cut":
            path.write_bytes(path.read_bytes()[:-100])
        case "gone":
            path.unlink()
        case _:
            path.write_bytes((folder / tile_path("entries", 1)).read_bytes())
    findings = check_stored(home.log_engine, home.keys, guard=home.guard)
    assert What.MISSING in {found.what for found in findings}
    assert 0 in {found.index for found in findings}
    (first, _) = archived_bundles(home.log_engine)
    with pytest.raises(ProofError):
        restore(home.log_engine, SqlStore(home.log_engine), first)


def test_what_does_not_agree_with_its_tile_is_never_archived(home: LogHome) -> None:
    with sqlite3.connect(home.home / "log.db") as connection:
        connection.execute("UPDATE audit_entry SET body = x'7b7d' WHERE idx = 7")
    connection.close()
    with pytest.raises(ProofError, match="not those of tile"):
        archive(home, home.home / "away")
    assert in_database(home) == SIZE


def test_a_file_that_says_otherwise_already_is_not_written_over(home: LogHome) -> None:
    folder = home.home / "away"
    path = folder / tile_path("entries", 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    with pytest.raises(ProofError, match="something else already"):
        archive(home, folder)


def test_files_that_were_copied_elsewhere_are_read_there_once_they_are_whole(
    home: LogHome, tmp_path: Path
) -> None:
    folder, elsewhere = home.home / "away", tmp_path / "elsewhere"
    archive(home, folder)
    store = SqlStore(home.log_engine)
    (first, second) = archived_bundles(home.log_engine)
    with pytest.raises(ProofError):
        moved(home.log_engine, store, first, folder=elsewhere)
    folder.rename(elsewhere)
    for one in (first, second):
        moved(home.log_engine, store, one, folder=elsewhere)
    assert {one.folder for one in archived_bundles(home.log_engine)} == {str(elsewhere)}
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []


def test_a_database_that_does_not_answer_is_a_log_that_is_not_there(home: LogHome) -> None:
    kept = Archived(n=0, folder=str(home.home), digest="d", at=1)
    with home.log_engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE audit_archive")
    with pytest.raises(LogUnavailableError):
        archived_bundles(home.log_engine)
    with pytest.raises(LogUnavailableError):
        clean(home.log_engine, kept)
