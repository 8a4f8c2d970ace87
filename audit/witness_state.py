"""Where a witness keeps what it cosigned: one file, replaced whole and forced to the disk."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from audit.canonical import decode_strict, encode
from audit.errors import LogUnavailableError, MalformedError, StartRefusedError
from audit.witness import Fork

VERSION = "witness-state/1"
"""Of the file's format; a file of another version is refused, and never overwritten."""


class FileStates:
    """Implements `audit.witness.States` on a file that one process at a time may hold.

    Proofs of misbehaviour are appended to `<file>.forks`, one JSON line each.
    """

    def __init__(self, path: Path) -> None:
        """Raises StartRefusedError where another process holds the file."""
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._held = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._held)
            raise StartRefusedError(f"{path.name} is held by another witness") from error

    @property
    def forks(self) -> Path:
        return self._path.with_name(self._path.name + ".forks")

    def load(self) -> Mapping[str, str]:
        try:
            held = decode_strict(self._path.read_bytes().removesuffix(b"\n"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StartRefusedError(f"{self._path.name} cannot be read") from error
        except MalformedError as error:
            raise StartRefusedError(f"{self._path.name} is damaged: {error}") from error
        match held:
            case {"v": version, "notes": dict(notes)} if version == VERSION and len(held) == 2:
                if all(isinstance(note, str) for note in notes.values()):
                    return notes
        raise StartRefusedError(f"{self._path.name} is no {VERSION}")

    def save(self, notes: Mapping[str, str]) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            _write(fresh, encode({"notes": dict(notes), "v": VERSION}) + b"\n", os.O_TRUNC)
            fresh.replace(self._path)
            _force_folder(self._path.parent)
        except OSError as error:
            raise LogUnavailableError(f"{self._path.name} cannot be written") from error

    def keep(self, fork: Fork) -> None:
        line = {"held": fork.held, "origin": fork.origin, "shown": fork.shown, "size": fork.size}
        try:
            _write(self.forks, encode(line) + b"\n", os.O_APPEND)
        except OSError as error:
            raise LogUnavailableError(f"{self.forks.name} cannot be written") from error

    def close(self) -> None:
        os.close(self._held)


def _write(path: Path, content: bytes, how: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _force_folder(folder: Path) -> None:
    """Make a renaming in it durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
