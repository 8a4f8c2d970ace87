"""What a new shard takes over from the database of the one before, beside what its first entries say.

Nonces, or a request could be sent again once the shard has changed; what is used of the days' quotas, and of
those of a case; the newest numbers. It is written before the shard's first entry, so that an entry means
that all of it is there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, insert, or_, select
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.errors import LogUnavailableError

EVER = "0000-00-00"
"""The day of counts that no day ends: what may be asked within one case, as long as it lives."""
_DAYS = 2
"""Quotas are counted by days where the exchange stands: this many back cover every time zone."""

_Rows = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    nonces: _Rows
    quotas: _Rows
    counters: _Rows

    @property
    def newest(self) -> dict[str, int]:
        """The newest number by counter."""
        return {row["name"]: row["n"] for row in self.counters}


def carry(engine: Engine, *, at: datetime) -> Carried:
    """Read what goes over from a shard that takes nothing more. Raises LogUnavailableError."""
    quota = tables.quota
    first_day = (at - timedelta(days=_DAYS)).date().isoformat()
    counting = or_(quota.c.day >= first_day, quota.c.day == EVER)
    try:
        with engine.execution_options(reading=True).connect() as connection:
            return Carried(
                nonces=_all(connection, select(tables.nonce)),
                quotas=_all(
                    connection,
                    select(quota).where(counting),
                ),
                counters=_all(connection, select(tables.counter)),
            )
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def take_over(engine: Engine, carried: Carried) -> None:
    """Write it into the database of a shard without entries; into one that has begun nothing is written.

    One transaction, done again it does the same. Raises LogUnavailableError.
    """
    try:
        with engine.begin() as connection:
            if connection.execute(select(tables.entry.c.idx).limit(1)).first() is not None:
                return
            for table, rows in (
                (tables.nonce, carried.nonces),
                (tables.quota, carried.quotas),
                (tables.counter, carried.counters),
            ):
                connection.execute(delete(table))
                if rows:
                    connection.execute(insert(table), list(rows))
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def _all(connection: Connection, query: Select[Any]) -> _Rows:
    return tuple(dict(row) for row in connection.execute(query).mappings())


def _unavailable(error: Exception) -> LogUnavailableError:
    return LogUnavailableError(f"the log's database does not answer ({type(error).__name__})")
