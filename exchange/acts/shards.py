"""The log's shards as they are shown: how they hold together, what is archived, what is held and erased."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from audit.archive import archived_bundles, closed_bundles
from audit.canonical import b64, decode_strict
from audit.chain import Opened, read_freezing, read_opening
from audit.checkpoint import parse_checkpoint
from audit.erasure import affected
from audit.errors import AuditError
from audit.fsck import ERASED
from audit.merkle import TILE_WIDTH
from audit.note import parse_note
from audit.published import newest_published
from audit.reading import LogReader
from audit.retention import classes, month_of, over_on, term_of
from audit.sqlstore import SqlStore
from audit.stamps import newest_stamp
from catalogue.keeping import ErasureState
from catalogue.model import Actor, Role
from catalogue.rows import ERASURE
from exchange.acts.register import ActError, act
from exchange.node import Node
from exchange.shards import Shard, is_due

LOOKED = 64
"""Published checkpoints, or entries of a kind, that are looked through for the newest that fits."""

VERIFIED = "log.verified"
REPLAYED = "policy.replayed"


@act("audit.shard-list")
def list_shards(node: Node, actor: Actor) -> dict[str, Any]:
    """The log's shards, the oldest first: sizes, final checkpoints, and whether each holds."""
    _need_looker(actor)
    return {
        "shards": [_told(node, shard) for shard in node.shards],
        "due": is_due(node.log, at=node.ports.now(), zone=node.zone),
    }


@act("audit.shard-show")
def show_shard(node: Node, actor: Actor, *, shard: str) -> dict[str, Any]:
    """One shard: how it holds together, what was last checked, what is archived, held and erased in it.

    Counts alone: nobody whom a hold or an erasure is about is named. Of a shard that does not hold as it was
    frozen only that is told.
    """
    _need_looker(actor)
    at = node.of_shard(shard)
    own = _shard_of(at)
    said = _told(node, own)
    if said["trouble"] is not None:
        return said
    return said | {
        "chain": _chain(at),
        "checked": _newest(node, VERIFIED, own.origin),
        "replayed": _newest(node, REPLAYED, own.origin),
        "archive": _archive(at),
        "holds": _holds(node, at),
        "erasures": _erasures(node, at),
        "terms": _terms(at),
    }


def _need_looker(actor: Actor) -> None:
    if not actor.has(Role.AUDITOR) and not actor.has(Role.ADMINISTRATOR):
        raise ActError("ROLE_MISSING", "an auditor or an administrator needed")


def _shard_of(at: Node) -> Shard:
    return at.shards[-1] if at.read_from is None else at.read_from.shard


def _told(node: Node, shard: Shard) -> dict[str, Any]:
    at = node.of_shard(shard.origin)
    trouble = None if at.read_from is None else at.read_from.trouble
    said: dict[str, Any] = {
        "shard": shard.name,
        "origin": shard.origin,
        "state": "broken",
        "first_number": None,
        "size": None,
        "root": None,
        "keys": list(shard.keys),
        "file": shard.file,
        "trouble": trouble,
        "begun": None,
        "newest": None,
        "next": _following(node, shard),
        "checkpoint": shard.checkpoint,
        "cosigned": None,
        "stamped": None,
        "archived": 0,
    }
    if trouble is not None:
        return said
    held = at.shown
    frozen = at.read_from is not None or node.log.frozen
    stamp = newest_stamp(at.indexed)
    return said | {
        "state": "frozen" if frozen else "written",
        "first_number": held.before,
        "size": held.size,
        "root": None if at.read_from is None else b64(_root(held.checkpoint)),
        "keys": list(shard.keys) or [span.key.vkey for span in node.log.keys.spans],
        "begun": _time_of(held, 0),
        "newest": _time_of(held, held.size - 1),
        "cosigned": _cosigned(at),
        "stamped": None if stamp is None else stamp[0],
        "archived": len(archived_bundles(at.indexed)) * TILE_WIDTH,
    }


def _following(node: Node, shard: Shard) -> str | None:
    """Return the origin of the shard after one; None: there is none yet."""
    places = {one.origin: n for n, one in enumerate(node.shards)}
    n = places[shard.origin] + 1
    return node.shards[n].origin if n < len(node.shards) else None


def _root(note: str) -> bytes:
    return parse_checkpoint(parse_note(note).text).root


def _cosigned(at: Node) -> dict[str, Any] | None:
    """Return the newest checkpoint that witnesses of the policy cosigned, and who did; None: none is."""
    for note in newest_published(at.indexed, most=LOOKED):
        names = at.witnessing.cosigners(note)
        if names:
            size = parse_checkpoint(parse_note(note).text).size
            return {"size": size, "whole": size == at.shown.size, "witnesses": list(names)}
    return None


def _chain(at: Node) -> dict[str, Any]:
    """What the two ends of a shard say. That they hold together was found when the node was opened."""
    held = at.shown
    opened: Opened | None = read_opening(decode_strict(held.entry(0))) if held.size else None
    ends = at.read_from is not None or at.log.frozen
    return {
        "follows": None
        if opened is None
        else {"origin": opened.checkpoint.origin, "size": opened.checkpoint.size},
        "carried": None if opened is None else opened.parts,
        "names": read_freezing(decode_strict(held.entry(held.size - 1))).origin if ends else None,
    }


def _newest(node: Node, kind: str, origin: str) -> dict[str, Any] | None:
    """Return the newest entry of a kind that is about a shard, wherever it was recorded; None: none is."""
    for shard, index in _entries_of(node, kind):
        members = decode_strict(shard.shown.entry(index))
        facts: Mapping[str, Any] = members.get("facts", {})
        if facts.get("shard", shard.shown.origin) == origin:
            told = {name: value for name, value in facts.items() if name != "shard"}
            place = {"shard": _shard_of(shard).called, "index": index}
            return {"at": _iso(members["ts"]), "entry": place, "facts": told}
    return None


def _entries_of(node: Node, kind: str) -> Iterator[tuple[Node, int]]:
    """Yield entries of a kind, the newest first; shards that do not hold are left out."""
    readable = [node.of_shard(one.shard.origin) for one in node.older if one.log is not None]
    for shard in reversed([*readable, node.of_shard(None)]):
        for index in SqlStore(shard.indexed).indices_of(kind)[: -LOOKED - 1 : -1]:
            yield shard, index


def _archive(at: Node) -> dict[str, Any]:
    """What lies in files, and which closed bundles could follow now."""
    archived = archived_bundles(at.indexed)
    closed = closed_bundles(at.indexed, before=int(at.ports.now().timestamp() * 1000))
    size = at.shown.size
    return {
        "bundles": len(archived),
        "entries": len(archived) * TILE_WIDTH,
        "folders": sorted({one.folder for one in archived}),
        "closed": len(closed),
        "closed_first": closed[0] * TILE_WIDTH if closed else None,
        "closed_end": (closed[-1] + 1) * TILE_WIDTH if closed else None,
        "closed_newest": _time_of(at.shown, (closed[-1] + 1) * TILE_WIDTH - 1) if closed else None,
        "open": size - size // TILE_WIDTH * TILE_WIDTH,
    }


def _holds(node: Node, at: Node) -> dict[str, Any]:
    standing = [one for one in node.registry.holds() if one.lifted_by is None]
    keys = {
        key.key_id
        for one in standing
        if one.subject_type is not None and one.subject is not None
        for key in node.vault.held_of((one.subject_type.value, one.subject))
    }
    return {
        "everybody": sum(one.everybody for one in standing),
        "subjects": sum(not one.everybody for one in standing),
        "entries": _touched(at, keys),
    }


def _erasures(node: Node, at: Node) -> dict[str, Any]:
    binding = {ErasureState.APPROVED, ErasureState.DONE}
    keys = {key for one in node.held(ERASURE).values() if one.state in binding for key in one.keys}
    return {
        "recorded": len(SqlStore(at.indexed).indices_of(ERASED)),
        "entries": _touched(at, keys),
    }


def _touched(at: Node, keys: set[str]) -> int:
    return len(affected(at.indexed, keys, first=0, end=at.shown.size)) if keys else 0


def _terms(at: Node) -> list[dict[str, Any]]:
    """For each retention class: from when on its oldest and its newest disclosures here may be erased."""
    today = at.ports.now().astimezone(UTC).date()
    months = [month_of(_ms_of(at.shown, index)) for index in (0, at.shown.size - 1)]
    found = []
    for retention in classes():
        term = term_of(retention, on=today)
        first, last = (over_on(month, term).isoformat() for month in months)
        found.append(
            {
                "retention": retention,
                "months": term.months,
                "citation": term.citation,
                "provisional": term.provisional,
                "over_first": first,
                "over_last": last,
            }
        )
    return found


def _time_of(held: LogReader, index: int) -> str | None:
    """Return when an entry was made; None where its body is away: an archive's file may be."""
    try:
        return _iso(_ms_of(held, index))
    except AuditError:
        return None


def _ms_of(held: LogReader, index: int) -> int:
    return int(decode_strict(held.entry(index))["ts"])


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
