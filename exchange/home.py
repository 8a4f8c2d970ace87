"""`$EXCHANGE_HOME`: its folders, its key files, and the lock that says who serves."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OFFICERS = Path("files") / "officers"
"""Where a node keeps keys of officers who work on its own machine, and the demo all of them."""
FILES = "files"
"""Of what officers gave: published files, and uploads that wait for their word."""
FOLDERS = ("keys", "bundles", FILES, "exports", "backups", "run")


class HomeError(Exception):
    """The home cannot be used as it is; says what was found and what was needed."""


class HeldError(HomeError):
    """Another process holds the home's lock."""


class StorageError(Exception):
    """A database cannot be used; says which and why."""


def make_home(home: Path) -> None:
    """Create the folders, readable by the owner alone."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in FOLDERS:
        (home / name).mkdir(mode=0o700, exist_ok=True)


def check_home(home: Path) -> None:
    """Raise HomeError unless this is a home that nobody else can read."""
    if not (home / "keys").is_dir():
        raise HomeError(f"{home} is no exchange home yet: run `exchange init --home {home}`")
    mode = home.stat().st_mode & 0o777
    if mode & 0o077:
        raise HomeError(
            f"{home} has mode {mode:o}, needs 700: others on this machine could read it"
        )


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home's lock; the operating system frees it should the process die.

    Raises HeldError where another process holds it.
    """
    path = home / "run" / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HeldError(f"{home} is served by another process (lock {path})") from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def socket_path(home: Path) -> Path:
    """Where a serving process takes acts from the command line."""
    return home / "run" / "admin.sock"


def write_durably(path: Path, content: bytes) -> None:
    """Put a private file in place as a whole, on the disk before it counts."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def write_private(path: Path, content: bytes) -> None:
    """Write a key file, mode 0600; never over an existing one (FileExistsError)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
