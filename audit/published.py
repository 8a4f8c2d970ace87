"""Reads the checkpoints that were published, as they are kept, cosignatures and all."""

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from audit.errors import LogUnavailableError
from audit.tables import checkpoint


def newest_published(engine: Engine, *, most: int) -> list[str]:
    """Return the notes of the newest published checkpoints, the newest first. Raises LogUnavailableError."""
    query = select(checkpoint.c.note).order_by(checkpoint.c.size.desc()).limit(most)
    try:
        with engine.execution_options(reading=True).connect() as connection:
            return list(connection.execute(query).scalars())
    except SQLAlchemyError as error:
        raise LogUnavailableError(
            f"the log's database does not answer ({type(error).__name__})"
        ) from error
