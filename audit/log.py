"""The log: append a draft, get back an entry that is durable and under a signed checkpoint.

A draft stands in line (`waiting`), the committing thread takes everything that waits (`sequencer`), one
transaction decides and writes (`standing`, `compose`, `sqlstore`), then the root is signed and every
caller answered. Reading never touches the committing thread.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from threading import Lock

from sqlalchemy import Engine

from audit.acts import Recorded, Row
from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.entry import Draft, Sequenced
from audit.errors import FrozenError, ProofError
from audit.fsck import Finding, check_log
from audit.given_up import Lost, giving_up_draft
from audit.keys import LogKeys
from audit.merkle import check_consistency
from audit.note import add_signatures, open_note, parse_note, replace_signatures
from audit.reading import LogReader, size_of
from audit.sequencer import Asked, Beginning, Latest, Sequencer
from audit.sqlstore import SqlStore
from audit.standing import check_draft
from audit.startup import check_seal, read_guard
from audit.store import LogStore
from audit.vault import Vault
from audit.waiting import ENDLESS, Patience, WaitingLine

LINE_LIMIT = 4_096
"""Appends that may wait; a longer line is a refusal and not a longer wait."""

BATCH_MOST = 1_024
_PUBLISH_EVERY_MS = 1_000


def check_stored(engine: Engine, keys: LogKeys, *, guard: Path) -> list[Finding]:
    """Check a whole log as it lies in its database, whether or not it could be opened."""
    checkpoints = []
    note = read_guard(guard)
    if note:
        opened = open_note(note, keys.verifiers)
        checkpoints.append(parse_checkpoint(opened.text))
    return check_log(
        SqlStore(engine),
        check_head=lambda head: check_seal(head, keys.seal),
        checkpoints=checkpoints,
    )


def _pass(_: str) -> None:
    """Do nothing at the named points of a commit; tests stop there."""


class Log(LogReader):
    """Opened with `Log.open`. Safe to use from any thread and, with `append_async`, from the loop."""

    def __init__(
        self,
        sequencer: Sequencer,
        *,
        store: LogStore,
        vault: Vault,
        gateway: str,
        now: Callable[[], datetime],
        limit: int,
        patience: Patience,
    ) -> None:
        super().__init__(store, vault)
        self._sequencer = sequencer
        self._given_up = sequencer.given_up
        self._gateway = gateway
        self._now = now
        self._publishing = Lock()
        self._published: tuple[int, int, str] | None = None
        self._line: WaitingLine[Asked, Sequenced] = WaitingLine(
            sequencer.commit,
            probe=sequencer.probe,
            limit=limit,
            most=BATCH_MOST,
            patience=patience,
        )

    @classmethod
    def open(  # noqa: PLR0913 - a composition point: each argument is a port, a key or a name
        cls,
        engine: Engine,
        vault: Vault,
        keys: LogKeys,
        *,
        gateway: str,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
        guard: Path,
        at: Callable[[str], None] = _pass,
        limit: int = LINE_LIMIT,
        patience: Patience = ENDLESS,
        shared: bool = False,
        given_up: frozenset[Checkpoint] = frozenset(),
        reload_keys: Callable[[], LogKeys] | None = None,
        beginning: Beginning | None = None,
    ) -> "Log":
        """Check that the stored log is its own past, sign its head and begin to take drafts.

        `guard` is the file outside the database that remembers the newest checkpoint; `at` is told each
        point of a commit. While the oldest append has waited for longer than the `patience`, `ready` says
        that the log is busy. With `shared` others who hold the log's keys may write to the same database;
        without, whoever wrote before cannot any more. A guard that knows one of the checkpoints `given_up`
        does not stop the start: then call `give_up`. `reload_keys` reads the key files again once another who
        shares the log has recorded a change of keys; None: such a change needs a new start. `beginning` says
        where a shard without entries begins. Raises StartRefusedError, LogUnavailableError.
        """
        store = SqlStore(engine)
        sequencer = Sequencer(
            store=store,
            vault=vault,
            keys=keys,
            now=now,
            random=random,
            guard=guard,
            at=at,
            shared=shared,
            given_up=given_up,
            reload_keys=reload_keys,
            beginning=beginning,
        )
        return cls(
            sequencer,
            store=store,
            vault=vault,
            gateway=gateway,
            now=now,
            limit=limit,
            patience=patience,
        )

    def append(self, draft: Draft) -> Sequenced:
        """Block until the entry is durable and under a signed checkpoint. Never call on the loop.

        Raises LogUnavailableError, LogBusyError, StaleSnapshotError; MalformedError for a draft that
        cannot be an entry.
        """
        return self._enter(draft).result()

    def append_async(self, draft: Draft) -> asyncio.Future[Sequenced]:
        """Have the same awaited, without blocking the loop that runs."""
        check_draft(draft)
        return self._line.put_async(Asked(draft=draft, gateway=self._gateway))

    def enter(self, asked: Asked) -> Future[Sequenced]:
        """Stand in line for another gateway; the future gives what `append` returns or raises."""
        check_draft(asked.draft)
        return self._line.put(asked)

    def _enter(self, draft: Draft) -> Future[Sequenced]:
        return self.enter(Asked(draft=draft, gateway=self._gateway))

    def ready(self) -> None:
        """Raise LogUnavailableError, LogBusyError or FrozenError while the log refuses. Never blocks."""
        if self._sequencer.acts.frozen_at is not None:
            raise FrozenError(f"the shard ends with entry {self.size - 1}")
        self._line.ready()

    def close(self) -> None:
        """Commit what waits and take no more."""
        self._line.close()
        self._sequencer.close()

    @property
    def origin(self) -> str:
        return self.keys.origin

    @property
    def keys(self) -> LogKeys:
        """The keys that sign by now, as the log's own entries say."""
        return self._sequencer.keys

    def renew_keys(self, held: LogKeys) -> None:
        """Sign from now on with what an entry has just named, of the keys `held` in files.

        Raises StartRefusedError where no file holds it, LogUnavailableError.
        """
        self._sequencer.renew_keys(held)

    @property
    def size(self) -> int:
        return self._latest.head.size

    @property
    def before(self) -> int:
        return self._sequencer.before

    @property
    def frozen(self) -> bool:
        """Whether the last entry ends this shard: nothing is appended after it."""
        return self._sequencer.acts.frozen_at is not None

    @property
    def head_ts(self) -> int:
        """Time of the newest entry, epoch ms."""
        return self._latest.head.ts

    @property
    def epoch(self) -> int:
        """Raised by each start that writes alone."""
        return self._latest.head.epoch

    @property
    def barrier(self) -> int:
        """Index of the newest narrowing act; -1 before the first."""
        return self._latest.head.barrier

    @property
    def checkpoint(self) -> str:
        """The newest signed checkpoint."""
        return self._latest.note

    def last_act_index(self) -> int:
        """Return the index of the newest act, or voiding of one; -1 before the first."""
        return self._latest.head.last_act

    @property
    def _latest(self) -> Latest:
        return self._sequencer.latest

    def registry_rows(self) -> Mapping[Row, Recorded]:
        """Return the newest recorded (number, digest) of every registry row, as of now.

        Raises LogUnavailableError where the log is shared and cannot be read.
        """
        self._sequencer.refresh()
        return self._sequencer.acts.newest()

    def quota_used(self, key: str, day: str) -> int:
        """Return how much of a quota is used on a day. Raises LogUnavailableError."""
        return self._store.quota_used(key, day)

    def published(self) -> str:
        """Return the newest published checkpoint, with the post-quantum line; at most one a second."""
        with self._publishing:
            note = self.checkpoint
            size = size_of(note)
            now = int(self._now().timestamp() * 1000)
            if self._published is not None:
                at, published_size, published = self._published
                if size == published_size or now - at < _PUBLISH_EVERY_MS:
                    return published
            text = parse_note(note).text
            lattice = (self.keys.published_signer, *self.keys.published_beside)
            lines = [held.line(text, time=now // 1000) for held in lattice if held is not None]
            note = add_signatures(note, lines)
            # Kept before anybody sees it: what was published may be held against us.
            note = self._store.publish(size, note=note, at=now)
            self._published = (now, size, note)
            return note

    def cosigned(self, note: str, lines: Sequence[str]) -> str:
        """Keep a published checkpoint with these cosignatures, which hold; returns it with them.

        A later cosignature of one key takes the place of an earlier one.
        """
        size = size_of(note)
        with self._publishing:
            note = self._store.publish(size, note=note, at=int(self._now().timestamp() * 1000))
            note = replace_signatures(note, lines)
            self._store.cosign(size, note=note)
            if self._published is not None and self._published[1] == size:
                self._published = (self._published[0], size, note)
            return note

    def check_past(self, past: Checkpoint) -> None:
        """Raise ProofError unless this checkpoint is of this log as it stands, or of its past.

        What an entry of the log has given up counts as past: it was answered for.
        """
        if past in self._given_up:
            return
        head = self._latest.head
        if past.origin != head.origin:
            raise ProofError(f"a checkpoint of {past.origin}, one of {head.origin} needed")
        if past.size:
            check_consistency(
                self.prove_growth(past.size, head.size),
                old_size=past.size,
                old_root=past.root,
                new_size=head.size,
                new_root=head.root,
            )

    def give_up(self, lost: Iterable[Lost], *, reason: str, by: str) -> Sequenced | None:
        """Record which checkpoints this log does not lead to any more; None: it leads to all of them.

        Those that were given up before are not recorded twice.
        """
        gone = [each for each in lost if not self._leads_to(each.checkpoint)]
        if not gone:
            return None
        head = self._latest.head
        kept = Checkpoint(head.origin, head.size, head.root)
        sequenced = self.append(giving_up_draft(gone, kept=kept, reason=reason, by=by))
        self._given_up |= {each.checkpoint for each in gone}
        return sequenced

    def has_given_up(self, past: Checkpoint) -> bool:
        """Say whether an entry of this log gives this checkpoint up."""
        return past in self._given_up

    def _leads_to(self, past: Checkpoint) -> bool:
        try:
            self.check_past(past)
        except ProofError:
            return False
        return True
