"""The act that gives the log away page by page: hashes are public, entries are for auditors."""

from audit.canonical import b64
from audit.checkpoint import parse_checkpoint
from audit.errors import ProofError
from audit.merkle import TILE_WIDTH
from audit.note import parse_note
from audit.stamps import stamped_checkpoints
from audit.tiles import entry_bundle
from catalogue.model import Actor, Role
from exchange.acts.recording import record_read
from exchange.acts.register import ActError, act
from exchange.node import Node

LEAVES_MOST = 65_536
"""Leaves on a page without entries: 2 MiB."""

ENTRIES_MOST = 4_096
"""Entries on a page."""


@act("audit.export-begin")
def begin_export(node: Node, _actor: Actor, *, shard: str | None = None) -> dict[str, object]:
    """What an export runs up to: the newest published checkpoint, and the time stamps until then."""
    node = node.of_shard(shard)
    note = node.shown.checkpoint if node.read_from else node.log.published()
    size = parse_checkpoint(parse_note(note).text).size
    return {
        "origin": node.shown.origin,
        "size": size,
        "checkpoint": note,
        "keys": [span.key.vkey for span in node.shown_keys],
        "stamps": [
            {"note": held.note, "token": b64(held.token)}
            for held in stamped_checkpoints(node.indexed, most=size)
        ],
    }


@act("audit.export")
def export_page(
    node: Node,
    actor: Actor,
    *,
    first: int,
    size: int,
    entries: bool = False,
    shard: str | None = None,
) -> dict[str, object]:
    """A page of the log from entry `first` on, up to `size`; each page read is itself an entry.

    With `entries` the bodies are given, in bundles (C2SP tlog-tiles); that takes an auditor.
    """
    if entries and not actor.has(Role.AUDITOR):
        raise ActError("ROLE_MISSING", "an auditor needed: entries are not public")
    node = node.of_shard(shard)
    if not 0 <= first < size <= node.shown.size:
        raise ActError("ACT_ARGUMENTS", f"no page from {first} on in a log of {size}")
    end = min(size, first + (ENTRIES_MOST if entries else LEAVES_MOST))
    facts = {"first": first, "end": end, "size": size, "entries": entries}
    record_read(node, actor, "log.exported", facts)
    return {
        "first": first,
        "end": end,
        "leaves": b64(_leaves(node, first, end)),
        "bundles": _bundles(node, first, end) if entries else None,
    }


def _leaves(node: Node, first: int, end: int) -> bytes:
    found: list[bytes] = []
    for n in range(first // TILE_WIDTH, -(-end // TILE_WIDTH)):
        start = n * TILE_WIDTH
        width = min(TILE_WIDTH, end - start)
        tile = node.shown.tile(0, n, width=width)
        found += tile[max(first - start, 0) : width]
    if len(found) != end - first:
        raise ProofError(f"{len(found)} leaves stored of {end - first} from {first} on")
    return b"".join(found)


def _bundles(node: Node, first: int, end: int) -> list[str]:
    bundles = []
    for at in range(first, end, TILE_WIDTH):
        stop = min(at + TILE_WIDTH, end)
        bodies = node.shown.entries(at, stop)
        if len(bodies) != stop - at:
            raise ProofError(f"{len(bodies)} entries stored of {stop - at} from {at} on")
        bundles.append(b64(entry_bundle(bodies)))
    return bundles
