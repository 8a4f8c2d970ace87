"""Appends one batch at a time: one transaction, one fsync, one signature.

The order is the promise. Keys of disclosures are durable before anything is encrypted under them; the
batch is committed before its root is signed; it is signed before anybody is answered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from operator import attrgetter
from pathlib import Path
from threading import Lock

import msgspec

from audit.acts import Acts, RecordedAct, read_act
from audit.canonical import decode_strict, pieces
from audit.checkpoint import Checkpoint, format_checkpoint
from audit.compose import (
    FROZEN,
    Composed,
    Stamp,
    compose,
    counters_of,
    is_act,
    owners,
    salts_needed,
)
from audit.entry import Draft, IndexRow, Quota, Sequenced
from audit.errors import (
    AuditError,
    FrozenError,
    LogUnavailableError,
    MalformedError,
    ProofError,
    StaleSnapshotError,
    StartRefusedError,
)
from audit.guard import Guard
from audit.keys import LogKeys
from audit.merkle import RightEdge, Undo, leaf_hash, proofs_of_added
from audit.note import add_signatures
from audit.questions import digest_of
from audit.retention import class_of
from audit.rotation import RETIRED, ROTATED
from audit.standing import Standing
from audit.startup import (
    Loaded,
    VouchedTiles,
    check_seal,
    empty_head,
    keys_of,
    load,
    read_guard,
    seal_head,
)
from audit.store import Batch, Head, LogStore, SealedPart, StoredEntry, StoredIndexRow, Writes
from audit.vault import NONCE_LENGTH, DisclosureKey, Owner, Vault, place_of

_ID_LENGTH = 16
_PRUNE_EVERY_MS = 60_000
_DOCUMENTS = 8_192
"""Names of shared documents that are remembered; one that was forgotten is only written again."""
_TAKEN_OVER = "another sequencer has taken over this log"

Answer = Sequenced | AuditError


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A draft, and the gateway that asks for it to be appended, as the entry will name it."""

    draft: Draft
    gateway: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Where a shard that follows another begins: nothing of that one may be forgotten."""

    before: int
    """Entries of all earlier shards."""
    barrier: int
    """Index of the newest narrowing act as this shard counts: below zero, it lies in an earlier one."""
    ts: int
    """Time of the newest entry there, epoch ms: it never runs backwards."""


class Latest(msgspec.Struct, frozen=True, kw_only=True):
    """A head that is committed, and the checkpoint signed over it."""

    head: Head
    note: str


class _Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that the batch appends."""

    index: int
    draft: Draft
    instead: str | None
    composed: Composed
    leaf: bytes
    act: bool
    """As `is_act` says."""


class _Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A batch whose commit is asked for and not known: the edge has grown, the head may have moved."""

    new: Head
    undo: Undo
    taken: Sequence[_Taken]
    documents: Sequence[str]
    """Names of the shared documents that it writes."""


@dataclass(slots=True, kw_only=True)
class _Plan:
    at: int
    size: int
    """Of the tree before the batch, whose `peaks` prove the new leaves."""
    peaks: Sequence[bytes]
    standing: Standing
    taken: list[_Taken] = field(default_factory=list)
    answers: list[AuditError | _Taken] = field(default_factory=list)


class Sequencer:
    """Writes the log: the only one, or, with `shared`, one of several on one database.

    One that shares begins no epoch of its own: it takes in what the others wrote, leaf by leaf, under the
    write lock and before its own batch. One that does not begins a new epoch: no other writes from then on.
    """

    def __init__(  # noqa: PLR0913 - a composition point: each argument is a port or a name
        self,
        *,
        store: LogStore,
        vault: Vault,
        keys: LogKeys,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
        guard: Path,
        at: Callable[[str], None],
        shared: bool = False,
        given_up: frozenset[Checkpoint] = frozenset(),
        reload_keys: Callable[[], LogKeys] | None = None,
        beginning: Beginning | None = None,
    ) -> None:
        self._beginning = beginning
        self._reload_keys = reload_keys
        self._store = store
        self._vault = vault
        self._keys = keys
        self._now = now
        self._random = random
        self._guard = Guard(guard)
        self._guard_path = guard
        self._at = at
        self._shared = shared
        self._turn = Lock()
        self._pending: _Pending | None = None
        self._pruned = 0
        self._documents: set[str] = set()
        store.check_durability()
        loaded, head = self._start(given_up)
        self._keys = loaded.keys
        self.given_up = loaded.given_up
        self.before = loaded.before
        if not head.size and beginning is not None:
            self.before = beginning.before
        self._edge: RightEdge = loaded.edge
        self.acts: Acts = loaded.acts if head.size else Acts(before=self.before)
        self.latest = self._sign(head)

    def commit(self, asked: Sequence[Asked]) -> list[Answer]:
        """Append what can be appended; answer each draft with its entry or with why there is none.

        Raises where the batch as a whole failed: then nobody has an answer.
        """
        with self._turn:
            self._settle()
            at = max(self._milliseconds(), self.latest.head.ts)
            keys = self._vault.keys_for(owners([each.draft for each in asked]), at=at)
            self._at("keyed")
            plan = self._write(asked, keys=keys, at=at)
            if plan.taken:
                # Committed, and known to be: only now may the root be signed.
                self.latest = self._sign(self.latest.head)
                self._at("signed")
            return self._answers(plan)

    def probe(self) -> None:
        """Find out whether the database takes writes again, by writing where nothing changes."""
        with self._turn:
            self._settle()
            with self._store.transaction() as batch:
                self._catch_up(batch.head)
                head = self.latest.head
                if not batch.move_head(head, head):
                    raise LogUnavailableError(_TAKEN_OVER)
            self.latest = self._sign(head)

    def close(self) -> None:
        """Let go of the guard's file; nothing is committed any more."""
        self._guard.close()

    def refresh(self) -> None:
        """Take in what others wrote since, where the log is shared. Raises LogUnavailableError."""
        if not self._shared:
            return
        with self._turn:
            self._settle()
            size = self.latest.head.size
            self._catch_up(self._store.head)
            if self.latest.head.size > size:
                self.latest = self._sign(self.latest.head)

    def _write(
        self,
        asked: Sequence[Asked],
        *,
        keys: Mapping[Owner, DisclosureKey],
        at: int,
    ) -> _Plan:
        """Run the batch's transaction; on return it is known to be committed."""
        plan: _Plan | None = None
        try:
            with self._store.transaction() as batch:
                self._catch_up(batch.head)
                plan = self._plan(batch, asked, at=at)
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

    def _plan(self, batch: Batch, asked: Sequence[Asked], *, at: int) -> _Plan:
        head = self.latest.head
        drafts = [each.draft for each in asked]
        plan = _Plan(
            at=max(at, head.ts),
            size=head.size,
            peaks=self._edge.peaks,
            standing=_standing(batch, drafts, head, before=self.before),
        )
        last_act, frozen = head.last_act, self.acts.frozen_at is not None
        random = _Drawn(self._random, _ID_LENGTH * len(drafts) + sum(map(salts_needed, drafts)))
        for each in asked:
            index = head.size + len(plan.taken)
            if frozen:
                plan.answers.append(FrozenError(f"the shard ends with entry {index - 1}"))
                continue
            try:
                taken = _take(each, plan, index=index, last_act=last_act, random=random)
            except (StaleSnapshotError, MalformedError) as refusal:
                plan.answers.append(refusal)
                continue
            plan.taken.append(taken)
            plan.answers.append(taken)
            if taken.act:
                last_act = taken.index
            frozen = taken.draft.kind == FROZEN
        return plan

    def _fill(self, batch: Batch, plan: _Plan, keys: Mapping[Owner, DisclosureKey]) -> None:
        old = self.latest.head
        grown = self._edge.append([taken.leaf for taken in plan.taken])
        acts = [taken.index for taken in plan.taken if taken.act]
        documents = self._new_documents(plan.taken)
        new = seal_head(
            Head(
                origin=old.origin,
                size=self._edge.size,
                root=grown.root,
                epoch=old.epoch,
                barrier=plan.standing.barrier - self.before,
                last_act=acts[-1] if acts else old.last_act,
                ts=plan.at,
                seal=b"",
                note=self.latest.note,
            ),
            self._keys.seal,
        )
        self._pending = _Pending(
            new=new, undo=grown.undo, taken=plan.taken, documents=tuple(documents)
        )
        prune = plan.at - self._pruned >= _PRUNE_EVERY_MS
        tokens = _Tokens(self._vault)
        batch.write(
            Writes(
                entries=[
                    StoredEntry(index=taken.index, body=taken.composed.body, leaf=taken.leaf)
                    for taken in plan.taken
                ],
                tiles=grown.tiles,
                index=_index_rows(plan.taken, plan.at, tokens),
                parts=self._parts(plan.taken, keys),
                nonces=plan.standing.new_nonces,
                used=plan.standing.new_used,
                counters=plan.standing.new_numbers,
                expired_before=plan.at if prune else None,
                documents=documents,
            )
        )
        if prune:
            self._pruned = plan.at
        if not batch.move_head(old, new):
            raise LogUnavailableError(_TAKEN_OVER)

    def _new_documents(self, taken: Sequence[_Taken]) -> dict[str, bytes]:
        """What these entries share and no entry of this start was known to have kept."""
        # Calls of one moment share the very same few: each is hashed once.
        shared = {each for one in taken for each in one.draft.documents}
        named = {digest_of(each): each for each in shared}
        return {digest: each for digest, each in named.items() if digest not in self._documents}

    def _parts(
        self, taken: Sequence[_Taken], keys: Mapping[Owner, DisclosureKey]
    ) -> list[SealedPart]:
        count = sum([len(each.composed.payloads) for each in taken])
        drawn = self._random(NONCE_LENGTH * count) if count else b""
        nonces = iter(pieces(drawn, NONCE_LENGTH, count=count))
        parts = []
        for each in taken:
            retention = class_of(each.draft.kind)
            for part, (subject, payload) in enumerate(each.composed.payloads.items()):
                key = keys[retention, subject]
                place = place_of(self._keys.origin, index=each.index, part=part)
                nonce = next(nonces)
                sealed = self._vault.seal_disclosure(key, payload, place=place, nonce=nonce)
                parts.append(SealedPart(each.index, part, key.key_id, sealed))
        return parts

    def _settle(self) -> bool:
        """Find out what became of a batch whose commit is not known; say whether it is in the log.

        Raises where the head cannot be read: the question stays open, and nothing is signed.
        """
        pending = self._pending
        if pending is None:
            return False
        head = self._store.settled_head()
        if head is not None and self._holds(head, pending):
            self._adopt()
            return True
        self._edge.rollback(pending.undo)
        self._pending = None
        return False

    def _holds(self, head: Head, pending: _Pending) -> bool:
        """Whether a batch is in the log that now has this head: its leaves hold random ids."""
        new = pending.new
        if head.size <= new.size:
            return head.size == new.size and head.seal == new.seal
        leaves = [taken.leaf for taken in pending.taken]
        return self._store.leaves(new.size - len(leaves), new.size) == leaves

    def _catch_up(self, find: Callable[[], Head | None]) -> None:
        """Take in what others who share the log wrote since: each leaf must lead to the sealed root.

        Raises LogUnavailableError where another sequencer has begun an epoch, ProofError where what is
        stored is not a growth of what was known.
        """
        if not self._shared:
            return
        known, head = self.latest.head, find()
        if head is None:
            raise LogUnavailableError("the log has no head any more")
        if head.seal == known.seal:
            return
        check_seal(head, self._keys.seal)
        if head.epoch != known.epoch:
            raise LogUnavailableError(_TAKEN_OVER)
        if head.size < known.size:
            raise ProofError(f"a head of {head.size} entries after one of {known.size}")
        leaves = self._store.leaves(known.size, head.size)
        grown = self._edge.append(leaves)
        try:
            acts = self._acts_added(known, head, leaves, root=grown.root)
            keys = self._keys_after(known, head)
        except BaseException:
            self._edge.rollback(grown.undo)
            raise
        self._keys = keys
        for act in acts:
            self.acts.record(act)
        self.latest = Latest(head=head, note=self.latest.note)

    def _keys_after(self, known: Head, head: Head) -> LogKeys:
        """Return the keys that sign from this head on: others may have recorded a change of them.

        Raises LogUnavailableError where no file here holds them: whoever signs with a key that was
        retired gives receipts that nobody takes.
        """
        recorded = [at for kind in (ROTATED, RETIRED) for at in self._store.indices_of(kind)]
        if all(at < known.size for at in recorded):
            return self._keys
        held = self._keys if self._reload_keys is None else self._reload_keys()
        tiles = VouchedTiles(self._edge, self._store.tile)
        try:
            return keys_of(self._store, head, tiles, held=held)
        except StartRefusedError as error:
            raise LogUnavailableError(str(error)) from error

    def _acts_added(
        self, known: Head, head: Head, leaves: Sequence[bytes], *, root: bytes
    ) -> Sequence[RecordedAct]:
        if (len(leaves), root) != (head.size - known.size, head.root):
            raise ProofError(f"what was added up to {head.size} has another root than its head")
        acts: list[RecordedAct] = []
        index = head.last_act
        while index > known.last_act:
            body = self._store.body(index)
            if body is None or leaf_hash(body) != leaves[index - known.size]:
                raise ProofError(f"entry {index}, an act, is not what the tree says it is")
            acts.append(read_act(index, decode_strict(body)))
            index = acts[-1].previous
        return acts[::-1]

    def _adopt(self) -> None:
        """Take the committed head as ours: the edge stands there already."""
        pending = self._pending
        if pending is None:
            return
        self._pending = None
        if len(self._documents) > _DOCUMENTS:
            self._documents.clear()
        self._documents.update(pending.documents)
        for taken in pending.taken:
            if taken.act:
                # Read back from the stored bytes, as the next start will read it.
                self.acts.record(read_act(taken.index, decode_strict(taken.composed.body)))
        self.latest = Latest(head=pending.new, note=self.latest.note)

    def _answers(self, plan: _Plan) -> list[Answer]:
        leaves = [taken.leaf for taken in plan.taken]
        proofs = iter(proofs_of_added(plan.size, plan.peaks, leaves))
        return [
            answer if isinstance(answer, AuditError) else self._sequenced(answer, next(proofs))
            for answer in plan.answers
        ]

    def _sequenced(self, taken: _Taken, proof: tuple[bytes, ...]) -> Sequenced:
        return Sequenced(
            index=taken.index,
            size=self.latest.head.size,
            body=taken.composed.body,
            proof=proof,
            checkpoint=self.latest.note,
            openings=taken.composed.opened(taken.draft.receipt),
            instead=taken.instead,
        )

    @property
    def keys(self) -> LogKeys:
        """Those that sign by now."""
        return self._keys

    def renew_keys(self, held: LogKeys) -> None:
        """Sign from now on as the log's entries say, of the keys `held` in files.

        The same reading as at the start. Raises StartRefusedError, LogUnavailableError: nothing changed then.
        """
        with self._turn:
            self._settle()
            head = self.latest.head
            tiles = VouchedTiles(self._edge, self._store.tile)
            self._keys = keys_of(self._store, head, tiles, held=held)
            self.latest = self._sign(head)

    def _start(self, given_up: frozenset[Checkpoint]) -> tuple[Loaded, Head]:
        """Check the stored log and begin where it ends, while nobody else adds to it."""
        guard = read_guard(self._guard_path)
        if self._store.head() is None:
            # Refuses a log that has lost its head.
            load(self._store, self._keys, guard=guard)
            empty = self._empty_head()
            self._store.create(seal_head(empty, self._keys.seal))
        with self._store.transaction() as batch:
            loaded = load(self._store, self._keys, guard=guard, given_up=given_up)
            if loaded is None:
                raise StartRefusedError("the log has no head after one was written")
            head = self._opened(loaded.head)
            if not batch.move_head(loaded.head, head):
                raise LogUnavailableError(_TAKEN_OVER)
        return loaded, head

    def _empty_head(self) -> Head:
        first = self._beginning
        if first is None:
            return empty_head(self._keys.origin, ts=self._milliseconds())
        at = max(self._milliseconds(), first.ts)
        return empty_head(self._keys.origin, ts=at, barrier=first.barrier)

    def _opened(self, head: Head) -> Head:
        """Begin a new epoch, unless the log is shared: whoever wrote in an earlier one cannot any more."""
        if self._shared:
            return head
        return seal_head(replace(head, epoch=head.epoch + 1), self._keys.seal)

    def _sign(self, head: Head) -> Latest:
        """Sign a head that is known to be committed, and let the guard remember it."""
        checkpoint = Checkpoint(head.origin, head.size, head.root)
        text = format_checkpoint(checkpoint)
        note = self._keys.signer.sign(text)
        if self._keys.beside:
            note = add_signatures(note, [held.line(text) for held in self._keys.beside])
        self._at("noted")
        self._guard.write(note)
        return Latest(head=head, note=note)

    def _milliseconds(self) -> int:
        return int(self._now().timestamp() * 1000)


def _take(asked: Asked, plan: _Plan, *, index: int, last_act: int, random: "_Drawn") -> _Taken:
    draft, instead, used = plan.standing.choose(asked.draft)
    drawn = plan.standing.draw(draft)
    fresh = random.take(_ID_LENGTH + salts_needed(draft))
    stamp = Stamp(
        entry_id=fresh[:_ID_LENGTH],
        ts=plan.at,
        gateway=asked.gateway,
        numbers=drawn,
        last_act=last_act,
    )
    composed = compose(draft, stamp=stamp, salts=fresh[_ID_LENGTH:])
    plan.standing.take(asked.draft, instead=instead, index=index, drawn=drawn, used=used)
    return _Taken(
        index=index,
        draft=draft,
        instead=instead,
        composed=composed,
        leaf=leaf_hash(composed.body),
        act=is_act(draft),
    )


class _Drawn:
    """Random bytes of one batch, drawn at once; each byte is given out once."""

    def __init__(self, random: Callable[[int], bytes], count: int) -> None:
        self._random = random
        self._held = random(count) if count else b""
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return so many; what an alternative needs beyond what was drawn is drawn for it."""
        first, self._at = self._at, self._at + count
        if self._at > len(self._held):
            self._held, self._at = self._random(count), count
            first = 0
        return self._held[first : self._at]


class _Tokens(dict[tuple[str, str], str]):
    """The keyed digests that one batch needs: entries name the same officers and cases again and again."""

    def __init__(self, vault: Vault) -> None:
        super().__init__()
        self._vault = vault

    def __missing__(self, key: tuple[str, str]) -> str:
        found = self[key] = self._vault.token(*key)
        return found


def _index_rows(taken: Sequence[_Taken], ts: int, tokens: _Tokens) -> list[StoredIndexRow]:
    rows: list[StoredIndexRow] = []
    for one in taken:
        draft = one.draft
        sealed = draft.clear.get("sealed") is True
        # An entry that says nothing of how it is found is found by its kind and time.
        for n, row in enumerate(draft.index or (IndexRow(),)):
            officer, case, subject = row.officer, row.case, row.subject
            rows.append(
                StoredIndexRow(
                    one.index,
                    n,
                    ts,
                    draft.kind,
                    *_in_the_clear(row),
                    None if officer is None else tokens["officer", officer],
                    None if case is None else tokens["case", case],
                    None if subject is None else tokens[subject],
                    row.items,
                    sealed,
                )
            )
    return rows


_in_the_clear: Callable[[IndexRow], tuple[str, str, str, str, str, str, str, str]] = attrgetter(
    "step", "consumer", "system", "provider", "resource", "matter", "decision", "code"
)
"""What a stored row takes from a draft's as it stands, in the order of `StoredIndexRow`."""


def _standing(batch: Batch, drafts: Sequence[Draft], head: Head, *, before: int) -> Standing:
    return Standing(
        nonces=batch.used_nonces([draft.nonce for draft in drafts if draft.nonce is not None]),
        used=batch.quota_use(_places([*chain.from_iterable(map(_quotas, drafts))])),
        numbers=batch.counters(counters_of(drafts)),
        barrier=before + head.barrier,
        before=before,
    )


def _places(quotas: Sequence[Quota]) -> set[tuple[str, str]]:
    return {*map(_place, quotas), *[quota.mark for quota in quotas if quota.member]}


_quotas = attrgetter("quotas")
_place = attrgetter("key", "day")


def _unavailable(error: Exception) -> LogUnavailableError:
    if isinstance(error, LogUnavailableError):
        return error
    return LogUnavailableError(f"the batch was not committed ({type(error).__name__})")
