"""The log under failure: aborted and killed at each step of a commit, without its disk, read by others."""

import base64
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from audit.entry import Commit, IndexRow
from audit.errors import LogUnavailableError, StartRefusedError
from audit.log import check_stored
from tests.fakes.logs import LogHome, a_call, an_act, never_two_roots, signed_roots
from tests.faults.kit import (
    Trip,
    broken,
    broken_after_committing,
    check_kept,
    failing,
    run_child,
    urls,
)

POINTS = ("keyed", "written", "committed", "noted", "signed")
"""Each named point of a commit, in order."""

BEFORE_COMMIT = ("keyed", "written")


@pytest.fixture(params=["sqlite", "postgresql"])
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LogHome]:
    made = LogHome(tmp_path, urls=urls(request.param))
    yield made
    made.close()


@pytest.fixture
def on_files(tmp_path: Path) -> Iterator[LogHome]:
    made = LogHome(tmp_path)
    yield made
    made.close()


@pytest.mark.proves("L16")
@pytest.mark.parametrize("point", POINTS)
def test_an_abort_at_any_step_loses_nothing_given_and_signs_no_size_twice(
    home: LogHome, point: str
) -> None:
    trip = Trip(point)
    with home.opened(at=trip) as log:
        given = [log.append(a_call()) for _ in range(3)]
        trip.armed = True
        if point == "committed":
            given.append(log.append(an_act()))
        else:
            with pytest.raises(LogUnavailableError):
                log.append(an_act())
        trip.armed = False
        given += [log.append(a_call()) for _ in range(3)]
        kept = point not in BEFORE_COMMIT
        assert given[-1].index == (6 if kept else 5)
        assert ("grant", "grt_1") in log.registry_rows() if kept else not log.registry_rows()
    check_kept(home, given)


@pytest.mark.proves("L16")
@pytest.mark.parametrize("point", BEFORE_COMMIT)
def test_no_root_is_signed_before_its_commit_is_known(home: LogHome, point: str) -> None:
    trip = Trip(point)
    with home.opened(at=trip) as log:
        trip.armed = True
        with pytest.raises(LogUnavailableError):
            log.append(a_call())
        assert set(signed_roots(home.home)) == {0}
        trip.armed = False
        assert log.append(a_call()).size == 1
    assert set(signed_roots(home.home)) == {0, 1}
    never_two_roots(home.home)


@pytest.mark.proves("L16", "W11")
@pytest.mark.parametrize("fail", [broken, broken_after_committing])
def test_a_commit_whose_answer_was_lost_is_looked_up_in_the_head(
    home: LogHome, fail: Callable[[Connection], None]
) -> None:
    with home.opened() as log:
        given = [log.append(a_call())]
        with failing(home, "commit", fail):
            if fail is broken:
                with pytest.raises(LogUnavailableError):
                    log.append(a_call())
            else:
                given.append(log.append(a_call()))
        given.append(log.append(a_call()))
        assert [sequenced.index for sequenced in given] == list(range(len(given)))
    check_kept(home, given)


class Outage:
    """From the next commit on, carried out or not, the database answers nothing any more."""

    def __init__(self, *, committing: bool) -> None:
        self.committing = committing
        self.dark = False

    def commit(self, connection: Connection) -> None:
        self.dark = True
        if self.committing:
            broken_after_committing(connection)
        broken()

    def statement(self, *_: Any) -> None:
        if self.dark:
            broken()


@pytest.mark.proves("L16", "W11")
@pytest.mark.parametrize("committing", [False, True])
def test_a_batch_of_unknown_fate_is_settled_before_the_next_one(
    home: LogHome, *, committing: bool
) -> None:
    outage = Outage(committing=committing)
    with home.opened() as log:
        given = [log.append(a_call())]
        with (
            failing(home, "commit", outage.commit),
            failing(home, "before_cursor_execute", outage.statement),
        ):
            for _ in range(2):
                with pytest.raises(LogUnavailableError):
                    log.append(an_act())
            # While nobody knows what became of the batch, nothing is signed.
            assert set(signed_roots(home.home)) == {0, 1}
        given.append(log.append(a_call()))
        assert given[-1].index == (2 if committing else 1)
        assert (("grant", "grt_1") in log.registry_rows()) is committing
    check_kept(home, given)


@pytest.mark.proves("W4", "L16")
@pytest.mark.parametrize("point", POINTS)
def test_what_was_given_before_kill_9_is_in_the_log(
    home: LogHome, point: str, request: pytest.FixtureRequest
) -> None:
    home.close()
    child = run_child(home, point, "4", sabotage=request.config.getoption("--sabotage"))
    assert child.returncode == -signal.SIGKILL, child.stderr
    given = [line.split() for line in child.stdout.splitlines()[1:]]
    # The start signs once by itself, so that the fourth signing is that of the third append.
    assert len(given) == (2 if point == "noted" else 3)
    with home.opened() as log:
        for index, body in given:
            assert log.entry(int(index)) == bytes.fromhex(body)
        log.append(a_call())
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []
    never_two_roots(home.home)


@pytest.mark.proves("W1")
def test_a_log_that_cannot_be_written_refuses_and_recovers_by_itself(home: LogHome) -> None:
    with home.opened() as log:
        given = [log.append(a_call())]
        with failing(home, "begin", broken):
            with pytest.raises(LogUnavailableError):
                log.append(a_call())
            with pytest.raises(LogUnavailableError):
                log.ready()
        given.append(log.append(a_call()))
        log.ready()
    check_kept(home, given)


@pytest.mark.proves("W1")
def test_being_asked_is_enough_for_the_log_to_find_itself_well_again(home: LogHome) -> None:
    signed = threading.Event()
    log = home.open(at=lambda point: signed.set() if point == "noted" else None)
    with failing(home, "begin", broken), pytest.raises(LogUnavailableError):
        log.append(a_call())
    signed.clear()
    with pytest.raises(LogUnavailableError):
        log.ready()
    assert signed.wait(30)
    log.close()
    assert log._line._broken is None
    assert log.size == 0


@pytest.mark.proves("W1")
def test_everybody_who_waits_is_refused_when_the_batch_fails(home: LogHome) -> None:
    with home.opened() as log, failing(home, "commit", broken):
        waiting = [log._enter(a_call()) for _ in range(20)]
        refusals = [future.exception(timeout=30) for future in waiting]
    assert all(isinstance(refusal, LogUnavailableError) for refusal in refusals)
    assert len({id(refusal) for refusal in refusals}) == 20


@pytest.mark.proves("W1")
def test_a_vault_that_cannot_be_written_refuses_the_call(home: LogHome) -> None:
    with home.opened() as log:
        event.listen(home.vault_engine, "begin", broken)
        try:
            with pytest.raises(LogUnavailableError):
                log.append(a_call())
        finally:
            event.remove(home.vault_engine, "begin", broken)
        assert log.append(a_call()).index == 0


def test_a_guard_that_cannot_be_written_refuses_the_answer(home: LogHome) -> None:
    with home.opened() as log:
        home.guard.unlink()
        home.guard.mkdir()
        with pytest.raises(LogUnavailableError, match="guard"):
            log.append(a_call())
        home.guard.rmdir()
        assert log.append(a_call()).index == 1
    check_kept(home, [])


def test_a_sequencer_of_an_earlier_start_cannot_write_any_more(home: LogHome) -> None:
    with home.opened() as former:
        former.append(a_call())
        with home.opened() as latter:
            with pytest.raises(LogUnavailableError, match="another sequencer"):
                former.append(a_call())
            assert latter.append(a_call()).index == 1
    check_kept(home, [])


def test_a_database_that_may_lose_what_it_committed_is_refused(on_files: LogHome) -> None:
    home = on_files

    def lax(connection: sqlite3.Connection, *_: Any) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")

    home.log_engine.dispose()
    event.listen(home.log_engine, "connect", lax)
    with pytest.raises(StartRefusedError, match="synchronous=1"):
        home.open()


SEEDS = (
    "SEED-CASE-2026-0117",
    "缘由-种子-建筑工程施工许可",
    "seed.operator@D2",
    "11010519491231777X",
)


def spellings(seed: str) -> Iterator[bytes]:
    """The ways in which a text may stand in a file: encodings, JSON escapes, base64 at each offset."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
        yield seed.encode(encoding)
    yield seed.encode("ascii", "backslashreplace")
    yield seed.encode().hex().encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + seed.encode())
        yield encoded[4 if shift else 0 : -4]
        yield base64.urlsafe_b64encode(b"\0" * shift + seed.encode())[4 if shift else 0 : -4]


def places_of(seed: str, folder: Path) -> set[str]:
    return {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(spelling in path.read_bytes() for spelling in spellings(seed))
    }


@pytest.mark.proves("L11")
def test_no_seeded_text_stands_readable_in_any_file_of_the_log(on_files: LogHome) -> None:
    home = on_files
    case, reason, operator, subject = SEEDS
    draft = a_call(
        commits=(
            Commit(name="case", value=case),
            Commit(name="reason", value=reason),
            Commit(name="operator", value={"name": operator}),
            Commit(name="subject.s1", value=subject, subject=("person", subject)),
        ),
        index=(IndexRow(case=case, officer=operator, subject=("person", subject)),),
        receipt=(),
    )
    with home.opened() as log:
        for _ in range(5):
            log.append(draft)
        # Looked at while open, so that the write-ahead files are there, too.
        assert {"log.db-wal", "vault.db-wal"} <= {path.name for path in home.home.iterdir()}
        for seed in SEEDS:
            assert places_of(seed, home.home) == set()
        opened = log.open_disclosure(0, "reason")
        assert opened is not None
        assert opened.value == reason


@pytest.mark.parametrize("seed", SEEDS)
def test_the_scan_finds_a_canary_in_each_place(on_files: LogHome, seed: str) -> None:
    home = on_files
    with home.opened() as log:
        log.append(a_call(clear={"planted": seed}, receipt=()))
        assert places_of(seed, home.home) == {"log.db-wal"}
    home.close()
    assert places_of(seed, home.home) == {"log.db"}
    encoded = base64.b64encode(b"?" + seed.encode())
    (home.home / "planted").write_bytes(encoded)
    assert "planted" in places_of(seed, home.home)
