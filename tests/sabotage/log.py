"""Sabotages of the log: what its owner, a crash or a full disk might do if nobody looked."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import audit.fsck
import audit.log
import audit.startup
from audit.checkpoint import Checkpoint, format_checkpoint
from audit.sequencer import Sequencer
from audit.sqlstore import SqlBatch, SqlStore
from audit.vault import Vault
from tests.sabotage.kit import Sabotage, replaced

_fill = Sequencer._fill
_write = SqlBatch.write


def _nothing(*_: Any, **__: Any) -> None:
    """Check nothing, write nothing."""


def _no_findings(*_: Any, **__: Any) -> list[Any]:
    return []


def _sealed_in_the_clear(_: Any, __: Any, payload: bytes, **___: Any) -> bytes:
    return payload


def _sign_before_commit(sequencer: Any, *args: Any, **named: Any) -> None:
    _fill(sequencer, *args, **named)
    new = sequencer._pending.new
    sequencer._keys.signer.sign(format_checkpoint(Checkpoint(new.origin, new.size, new.root)))


def _without_entries(batch: Any, writes: Any) -> None:
    _write(batch, replace(writes, entries=()))


class _Blotter:
    """Takes everything and keeps nothing."""

    def head(self) -> None:
        """Know of no head."""

    def used_nonces(self, _: Any) -> set[Any]:
        return set()

    def quota_use(self, _: Any) -> dict[Any, Any]:
        return {}

    def counters(self, _: Any) -> dict[Any, Any]:
        return {}

    def write(self, _: Any) -> None:
        """Keep nothing."""

    def move_head(self, *_: Any) -> bool:
        return True


@contextmanager
def _blotted(store: Any) -> Iterator[Any]:
    if store.head() is None or store.head().size == 0:
        with store._engine.begin() as connection:
            yield SqlBatch(connection, store._statements, store._words)
    else:
        yield _Blotter()


def unfinished() -> AbstractContextManager[None]:
    return replaced(SqlStore.transaction, _blotted)


def _believe(sequencer: Any) -> bool:
    pending = sequencer._pending is not None
    sequencer._adopt()
    return pending


SABOTAGES: dict[str, Sabotage] = {
    **{
        name: Sabotage(
            why="the check of the stored log finds nothing",
            apply=lambda: replaced(audit.fsck.check_log, _no_findings),
        )
        for name in ("L1", "L3", "L8")
    },
    "L11": Sabotage(
        why="disclosures are kept unencrypted",
        apply=lambda: replaced(Vault.seal_disclosure, _sealed_in_the_clear),
    ),
    "L16": Sabotage(
        why="the root is signed before its commit is known",
        apply=lambda: replaced(Sequencer._fill, _sign_before_commit),
    ),
    "L17": Sabotage(
        why="the start believes any head",
        apply=lambda: replaced(audit.startup._check_head, _nothing),
    ),
    "W1": Sabotage(
        why="entries are answered for that were never written",
        apply=unfinished,
    ),
    "W2": Sabotage(why="a full disk goes unnoticed", apply=unfinished),
    "W3": Sabotage(why="a read-only disk goes unnoticed", apply=unfinished),
    "W4": Sabotage(
        why="the batch is committed without its entries",
        apply=lambda: replaced(SqlBatch.write, _without_entries),
    ),
    "W11": Sabotage(
        why="a batch of unknown fate is taken for committed",
        apply=lambda: replaced(Sequencer._settle, _believe),
    ),
}
