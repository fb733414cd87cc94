"""Budgets in the control database: one count for all processes that use an account, kept across runs.

The arithmetic is `dlt_sources.limits.take`; here its inputs are read and written under a lock on the budget's row (on
SQLite, the database's write lock), so that two processes never take the same request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dlt_sources.limits import Announcement, close, take
from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import budgets as table


@dataclass(slots=True)
class _Row:
    total: int | None
    taken: list[float]
    closed_until: float


class ControlBudgets:
    """`dlt_sources.limits.Budgets` on the control database. Thread-safe."""

    def __init__(self, control: sa.Engine, now: Callable[[], float] | None = None) -> None:
        """Opens the budgets.

        Args:
            control: The control database.
            now: Unix time; None: on Postgres the server's clock (workers' clocks differ), else this machine's.
        """
        self._control = control
        self._clock = now
        # what this process last read of an announced total: an answer that repeats it costs no write
        self._announced: dict[tuple[str, str], int | None] = {}

    def reserve(self, account: str, limit: str, total: int, period: float) -> float:
        """See `Budgets.reserve`."""
        with self._row(account, limit) as (connection, row):
            allowed = total if row.total is None else row.total
            wait, taken = take(row.taken, self._now(connection), allowed, period, row.closed_until)
            if taken != row.taken:
                connection.execute(_update(account, limit, taken=taken))
        self._announced[account, limit] = row.total
        return wait

    def observe(
        self, account: str, limit: str, *, total: int | None, remaining: int | None, resets_in: float | None
    ) -> None:
        """See `Budgets.observe`."""
        said = Announcement(limit, total, remaining, resets_in)
        news = total is not None and self._announced.get((account, limit)) != total
        if not news and close(said, now=1.0) == 0.0:
            return
        with self._row(account, limit) as (connection, row):
            closed = close(said, self._now(connection), row.closed_until)
            new_total = row.total if total is None else total
            connection.execute(_update(account, limit, total=new_total, closed_until=closed))
        self._announced[account, limit] = new_total

    def close_until(self, account: str, limit: str, until: float) -> None:
        """See `Budgets.close_until`."""
        with self._row(account, limit) as (connection, row):
            connection.execute(_update(account, limit, closed_until=max(row.closed_until, until)))

    def advance(self, account: str, seconds: float) -> None:
        """Moves an account's budgets on in time, where the vendor is a sandbox whose clock was moved on."""
        query = sa.select(table.c.limit_class).where(table.c.account == account)
        with reading(self._control) as connection:
            limits = connection.execute(query).scalars().all()
        for limit in limits:
            with self._row(account, limit) as (connection, row):
                earlier = [moment - seconds for moment in row.taken]
                closed = row.closed_until - seconds
                connection.execute(_update(account, limit, taken=earlier, closed_until=closed))

    @contextmanager
    def _row(self, account: str, limit: str) -> Iterator[tuple[sa.Connection, _Row]]:
        """The budget's row, locked until the end of the block, made where there is none."""
        insert = sqlite.insert if self._control.dialect.name == "sqlite" else postgresql.insert
        values = {"account": account, "limit_class": limit, "taken": [], "closed_until": 0.0}
        query = sa.select(table.c.total, table.c.taken, table.c.closed_until).where(*_key(account, limit))
        with self._control.begin() as connection:
            found = connection.execute(query.with_for_update()).one_or_none()
            if found is None:
                connection.execute(insert(table).values(values).on_conflict_do_nothing())
                found = connection.execute(query.with_for_update()).one()
            yield connection, _Row(found.total, list(found.taken), found.closed_until)

    def _now(self, connection: sa.Connection) -> float:
        if self._clock is not None:
            return self._clock()
        if connection.dialect.name == "postgresql":
            return float(connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        return time.time()


def _key(account: str, limit: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return table.c.account == account, table.c.limit_class == limit


def _update(account: str, limit: str, **values: object) -> sa.Update:
    return sa.update(table).where(*_key(account, limit)).values(**values)
