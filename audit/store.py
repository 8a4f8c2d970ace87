"""What the sequencer needs of the database that keeps the log."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from audit.entry import Nonce, Part
from audit.merkle import FullTile


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the log stands. The seal covers all but `note`."""

    origin: str
    size: int
    root: bytes
    epoch: int
    """Raised by each start, so that a sequencer of an earlier start cannot write any more."""
    barrier: int
    """Index of the newest narrowing act; -1 before the first."""
    last_act: int
    """Index of the newest entry that records registry rows or voids such an entry; -1: none."""
    ts: int
    """Time of the newest entry, epoch ms: time never runs backwards in the log."""
    seal: bytes = field(repr=False)
    note: str = field(repr=False)
    """The newest checkpoint signed before this head was written; empty before the first."""


class StoredEntry(Part, frozen=True, kw_only=False):
    index: int
    body: bytes
    leaf: bytes


class StoredIndexRow(Part, frozen=True, kw_only=False):
    """A search row with its tokens; None where the entry has no such identifier."""

    index: int
    n: int
    ts: int
    kind: str
    step: str
    consumer: str
    system: str
    provider: str
    resource: str
    matter: str
    decision: str
    code: str
    officer: str | None
    case: str | None
    subject: str | None
    items: str = ""
    sealed: bool = False
    """Whether the entry was made under a sealed review: others learn its number and no more."""


class SealedPart(Part, frozen=True, kw_only=False):
    """The disclosures of one entry that lie under one key."""

    index: int
    part: int
    key_id: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """Everything that one batch adds, ready to be written."""

    entries: Sequence[StoredEntry]
    tiles: Sequence[FullTile]
    index: Sequence[StoredIndexRow]
    parts: Sequence[SealedPart]
    nonces: Sequence[Nonce]
    used: Mapping[tuple[str, str], int]
    """Quota use by (key, day), as it stands after the batch."""
    counters: Mapping[str, int]
    """Newest number by counter, as it stands after the batch."""
    expired_before: int | None
    """Forget nonces that expired before this, epoch ms; None: leave them for another batch."""
    documents: Mapping[str, bytes] = field(default_factory=dict)
    """What entries share, by SHA-256; one that is kept already is left as it is."""


class Batch(Protocol):
    """One open write transaction. Nobody else writes until it ends."""

    def head(self) -> Head | None:
        """Return the head as this transaction finds it; None where nothing was ever written."""
        ...

    def used_nonces(self, nonces: Iterable[Nonce]) -> set[tuple[str, str]]:
        """Return the (key, nonce) pairs among these that are held already."""
        ...

    def quota_use(self, quotas: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Return the use so far by (key, day); a pair that was never used is left out."""
        ...

    def counters(self, names: Iterable[str]) -> dict[str, int]:
        """Return the newest number by counter; one that was never drawn from is left out."""
        ...

    def write(self, writes: Writes) -> None: ...

    def move_head(self, old: Head, new: Head) -> bool:
        """Replace the head if it still has the old size and epoch; False: somebody else moved it."""
        ...


class LogStore(Protocol):
    """Keeps the log. Raises LogUnavailableError where the database does not answer as it should."""

    def check_durability(self) -> None:
        """Raise StartRefusedError where the database may lose what it committed."""
        ...

    def transaction(self) -> AbstractContextManager[Batch]:
        """Open a write transaction; leaving the block commits, an exception rolls back.

        An exception does not say that nothing was committed: the answer may have been lost. Only the
        head says so, once it is settled.
        """
        ...

    def create(self, head: Head) -> None:
        """Write the first head, unless somebody else has just done so."""
        ...

    def head(self) -> Head | None:
        """Return the head; None where nothing was ever written."""
        ...

    def settled_head(self) -> Head | None:
        """Return the head as it stands once every transaction that was begun has ended.

        After a connection was lost at its COMMIT, that commit may be carried out a moment later.
        """
        ...

    def last_index(self) -> int:
        """Return the highest index of a stored entry, -1 where there is none."""
        ...

    def body(self, index: int) -> bytes | None:
        """Return an entry as stored; None where it is missing."""
        ...

    def entries(self, first: int, end: int) -> list[StoredEntry]:
        """Return the stored entries of [first, end), in order; missing ones are left out."""
        ...

    def leaves(self, first: int, end: int) -> list[bytes]: ...

    def indices_of(self, kind: str) -> list[int]:
        """Return where the search says that entries of a rare kind stand, in order."""
        ...

    def tile(self, level: int, n: int) -> FullTile | None:
        """Return a full tile; None where it is not stored."""
        ...

    def tile_roots(self, level: int, first: int, end: int) -> list[bytes]:
        """Return the roots of the full tiles [first, end) of a level, in order."""
        ...

    def parts(self, index: int) -> list[SealedPart]: ...

    def document(self, digest: str) -> bytes | None:
        """Return what is kept under a SHA-256; None where nothing is."""
        ...

    def quota_used(self, key: str, day: str) -> int: ...

    def publish(self, size: int, *, note: str, at: int) -> str:
        """Keep a published checkpoint; returns the one already published for this size, if any."""
        ...

    def cosign(self, size: int, *, note: str) -> None:
        """Keep a published checkpoint anew, with the cosignatures that it has been given since."""
        ...
