"""Run by Alembic: applies the migrations on the connection that `migrate.py` (or a developer's command) hands over."""

from __future__ import annotations

from alembic import context

from ticket_pipelines.control.database import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
