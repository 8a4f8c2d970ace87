"""The registry as the gateway sees it: reloaded whenever anybody has changed the database at all."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable

from sqlalchemy import Engine

from catalogue import store
from catalogue.model import Case
from catalogue.ports import Ledger, Sealer
from catalogue.snapshot import Absent, Snapshot

Alarm = Callable[[tuple[Absent, ...]], None]


class LiveRegistry:
    """Implements `gateway.ports.Registry` on an embedded registry.

    A connection that never writes watches SQLite's `data_version`: it changes with every commit of any other
    connection, in this process or another, also one made past the program. So a row edited by raw SQL is
    compared with the log before the next call is ruled.
    """

    def __init__(self, engine: Engine, *, ledger: Ledger, sealer: Sealer, alarm: Alarm) -> None:
        self._engine = engine.execution_options(reading=True)
        self._ledger = ledger
        self._sealer = sealer
        self._alarm = alarm
        self._watch = sqlite3.connect(
            f"file:{engine.url.database}?mode=ro", uri=True, check_same_thread=False
        )
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._current: Snapshot | None = None
        self._alarmed: set[Absent] = set()

    async def snapshot(self) -> Snapshot:
        current = self._fresh()
        return current if current is not None else await asyncio.to_thread(self.load)

    def load(self) -> Snapshot:
        """Return the picture of now, reading the database where it has changed. Blocks."""
        with self._lock:
            version = self._version()
            if self._current is not None and version == self._seen:
                return self._current
            # The version is taken first: a commit during the load shows as a change the next time.
            with self._engine.connect() as connection:
                loaded = store.load_snapshot(connection, self._ledger.rows(), self._sealer)
            self._seen, self._current = version, loaded
            unknown = tuple(row for row in loaded.absent if row not in self._alarmed)
            self._alarmed.update(unknown)
        if unknown:
            self._alarm(unknown)
        return loaded

    async def case(self, system: str, number: str) -> Case | None:
        return await asyncio.to_thread(self._case, system, number)

    def token(self, kind: str, value: str) -> str:
        return self._sealer.token(kind, value)

    def close(self) -> None:
        self._watch.close()

    def _fresh(self) -> Snapshot | None:
        """The loaded picture if nothing was committed since; None where it must be read again."""
        with self._lock:
            return self._current if self._version() == self._seen else None

    def _version(self) -> int:
        row = self._watch.execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def _case(self, system: str, number: str) -> Case | None:
        with self._engine.connect() as connection:
            return store.find_case(connection, self._ledger.rows(), self._sealer, system, number)
