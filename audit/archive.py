"""Moves the bodies of old entries into files and back; hashes stay in the database, and so does every proof.

Only whole bundles of 256 entries go, as C2SP tlog-tiles lays them out (gzip), each with its tile of hashes
beside it. A bundle is read back and held against its tile before its bodies leave the database.
"""

import gzip
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.errors import LogUnavailableError, MalformedError, ProofError
from audit.merkle import TILE_WIDTH, FullTile, leaf_hash
from audit.store import StoredEntry
from audit.tiles import entry_bundle, parse_bundle, tile_path

_CACHED = 64
_LARGEST = TILE_WIDTH * (0xFFFF + 2)
"""Bytes of the largest bundle: a file that claims more is not one."""


class Stored(Protocol):
    """The part of `LogStore` that is read here."""

    def entries(self, first: int, end: int) -> list[StoredEntry]: ...

    def leaves(self, first: int, end: int) -> list[bytes]: ...

    def tile(self, level: int, n: int) -> FullTile | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A bundle whose bodies lie in a file: entries [256 · n, 256 · (n + 1))."""

    n: int
    folder: str
    digest: str
    """SHA-256 of the bundle before gzip, hex."""
    at: int
    """When, epoch ms."""


def keep_bundle(stored: Stored, n: int, *, folder: Path) -> str:
    """Write a bundle and its tile, read it back, and return its digest; the database is left as it is.

    Raises ProofError where entries, leaves and tile do not agree, or a file says otherwise already.
    """
    bodies = [entry.body for entry in stored.entries(n * TILE_WIDTH, (n + 1) * TILE_WIDTH)]
    tile = stored.tile(0, n)
    if tile is None:
        raise ProofError(f"tile 0/{n} is not full: its range is not closed")
    _check(bodies, tile.hashes, n)
    bundle = entry_bundle(bodies)
    _put(folder / tile_path(0, n), tile.hashes)
    _put(folder / tile_path("entries", n), gzip.compress(bundle, mtime=0))
    _check(_read(folder, n), tile.hashes, n)
    return sha256(bundle).hexdigest()


def clean(engine: Engine, archived: Archived) -> None:
    """Take the bodies of a kept bundle out of the database; reading goes to the file from then on."""
    entries = tables.entry
    first, end = archived.n * TILE_WIDTH, (archived.n + 1) * TILE_WIDTH
    try:
        with engine.begin() as connection:
            connection.execute(
                insert(tables.archive),
                {
                    "n": archived.n,
                    "folder": archived.folder,
                    "digest": archived.digest,
                    "archived_at": archived.at,
                },
            )
            connection.execute(
                update(entries).where(entries.c.idx >= first, entries.c.idx < end).values(body=None)
            )
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def restore(engine: Engine, stored: Stored, archived: Archived) -> None:
    """Put the bodies of a bundle back into the database. Raises ProofError unless they are its leaves'."""
    entries, first = tables.entry, archived.n * TILE_WIDTH
    bodies = _read(Path(archived.folder), archived.n)
    _check(bodies, b"".join(stored.leaves(first, first + TILE_WIDTH)), archived.n)
    try:
        with engine.begin() as connection:
            for index, body in enumerate(bodies, first):
                connection.execute(
                    update(entries)
                    .where(entries.c.idx == index, entries.c.body.is_(None))
                    .values(body=body)
                )
            connection.execute(delete(tables.archive).where(tables.archive.c.n == archived.n))
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def moved(engine: Engine, stored: Stored, archived: Archived, *, folder: Path) -> None:
    """Read a bundle from another folder from now on. Raises ProofError unless it lies there whole."""
    first = archived.n * TILE_WIDTH
    leaves = b"".join(stored.leaves(first, first + TILE_WIDTH))
    _check(_read(folder, archived.n), leaves, archived.n)
    table = tables.archive
    try:
        with engine.begin() as connection:
            connection.execute(
                update(table).where(table.c.n == archived.n).values(folder=str(folder))
            )
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def archived_bundles(engine: Engine) -> list[Archived]:
    """Return the bundles whose bodies lie in files, in order."""
    query = select(tables.archive).order_by(tables.archive.c.n)
    try:
        with engine.execution_options(reading=True).connect() as connection:
            return [
                Archived(n=row.n, folder=row.folder, digest=row.digest, at=row.archived_at)
                for row in connection.execute(query)
            ]
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def closed_bundles(engine: Engine, *, before: int) -> list[int]:
    """Return the bundles that are closed, not archived, and older than a moment (epoch ms), in order."""
    tile, index = tables.tile.c, tables.index.c
    newest = select(func.max(index.idx)).where(index.ts < before).scalar_subquery()
    query = (
        select(tile.n)
        .where(
            tile.level == 0,
            (tile.n + 1) * TILE_WIDTH - 1 <= newest,
            tile.n.not_in(select(tables.archive.c.n)),
        )
        .order_by(tile.n)
    )
    try:
        with engine.execution_options(reading=True).connect() as connection:
            return list(connection.execute(query).scalars())
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def bodies_in_files(
    folders: Mapping[int, str], leaves: Iterable[tuple[int, bytes]]
) -> dict[int, bytes]:
    """Return the archived bodies of entries, given by index and leaf, as far as they are what the leaf says.

    `folders` says by bundle where it lies. A file that is gone or changed gives nothing: the entry is
    missing, and whoever asks for it is told so.
    """
    found: dict[int, bytes] = {}
    for index, leaf in leaves:
        n, place = divmod(index, TILE_WIDTH)
        try:
            bodies = _cached(folders[n], n)
        except (KeyError, OSError, MalformedError, ProofError):
            continue
        if place < len(bodies) and leaf_hash(bodies[place]) == leaf:
            found[index] = bodies[place]
    return found


@lru_cache(maxsize=_CACHED)
def _cached(folder: str, n: int) -> Sequence[bytes]:
    return _read(Path(folder), n)


def _read(folder: Path, n: int) -> Sequence[bytes]:
    """Raises ProofError where there is no bundle that can be read."""
    try:
        with gzip.open(folder / tile_path("entries", n)) as file:
            content = file.read(_LARGEST + 1)
    except (OSError, EOFError) as error:
        raise ProofError(f"bundle {n} cannot be read ({type(error).__name__})") from error
    if len(content) > _LARGEST:
        raise ProofError(f"bundle {n} is longer than {_LARGEST} bytes")
    return parse_bundle(content)


def _check(bodies: Sequence[bytes], hashes: bytes, n: int) -> None:
    if len(bodies) != TILE_WIDTH:
        raise ProofError(f"{len(bodies)} entries in bundle {n}, {TILE_WIDTH} needed")
    if b"".join(leaf_hash(body) for body in bodies) != hashes:
        raise ProofError(f"the entries of bundle {n} are not those of tile 0/{n}")


def _put(path: Path, content: bytes) -> None:
    """Write a file that is never changed again, on the disk before this returns."""
    if path.is_file():
        if path.read_bytes() != content:
            raise ProofError(f"{path.name} holds something else already")
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unavailable(error: Exception) -> LogUnavailableError:
    return LogUnavailableError(f"the log's database does not answer ({type(error).__name__})")
