"""Brings the control database to the tables of `database.py`, by Alembic, under a lock.

A database that is up to date costs one SELECT; Alembic is imported only where there is work. On SQLite the lock is a
file beside it, on Postgres an advisory lock that ends with the transaction that holds all migrations.
"""

from __future__ import annotations

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.exc import DBAPIError

HEAD = "0007"
"""Newest revision; a test holds it equal to the newest file in `migrations/versions`."""

_LOCK_SECONDS = 60
_LOCK = 7_238_114_905_001
"""Key of the advisory lock on Postgres: any number that nobody else uses."""


def migrate(engine: sa.Engine) -> None:
    """Applies the migrations that the database lacks. Safe when several processes do it at once."""
    if revision(engine) == HEAD:
        return
    if engine.dialect.name == "sqlite":
        # only a file lock covers the switch to the write-ahead log, which happens outside of transactions
        with FileLock(f"{engine.url.database}.lock", timeout=_LOCK_SECONDS):
            raw = engine.raw_connection()
            raw.cursor().execute("PRAGMA journal_mode=WAL")
            raw.close()
            with engine.begin() as connection:
                _upgrade(connection)
        return
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _upgrade(connection)


def revision(engine: sa.Engine) -> str | None:
    """The revision that the database is at; None for an empty one."""
    try:
        with engine.connect().execution_options(reading=True) as connection:
            found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            return found
    except DBAPIError as error:
        if _no_such_table(error):
            return None
        raise


def _no_such_table(error: DBAPIError) -> bool:
    return getattr(error.orig, "pgcode", None) == "42P01" or "no such table" in str(error.orig)


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "ticket_pipelines.control:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
