"""After a crash: closing acts that were recorded and never came into the registry."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from catalogue import store
from catalogue.errors import StateError
from catalogue.service import unrecorded
from catalogue.service.unit import UseCases

_CRASHED = "found at start-up: recorded, never committed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    voided: tuple[int, ...] = ()
    """Acts declared void: nothing that stands in the registry depends on them."""
    doubtful: tuple[int, ...] = ()
    """Acts that changed rows of which an earlier state stands. Those rows are absent until accepted."""


class Recovery(UseCases):
    def recover(
        self, *, accept: frozenset[int] = frozenset(), known: store.Known | None = None
    ) -> Recovered:
        """Compare the log with the registry and void what a crash left open.

        An act whose rows are not there at all is void: nothing comes back by that. Where an earlier state
        of a row stands, a crash looks just like a registry put back to before a revocation. Voiding would
        bring that state back into force, so it takes somebody's word: `accept` names such acts.
        """
        with self._engine.begin() as connection:
            applied = store.applied_index(connection, lock=True)
            present = store.row_digests(connection, known=known)
            voided: list[int] = []
            newest = applied
            while True:
                # With an act void, the row's act before it counts again, and may be lost as well.
                lost, doubtful = self._lost(present, applied=applied, accept=accept)
                newest = max([newest, *lost])
                closing = sorted(lost - doubtful, reverse=True)
                for index in closing:
                    newest = max(newest, self._ledger.void(index, reason=_CRASHED))
                voided += closing
                if not closing:
                    break
            if newest > applied:
                store.set_applied_index(connection, newest)
        return Recovered(voided=tuple(voided), doubtful=tuple(sorted(doubtful)))

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Hold the registry still: within, no act is under way, and none was recorded and not applied.

        Raises StateError where one was: a start closes it.
        """
        with self._engine.begin() as connection:
            applied = store.applied_index(connection, lock=True)
            present = store.row_digests(connection)
            lost, _doubtful = self._lost(present, applied=applied, accept=frozenset())
            if lost:
                raise StateError(
                    f"{len(lost)} acts were recorded and not applied: start anew first"
                )
            yield

    def record_late(self) -> int:
        """Record what was taken away while the log was down; returns how many acts that were.

        An act that the log knows already, or that a younger one has overtaken, is dropped. Raises
        UnrecordableError while the log is still down, UnrecordedRowError where a hand was at what waits.
        """
        with self._engine.connect() as connection:
            if not unrecorded.has_any(connection):
                return 0
        count = 0
        while self._record_oldest():
            count += 1
        return count

    def _record_oldest(self) -> bool:
        """Record the oldest act that waits, in a transaction of its own; False where none waits."""
        done: list[int] = []
        try:
            with self._engine.begin() as connection:
                store.applied_index(connection, lock=True)
                waiting = unrecorded.read_all(connection, sealer=self._sealer)
                if not waiting:
                    return False
                oldest = waiting[0]
                if not unrecorded.is_overtaken(oldest, recorded=self._ledger.rows()):
                    done.append(self._ledger.append(oldest.act))
                    unrecorded.name_entry(connection, oldest, index=done[0])
                    store.set_applied_index(connection, done[0])
                unrecorded.drop(connection, oldest)
        except BaseException as error:
            for index in done:
                self._ledger.void(index, reason=type(error).__name__)
            raise
        return True

    def _lost(
        self, present: Mapping[tuple[str, str], str], *, applied: int, accept: frozenset[int]
    ) -> tuple[set[int], set[int]]:
        """Return the acts whose rows are not as recorded, and those of which an earlier row stands."""
        recorded = self._ledger.rows()
        lost = {
            index
            for key, (index, digest) in recorded.items()
            if digest != present.get(key) and (index > applied or index in accept)
        }
        standing = {index for key, (index, _digest) in recorded.items() if key in present}
        return lost, (lost & standing) - accept
