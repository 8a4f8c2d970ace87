"""Acts that move old entries' bodies into files and back, a page of bundles at a time, each page recorded."""

from datetime import datetime
from pathlib import Path
from typing import Any

from audit.archive import (
    Archived,
    archived_bundles,
    clean,
    closed_bundles,
    keep_bundle,
    moved,
    restore,
)
from audit.merkle import TILE_WIDTH
from audit.sqlstore import SqlStore
from catalogue.model import Actor, Role
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.clock import now
from exchange.node import Node

MOST = 64
"""Bundles an act."""
FOLDER = "archive"
"""Where a home keeps archived entries, unless another place is named."""


@act("archive.list")
def list_archived(
    node: Node, actor: Actor, *, before: datetime | None = None, shard: str | None = None
) -> dict[str, Any]:
    """What lies in files, and how many bundles could be archived that are older than a moment.

    Of a frozen `shard`, named as in a search: so also in the acts below.
    """
    need_administrator(actor)
    node = _of(node, shard)
    archived = archived_bundles(node.indexed)
    closed = closed_bundles(node.indexed, before=_ms(before or now()))
    return {
        "bundles": len(archived),
        "entries": len(archived) * TILE_WIDTH,
        "folders": sorted({one.folder for one in archived}),
        "closed": len(closed),
    }


@act("archive.run")
def run_archive(
    node: Node,
    actor: Actor,
    *,
    before: datetime,
    folder: str | None = None,
    most: int = MOST,
    shard: str | None = None,
) -> dict[str, Any]:
    """Archive closed bundles older than a moment, oldest first: written, checked, recorded, then cleaned.

    Each shard has a folder of its own: the same bundle number is another one in each.
    """
    need_administrator(actor)
    node = _of(node, shard)
    _check_most(most)
    place = _folder(node, folder)
    wanted = closed_bundles(node.indexed, before=_ms(before))
    stored, at = SqlStore(node.indexed), _ms(now())
    kept = [
        Archived(n=n, folder=str(place), digest=keep_bundle(stored, n, folder=place), at=at)
        for n in wanted[:most]
    ]
    # Recorded once it lies in files, before it leaves the database.
    index = _recorded(node, actor, "log.archived", kept)
    for one in kept:
        clean(node.indexed, one)
    said = _told(kept, left=len(wanted) - len(kept), entry=index)
    return {**said, "folder": str(place)}


@act("archive.restore")
def restore_archive(
    node: Node, actor: Actor, *, most: int = MOST, shard: str | None = None
) -> dict[str, Any]:
    """Put archived bodies back into the database, newest first; the files are left where they are."""
    need_administrator(actor)
    node = _of(node, shard)
    _check_most(most)
    archived = archived_bundles(node.indexed)[::-1]
    stored = SqlStore(node.indexed)
    for one in archived[:most]:
        restore(node.indexed, stored, one)
    index = _recorded(node, actor, "log.restored", archived[:most])
    return _told(archived[:most], left=max(len(archived) - most, 0), entry=index)


@act("archive.move")
def move_archive(
    node: Node, actor: Actor, *, folder: str, shard: str | None = None
) -> dict[str, Any]:
    """Read archived bodies from another folder, to which the files were copied; each is checked first."""
    need_administrator(actor)
    node = _of(node, shard)
    place = _folder(node, folder)
    archived = archived_bundles(node.indexed)
    stored = SqlStore(node.indexed)
    for one in archived:
        moved(node.indexed, stored, one, folder=place)
    index = _recorded(node, actor, "log.archive-moved", archived)
    return _told(archived, left=0, entry=index)


def need_administrator(actor: Actor) -> None:
    if not actor.has(Role.ADMINISTRATOR):
        raise ActError("ROLE_MISSING", "an administrator needed")


def _recorded(node: Node, actor: Actor, kind: str, bundles: list[Archived]) -> int | None:
    """Record which entries a page was; None where it was none."""
    if not bundles:
        return None
    numbers = [one.n for one in bundles]
    facts = {
        "first": min(numbers) * TILE_WIDTH,
        "end": (max(numbers) + 1) * TILE_WIDTH,
        "bundles": len(numbers),
    }
    return record_read(node, actor, kind, facts)


def _told(bundles: list[Archived], *, left: int, entry: int | None) -> dict[str, Any]:
    return {
        "bundles": len(bundles),
        "entries": len(bundles) * TILE_WIDTH,
        "left": left,
        "entry": entry,
    }


def _check_most(most: int) -> None:
    if not 1 <= most <= MOST:
        raise ActError("ACT_ARGUMENTS", f"{most} bundles at once, 1 to {MOST} needed")


def _of(node: Node, shard: str | None) -> Node:
    """Return the node as it reads a shard, which has to be as it was frozen. Raises ProofError."""
    node = node.of_shard(shard)
    if node.read_from is not None:
        node.read_from.need()
    return node


def _folder(node: Node, folder: str | None) -> Path:
    own = node.shards[-1] if node.read_from is None else node.read_from.shard
    # The first shard's name is empty: its bundles lie where those of a log of one shard do.
    place = node.settings.home / FOLDER / own.name if folder is None else Path(folder)
    if not place.is_absolute():
        raise ActError("ACT_ARGUMENTS", "an absolute path needed: every process reads from there")
    return place


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
