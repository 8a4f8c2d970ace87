"""A shard that was frozen: nothing is added to it, and all that it holds is shown and proved as before."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from audit.canonical import decode_strict
from audit.chain import Next, Opened, check_link, entries_before, read_opening
from audit.checkpoint import Checkpoint
from audit.errors import ProofError, StartRefusedError
from audit.key_spans import KeySpan, check_signed
from audit.merkle import leaf_hash
from audit.reading import LogReader
from audit.sqlstore import SqlStore
from audit.startup import VouchedTiles, check_seal, load_edge
from audit.store import Head, LogStore
from audit.vault import Vault


class FrozenLog(LogReader):
    """Opened with `FrozenLog.open`, or of a log that was just frozen."""

    def __init__(
        self,
        store: LogStore,
        vault: Vault,
        *,
        final: Checkpoint,
        note: str,
        spans: Sequence[KeySpan],
        first: Mapping[str, Any],
        last: Mapping[str, Any],
    ) -> None:
        super().__init__(store, vault)
        self.final = final
        self.spans = tuple(spans)
        self._note = note
        self._last = last
        self._before = entries_before(first)
        self.opened: Opened | None = read_opening(first)
        """What its own first entry says of the shard before it; None: it is the first."""

    @classmethod
    def open(
        cls, engine: Engine, vault: Vault, *, note: str, spans: Sequence[KeySpan], seal: bytes
    ) -> "FrozenLog":
        """Check that the stored shard is what its final checkpoint says, and no entry more.

        Raises ProofError, MalformedError, LogUnavailableError.
        """
        store = SqlStore(engine)
        final = check_signed(note, spans)
        head = store.head()
        if head is None:
            raise ProofError(f"the shard {final.origin} has no head")
        check_seal(head, seal)
        _check_still(head, final, last=store.last_index())
        try:
            tiles = VouchedTiles(load_edge(store, head), store.tile)
        except StartRefusedError as error:
            raise ProofError(str(error)) from error
        first, last = (_entry(store, tiles, at) for at in (0, final.size - 1))
        return cls(store, vault, final=final, note=note, spans=spans, first=first, last=last)

    def check_followed(self, opened: Opened | None, *, by: Next) -> None:
        """Raise ProofError unless the shard `by`, begun as `opened` says, goes on where this ends."""
        if opened is None:
            raise ProofError(f"{by.origin} begins without naming the shard before it")
        found = check_link(opened, final=self.final.root, last=self._last, spans=self.spans, by=by)
        if found != self.final or opened.before != self._before + self.final.size:
            raise ProofError(f"{by.origin} follows {found.size} entries, here are {self.size}")

    @property
    def origin(self) -> str:
        return self.final.origin

    @property
    def size(self) -> int:
        return self.final.size

    @property
    def before(self) -> int:
        return self._before

    @property
    def checkpoint(self) -> str:
        return self._note


def _check_still(head: Head, final: Checkpoint, *, last: int) -> None:
    found = Checkpoint(head.origin, head.size, head.root)
    if found != final or last != final.size - 1:
        raise ProofError(
            f"{final.origin} was frozen with {final.size} entries, its head now ends at "
            f"{head.size - 1} and its newest entry is {last}"
        )


def _entry(store: LogStore, tiles: VouchedTiles, index: int) -> Mapping[str, Any]:
    body = store.body(index)
    if body is None or leaf_hash(body) != tiles.leaf(index):
        raise ProofError(f"entry {index} is not what the tree says it is")
    members: Mapping[str, Any] = decode_strict(body)
    return members
