"""Heartbeats: what goes on for long says from time to time that it still does; health looks at the last beat."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import heartbeats as table

DAEMON = "dagster:"
"""Before the name of a Dagster daemon."""


def beat(control: sa.Engine, name: str, at: datetime) -> None:
    """Notes that `name` was at work at that time; an earlier beat never replaces a later one."""
    with control.begin() as connection:
        advance(connection, name, at)


def advance(connection: sa.Connection, name: str, at: datetime) -> bool:
    """The same within a transaction; False where there was a beat at that time already, or a later one."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    given = insert(table).values(name=name, at=at)
    newest = given.on_conflict_do_update(
        index_elements=[table.c.name], set_={"at": given.excluded.at}, where=table.c.at < given.excluded.at
    )
    return connection.execute(newest).rowcount == 1


def last(control: sa.Engine, name: str) -> datetime | None:
    """The last beat of that name; None: it never beat."""
    with reading(control) as connection:
        found: datetime | None = connection.execute(sa.select(table.c.at).where(table.c.name == name)).scalar()
    return found


def lasts(control: sa.Engine, prefix: str) -> dict[str, datetime]:
    """The last beats of all names that begin so, by the rest of the name."""
    query = sa.select(table.c.name, table.c.at).where(table.c.name.startswith(prefix, autoescape=True))
    with reading(control) as connection:
        return {row.name.removeprefix(prefix): row.at for row in connection.execute(query.order_by(table.c.name))}
