"""Runs the log's migrations on the connection that the program hands in."""

from alembic import context

from audit.tables import log_metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=log_metadata)
with context.begin_transaction():
    context.run_migrations()
