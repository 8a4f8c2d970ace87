"""Keeps, beside published checkpoints, when a time-stamping authority saw them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import SQLAlchemyError

from audit.errors import LogUnavailableError
from audit.export import Stamped
from audit.tables import checkpoint


def stamped_checkpoints(engine: Engine, *, most: int) -> list[Stamped]:
    """Return the stamped checkpoints of at most this size, oldest first. Raises LogUnavailableError."""
    query = (
        select(checkpoint.c.note, checkpoint.c.tsa_token)
        .where(checkpoint.c.tsa_token.is_not(None), checkpoint.c.size <= most)
        .order_by(checkpoint.c.size)
    )
    with _answering(), engine.execution_options(reading=True).connect() as connection:
        found = connection.execute(query).all()
    return [Stamped(note=row.note, token=row.tsa_token) for row in found]


def newest_stamp(engine: Engine) -> tuple[int, bytes] | None:
    """Return size and token of the newest stamped checkpoint; None where none is stamped yet."""
    query = (
        select(checkpoint.c.size, checkpoint.c.tsa_token)
        .where(checkpoint.c.tsa_token.is_not(None))
        .order_by(checkpoint.c.size.desc())
        .limit(1)
    )
    with _answering(), engine.execution_options(reading=True).connect() as connection:
        found = connection.execute(query).one_or_none()
    return None if found is None else (found.size, found.tsa_token)


def keep_stamp(engine: Engine, size: int, token: bytes) -> None:
    """Keep the token of the published checkpoint of a size; one that is there already stays."""
    with _answering(), engine.begin() as connection:
        _keep(connection, size, token)


def _keep(connection: Connection, size: int, token: bytes) -> None:
    connection.execute(
        update(checkpoint)
        .where(checkpoint.c.size == size, checkpoint.c.tsa_token.is_(None))
        .values(tsa_token=token)
    )


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise LogUnavailableError(
            f"the log's database does not answer ({type(error).__name__})"
        ) from error
