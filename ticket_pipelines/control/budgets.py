"""Budgets in the control database: one count for all processes that use an account, kept across runs.

The arithmetic is `dlt_sources.limits.take`; here its inputs are read and written under a lock on the budget's row (on
SQLite, the database's write lock), so that two processes never take the same request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dlt_sources.limits import Announcement, Limit, close, take_all
from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import budgets as table
from ticket_pipelines.control.server_clock import ServerClock

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
        self._server_clock: ServerClock | None = None
        self._told: dict[tuple[str, str], float] = {}

    def reserve(self, account: str, limits: Sequence[Limit]) -> tuple[float, str]:
        """See `Budgets.reserve`."""
        if not limits:
            return 0.0, ""
        with self._rows(account, [limit.name for limit in limits]) as (connection, rows):
            budgets = {limit: rows[limit.name] for limit in limits}
            wait, name, taken = take_all(
                {limit: (row.taken, row.total, row.closed_until) for limit, row in budgets.items()},
                self._now(connection),
            )
            if taken:
                rows_taken = [_values(account, limit.name, taken=times) for limit, times in taken.items()]
                connection.execute(_writing(self._control.dialect.name, over=True), rows_taken)
        for limit, row in budgets.items():
            self._announced[account, limit.name] = row.total
        return wait, name

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
        with self._rows(account, (limit,)) as (connection, rows):
            yield connection, rows[limit]

    @contextmanager
    def _rows(self, account: str, limits: Sequence[str]) -> Iterator[tuple[sa.Connection, dict[str, _Row]]]:
        """Rows of an account's budgets by limit class, locked in one order, so that no two wait for each other."""
        which = {"of_account": account, "of_limits": list(limits)}
        with self._control.begin() as connection:
            found = connection.execute(_LOCKED, which).all()
            if len(found) == len(limits):
                yield connection, _by_limit(found)
                return
        # the rows that were locked are free by now: those that are made may sort before them
        with self._control.begin() as connection:
            new = [_values(account, limit, taken=[]) for limit in sorted(limits)]
            connection.execute(_writing(self._control.dialect.name, over=False), new)
        with self._control.begin() as connection:
            yield connection, _by_limit(connection.execute(_LOCKED, which).all())

    def _now(self, connection: sa.Connection) -> float:
        if self._clock is not None:
            return self._clock()
        if connection.dialect.name != "postgresql":
            return time.time()
        if self._server_clock is None or self._server_clock.is_doubtful():
            self._server_clock = ServerClock(connection)
        return self._server_clock.now()


def _by_limit(found: Sequence[Any]) -> dict[str, _Row]:
    return {row.limit_class: _Row(row.total, list(row.taken), row.closed_until) for row in found}


_LOCKED = (
    sa.select(table.c.limit_class, table.c.total, table.c.taken, table.c.closed_until)
    .where(table.c.account == sa.bindparam("of_account"))
    .where(table.c.limit_class.in_(sa.bindparam("of_limits", expanding=True)))
    .order_by(table.c.limit_class)
    .with_for_update()
)


@cache
def _writing(dialect: str, *, over: bool) -> sa.Insert:
    """Inserts rows; leaves those that are there, or writes the requests that were taken over theirs."""
    made = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
    if not over:
        return made.on_conflict_do_nothing()
    return made.on_conflict_do_update(
        index_elements=[table.c.account, table.c.limit_class], set_={"taken": made.excluded.taken}
    )


def _values(account: str, limit: str, *, taken: list[float]) -> dict[str, object]:
    return {"account": account, "limit_class": limit, "taken": taken, "closed_until": 0.0}


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
