"""Uploads that wait for their officer's word: one each, out of others' reach, gone after an hour."""

import re
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from exchange.files.model import MOST_BYTES
from exchange.home import write_private

KEPT_FOR = timedelta(hours=1)
_ID = re.compile(r"(?P<owner>[0-9a-f]{24})-(?P<made>[0-9]{13})-(?P<random>[0-9a-f]{32})")


class UploadGoneError(Exception):
    """There is no such upload of this officer, or not any more."""


class Uploads:
    """A home's uploads. An id names the officer by digest and the time, and nothing of the client's."""

    def __init__(self, files: Path) -> None:
        self._folder = files / "uploads"

    def offer(self, officer: str, *, at: datetime, random: bytes) -> str:
        """Return the id under which this officer may write one file; an earlier upload of theirs goes."""
        self.sweep(at=at)
        for path in self._paths(_owner(officer)):
            path.unlink(missing_ok=True)
        return f"{_owner(officer)}-{_ms(at)}-{random.hex()}"

    def write(self, upload: str, content: bytes) -> None:
        """Keep a file, readable by the exchange alone. Raises UploadGoneError for an id that is none."""
        if len(content) > MOST_BYTES:
            raise ValueError(f"{len(content)} bytes, at most {MOST_BYTES} kept")
        try:
            write_private(self._path(upload), content)
        except FileExistsError:
            raise UploadGoneError(upload) from None

    def read(self, upload: str, officer: str, *, at: datetime) -> bytes:
        """Return what this officer uploaded. Raises UploadGoneError."""
        path = self._path(upload)
        if not upload.startswith(f"{_owner(officer)}-") or _expired(upload, at):
            raise UploadGoneError(upload)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise UploadGoneError(upload) from None

    def drop(self, upload: str, officer: str) -> None:
        """Remove an upload of this officer's; one that is not there is not missed."""
        if upload.startswith(f"{_owner(officer)}-"):
            self._path(upload).unlink(missing_ok=True)

    def sweep(self, *, at: datetime) -> int:
        """Remove what was abandoned; returns how many."""
        gone = 0
        for path in self._paths("*"):
            if not _ID.fullmatch(path.name) or _expired(path.name, at):
                with suppress(FileNotFoundError):
                    path.unlink()
                    gone += 1
        return gone

    def _paths(self, owner: str) -> list[Path]:
        return list(self._folder.glob(f"{owner}-*")) if self._folder.is_dir() else []

    def _path(self, upload: str) -> Path:
        if not _ID.fullmatch(upload):
            raise UploadGoneError(upload)
        return self._folder / upload


def _owner(officer: str) -> str:
    return sha256(officer.encode()).hexdigest()[:24]


def _ms(at: datetime) -> str:
    return f"{int(at.timestamp() * 1000):013d}"


def _expired(upload: str, at: datetime) -> bool:
    made = int(upload.split("-")[1])
    return not 0 <= int(_ms(at)) - made < KEPT_FOR.total_seconds() * 1000
