"""Alembic's entry: run the migrations on the connection that the caller hands in."""

from __future__ import annotations

from alembic import context

from permissions.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
