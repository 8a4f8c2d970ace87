"""The guard: the newest checkpoint, kept outside the database, so that an older log put in its place shows.

Two slots of one page in one file, written in turn and in place: while one is being written the other still
holds the checkpoint before. A slot says its number and the SHA-256 of number and note; the valid one with the
higher number counts. It is not forced to the disk: after a power cut it may lag behind the log, which it may,
and it never runs ahead of it. `guard/1` never changes; a file that holds a note and nothing else is older.
"""

import hashlib
import os
import re
from pathlib import Path

from audit.errors import LogUnavailableError, StartRefusedError

SLOT = 4_096
_HEAD = re.compile(rb"guard/1 (0|[1-9][0-9]*) ([0-9a-f]{64})\n")


class Guard:
    """Writes one guard. The file is opened by the first write, and anew where somebody replaced it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._number = 0

    def write(self, note: str) -> None:
        """Remember a checkpoint that is signed over a committed head. Raises LogUnavailableError."""
        try:
            # No name leads to the file any more: what was put in its place, if anything, is the guard.
            if self._file < 0 or not os.fstat(self._file).st_nlink:
                self._begin(note)
                return
            self._number += 1
            os.pwrite(self._file, _slot(self._number, note), self._number % 2 * SLOT)
        except OSError as error:
            raise LogUnavailableError("the guard cannot be written") from error

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _begin(self, note: str) -> None:
        """Put a fresh file in place by renaming, so that a reader finds the old one or the new one."""
        self.close()
        self._number = 0
        fresh = self._path.with_name(self._path.name + ".new")
        self._file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.pwrite(self._file, _slot(0, note), 0)
            fresh.replace(self._path)
        except OSError:
            self.close()
            raise


def newest_note(content: bytes, *, name: str) -> str:
    """Return the note of a guard's file as read; empty where it holds none.

    Raises StartRefusedError where neither slot is whole, or an older file is no text.
    """
    slots = [_read(content[first : first + SLOT]) for first in range(0, len(content), SLOT)]
    valid = [slot for slot in slots if slot is not None]
    try:
        if valid:
            return max(valid)[1].decode()
        if content.startswith(b"guard/"):
            raise StartRefusedError(f"the guard {name} has no slot that is whole")
        return content.decode()
    except UnicodeDecodeError as error:
        raise StartRefusedError(f"the guard {name} cannot be read") from error


def _slot(number: int, note: str) -> bytes:
    content = note.encode()
    digest = hashlib.sha256(b"%d " % number + content).hexdigest().encode("ascii")
    slot = b"guard/1 %d %s\n%s" % (number, digest, content)
    if len(slot) > SLOT:
        raise LogUnavailableError(f"a checkpoint of {len(content)} bytes does not fit the guard")
    return slot.ljust(SLOT, b"\0")


def _read(slot: bytes) -> tuple[int, bytes] | None:
    """Return a slot's number and note; None for one that is torn, was changed, or was never written."""
    head = _HEAD.match(slot)
    if head is None:
        return None
    content = slot[head.end() :].rstrip(b"\0")
    number = int(head[1])
    digest = hashlib.sha256(b"%d " % number + content).hexdigest().encode("ascii")
    return (number, content) if digest == head[2] else None
