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
def list_archived(node: Node, actor: Actor, *, before: datetime | None = None) -> dict[str, Any]:
    """What lies in files, and how many bundles could be archived that are older than a moment."""
    need_administrator(actor)
    archived = archived_bundles(node.databases.log)
    closed = closed_bundles(node.databases.log, before=_ms(before or now()))
    return {
        "bundles": len(archived),
        "entries": len(archived) * TILE_WIDTH,
        "folders": sorted({one.folder for one in archived}),
        "closed": len(closed),
    }


@act("archive.run")
def run_archive(
    node: Node, actor: Actor, *, before: datetime, folder: str | None = None, most: int = MOST
) -> dict[str, Any]:
    """Archive closed bundles older than a moment, oldest first: written, checked, recorded, then cleaned."""
    need_administrator(actor)
    _check_most(most)
    place = _folder(node, folder)
    wanted = closed_bundles(node.databases.log, before=_ms(before))
    stored, at = SqlStore(node.databases.log), _ms(now())
    kept = [
        Archived(n=n, folder=str(place), digest=keep_bundle(stored, n, folder=place), at=at)
        for n in wanted[:most]
    ]
    # Recorded once it lies in files, before it leaves the database.
    index = _recorded(node, actor, "log.archived", kept)
    for one in kept:
        clean(node.databases.log, one)
    return _told(kept, left=len(wanted) - len(kept), entry=index)


@act("archive.restore")
def restore_archive(node: Node, actor: Actor, *, most: int = MOST) -> dict[str, Any]:
    """Put archived bodies back into the database, newest first; the files are left where they are."""
    need_administrator(actor)
    _check_most(most)
    archived = archived_bundles(node.databases.log)[::-1]
    stored = SqlStore(node.databases.log)
    for one in archived[:most]:
        restore(node.databases.log, stored, one)
    index = _recorded(node, actor, "log.restored", archived[:most])
    return _told(archived[:most], left=max(len(archived) - most, 0), entry=index)


@act("archive.move")
def move_archive(node: Node, actor: Actor, *, folder: str) -> dict[str, Any]:
    """Read archived bodies from another folder, to which the files were copied; each is checked first."""
    need_administrator(actor)
    place = _folder(node, folder)
    archived = archived_bundles(node.databases.log)
    stored = SqlStore(node.databases.log)
    for one in archived:
        moved(node.databases.log, stored, one, folder=place)
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


def _folder(node: Node, folder: str | None) -> Path:
    place = node.settings.home / FOLDER if folder is None else Path(folder)
    if not place.is_absolute():
        raise ActError("ACT_ARGUMENTS", "an absolute path needed: every process reads from there")
    return place


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
