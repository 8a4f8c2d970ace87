"""Copies of a node's home that belong together: taken while it serves, checked, put back, thrown away.

A backup is a folder of the three databases, the published tables and the policy archives, with
`backup.json`, which names each by SHA-256 and says how far the log had come. Keys are never in it: whoever
has only the backup reads no disclosure and signs nothing. Nor is the guard, by which a start knows that an
older log was put back.
"""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from exchange.home import FILES, HomeError, write_durably
from exchange.shards import SHARDS, log_files
from exchange.storage import BRANCHES

MANIFEST = "backup.json"
VERSION = "backup/1"
FOLDER = "backups"
RESTORED = Path("run") / "restored"
"""In a home: when its databases were last put back, in ms; requests made before are refused."""
UNRECORDED = Path("run") / "restored.unrecorded"
"""The same until the log has an entry of it."""
KEEP_DAYS = 30
"""A copy of the vault holds keys that may be destroyed meanwhile: the older it is, the less erasing means."""

_PAGES = 2_048
_KEPT = ("bundles", f"{FILES}/tables")

Progress = Callable[[str, int, int], None]
"""Told what is being copied, how many pages are done, and of how many."""


class BackupError(HomeError):
    """A backup cannot be taken, read or put back; says what was found and what was needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of a backup: its path inside, its length in bytes and SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What `backup.json` says. `made_at` is epoch ms; `revisions` are the databases' migrations."""

    made_at: int
    origin: str
    size: int
    root: str
    revisions: dict[str, str]
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        return _name(self.made_at)


def take_backup(home: Path, *, at: datetime, told: Progress) -> tuple[Path, Backup]:
    """Copy a home as of one moment, also while it is served; returns the folder and what it holds.

    Raises BackupError where the databases are not files of this home, or the folder exists.
    """
    made_at = int(at.timestamp() * 1000)
    folder = home / FOLDER / _name(made_at)
    unfinished = folder.with_name(folder.name + ".part")
    if folder.exists() or unfinished.exists():
        raise BackupError(f"{folder} is there already: one backup a second")
    unfinished.mkdir(mode=0o700, parents=True)
    try:
        _copy_databases(home, unfinished, told)
        if (home / SHARDS).exists():
            shutil.copy2(home / SHARDS, unfinished / SHARDS)
        for kept in _KEPT:
            if (home / kept).is_dir():
                shutil.copytree(home / kept, unfinished / kept)
        backup = _describe(unfinished, made_at=made_at)
        write_durably(unfinished / MANIFEST, _format(backup))
        unfinished.rename(folder)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise BackupError(f"the backup could not be taken: {error}") from error
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return folder, backup


def read_backup(folder: Path) -> Backup:
    """Read what a backup says it holds, and check every byte of it against that.

    Raises BackupError naming the first file that is missing, changed, or not among those listed.
    """
    backup = read_manifest(folder)
    listed = {part.path for part in backup.parts}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for path in sorted((found - {MANIFEST}) ^ listed):
        raise BackupError(f"{folder}: {path} is {'not listed' if path in found else 'missing'}")
    for part in backup.parts:
        if _part(folder, folder / part.path) != part:
            raise BackupError(f"{folder}: {part.path} is not the file that was backed up")
    return backup


def read_manifest(folder: Path) -> Backup:
    """Read `backup.json` alone. Raises BackupError for one that this program did not write."""
    try:
        written = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version, parts = written.pop("v"), tuple(Part(**one) for one in written.pop("parts"))
        held = Backup(parts=parts, **written)
    except FileNotFoundError as error:
        raise BackupError(f"{folder} is no backup: it has no {MANIFEST}") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupError(f"{folder / MANIFEST} is not readable as {VERSION}") from error
    if version != VERSION:
        raise BackupError(f"{folder / MANIFEST} is {version!r}, {VERSION} needed")
    return held


def list_backups(home: Path) -> list[tuple[Path, Backup]]:
    """Return the home's finished backups, newest first; what cannot be read is left out."""
    found = []
    for folder in (home / FOLDER).iterdir() if (home / FOLDER).is_dir() else ():
        try:
            found.append((folder, read_manifest(folder)))
        except BackupError:
            continue
    return sorted(found, key=lambda one: -one[1].made_at)


def restore(folder: Path, home: Path, *, at: datetime) -> tuple[Backup, Path]:
    """Put a checked backup back; the caller holds the home's lock. Returns it and what it displaced.

    What was there goes to `backups/displaced-…` and is not lost. The home needs its keys already. Raises
    BackupError before anything is moved where the backup or the home is not what it ought to be.
    """
    backup = read_backup(folder)
    _check_fits(backup, home)
    moment = int(at.timestamp() * 1000)
    fresh = home / FOLDER / f"restoring-{_name(moment)}"
    displaced = home / FOLDER / f"displaced-{_name(moment)}"
    shutil.copytree(folder, fresh)
    displaced.mkdir(mode=0o700)
    # From here on requests made before now are refused, whatever else happens.
    for mark in (RESTORED, UNRECORDED):
        write_durably(home / mark, f"{moment}\n".encode())
    _move([*_database_files(home), SHARDS, *_KEPT], home, displaced)
    _move([*(part.path for part in backup.parts if "/" not in part.path), *_KEPT], fresh, home)
    shutil.rmtree(fresh)
    return backup, displaced


def restored_at(home: Path) -> int:
    """Return when this home's databases were last put back, in ms; 0: never. Raises BackupError."""
    try:
        text = (home / RESTORED).read_text(encoding="ascii")
    except FileNotFoundError:
        return 0
    if not text.endswith("\n") or not text[:-1].isdecimal():
        raise BackupError(f"{home / RESTORED} says no moment")
    return int(text)


def record_restored(home: Path, record: Callable[[int], None]) -> None:
    """Have `record` write an entry of a restore that has none yet, given the moment in ms."""
    if (home / UNRECORDED).exists():
        record(restored_at(home))
        (home / UNRECORDED).unlink()


def too_old(home: Path, *, at: datetime, days: int = KEEP_DAYS) -> list[Path]:
    """Return what lies in `backups/` and is older: copies before migrations and displaced ones too."""
    oldest = (at - timedelta(days=days)).timestamp()
    folder = home / FOLDER
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in found if _moment_of(path) < oldest)


def throw_away(path: Path) -> None:
    """Remove one backup, or one copy made before a migration."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _copy_databases(home: Path, target: Path, told: Progress) -> None:
    with _pinned(home) as pinned:
        for name, source in pinned.items():
            path = target / name
            path.touch(mode=0o600)
            with closing(sqlite3.connect(path)) as copy:
                # The source is inside a read transaction: later writes neither show nor start it anew.
                source.backup(copy, pages=_PAGES, progress=_saying(path.stem, told))
                copy.execute("PRAGMA journal_mode=DELETE")


def _saying(branch: str, told: Progress) -> Callable[[int, int, int], None]:
    return lambda _status, remaining, total: told(branch, total - remaining, total)


@contextmanager
def _pinned(home: Path) -> Iterator[dict[str, sqlite3.Connection]]:
    """Connections that see all databases as of one moment, by file; frozen shards of the log, too.

    Every act writes its entry while it holds the registry's write lock, and a call makes its keys before its
    entry. So while that lock is ours, the log and then the vault stand still enough to belong together.
    """
    with ExitStack() as stack:
        gate = stack.enter_context(closing(_open(home, "registry.db")))
        gate.execute("BEGIN IMMEDIATE")
        pinned = {}
        for name in (*reversed(log_files(home)), "vault.db", "registry.db"):
            pinned[name] = stack.enter_context(closing(_open(home, name)))
            pinned[name].execute("BEGIN")
            pinned[name].execute("SELECT count(*) FROM alembic_version").fetchone()
        gate.rollback()
        yield pinned


def _open(home: Path, name: str) -> sqlite3.Connection:
    path = home / name
    if not path.is_file():
        raise BackupError(f"{path} is missing: a backup is taken of a home on SQLite")
    return sqlite3.connect(path, timeout=10, isolation_level=None)


def _describe(folder: Path, *, made_at: int) -> Backup:
    log_file = log_files(folder)[-1]
    with closing(sqlite3.connect(folder / log_file)) as log:
        head = log.execute("SELECT origin, size, root FROM audit_head").fetchone()
    if head is None:
        raise BackupError("the log holds nothing yet: there is nothing to back up")
    origin, size, root = head
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return Backup(
        made_at=made_at,
        origin=origin,
        size=size,
        root=root.hex(),
        revisions={
            branch: _revision(folder / (log_file if branch == "log" else f"{branch}.db"))
            for branch in BRANCHES
        },
        parts=tuple(_part(folder, path) for path in files),
    )


def _revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _part(folder: Path, path: Path) -> Part:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Part(path=path.relative_to(folder).as_posix(), bytes=path.stat().st_size, sha256=digest)


def _check_fits(backup: Backup, home: Path) -> None:
    key = home / "log.vkey"
    if not key.is_file():
        raise BackupError(
            f"{home} has no keys: put its keys/ and log.vkey back first, they are in no backup"
        )
    origin = key.read_text(encoding="utf-8").split("+", 1)[0].strip()
    if origin != backup.origin:
        raise BackupError(f"a backup of {backup.origin}, this home keeps {origin}")


def _move(names: Iterable[str], source: Path, target: Path) -> None:
    for name in names:
        if (source / name).exists():
            (target / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (source / name).rename(target / name)


def _database_files(home: Path) -> list[str]:
    return [
        f"{name}{ending}"
        for name in ("registry.db", *log_files(home), "vault.db")
        for ending in ("", "-wal", "-shm")
        if (home / f"{name}{ending}").exists()
    ]


def _format(backup: Backup) -> bytes:
    written: dict[str, Any] = {"v": VERSION, **asdict(backup)}
    return json.dumps(written, indent=1, sort_keys=True).encode() + b"\n"


def _name(made_at: int) -> str:
    return f"{datetime.fromtimestamp(made_at / 1000, tz=UTC):%Y%m%dT%H%M%SZ}"


def _moment_of(path: Path) -> float:
    """When a backup was made, by the stamp in its name; what has none is never too old."""
    for word in path.stem.split("-"):
        try:
            return datetime.strptime(word, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return float("inf")
