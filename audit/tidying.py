"""Counts of days that are over: what nobody can spend any more is not kept for ever.

A count is no record: what was given stands in the entries. Counts that have no day (of a case, for as long
as it lives) stay.
"""

from sqlalchemy import ColumnElement, Engine, and_, delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from audit import tables
from audit.carrying import EVER
from audit.errors import LogUnavailableError


def count_old_quotas(engine: Engine, *, before: str) -> int:
    """Return how many counts are of days before one (`YYYY-MM-DD`). Raises LogUnavailableError."""
    try:
        with engine.execution_options(reading=True).connect() as connection:
            found = connection.execute(select(func.count()).where(_old(before)))
            return int(found.scalar_one())
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def forget_old_quotas(engine: Engine, *, before: str) -> int:
    """Delete them; returns how many there were. Raises LogUnavailableError."""
    try:
        with engine.begin() as connection:
            return connection.execute(delete(tables.quota).where(_old(before))).rowcount
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def _old(before: str) -> ColumnElement[bool]:
    return and_(tables.quota.c.day > EVER, tables.quota.c.day < before)


def _unavailable(error: SQLAlchemyError) -> LogUnavailableError:
    return LogUnavailableError(f"the log's database cannot be used: {type(error).__name__}")
