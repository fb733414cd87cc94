"""Budgets in the control database: one count for all processes that use an account, kept across runs.

The arithmetic is `dlt_sources.limits.take`; here its inputs are read and written under a lock on the budget's row (on
SQLite, the database's write lock), so that two processes never take the same request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dlt_sources.limits import Announcement, Limit, close, take
from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import budgets as table

_BATCH = 500
"""Accounts a statement."""

TELL_EVERY = 10.0
"""Seconds between two times that what is left of credits is written down."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one limit class.

    Attributes:
        limit: Name of the class.
        left: Requests (or credits) left in the present period; None: not known.
        total: Requests per period; None: only the vendor knows.
        period_seconds: The period.
    """

    limit: str
    left: int | None
    total: int | None
    period_seconds: float


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
        self._told: dict[tuple[str, str], float] = {}

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
        if total is None and remaining is not None:
            self._keep(account, limit, remaining)
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

    def _keep(self, account: str, limit: str, remaining: int) -> None:
        """Writes down what is left, now and then: where a total is announced, our own count tells."""
        now = self._clock() if self._clock is not None else time.time()
        last = self._told.get((account, limit))
        if last is not None and 0 <= now - last < TELL_EVERY and remaining > 0:
            return
        with self._row(account, limit) as (connection, _):
            connection.execute(_update(account, limit, remaining=remaining, told_at=self._now(connection)))
        self._told[account, limit] = now

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


def left(
    connection: sa.Connection, accounts: Collection[str], limits: Sequence[Limit], now: float
) -> dict[str, list[Left]]:
    """What is left of each of these limits, by account."""
    columns = (
        table.c[name] for name in ("account", "limit_class", "total", "taken", "closed_until", "remaining", "told_at")
    )
    rows = {
        (row.account, row.limit_class): row
        for start in range(0, len(accounts), _BATCH)
        for row in connection.execute(
            sa.select(*columns).where(table.c.account.in_(list(accounts)[start : start + _BATCH]))
        )
    }
    return {account: [_left(rows.get((account, limit.name)), limit, now) for limit in limits] for account in accounts}


def _left(row: sa.Row[Any] | None, limit: Limit, now: float) -> Left:
    total = (row.total if row is not None and row.total is not None else limit.total) or None
    if row is None:
        return Left(limit.name, total, total, limit.period)
    found = None if total is None else max(0, total - sum(now - limit.period < at <= now for at in row.taken))
    if row.remaining is not None and now - row.told_at < limit.period:
        found = row.remaining if found is None else min(found, row.remaining)
    return Left(limit.name, 0 if row.closed_until > now else found, total, limit.period)


def _key(account: str, limit: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return table.c.account == account, table.c.limit_class == limit


def _update(account: str, limit: str, **values: object) -> sa.Update:
    return sa.update(table).where(*_key(account, limit)).values(**values)
