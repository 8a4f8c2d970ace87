"""Runs the registry's migrations on the connection that the exchange opened."""

from alembic import context
from sqlalchemy import Connection

from catalogue.tables import metadata


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
