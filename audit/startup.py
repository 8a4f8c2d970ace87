"""Opens a stored log only if it is its own past: seal, root, guard and the chain of acts must agree."""

import hmac
import os
from binascii import b2a_base64
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from audit.acts import Acts, RecordedAct, read_act
from audit.canonical import decode_strict, encode
from audit.chain import entries_before
from audit.checkpoint import Checkpoint
from audit.errors import (
    AuditError,
    LogUnavailableError,
    MalformedError,
    ProofError,
    StartRefusedError,
)
from audit.given_up import GIVEN_UP, read_given_up
from audit.guard import newest_note
from audit.key_spans import check_signed
from audit.keys import LogKeys
from audit.merkle import (
    EMPTY_ROOT,
    TILE_WIDTH,
    FullTile,
    RightEdge,
    check_consistency,
    consistency_proof,
    leaf_hash,
    root_of,
)
from audit.rotation import RETIRED, ROTATED, keys_in_force, read_retirement, read_rotation
from audit.store import Head, LogStore
from audit.tiles import TileReader, split_hashes

_TILES_KEPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    head: Head
    edge: RightEdge
    acts: Acts
    keys: LogKeys
    """Those that sign by now, as the log's own entries say."""
    before: int
    """Entries of earlier shards."""
    given_up: frozenset[Checkpoint]
    """What the log signed once and, as its entries say, does not lead to any more."""


def seal_head(head: Head, key: bytes) -> Head:
    """Return the head under its seal: only who holds the key can say where the log stands."""
    return replace(head, seal=_seal(head, key))


def check_seal(head: Head, key: bytes) -> None:
    """Raise ProofError unless the sequencer itself wrote this head."""
    if not hmac.compare_digest(head.seal, _seal(head, key)):
        raise ProofError(f"the head at size {head.size} does not bear the sequencer's seal")


def _seal(head: Head, key: bytes) -> bytes:
    # Canonical JSON, written straight: each batch seals a head.
    sealed = b'["seal/0",%b,%d,%d,"%b",%d,%d,%d]' % (
        _quoted(head.origin),
        head.epoch,
        head.size,
        b2a_base64(head.root, newline=False),
        head.barrier,
        head.last_act,
        head.ts,
    )
    return hmac.digest(key, sealed, "sha256")


@lru_cache(maxsize=16)
def _quoted(origin: str) -> bytes:
    return encode(origin)


def empty_head(origin: str, *, ts: int, barrier: int = -1) -> Head:
    """A head before the first entry; a shard that follows another has its `barrier` in that one."""
    return Head(
        origin=origin,
        size=0,
        root=EMPTY_ROOT,
        epoch=0,
        barrier=barrier,
        last_act=-1,
        ts=ts,
        seal=b"",
        note="",
    )


def write_guard(path: Path, note: str) -> None:
    """Keep the newest checkpoint outside the database: a restored backup then shows.

    Put in place by renaming, so that a reader finds the old one or the new one. It is not forced to the
    disk: after a power cut it may lag behind the log, which it may, and never runs ahead of it.
    """
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(note)
    fresh.replace(path)


def read_guard(path: Path) -> str:
    """Return the checkpoint kept outside the database; empty where there is none yet."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise StartRefusedError(f"the guard {path.name} cannot be read") from error
    return newest_note(content, name=path.name)


def load(
    store: LogStore, keys: LogKeys, *, guard: str, given_up: frozenset[Checkpoint] = frozenset()
) -> Loaded | None:
    """Read the log and check that it is its own past; None: nothing was ever written.

    The guard may know a checkpoint that is `given_up`, or that an entry gives up. Raises StartRefusedError
    that says what does not agree.
    """
    head = store.head()
    last = store.last_index()
    if head is None:
        if guard or last >= 0:
            raise StartRefusedError("the log has no head, and entries or a guard that say it had")
        return None
    try:
        _check_head(head, keys, last=last)
        edge = load_edge(store, head)
        tiles = VouchedTiles(edge, store.tile)
        keys = keys_of(store, head, tiles, held=keys)
        recorded = _read_given_up(store, head, tiles)
        for note, excused in ((head.note, frozenset()), (guard, recorded | given_up)):
            if note and _own_checkpoint(note, keys) not in excused:
                _check_past(note, head, keys, tiles)
        before = _entries_before(store, head, tiles)
        acts = Acts(_read_acts(store, head, tiles), before=before)
        _check_end(acts, head)
    except (StartRefusedError, LogUnavailableError):
        raise
    except AuditError as error:
        raise StartRefusedError(str(error)) from error
    return Loaded(head=head, edge=edge, acts=acts, keys=keys, before=before, given_up=recorded)


def keys_of(store: LogStore, head: Head, tiles: "VouchedTiles", *, held: LogKeys) -> LogKeys:
    """Return the keys that sign by now, as the log's entries say, of those `held` in files.

    Raises StartRefusedError for a gap between them, ProofError for an entry that is not of the log.
    """
    origin = head.origin
    rotated, retired = (_entries_of(kind, store, head, tiles) for kind in (ROTATED, RETIRED))
    return keys_in_force(
        held,
        rotations=[read_rotation(index, members, origin=origin) for index, members in rotated],
        retirements=[read_retirement(index, members) for index, members in retired],
    )


def _read_given_up(store: LogStore, head: Head, tiles: "VouchedTiles") -> frozenset[Checkpoint]:
    found = _entries_of(GIVEN_UP, store, head, tiles)
    told = [read_given_up(index, members, origin=head.origin) for index, members in found]
    return frozenset[Checkpoint]().union(*told)


def _check_end(acts: Acts, head: Head) -> None:
    if acts.frozen_at not in {None, head.size - 1}:
        raise StartRefusedError(f"entry {acts.frozen_at} ends this shard, and others follow it")


def _entries_before(store: LogStore, head: Head, tiles: "VouchedTiles") -> int:
    """Return how many entries earlier shards have, as the first entry of this one says."""
    if not head.size:
        return 0
    body = store.body(0)
    if body is None or leaf_hash(body) != tiles.leaf(0):
        raise StartRefusedError("entry 0 is not what the tree says it is")
    return entries_before(decode_strict(body))


def _entries_of(
    kind: str, store: LogStore, head: Head, tiles: "VouchedTiles"
) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the entries of a kind, each vouched for by the tree; the search rows only say where."""
    found: list[tuple[int, Mapping[str, Any]]] = []
    for index in store.indices_of(kind):
        body = store.body(index) if index < head.size else None
        if body is None or leaf_hash(body) != tiles.leaf(index):
            raise StartRefusedError(f"entry {index}, {kind}, is not what the tree says it is")
        members = decode_strict(body)
        if members["kind"] != kind:
            raise StartRefusedError(f"entry {index} is found as {kind} and is none")
        found.append((index, members))
    return found


def _check_head(head: Head, keys: LogKeys, *, last: int) -> None:
    if head.origin != keys.origin:
        raise StartRefusedError(f"a log of {head.origin} under the keys of {keys.origin}")
    check_seal(head, keys.seal)
    if last != head.size - 1:
        raise StartRefusedError(
            f"the newest stored entry is {last}, the sealed head ends at {head.size - 1}"
        )


def load_edge(store: LogStore, head: Head) -> RightEdge:
    """Return the stored tree's right edge. Raises StartRefusedError for another root than the head's."""
    size = head.size
    edges = [store.leaves(size - size % TILE_WIDTH, size)]
    level = 1
    while size >> 8 * level:
        width = size >> 8 * level
        edges.append(store.tile_roots(level - 1, width - width % TILE_WIDTH, width))
        level += 1
    edge = RightEdge.from_edges(size, edges)
    if edge.root() != head.root:
        raise StartRefusedError(f"the stored tree of {size} leaves has another root than its head")
    return edge


def _check_past(note: str, head: Head, keys: LogKeys, tiles: "VouchedTiles") -> None:
    past = _own_checkpoint(note, keys)
    if past.size > head.size:
        raise StartRefusedError(
            f"a checkpoint of {past.size} entries was signed, the log has {head.size}: "
            "an older copy was put in its place"
        )
    if past.size:
        reader = TileReader(tiles.hashes)
        proof = consistency_proof(past.size, head.size, reader.node)
        check_consistency(
            proof,
            old_size=past.size,
            old_root=past.root,
            new_size=head.size,
            new_root=head.root,
        )


def _own_checkpoint(note: str, keys: LogKeys) -> Checkpoint:
    past = check_signed(note, keys.spans)
    if past.origin != keys.origin:
        raise ProofError(f"a checkpoint of {past.origin}, one of {keys.origin} needed")
    return past


def _read_acts(store: LogStore, head: Head, tiles: "VouchedTiles") -> list[RecordedAct]:
    """Follow the chain of acts from the newest back to the first; each must be the leaf it claims."""
    acts: list[RecordedAct] = []
    index = head.last_act
    while index >= 0:
        body = store.body(index)
        if body is None or leaf_hash(body) != tiles.leaf(index):
            raise StartRefusedError(f"entry {index}, an act, is not what the tree says it is")
        act = read_act(index, decode_strict(body))
        acts.append(act)
        index = act.previous
    acts.reverse()
    return acts


class VouchedTiles:
    """Tiles of a store that nobody trusts: each is checked against the one above, up to the edge."""

    def __init__(self, edge: RightEdge, fetch: Callable[[int, int], FullTile | None]) -> None:
        self._size = edge.size
        self._edges = edge.edges
        self._fetch = fetch
        self._kept: OrderedDict[tuple[int, int], Sequence[bytes]] = OrderedDict()

    def leaf(self, index: int) -> bytes:
        if not 0 <= index < self._size:
            raise ProofError(f"leaf {index} is outside a tree of {self._size}")
        return self.hashes(0, index // TILE_WIDTH)[index % TILE_WIDTH]

    def hashes(self, level: int, n: int) -> Sequence[bytes]:
        """Return a tile's hashes. Raises ProofError for one that is missing or was changed."""
        if n == self._size >> 8 * (level + 1):
            return self._edges[level]
        kept = self._kept.get((level, n))
        if kept is not None:
            self._kept.move_to_end((level, n))
            return kept
        tile = self._fetch(level, n)
        if tile is None:
            raise ProofError(f"tile {level}/{n} is missing")
        try:
            hashes = split_hashes(tile.hashes)
        except MalformedError as error:
            raise ProofError(f"tile {level}/{n} is damaged") from error
        if root_of(hashes) != self.hashes(level + 1, n // TILE_WIDTH)[n % TILE_WIDTH]:
            raise ProofError(f"tile {level}/{n} was changed")
        self._kept[level, n] = hashes
        if len(self._kept) > _TILES_KEPT:
            self._kept.popitem(last=False)
        return hashes
