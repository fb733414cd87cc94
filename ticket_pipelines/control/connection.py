"""Opens the control database, brought up to date.

SQLite runs with a write-ahead log, and a transaction takes the write lock when it begins: a transaction that reads
first and writes later would otherwise fail at once when another process wrote in between. Those that only read say
so: `with reading(engine) as connection`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ticket_pipelines.control.migrate import migrate
from ticket_pipelines.errors import ControlUnavailableError

AWAY = (OperationalError, InterfaceError, PoolTimeoutError)
"""What SQLAlchemy raises where a database is locked, full or away, or lets no connection come free; others are ours."""

BUSY_SECONDS = 30
CONNECT_SECONDS = 10
REST = 2.0
"""Seconds after which a connection to Postgres that nobody used is asked whether it still works: asking each time costs
a busy loop as much as its work."""


def open_control(url: str) -> sa.Engine:
    """Opens the control database at a URL as in `Settings.control_db`, migrated. Safe in several processes at once.

    Raises:
        ControlUnavailableError: It cannot be reached, written or read.
    """
    parsed = sa.make_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    try:
        if sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = _sqlite(parsed) if sqlite else _postgres(parsed)
        migrate(engine)
    except (OSError, DBAPIError) as error:
        where = parsed.database if sqlite else f"{parsed.host}:{parsed.port or 5432}/{parsed.database}"
        raise ControlUnavailableError(
            f"control database {where} cannot be opened: {_reason(error)}\nCheck TICKETS_CONTROL_DB or TICKETS_HOME."
        ) from error
    return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection for reads alone: takes no write lock on SQLite, and no transaction on Postgres.

    There each statement sees what is committed when it begins, in a transaction or not.
    """
    options: dict[str, Any] = {"reading": True}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "AUTOCOMMIT"
    with engine.connect().execution_options(**options) as connection:
        yield connection


@contextmanager
def answering(engine: sa.Engine) -> Iterator[None]:
    """Says in our words that the control database does not answer in the middle of the block.

    Raises:
        ControlUnavailableError: It is locked, full or away.
    """
    try:
        yield
    except AWAY as error:
        raise unanswered(engine, error) from error


def unanswered(engine: sa.Engine, error: Exception) -> ControlUnavailableError:
    """The error of a control database that was open and does not answer any more."""
    url = engine.url
    where = url.database if url.get_backend_name() == "sqlite" else f"{url.host}:{url.port or 5432}/{url.database}"
    return ControlUnavailableError(
        f"control database {where} does not answer: {_reason(error)}\nWhat is committed stays; the same command may "
        "succeed later. Check who holds it, and that there is room on its disk."
    )


def name_of(error: Exception) -> str:
    """Name of the driver's error, for a log: its text may repeat parameters."""
    return type(getattr(error, "orig", None) or error).__name__


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        only_reads = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")

    return engine


def _postgres(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_use_lifo=True,
        connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "ticket-pipelines"},
    )

    @sa.event.listens_for(engine, "checkin")
    def _returned(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _taken(connection: Any, record: Any, _proxy: Any) -> None:
        rested = time.monotonic() - record.info.get("rests_since", time.monotonic())
        if rested > REST and not _works(engine, connection):
            # the pool gives another one in its place
            raise DisconnectionError

    return engine


def _works(engine: sa.Engine, connection: Any) -> bool:
    try:
        return bool(engine.dialect.do_ping(connection))
    except engine.dialect.loaded_dbapi.Error:
        return False


def _reason(error: Exception) -> str:
    """First line of the driver's message: the later ones repeat SQL and parameters."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).strip().partition("\n")[0]
