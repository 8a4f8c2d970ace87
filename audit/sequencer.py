"""Appends one batch at a time: one transaction, one fsync, one signature.

The order is the promise. Keys of disclosures are durable before anything is encrypted under them; the
batch is committed before its root is signed; it is signed before anybody is answered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from audit.acts import Acts, read_act
from audit.canonical import decode_strict, encode
from audit.checkpoint import Checkpoint, format_checkpoint
from audit.compose import Composed, Stamp, compose, is_act, owners, salts_needed
from audit.entry import Draft, IndexRow, Sequenced
from audit.errors import (
    AuditError,
    LogUnavailableError,
    MalformedError,
    StaleSnapshotError,
    StartRefusedError,
)
from audit.keys import LogKeys
from audit.merkle import NodeReader, RightEdge, Undo, inclusion_proof, leaf_hash, node_hash
from audit.standing import Standing
from audit.startup import Loaded, empty_head, load, read_guard, seal_head, write_guard
from audit.store import Batch, Head, LogStore, SealedPart, StoredEntry, StoredIndexRow, Writes
from audit.vault import DisclosureKey, Vault

_ID_LENGTH = 16
_PRUNE_EVERY_MS = 60_000
_TAKEN_OVER = "another sequencer has taken over this log"

Answer = Sequenced | AuditError


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """A head that is committed, and the checkpoint signed over it."""

    head: Head
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A draft that the batch appends."""

    index: int
    draft: Draft
    instead: str | None
    composed: Composed
    leaf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A batch whose commit is asked for and not known: the edge has grown, the head may have moved."""

    new: Head
    undo: Undo
    taken: Sequence[_Taken]


@dataclass(slots=True, kw_only=True)
class _Plan:
    at: int
    standing: Standing
    taken: list[_Taken] = field(default_factory=list)
    answers: list[AuditError | _Taken] = field(default_factory=list)


class Sequencer:
    """The only writer of the log. Everything here runs on one thread at a time."""

    def __init__(
        self,
        *,
        store: LogStore,
        vault: Vault,
        keys: LogKeys,
        gateway: str,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
        guard: Path,
        at: Callable[[str], None],
    ) -> None:
        self._store = store
        self._vault = vault
        self._keys = keys
        self._gateway = gateway
        self._now = now
        self._random = random
        self._guard = guard
        self._at = at
        self._pending: _Pending | None = None
        self._pruned = 0
        store.check_durability()
        loaded = self._load_or_create()
        self._edge: RightEdge = loaded.edge
        self.acts: Acts = loaded.acts
        self.latest = self._sign(self._take_over(loaded.head))

    def commit(self, drafts: Sequence[Draft]) -> list[Answer]:
        """Append what can be appended; answer each draft with its entry or with why there is none.

        Raises where the batch as a whole failed: then nobody has an answer.
        """
        self._settle()
        old, peaks = self.latest.head, self._edge.peaks
        at = max(self._milliseconds(), old.ts)
        keys = self._vault.keys_for({owner for draft in drafts for owner in owners(draft)}, at=at)
        self._at("keyed")
        plan = self._write(drafts, keys=keys, at=at)
        if plan.taken:
            # Committed, and known to be: only now may the root be signed.
            self.latest = self._sign(self.latest.head)
            self._at("signed")
        return self._answers(plan, size=old.size, peaks=peaks)

    def probe(self) -> None:
        """Find out whether the database takes writes again, by writing where nothing changes."""
        self._settle()
        head = self.latest.head
        self._move(head, head)
        self.latest = self._sign(head)

    def _write(
        self,
        drafts: Sequence[Draft],
        *,
        keys: Mapping[tuple[str, str] | None, DisclosureKey],
        at: int,
    ) -> _Plan:
        """Run the batch's transaction; on return it is known to be committed."""
        plan: _Plan | None = None
        try:
            with self._store.transaction() as batch:
                plan = self._plan(batch, drafts, at=at)
                if plan.taken:
                    self._fill(batch, plan, keys)
                self._at("written")
            self._at("committed")
        except Exception as error:
            # Whatever failed, and wherever: only the head can say whether the batch is in the log.
            if plan is None or not self._settle():
                raise _unavailable(error) from error
            return plan
        self._adopt()
        return plan

    def _plan(self, batch: Batch, drafts: Sequence[Draft], *, at: int) -> _Plan:
        head = self.latest.head
        plan = _Plan(at=at, standing=_standing(batch, drafts, head))
        last_act = head.last_act
        for draft in drafts:
            try:
                taken = self._take(
                    draft, plan, index=head.size + len(plan.taken), last_act=last_act
                )
            except (StaleSnapshotError, MalformedError) as refusal:
                plan.answers.append(refusal)
                continue
            plan.taken.append(taken)
            plan.answers.append(taken)
            if is_act(taken.draft):
                last_act = taken.index
        return plan

    def _take(self, asked: Draft, plan: _Plan, *, index: int, last_act: int) -> _Taken:
        draft, instead = plan.standing.choose(asked)
        drawn = plan.standing.draw(draft)
        random = self._random(_ID_LENGTH + salts_needed(draft))
        stamp = Stamp(
            entry_id=random[:_ID_LENGTH],
            ts=plan.at,
            gateway=self._gateway,
            numbers=drawn,
            last_act=last_act,
        )
        composed = compose(draft, stamp=stamp, salts=random[_ID_LENGTH:])
        plan.standing.take(asked, instead=instead, index=index, drawn=drawn)
        return _Taken(
            index=index,
            draft=draft,
            instead=instead,
            composed=composed,
            leaf=leaf_hash(composed.body),
        )

    def _fill(
        self, batch: Batch, plan: _Plan, keys: Mapping[tuple[str, str] | None, DisclosureKey]
    ) -> None:
        old = self.latest.head
        grown = self._edge.append([taken.leaf for taken in plan.taken])
        acts = [taken.index for taken in plan.taken if is_act(taken.draft)]
        new = seal_head(
            Head(
                origin=old.origin,
                size=self._edge.size,
                root=grown.root,
                epoch=old.epoch,
                barrier=plan.standing.barrier,
                last_act=acts[-1] if acts else old.last_act,
                ts=plan.at,
                seal=b"",
                note=self.latest.note,
            ),
            self._keys.seal,
        )
        self._pending = _Pending(new=new, undo=grown.undo, taken=plan.taken)
        prune = plan.at - self._pruned >= _PRUNE_EVERY_MS
        batch.write(
            Writes(
                entries=[
                    StoredEntry(index=taken.index, body=taken.composed.body, leaf=taken.leaf)
                    for taken in plan.taken
                ],
                tiles=grown.tiles,
                index=[row for taken in plan.taken for row in self._index_rows(taken, plan.at)],
                parts=[part for taken in plan.taken for part in self._parts(taken, keys)],
                nonces=plan.standing.new_nonces,
                used=plan.standing.new_used,
                counters=plan.standing.new_numbers,
                expired_before=plan.at if prune else None,
            )
        )
        if prune:
            self._pruned = plan.at
        if not batch.move_head(old, new):
            raise LogUnavailableError(_TAKEN_OVER)

    def _index_rows(self, taken: _Taken, ts: int) -> list[StoredIndexRow]:
        token = self._vault.token
        return [
            StoredIndexRow(
                index=taken.index,
                n=n,
                ts=ts,
                kind=taken.draft.kind,
                step=row.step,
                consumer=row.consumer,
                system=row.system,
                provider=row.provider,
                resource=row.resource,
                matter=row.matter,
                decision=row.decision,
                code=row.code,
                officer=None if row.officer is None else token("officer", row.officer),
                case=None if row.case is None else token("case", row.case),
                subject=None if row.subject is None else token(*row.subject),
                items=row.items,
                sealed=taken.draft.clear.get("sealed") is True,
            )
            # An entry that says nothing of how it is found is found by its kind and time.
            for n, row in enumerate(taken.draft.index or (IndexRow(),))
        ]

    def _parts(
        self, taken: _Taken, keys: Mapping[tuple[str, str] | None, DisclosureKey]
    ) -> list[SealedPart]:
        parts = []
        for part, (subject, payload) in enumerate(taken.composed.payloads.items()):
            place = place_of(self._keys.origin, index=taken.index, part=part)
            sealed = self._vault.seal_disclosure(keys[subject], payload, place=place)
            parts.append(
                SealedPart(index=taken.index, part=part, key_id=keys[subject].key_id, sealed=sealed)
            )
        return parts

    def _settle(self) -> bool:
        """Find out what became of a batch whose commit is not known; say whether it is in the log.

        Raises where the head cannot be read: the question stays open, and nothing is signed.
        """
        pending = self._pending
        if pending is None:
            return False
        head = self._store.head()
        if head is not None and head.seal == pending.new.seal and head.size == pending.new.size:
            self._adopt()
            return True
        self._edge.rollback(pending.undo)
        self._pending = None
        return False

    def _adopt(self) -> None:
        """Take the committed head as ours: the edge stands there already."""
        pending = self._pending
        if pending is None:
            return
        self._pending = None
        for taken in pending.taken:
            if is_act(taken.draft):
                # Read back from the stored bytes, as the next start will read it.
                self.acts.record(read_act(taken.index, decode_strict(taken.composed.body)))
        self.latest = Latest(head=pending.new, note=self.latest.note)

    def _answers(self, plan: _Plan, *, size: int, peaks: Sequence[bytes]) -> list[Answer]:
        node = _nodes_of_batch(size, peaks, [taken.leaf for taken in plan.taken])
        return [
            answer if isinstance(answer, AuditError) else self._sequenced(answer, node)
            for answer in plan.answers
        ]

    def _sequenced(self, taken: _Taken, node: NodeReader) -> Sequenced:
        size = self.latest.head.size
        return Sequenced(
            index=taken.index,
            size=size,
            body=taken.composed.body,
            proof=tuple(inclusion_proof(taken.index, size, node)),
            checkpoint=self.latest.note,
            openings={name: taken.composed.openings[name] for name in taken.draft.receipt},
            instead=taken.instead,
        )

    def _load_or_create(self) -> Loaded:
        guard = read_guard(self._guard)
        loaded = load(self._store, self._keys, guard=guard)
        if loaded is None:
            empty = empty_head(self._keys.origin, ts=self._milliseconds())
            self._store.create(seal_head(empty, self._keys.seal))
            loaded = load(self._store, self._keys, guard=guard)
        if loaded is None:
            raise StartRefusedError("the log has no head after one was written")
        return loaded

    def _take_over(self, head: Head) -> Head:
        """Begin a new epoch: whoever wrote in an earlier one cannot write any more."""
        new = seal_head(replace(head, epoch=head.epoch + 1), self._keys.seal)
        self._move(head, new)
        return new

    def _move(self, old: Head, new: Head) -> None:
        with self._store.transaction() as batch:
            if not batch.move_head(old, new):
                raise LogUnavailableError(_TAKEN_OVER)

    def _sign(self, head: Head) -> Latest:
        """Sign a head that is known to be committed, and let the guard remember it."""
        checkpoint = Checkpoint(head.origin, head.size, head.root)
        note = self._keys.signer.sign(format_checkpoint(checkpoint))
        self._at("noted")
        try:
            write_guard(self._guard, note)
        except OSError as error:
            raise LogUnavailableError("the guard cannot be written") from error
        return Latest(head=head, note=note)

    def _milliseconds(self) -> int:
        return int(self._now().timestamp() * 1000)


def place_of(origin: str, *, index: int, part: int) -> bytes:
    """What a disclosure is bound to: moved to another entry it does not open."""
    return encode([origin, index, part])


def _standing(batch: Batch, drafts: Sequence[Draft], head: Head) -> Standing:
    everything = [draft for asked in drafts for draft in (asked, *asked.otherwise.values())]
    return Standing(
        nonces=batch.used_nonces(draft.nonce for draft in drafts if draft.nonce is not None),
        used=batch.quota_use((held.key, held.day) for draft in drafts for held in draft.quotas),
        numbers=batch.counters(name for draft in everything for name in draft.counters),
        barrier=head.barrier,
    )


def _nodes_of_batch(size: int, peaks: Sequence[bytes], leaves: Sequence[bytes]) -> NodeReader:
    """Give every node that the new leaves' proofs need, from the old peaks and the leaves alone.

    A node left of a new leaf and whole in the old tree is one of its peaks: its parent would hold the
    new leaf, too, and so was not complete.
    """
    known = {(0, size + at): leaf for at, leaf in enumerate(leaves)}
    first = 0
    for peak, level in zip(
        peaks, (bit for bit in reversed(range(size.bit_length())) if size >> bit & 1), strict=True
    ):
        known[level, first >> level] = peak
        first += 1 << level

    def node(level: int, n: int) -> bytes:
        found = known.get((level, n))
        if found is None:
            found = node_hash(node(level - 1, 2 * n), node(level - 1, 2 * n + 1))
            known[level, n] = found
        return found

    return node


def _unavailable(error: Exception) -> LogUnavailableError:
    if isinstance(error, LogUnavailableError):
        return error
    return LogUnavailableError(f"the batch was not committed ({type(error).__name__})")
