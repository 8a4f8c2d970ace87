"""Erasures and legal holds: asked for by the authority, decided by another officer, each recorded first."""

from typing import Any

from sqlalchemy import Connection

from catalogue import keeping, store
from catalogue.errors import StateError
from catalogue.keeping import Erasure, ErasureState, Hold
from catalogue.model import Actor, SubjectType
from catalogue.rows import ERASURE, HOLD, Kind
from catalogue.service.unit import Unit, UseCases

Subject = tuple[SubjectType, str]
"""Type and normalised identifier."""


class Keeping(UseCases):
    """Says what may be erased; destroying the keys is the exchange's, after the act is recorded."""

    def propose_erasure(
        self, subject: Subject, *, legal_basis: str, document: str, by: Actor
    ) -> Erasure:
        """Ask for a subject's erasure. Raises NotAllowedError, InvalidError, StateError under a hold."""
        with self._unit(by) as unit:
            actor = unit.actor()
            officer = keeping.check_asked(actor, legal_basis, document)
            keeping.check_free(self._vouched(unit.connection), *subject)
            proposed = Erasure(
                id=self._fresh_id("ers"),
                subject_type=subject[0],
                subject=subject[1],
                legal_basis=legal_basis,
                document=document,
                state=ErasureState.PROPOSED,
                asked_by=officer.id,
                asked_at=self._now(),
            )
            _record(unit, "erasure.proposed", proposed)
        return proposed

    def approve_erasure(
        self, erasure: str, *, keys: tuple[str, ...], entries: int, by: Actor
    ) -> Erasure:
        """Record which keys are destroyed, before any is. Raises as `withdraw_erasure` does."""
        with self._unit(by) as unit:
            approved = keeping.approve(
                unit.need(ERASURE, erasure),
                by=unit.actor(),
                at=self._now(),
                holds=self._vouched(unit.connection),
                keys=keys,
                entries=entries,
                proposal=_entry(unit, ERASURE, erasure),
            )
            # The keys stand in the clear: who checks the log later must tell erased from lost.
            _record(unit, "subject.erased", approved, keys=list(keys), entries=entries)
        return approved

    def finish_erasure(self, erasure: str, *, by: Actor) -> Erasure:
        """Record that an approved erasure is carried out, and forget whom it was about."""
        with self._unit(by) as unit:
            done = keeping.finish(unit.need(ERASURE, erasure), by=unit.actor())
            _record(unit, "erasure.finished", done)
        return done

    def withdraw_erasure(self, erasure: str, *, by: Actor) -> Erasure:
        """Take back an erasure that waits. Raises UnknownError, NotAllowedError, StateError."""
        with self._unit(by) as unit:
            withdrawn = keeping.withdraw(
                unit.need(ERASURE, erasure),
                by=unit.actor(),
                proposal=_entry(unit, ERASURE, erasure),
            )
            _record(unit, "erasure.withdrawn", withdrawn)
        return withdrawn

    def set_hold(self, subject: Subject | None, *, reason: str, document: str, by: Actor) -> Hold:
        """Forbid erasing a subject, or anybody (None). Raises NotAllowedError, InvalidError."""
        with self._unit(by) as unit:
            officer = keeping.check_asked(unit.actor(), reason, document)
            hold = Hold(
                id=self._fresh_id("hld"),
                everybody=subject is None,
                subject_type=None if subject is None else subject[0],
                subject=None if subject is None else subject[1],
                reason=reason,
                document=document,
                set_by=officer.id,
                set_at=self._now(),
            )
            _record_hold(unit, "hold.set", hold)
        return hold

    def lift_hold(self, hold: str, *, by: Actor) -> Hold:
        """End a hold. Raises UnknownError, NotAllowedError, StateError."""
        with self._unit(by) as unit:
            lifted = keeping.lift(unit.need(HOLD, hold), by=unit.actor(), at=self._now())
            _record_hold(unit, "hold.lifted", lifted)
        return lifted

    def holds(self) -> list[Hold]:
        """Return all holds, lifted ones too. Raises StateError LEGAL_HOLD where one was tampered with."""
        with self._engine.execution_options(reading=True).connect() as connection:
            return self._vouched(connection)

    def _vouched(self, connection: Connection) -> list[Hold]:
        """A hold that was edited or deleted past the log may be the one that forbids: nothing is free."""
        held, absent = store.find_all(
            connection, HOLD, recorded=self._ledger.rows(), sealer=self._sealer
        )
        if absent:
            raise StateError(
                f"hold {absent[0].key} is not as the log recorded it", code="LEGAL_HOLD"
            )
        return list(held.values())


def _entry(unit: Unit, kind: Kind[Any], key: str) -> int:
    entry = store.entry_of(unit.connection, kind, key)
    if entry is None:
        raise LookupError(f"no row {key}, one that was just read needed")
    return entry


def _record(unit: Unit, act: str, erasure: Erasure, **facts: Any) -> None:
    """Whom it is about stands in no entry: what erases a subject must not name them."""
    unit.record(
        act,
        (ERASURE, erasure),
        facts={"erasure": erasure.id, "asked_by": erasure.asked_by, **facts},
        private={"legal_basis": erasure.legal_basis, "document": erasure.document},
    )


def _record_hold(unit: Unit, act: str, hold: Hold) -> None:
    unit.record(
        act,
        (HOLD, hold),
        facts={"hold": hold.id, "everybody": hold.everybody},
        private={"reason": hold.reason, "document": hold.document},
    )
