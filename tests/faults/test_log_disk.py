"""The log on a disk that is full, read only, does not keep what it was told to, or tears what it writes."""

import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from audit.entry import Sequenced
from audit.errors import AuditError, LogUnavailableError, StartRefusedError
from audit.log import Log, check_stored
from exchange.home import StorageError
from tests.fakes.logs import LogHome, a_call, never_two_roots
from tests.fakes.postgres import PostgreSQL, postgresql
from tests.faults.kit import (
    ROOT,
    Trip,
    check_kept,
    child_of,
    failing,
    run_child,
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LogHome]:
    made = LogHome(tmp_path)
    yield made
    made.close()


def fill(log: Log, given: list[Sequenced]) -> None:
    """A full disk shows only at the first page that is too many."""
    for _ in range(2_000):
        given.append(log.append(a_call()))  # noqa: PERF401 - what was given before counts


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """The operating system refuses every write past this length, as a full disk does (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.proves("W2")
def test_a_file_that_cannot_grow_refuses_and_takes_entries_again_once_it_can(
    home: LogHome,
) -> None:
    with home.opened() as log:
        given = [log.append(a_call())]
        wal = (home.home / "log.db-wal").stat().st_size
        with no_file_longer_than(wal + 64 * 1024):
            with pytest.raises(LogUnavailableError):
                fill(log, given)
            with pytest.raises(LogUnavailableError):
                log.append(a_call())
            assert log.size == len(given)
        given.append(log.append(a_call()))
    check_kept(home, given)


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """A file system of its own that is soon full; skips the test where none may be mounted."""
    folder.mkdir()
    options = f"size={megabytes}m,mode=0777"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no small disk to be had here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.proves("W2")
def test_a_full_disk_refuses_and_takes_entries_again_once_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(b"\0" * 2 * 1024 * 1024)
        home = LogHome(disk)
        given: list[Sequenced] = []
        with home.opened() as log:
            with pytest.raises(LogUnavailableError):
                fill(log, given)
            with pytest.raises(LogUnavailableError):
                log.append(a_call())
            assert log.size == len(given) > 3
            ballast.unlink()
            given.append(log.append(a_call()))
        check_kept(home, given)
        home.close()


@pytest.mark.proves("W2")
def test_a_full_disk_under_postgresql_refuses_and_recovers(tmp_path: Path) -> None:
    server = postgresql()
    # In a folder that the server's own user can reach.
    with TemporaryDirectory() as folder, small_disk(Path(folder) / "disk", megabytes=16) as disk:
        Path(folder).chmod(0o755)
        place = disk / "space"
        place.mkdir(mode=0o700)
        shutil.chown(place, server.owner)
        with server.space(place) as space:
            log_url = server.database(space)
            home = LogHome(tmp_path, urls={"log": log_url, "vault": server.database()})
            ballast = disk / "ballast"
            room = shutil.disk_usage(disk).free
            ballast.write_bytes(b"\0" * (room - 512 * 1024))
            given: list[Sequenced] = []
            with home.opened() as log:
                with pytest.raises(LogUnavailableError):
                    fill(log, given)
                assert log.size == len(given) > 3
                ballast.unlink()
                given.append(log.append(a_call()))
            check_kept(home, given)
            home.close()
            server.drop(log_url)


def read_only(driver: sqlite3.Connection, *_: Any) -> None:
    driver.execute("PRAGMA query_only=ON")


def writable(driver: sqlite3.Connection, *_: Any) -> None:
    driver.execute("PRAGMA query_only=OFF")


@pytest.mark.proves("W3")
def test_a_database_that_may_only_be_read_refuses_and_recovers_by_itself(home: LogHome) -> None:
    with home.opened() as log:
        given = [log.append(a_call())]
        with failing(home, "checkout", read_only):
            for _ in range(2):
                with pytest.raises(LogUnavailableError):
                    log.append(a_call())
            assert log.entry(0) == given[0].body
        with failing(home, "checkout", writable):
            given.append(log.append(a_call()))
            log.ready()
            check_kept_open(home, given)


def check_kept_open(home: LogHome, given: list[Sequenced]) -> None:
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []
    assert [sequenced.index for sequenced in given] == list(range(len(given)))
    never_two_roots(home.home)


@pytest.mark.proves("W3")
def test_a_start_on_a_read_only_file_system_is_refused(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        home = LogHome(disk)
        with home.opened() as log:
            log.append(a_call())
        home.close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises((StorageError, AuditError, OSError)):
            LogHome(disk).open()
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        again = LogHome(disk)
        with again.opened() as log:
            assert log.append(a_call()).index == 1
        again.close()


@pytest.mark.proves("W3")
def test_a_postgresql_that_takes_no_writes_refuses_and_recovers(tmp_path: Path) -> None:
    # What a server says that was demoted to a standby, or put to read-only by its operator.
    server = postgresql()
    home = LogHome(tmp_path, urls={"log": server.database(), "vault": server.database()})
    with home.opened() as log:
        given = [log.append(a_call())]
        server.set_read_only(home.urls["log"], on=True)
        for _ in range(2):
            with pytest.raises(LogUnavailableError):
                log.append(a_call())
        server.set_read_only(home.urls["log"], on=False)
        # The line finds out by trying; the first try may still meet a session that was cut.
        given.append(append_again(log))
    check_kept(home, given)
    home.close()


def append_again(log: Log) -> Sequenced:
    """Append once the log has noticed that its database is back: one failed try, at most."""
    try:
        return log.append(a_call())
    except LogUnavailableError:
        return log.append(a_call())


def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace, which can have a real fsync fail, is not installed here")
    return found


@pytest.mark.proves("W5")
@pytest.mark.parametrize("since", [30, 31, 32, 33])
def test_nothing_is_given_whose_fsync_failed(
    home: LogHome, since: int, request: pytest.FixtureRequest
) -> None:
    home.close()
    sabotage = request.config.getoption("--sabotage")
    failing_from = f"inject=fsync,fdatasync:error=EIO:when={since}+"
    tracing = [strace(), "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]
    child = subprocess.run(
        [*tracing, "-e", failing_from, *child_of(home, "never", "40", sabotage=sabotage)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    said = [line.split() for line in child.stdout.splitlines()]
    refused = [line for line in said if line[0] == "refused"]
    given = [line for line in said if line[0].isdecimal()]
    if child.returncode and not said:
        pytest.skip(f"strace cannot trace here: {child.stderr[-200:]}")
    assert refused, said
    # From the first fsync that failed on, nobody was given anything.
    assert said[-1][0] == "refused"
    assert said.index(refused[0]) == 1 + len(given)
    with home.opened() as log:
        for index, body in given:
            assert log.entry(int(index)) == bytes.fromhex(body)
        log.append(a_call())
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []
    never_two_roots(home.home)


@pytest.mark.proves("W5")
@pytest.mark.parametrize("point", ["keyed", "written", "committed", "noted", "signed"])
def test_a_postgresql_that_crashes_loses_nothing_that_was_given(tmp_path: Path, point: str) -> None:
    # What PostgreSQL does itself when an fsync fails: it goes down at once and recovers from its WAL.
    server = postgresql("crashing")
    home = LogHome(tmp_path, urls={"log": server.database(), "vault": server.database()})
    trip = Crash(point, server)
    with home.opened(at=trip) as log:
        given = [log.append(a_call()) for _ in range(3)]
        trip.armed = True
        try:
            given.append(log.append(a_call()))
        except LogUnavailableError:
            assert point in {"keyed", "written"}
        given += [append_again(log) for _ in range(3)]
    check_kept(home, given)
    home.close()


class Crash(Trip):
    """Has the server crash at one point of a commit, once it is armed."""

    def __init__(self, point: str, server: PostgreSQL) -> None:
        super().__init__(point)
        self._server = server

    def __call__(self, reached: str) -> None:
        if self.armed and reached == self.point:
            self.armed = False
            self._server.crash()


FRAME = 8192 + 24


@pytest.mark.proves("W10")
@pytest.mark.parametrize("kept", [0, 1, 500, FRAME - 1])
@pytest.mark.parametrize("scribbled", [False, True])
def test_a_commit_torn_in_the_wal_is_as_if_it_had_not_been(
    home: LogHome, kept: int, *, scribbled: bool, request: pytest.FixtureRequest
) -> None:
    """The last frame of a commit that nobody was answered for did not reach the disk whole."""
    home.close()
    # Killed once its batch is committed and before its root is signed: nobody has the fourth.
    child = run_child(home, "committed", "4", sabotage=request.config.getoption("--sabotage"))
    assert child.returncode == -signal.SIGKILL, child.stderr
    given = [line.split() for line in child.stdout.splitlines()[1:]]
    assert len(given) == 3
    tear(home.home / "log.db-wal", kept=kept, scribbled=scribbled)
    with home.opened() as log:
        assert log.size == 3
        for index, body in given:
            assert log.entry(int(index)) == bytes.fromhex(body)
        assert log.append(a_call()).index == 3
    assert check_stored(home.log_engine, home.keys, guard=home.guard) == []
    never_two_roots(home.home)


@pytest.mark.proves("W10")
def test_a_wal_that_lost_what_was_answered_for_stops_the_start(home: LogHome) -> None:
    """A disk that lied about its fsync: the guard knows a longer log than the disk has."""
    home.close()
    child = run_child(home, "signed", "4")
    assert child.returncode == -signal.SIGKILL, child.stderr
    tear(home.home / "log.db-wal", kept=0, scribbled=False)
    with pytest.raises(StartRefusedError, match="a checkpoint of 4 entries was signed"):
        home.open()


def tear(wal: Path, *, kept: int, scribbled: bool) -> None:
    """Cut the last frame to so many bytes; scribbled: the rest is there and is not what was written."""
    content = wal.read_bytes()
    whole = len(content) - (len(content) - 32) % FRAME
    torn = content[: whole - FRAME + kept]
    wal.write_bytes(torn + (b"\xa5" * (FRAME - kept) if scribbled else b""))
    # What is shared in memory did not outlive the power either.
    wal.with_name("log.db-shm").unlink(missing_ok=True)
