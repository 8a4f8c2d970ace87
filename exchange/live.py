"""The registry as the gateway sees it: reloaded whenever anybody has changed the database at all."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from catalogue import store
from catalogue.errors import UnrecordedRowError
from catalogue.model import Case, SourceAddress
from catalogue.ports import Ledger, Sealer
from catalogue.rows import CASE, Kind, number_token
from catalogue.snapshot import Absent, Snapshot

T = TypeVar("T")

CASES_KEPT = 4_096

Alarm = Callable[[tuple[Absent, ...]], None]


def _nothing() -> None:
    """Settle a registry that nobody changes while the log is down."""


class LiveRegistry:
    """Implements `gateway.ports.Registry` on an embedded registry.

    A connection that never writes watches SQLite's `data_version`: it changes with every commit of any other
    connection, in this process or another, also one made past the program. So a row edited by raw SQL is
    compared with the log before the next call is ruled.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        ledger: Ledger,
        sealer: Sealer,
        alarm: Alarm,
        known: store.Known | None = None,
        settle: Callable[[], object] = _nothing,
    ) -> None:
        """`known` is what rows came to at the start of the node; None knows nothing yet.

        `settle` has recorded what was done while the log was down; it runs before each look at a changed
        registry, and while it fails nothing is ruled.
        """
        self._engine = engine.execution_options(reading=True)
        self._alone = engine
        self._ledger = ledger
        self._sealer = sealer
        self._alarm = alarm
        self._known = known or store.Known()
        self._settle = settle
        self._watch = sqlite3.connect(
            f"file:{engine.url.database}?mode=ro", uri=True, check_same_thread=False
        )
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._current: Snapshot | None = None
        self._alarmed: set[Absent] = set()
        self._looked: asyncio.AbstractEventLoop | None = None
        """The loop that has looked in this turn of its own; None: none has."""
        self._cases: dict[tuple[str, str], Case | None] = {}
        self._cases_of: Snapshot | None = None
        """The picture beside which those cases were read: with it they end. None keeps no case."""

    async def snapshot(self) -> Snapshot:
        loop = asyncio.get_running_loop()
        current = self._current if self._looked is loop else self._fresh()
        if current is None:
            return await asyncio.to_thread(self.load)
        if self._looked is not loop:
            # Whatever is done in this turn of the loop was received before this look: one serves all of it.
            self._looked = loop
            loop.call_soon(self._look_again)
        return current

    def _look_again(self) -> None:
        self._looked = None

    def load(self) -> Snapshot:
        """Return the picture of now, reading the database where it has changed. Blocks."""
        with self._lock:
            if self._current is not None and self._version() == self._seen:
                return self._current
            self._settle()
            # The version is taken first: a commit during the load shows as a change the next time.
            version = self._version()
            with self._engine.connect() as connection:
                loaded = self._load(connection)
            if not self._alarmed.issuperset(loaded.absent):
                loaded = self._settled(self._load, instead=loaded)
            self._seen, self._current = version, loaded
        self._tell(loaded.absent)
        return loaded

    def held(self, kind: Kind[T]) -> dict[str, T]:
        """Return all values of a kind that the log vouches for, by key, drafts and ended ones too. Blocks."""
        with self._engine.connect() as connection:
            recorded = self._ledger.rows()
            return store.find_all(
                connection, kind, recorded=recorded, sealer=self._sealer, known=self._known
            )[0]

    def latest(self) -> Snapshot:
        """Return the newest picture that was loaded, without looking whether it still stands.

        For what follows a call's own look at the registry; never waits once there is a picture.
        """
        current = self._current
        return self.load() if current is None else current

    def addresses(self) -> Mapping[str, SourceAddress]:
        """Return the sources' addresses in that picture; each step of each call asks."""
        current = self._current
        return (self.load() if current is None else current).sources

    async def case(self, system: str, number: str) -> Case | None:
        current, place = self._current, (system, number)
        if current is not self._cases_of:
            self._cases, self._cases_of = {}, current
        elif place in self._cases:
            return self._cases[place]
        found = await asyncio.to_thread(self._case, system, number)
        # Whatever was committed while it was read may have changed it: then it is not kept.
        if current is not None and current is self._cases_of and self._fresh() is current:
            while len(self._cases) >= CASES_KEPT:
                self._cases.pop(next(iter(self._cases)))
            self._cases[place] = found
        return found

    def token(self, kind: str, value: str) -> str:
        return self._sealer.token(kind, value)

    def close(self) -> None:
        self._watch.close()

    def _fresh(self) -> Snapshot | None:
        """The loaded picture if nothing was committed since; None where it must be read again.

        Runs on the loop: where a thread is reading already it does not wait for it here.
        """
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self._current if self._version() == self._seen else None
        finally:
            self._lock.release()

    def _version(self) -> int:
        row = self._watch.execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def _case(self, system: str, number: str) -> Case | None:
        def look(connection: Connection) -> Case | Absent | None:
            return self._look(connection, system, number)

        with self._engine.connect() as connection:
            first = look(connection)
        settled = first
        if isinstance(first, Absent):
            settled = self._settled(look, instead=settled)
        if isinstance(settled, Absent):
            self._tell((settled,))
            return None
        return settled

    def _look(self, connection: Connection, system: str, number: str) -> Case | Absent | None:
        """Return the case, or what is wrong with its row; None where the system has none of the number."""
        key = store.case_key(connection, number_token(self._sealer, system, number))
        if key is None:
            return None
        recorded = self._ledger.digest
        try:
            found = store.find(connection, CASE, key, recorded=recorded, sealer=self._sealer)
        except UnrecordedRowError as error:
            return Absent(table=error.table, key=error.key, why=error.why)
        return found if found is not None and found.system == system else None

    def _load(self, connection: Connection) -> Snapshot:
        return store.load_snapshot(connection, self._ledger.rows(), self._sealer, known=self._known)

    def _settled(self, read: Callable[[Connection], T], *, instead: T) -> T:
        """Read again while no act is under way, before anybody is alarmed.

        An act is in the log a moment before its rows are in the registry; whoever reads in between sees
        rows that seem to be edited. Acts hold the database's write lock throughout, so holding it ourselves
        tells the two apart. Where it is not to be had, `instead` stays: doubt refuses.
        """
        try:
            with self._alone.begin() as connection:
                return read(connection)
        except OperationalError:
            return instead

    def _tell(self, absent: tuple[Absent, ...]) -> None:
        with self._lock:
            unknown = tuple(row for row in absent if row not in self._alarmed)
            self._alarmed.update(unknown)
        if unknown:
            self._alarm(unknown)
