"""One use case, one transaction: load what the log vouches for, decide, record, save, commit."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from catalogue import store
from catalogue.errors import UnknownError
from catalogue.model import Actor
from catalogue.ports import Act, Clock, Ledger, RowMark, Sealer, UnrecordableError
from catalogue.protected import SALT_BYTES
from catalogue.rows import OFFICER, SYSTEM, Kind, from_ms, to_ms
from catalogue.service import unrecorded

T = TypeVar("T")

_ID_BYTES = 16

ROWS_AN_ACT = 50
"""An entry holds at most 16 KiB: what an import writes is spread over as many acts as that takes."""


class Unit:
    """An open transaction of one use case, with what it has recorded so far."""

    def __init__(
        self,
        connection: Connection,
        *,
        by: Actor,
        ledger: Ledger,
        sealer: Sealer,
        random: Callable[[int], bytes],
        at: int,
    ) -> None:
        """`at` is the moment of the transaction, epoch ms."""
        self.connection = connection
        self.recorded: list[tuple[int, Kind[Any], str]] = []
        """Index of each act, with the first of its rows."""
        self.standing: tuple[str, ...] = ()
        """Ids of the deputies by which the actor decides in somebody's place; acts name them."""
        self._given = by
        self._ledger = ledger
        self._sealer = sealer
        self._random = random
        self._at = at

    def find(self, kind: Kind[T], key: str) -> T | None:
        """Return a value; None where none is registered."""
        return store.find(
            self.connection, kind, key, recorded=self._ledger.digest, sealer=self._sealer
        )

    def need(self, kind: Kind[T], key: str) -> T:
        value = self.find(kind, key)
        if value is None:
            raise UnknownError(f"{kind.table} {key}")
        return value

    def all(self, kind: Kind[T]) -> dict[str, T]:
        return store.find_all(
            self.connection, kind, recorded=self._ledger.rows(), sealer=self._sealer
        )[0]

    def actor(self, given: Actor | None = None) -> Actor:
        """Return who acts as the registry knows them now, not as they were when they signed in."""
        given = given or self._given
        officer = None if given.officer is None else self.need(OFFICER, given.officer.id)
        system = None if given.system is None else self.need(SYSTEM, given.system.id)
        return replace(given, officer=officer, system=system)

    def act_as(self, by: Actor) -> None:
        """Name the actor where only the transaction itself finds out who it is."""
        self._given = by

    def record(
        self,
        kind: str,
        *rows: tuple[Kind[Any], Any],
        narrowing: bool = False,
        at_once: bool = False,
        fresh: bool = False,
        facts: Mapping[str, Any],
        private: Mapping[str, Any] | None = None,
        case: str | None = None,
        sealed: bool = False,
    ) -> None:
        """Record an act with the rows as they will stand, then write them.

        `fresh` says that all rows are of one kind and none of them is there yet. The rows are written after
        the entry is durable, so that no state ever stands unrecorded. Whatever fails afterwards undoes the
        writing, and the entry is declared void. An act that does nothing but take away may be `at_once`: with
        the log down it holds all the same, and is recorded before the next call is ruled.
        """
        marked = [
            (row_kind, *store.mark(row_kind, value, sealer=self._sealer, salt=self._salt()))
            for row_kind, value in rows
        ]
        marks: tuple[RowMark, ...] = tuple(mark for _kind, _row, mark in marked)
        act = Act(
            kind=kind,
            actor=self._given.id,
            department=self._given.department,
            auth=self._given.auth,
            rows=marks,
            narrowing=narrowing,
            facts={**facts, "deputies": list(self.standing)} if self.standing else facts,
            private=private or {},
            case=case,
            sealed=sealed,
        )
        index = self._appended(act, at_once=at_once)
        if index != unrecorded.NOT_YET:
            self.recorded.append((index, marked[0][0], marks[0].key))
            store.set_applied_index(self.connection, index)
        if fresh:
            store.add(self.connection, marked[0][0], [row for _, row, _ in marked], entry=index)
        else:
            for row_kind, row, _mark in marked:
                store.save(self.connection, row_kind, row, entry=index)

    def _appended(self, act: Act, *, at_once: bool) -> int:
        try:
            return self._ledger.append(act)
        except UnrecordableError:
            if not at_once:
                raise
        id_ = self._random(_ID_BYTES).hex()
        unrecorded.keep(
            self.connection, act, id_=id_, at=self._at, ledger=self._ledger, sealer=self._sealer
        )
        return unrecorded.NOT_YET

    def _salt(self) -> bytes:
        return self._random(SALT_BYTES)


class UseCases:
    """What all groups of use cases share: the ports, and how a transaction is carried through."""

    def __init__(
        self,
        *,
        engine: Engine,
        ledger: Ledger,
        sealer: Sealer,
        now: Clock,
        fresh_id: Callable[[str], str],
        random: Callable[[int], bytes],
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._sealer = sealer
        self._clock = now
        self._fresh_id = fresh_id
        self._random = random

    def _now(self) -> datetime:
        # Times are kept in whole milliseconds; what is returned equals what is read back.
        return from_ms(to_ms(self._clock()))

    @contextmanager
    def _unit(self, by: Actor) -> Iterator[Unit]:
        """Open a transaction that no other use case overlaps; commit at the end.

        Where it does not commit, every act recorded in it is declared void before the error goes on.
        """
        unit: Unit | None = None
        try:
            with self._engine.begin() as connection:
                store.applied_index(connection, lock=True)
                unit = Unit(
                    connection,
                    by=by,
                    ledger=self._ledger,
                    sealer=self._sealer,
                    random=self._random,
                    at=to_ms(self._clock()),
                )
                yield unit
        except BaseException as error:
            if unit is not None and unit.recorded:
                self._void(unit.recorded, reason=type(error).__name__)
            raise

    def _void(self, acts: list[tuple[int, Kind[Any], str]], *, reason: str) -> None:
        """Declare acts void, unless their transaction was committed and only the answer was lost."""
        with self._engine.begin() as connection:
            store.applied_index(connection, lock=True)
            if all(store.entry_of(connection, kind, key) == index for index, kind, key in acts):
                return
            for index, _kind, _key in reversed(acts):
                # The void raises the barrier over the act's own; the registry has nothing left to apply.
                store.set_applied_index(connection, self._ledger.void(index, reason=reason))
