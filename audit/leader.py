"""Who writes the log where several could: a session of PostgreSQL holds a lock, a row says where it listens.

The lock only spares the others their trying. What keeps two from writing is the epoch in the head: who takes
over begins a new one, and from then on no batch of the earlier one can move the head.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.errors import LogUnavailableError, StartRefusedError

_LEADING = 0x45584C44
"""First half of the lock that the sequencer's session holds; the second is the origin's."""


class Leadership:
    """The lock of one log's sequencer, held for as long as its session lives."""

    def __init__(self, connection: Connection, origin: str) -> None:
        self._connection = connection
        self._origin = origin

    def announce(self, *, url: str, epoch: int, since: int) -> None:
        """Say where gateways find the sequencer of this epoch. Raises LogUnavailableError.

        One of an earlier epoch that comes late changes nothing.
        """
        table = tables.leader
        added = postgresql.insert(table).values(
            origin=self._origin, url=url, epoch=epoch, since=since
        )
        newer = added.excluded.epoch > table.c.epoch
        named = {"url": added.excluded.url, "epoch": epoch, "since": since}
        self._run(added.on_conflict_do_update(index_elements=["origin"], set_=named, where=newer))

    def check(self) -> None:
        """Raise LogUnavailableError where the session, and with it the lock, is gone."""
        self._run(select(1))

    def _run(self, statement: object) -> None:
        try:
            self._connection.execute(statement)  # type: ignore[call-overload]
        except SQLAlchemyError as error:
            raise _lost(error) from error


@contextmanager
def leading(engine: Engine, origin: str) -> Iterator[Leadership | None]:
    """Hold the log's lock while entered; None where another session holds it.

    Raises StartRefusedError for a database that has no such locks, LogUnavailableError.
    """
    if engine.dialect.name != "postgresql":
        raise StartRefusedError("a sequencer for several gateways needs PostgreSQL")
    half = zlib.crc32(origin.encode()) - 2**31
    alone = engine.execution_options(isolation_level="AUTOCOMMIT", reading=True)
    try:
        with alone.connect() as connection:
            # The session lives as long as the lock is wanted, and goes back to no pool.
            connection.detach()
            taken = connection.exec_driver_sql(
                f"SELECT pg_try_advisory_lock({_LEADING}, {half})"
            ).scalar_one()
            yield Leadership(connection, origin) if taken else None
    except SQLAlchemyError as error:
        raise _lost(error) from error


def find_leader(engine: Engine, origin: str) -> tuple[str, int] | None:
    """Return where the newest sequencer listens, and its epoch; None before the first."""
    table = tables.leader
    query = select(table.c.url, table.c.epoch).where(table.c.origin == origin)
    try:
        with engine.execution_options(reading=True).connect() as connection:
            found = connection.execute(query).one_or_none()
    except SQLAlchemyError as error:
        raise _lost(error) from error
    return None if found is None else (str(found.url), int(found.epoch))


def _lost(error: Exception) -> LogUnavailableError:
    return LogUnavailableError(f"the log's database does not answer ({type(error).__name__})")
