"""Checks a stored log, and the registry that it vouches for, from first principles; names what is wrong.

The second road to the truth: everything is hashed again from the stored bytes, and nothing is taken from
what the sequencer computed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, Protocol

from audit.canonical import commit_value, decode_strict
from audit.chain import COUNTERS, OPENED
from audit.checkpoint import Checkpoint
from audit.entry import Opening
from audit.errors import AuditError, MalformedError
from audit.merkle import HASH_LENGTH, TILE_WIDTH, FullTile, RightEdge
from audit.store import Head

STRIDE = 8 * TILE_WIDTH
"""Entries that are read and hashed together."""


class What(StrEnum):
    """What is wrong."""

    MISSING = "missing"
    CHANGED = "changed"
    DUPLICATE = "duplicate"
    UNSEALED = "unsealed"
    ROOT = "root"
    INSERTED = "inserted"
    EDITED = "edited"
    DELETED = "deleted"
    RESTORED = "restored"
    HIDDEN = "hidden"
    CLOSED = "closed"
    MISNUMBERED = "misnumbered"


ERASED = "subject.erased"
"""Kind of the entry that records which keys of disclosures were destroyed: `keys`, their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    what: What
    where: str
    """`entry 17`, `tile 0/3`, `head`, `checkpoint 512`, `grant grt_…`."""
    index: int | None
    """The first entry concerned; None where the head alone is, or a row that no entry records."""
    detail: str

    def __str__(self) -> str:
        return f"{self.where}: {self.detail}"


class StoredLog(Protocol):
    """The part of `LogStore` that is read here."""

    def head(self) -> Head | None: ...

    def last_index(self) -> int: ...

    def strides(self, end: int, *, width: int) -> Iterator[list[tuple[int, bytes, bytes]]]: ...

    def tiles(self, level: int, first: int, end: int) -> list[FullTile]: ...


def check_log(
    stored: StoredLog,
    *,
    check_head: Callable[[Head], None],
    checkpoints: Iterable[Checkpoint] = (),
) -> list[Finding]:
    """Check that bodies, leaves, tiles and head are one tree, without gaps and copies.

    `check_head` raises AuditError unless the head bears the sequencer's seal. `checkpoints` were signed
    at some time (guard, receipts, witnesses): the log must lead to each of them.
    """
    head = stored.head()
    if head is None:
        if stored.last_index() < 0:
            return []
        return [_finding(What.MISSING, "head", 0, "the log has entries and no head")]
    findings = _check_head(stored, head, check_head)
    wanted = _by_size(checkpoints)
    for size in sorted(wanted):
        if size > head.size:
            detail = f"was signed, the log has {head.size} entries"
            findings.append(_finding(What.MISSING, f"checkpoint {size}", head.size, detail))
    findings += _check_tree(stored, head, wanted)
    return findings


def _check_head(stored: StoredLog, head: Head, check_head: Callable[[Head], None]) -> list[Finding]:
    findings = []
    try:
        check_head(head)
    except AuditError as error:
        findings.append(_finding(What.UNSEALED, "head", None, str(error)))
    for index in range(head.size, stored.last_index() + 1):
        detail = f"lies beyond the head, which ends the log at {head.size - 1}"
        findings.append(_finding(What.UNSEALED, f"entry {index}", index, detail))
    return findings


def _check_tree(stored: StoredLog, head: Head, wanted: Mapping[int, set[bytes]]) -> list[Finding]:
    findings: list[Finding] = []
    edge = RightEdge()
    seen: dict[bytes, int] = {}
    _check_root(findings, edge, wanted)
    for at, found in enumerate(stored.strides(head.size, width=STRIDE)):
        first, end = at * STRIDE, min((at + 1) * STRIDE, head.size)
        leaves = _leaves(found, first, end, findings)
        _check_copies(findings, seen, leaves, first)
        grown: list[FullTile] = []
        for cut, until in _cuts(first, end, wanted):
            grown += edge.append(leaves[cut - first : until - first]).tiles
            _check_root(findings, edge, wanted)
        findings += _check_tiles(stored, grown)
    if edge.root() != head.root:
        detail = f"the entries lead to another root than the head's of size {head.size}"
        findings.append(_finding(What.ROOT, "head", None, detail))
    return findings


def _leaves(
    found: Sequence[tuple[int, bytes, bytes]], first: int, end: int, findings: list[Finding]
) -> list[bytes]:
    """Return the leaf hash of every stored body; a missing entry is named and gives an empty one."""
    # Mostly all is well, and that is said of the stride at once.
    computed = [sha256(b"\0" + body).digest() for _, body, _ in found]
    if [leaf for _, _, leaf in found] == computed and [row[0] for row in found] == [
        *range(first, end)
    ]:
        return computed
    kept = {row[0]: (row[2], leaf) for row, leaf in zip(found, computed, strict=True)}
    leaves = []
    for index in range(first, end):
        stored, leaf = kept.get(index, (None, bytes(HASH_LENGTH)))
        leaves.append(leaf)
        if stored is None:
            detail = "is missing"
            findings.append(_finding(What.MISSING, f"entry {index}", index, detail))
        elif leaf != stored:
            detail = "the stored bytes do not hash to the stored leaf"
            findings.append(_finding(What.CHANGED, f"entry {index}", index, detail))
    return leaves


def _check_copies(
    findings: list[Finding], seen: dict[bytes, int], leaves: Sequence[bytes], first: int
) -> None:
    fresh = dict(zip(leaves, range(first, first + len(leaves)), strict=True))
    if len(fresh) == len(leaves) and seen.keys().isdisjoint(fresh):
        seen |= fresh
        return
    for index, leaf in enumerate(leaves, first):
        earlier = seen.setdefault(leaf, index)
        # Each entry has an id of 128 random bits: two equal leaves are one entry put in twice.
        if earlier != index and any(leaf):
            detail = f"is a copy of entry {earlier}"
            findings.append(_finding(What.DUPLICATE, f"entry {index}", index, detail))


def _check_tiles(stored: StoredLog, grown: Sequence[FullTile]) -> Iterator[Finding]:
    """Compare the stored tiles with those that a stride completed."""
    held: dict[tuple[int, int], FullTile] = {}
    for level in {tile.level for tile in grown}:
        numbers = [tile.n for tile in grown if tile.level == level]
        found = stored.tiles(level, numbers[0], numbers[-1] + 1)
        held |= {(level, tile.n): tile for tile in found}
    for tile in grown:
        yield from _check_tile(held.get((tile.level, tile.n)), tile)


def _check_tile(stored: FullTile | None, computed: FullTile) -> Iterator[Finding]:
    """Compare a stored tile with what the stored bodies hash to, and name each place that differs."""
    width = TILE_WIDTH**computed.level
    start = computed.n * TILE_WIDTH * width
    where = f"tile {computed.level}/{computed.n}"
    if stored is None:
        yield _finding(What.MISSING, where, start, "is missing")
        return
    if len(stored.hashes) != len(computed.hashes):
        detail = f"holds {len(stored.hashes)} bytes, {len(computed.hashes)} needed"
        yield _finding(What.CHANGED, where, start, detail)
        return
    if stored.hashes == computed.hashes and stored.root == computed.root:
        return
    for place in range(TILE_WIDTH):
        span = slice(place * HASH_LENGTH, (place + 1) * HASH_LENGTH)
        if stored.hashes[span] != computed.hashes[span]:
            index = start + place * width
            last = index + width - 1
            named = f"entry {index}" if width == 1 else f"entries {index} to {last}"
            detail = f"{named} and {where} do not agree"
            yield _finding(What.CHANGED, named, index, detail)
    if stored.root != computed.root:
        yield _finding(What.CHANGED, where, start, "its root is not that of its entries")


def _check_root(findings: list[Finding], edge: RightEdge, wanted: Mapping[int, set[bytes]]) -> None:
    for root in wanted.get(edge.size, ()):
        if root != edge.root():
            where = f"checkpoint {edge.size}"
            detail = "was signed over another root than the entries lead to"
            findings.append(_finding(What.ROOT, where, None, detail))


def _cuts(first: int, end: int, wanted: Mapping[int, set[bytes]]) -> Iterator[tuple[int, int]]:
    """Divide [first, end) at the sizes whose root is wanted."""
    for size in sorted(size for size in wanted if first < size < end):
        yield first, size
        first = size
    yield first, end


def _by_size(checkpoints: Iterable[Checkpoint]) -> dict[int, set[bytes]]:
    wanted: dict[int, set[bytes]] = {}
    for checkpoint in checkpoints:
        wanted.setdefault(checkpoint.size, set()).add(checkpoint.root)
    return wanted


# What lies beside the tree: search rows and disclosures


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    """What a search row says of the entry that it leads to."""

    step: str
    consumer: str
    system: str
    provider: str
    resource: str
    decision: str
    lost: tuple[str, ...] = field(default=(), compare=False)
    """Facets by which the search does not lead to it, though it has a word there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPart:
    """The disclosures of an entry that lie under one key, as far as they open."""

    part: int
    key_id: str
    openings: Mapping[str, Opening] | None = field(repr=False)
    """None: the key is destroyed."""
    fault: str = ""
    """Why bytes that are there do not open; empty where nothing is wrong with them."""


class Sides:
    """Holds what lies beside the entries against them, entry by entry in the log's order."""

    def __init__(self, *, destroyed: Iterable[str] = ()) -> None:
        """`destroyed` are the keys that entries of later shards name as such."""
        self._closed: dict[str, int] = {}
        self._destroyed = set(destroyed)
        self._numbers: Counter[str] = Counter()

    def look(
        self, index: int, body: bytes, *, rows: Sequence[FoundRow], parts: Sequence[FoundPart]
    ) -> Iterator[Finding]:
        """Name what of one entry is hidden from the search, does not open or is numbered wrongly.

        One whose bytes are no entry any more is left out here: `check_log` names it.
        """
        try:
            members = decode_strict(body)
        except MalformedError:
            return
        if members["kind"] == ERASED:
            self._destroyed.update(erased_keys(members))
        yield from _check_rows(index, members, rows)
        if members["kind"] == OPENED:
            self._go_on(parts)
        yield from self._check_parts(index, members["digests"], parts)

    def end(self) -> Iterator[Finding]:
        """Name the keys that are gone without an entry that says so; call it after the last entry."""
        for key_id, index in self._closed.items():
            if key_id not in self._destroyed:
                detail = f"key {key_id} is gone, and no entry says that it was destroyed"
                yield _finding(What.CLOSED, f"entry {index}", index, detail)

    def _go_on(self, parts: Sequence[FoundPart]) -> None:
        """Begin with the numbers that the shard before had come to; whether they hold is checked after."""
        for part in parts:
            opening = (part.openings or {}).get(COUNTERS)
            if opening is not None:
                self._numbers.update({f"n.{name}": n for name, n in opening.value.items()})

    def _check_parts(
        self, index: int, digests: Mapping[str, str], parts: Sequence[FoundPart]
    ) -> Iterator[Finding]:
        where = f"entry {index}"
        opened: dict[str, Opening] = {}
        for part in parts:
            if part.fault:
                yield _finding(What.CHANGED, where, index, part.fault)
            elif part.openings is None:
                self._closed.setdefault(part.key_id, index)
            else:
                opened |= part.openings
        whole = [part.part for part in parts] == list(range(len(parts)))
        shut = any(part.openings is None for part in parts)
        missing = digests.keys() - opened.keys()
        if not whole or (missing and not shut):
            detail = "a disclosure is missing, and none of its keys was destroyed"
            yield _finding(What.CLOSED, where, index, detail)
        yield from _check_openings(index, digests, opened)
        for name in sorted(name for name in digests if name.startswith("n.")):
            self._numbers[name] += 1
            found, due = opened.get(name), self._numbers[name]
            if found is not None and found.value != due:
                detail = f"{name} is {found.value}, {due} due: an entry before it is missing"
                yield _finding(What.MISNUMBERED, where, index, detail)


def erased_keys(members: Mapping[str, Any]) -> set[str]:
    """Return the keys that an entry of an erasure names."""
    found = members.get("keys", members.get("facts", {}).get("keys", ()))
    return set(map(str, found)) if isinstance(found, list) else set()


def _check_rows(
    index: int, members: Mapping[str, Any], rows: Sequence[FoundRow]
) -> Iterator[Finding]:
    where = f"entry {index}"
    if not rows:
        yield _finding(What.HIDDEN, where, index, "the search does not lead to it")
        return
    steps = {step["ref"]: step for step in members.get("steps", ())}
    for ref in sorted(steps.keys() - {row.step for row in rows}):
        yield _finding(What.HIDDEN, where, index, f"the search does not lead to its step {ref}")
    for name in dict.fromkeys(name for row in rows for name in row.lost):
        yield _finding(What.HIDDEN, where, index, f"the search does not lead to it by its {name}")
    for row in rows:
        if steps and not _agrees(row, members, steps.get(row.step)):
            detail = f"the search says otherwise of its step {row.step}"
            yield _finding(What.EDITED, where, index, detail)


def _agrees(row: FoundRow, members: Mapping[str, Any], step: Mapping[str, Any] | None) -> bool:
    return step is not None and row == FoundRow(
        step=row.step,
        consumer=members.get("consumer", ""),
        system=members.get("system", ""),
        provider=step["provider"],
        resource=step["resource"],
        # An intent has no outcome yet that anybody could search for.
        decision="" if members["kind"] == "intent" else step["outcome"],
    )


def _check_openings(
    index: int, digests: Mapping[str, str], opened: Mapping[str, Opening]
) -> Iterator[Finding]:
    for name, opening in sorted(opened.items()):
        # Of bytes only the salt is kept: nothing here can tell whether it is the right one.
        if opening.value is None:
            continue
        if digests.get(name) != commit_value(opening.salt, name, opening.value):
            detail = f"{name} opens to another value than the entry commits to"
            yield _finding(What.CHANGED, f"entry {index}", index, detail)


def check_registry(
    recorded: Mapping[tuple[str, str], tuple[int, str | None]],
    present: Mapping[tuple[str, str], str],
) -> list[Finding]:
    """Compare the digests of the registry's rows with the newest ones that the log recorded.

    An entry's None says that the row is gone. Each finding names the row.
    """
    findings = []
    for row in sorted(recorded.keys() | present.keys()):
        found = present.get(row)
        index, digest = recorded.get(row, (None, None))
        if found == digest:
            continue
        where = " ".join(row)
        if index is None:
            what, detail = What.INSERTED, "stands in the registry and was never recorded"
        elif found is None:
            what, detail = What.DELETED, f"is gone; entry {index} says that it stands"
        elif digest is None:
            what, detail = What.RESTORED, f"stands again; entry {index} says that it is gone"
        else:
            what, detail = What.EDITED, f"is not as entry {index} recorded it"
        findings.append(_finding(what, where, index, detail))
    return findings


def _finding(what: What, where: str, index: int | None, detail: str) -> Finding:
    return Finding(what=what, where=where, index=index, detail=detail)
