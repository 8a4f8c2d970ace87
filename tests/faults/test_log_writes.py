"""Each write beside the batch fails two ways, lost or kept: done again it is done once."""

from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, event

from audit.archive import Archived, archived_bundles, clean, closed_bundles, keep_bundle, restore
from audit.carrying import carry, take_over
from audit.errors import LogUnavailableError
from audit.log import check_stored
from audit.merkle import TILE_WIDTH
from audit.note import Cosigner, parse_note
from audit.sqlstore import SqlStore
from exchange.storage import migrate, postgresql_engine, sqlite_engine
from tests.fakes.logs import NOON, SUBJECT, LogHome, a_call, never_two_roots
from tests.fakes.postgres import postgresql
from tests.faults.kit import broken, broken_after_committing, check_kept, failing, urls

WITNESS = Cosigner("witness.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
FAR = 2**45

Fail = Callable[[Connection], None]
both_ways = pytest.mark.parametrize("fail", [broken, broken_after_committing])


@pytest.fixture(params=["sqlite", "postgresql"])
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LogHome]:
    made = LogHome(tmp_path, urls=urls(request.param))
    yield made
    made.close()


@both_ways
def test_a_checkpoint_whose_publishing_failed_is_published_as_one_and_the_same(
    home: LogHome, fail: Fail
) -> None:
    with home.opened() as log:
        given = [log.append(a_call())]
        with failing(home, "commit", fail), pytest.raises(LogUnavailableError):
            log.published()
        # What may have been seen by somebody is what is shown from now on.
        shown = log.published()
        assert log.published() == shown
        home.clock.turn(seconds=5)
        given.append(log.append(a_call()))
        later = log.published()
    with home.opened() as log:
        assert log.published() == later
    check_kept(home, given)


@both_ways
def test_a_cosignature_whose_keeping_failed_is_kept_once(home: LogHome, fail: Fail) -> None:
    with home.opened() as log:
        given = [log.append(a_call())]
        note = log.published()
        line = WITNESS.line(parse_note(note).text, time=1_764_000_000)
        with failing(home, "commit", fail), pytest.raises(LogUnavailableError):
            log.cosigned(note, [line])
        kept = log.cosigned(note, [line])
        assert kept.count(line) == 1
        assert log.published() == kept
    check_kept(home, given)


@both_ways
def test_a_key_whose_keeping_in_the_vault_failed_lets_nothing_be_recorded_under_it(
    home: LogHome, fail: Fail
) -> None:
    def failed(connection: Connection) -> None:
        if not connection.get_execution_options().get("reading"):
            fail(connection)

    with home.opened() as log:
        event.listen(home.vault_engine, "commit", failed)
        try:
            with pytest.raises(LogUnavailableError):
                log.append(a_call())
        finally:
            event.remove(home.vault_engine, "commit", failed)
        assert log.size == 0
        given = [log.append(a_call())]
        # One key, and it opens what was recorded.
        assert len(home.vault.held_of(SUBJECT)) == 1
        opening = log.open_disclosure(0, "subject.s1")
        assert opening is not None
        assert opening.value == list(SUBJECT)
    check_kept(home, given)


@both_ways
def test_an_archived_bundle_leaves_the_database_and_comes_back_once(
    home: LogHome, fail: Fail, tmp_path: Path
) -> None:
    with home.opened() as log:
        wait([log._enter(a_call()) for _ in range(TILE_WIDTH + 3)])
        bodies, stored = log.entries(0, log.size), SqlStore(home.log_engine)
        folder = tmp_path / "archive"
        one = Archived(n=0, folder=str(folder), digest=keep_bundle(stored, 0, folder=folder), at=1)
        with failing(home, "commit", fail), pytest.raises(LogUnavailableError):
            clean(home.log_engine, one)
        assert log.entries(0, log.size) == bodies
        # The act asks what is still to be done.
        for n in closed_bundles(home.log_engine, before=FAR):
            clean(home.log_engine, Archived(n=n, folder=one.folder, digest=one.digest, at=1))
        assert archived_bundles(home.log_engine) == [one]
        assert log.entries(0, log.size) == bodies
        with failing(home, "commit", fail), pytest.raises(LogUnavailableError):
            restore(home.log_engine, stored, one)
        assert log.entries(0, log.size) == bodies
        for each in archived_bundles(home.log_engine):
            restore(home.log_engine, stored, each)
        assert archived_bundles(home.log_engine) == []
        assert log.entries(0, log.size) == bodies
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []
    never_two_roots(home.home)


def another(home: LogHome) -> Engine:
    """An empty database for the shard that follows."""
    made = (
        postgresql_engine(postgresql().database(), "log")
        if home.urls
        else sqlite_engine(home.home / "log-2027.db")
    )
    migrate(made, "log", home=home.home, at=NOON)
    return made


@both_ways
def test_what_goes_over_into_a_new_shard_goes_over_once(home: LogHome, fail: Fail) -> None:
    with home.opened() as log:
        log.append(a_call())
    held, following = carry(home.log_engine, at=NOON), another(home)
    assert held.newest
    event.listen(following, "commit", fail)
    try:
        with pytest.raises(LogUnavailableError):
            take_over(following, held)
    finally:
        event.remove(following, "commit", fail)
    take_over(following, held)
    assert carry(following, at=NOON) == held
    following.dispose()
