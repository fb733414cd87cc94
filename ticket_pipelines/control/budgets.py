"""Budgets in the control database: one count for all processes that use an account, kept across runs.

The arithmetic is `dlt_sources.limits.take`; here its inputs are read and written under a lock on the budget's row (on
SQLite, the database's write lock), so that two processes never take the same request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dlt_sources.limits import Announcement, Limit, close, take_all
from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import budgets as table

CLOCK_SECONDS = 60.0
"""How long the difference to the server's clock is taken for what it was."""
ADRIFT = 0.5
"""Seconds by which this machine's clocks may move apart (a sleep, a clock that is set) until the server is asked."""


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
        self._server_clock: _ServerClock | None = None

    def reserve(self, account: str, limit: str, total: int, period: float) -> float:
        """See `Budgets.reserve`."""
        return self.reserve_all(account, (Limit(limit, total, period),))[0]

    def reserve_all(self, account: str, limits: Sequence[Limit]) -> tuple[float, str]:
        """See `Budgets.reserve_all`."""
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
        with self._rows(account, (limit,)) as (connection, rows):
            yield connection, rows[limit]

    @contextmanager
    def _rows(self, account: str, limits: Sequence[str]) -> Iterator[tuple[sa.Connection, dict[str, _Row]]]:
        """Rows of an account's budgets by limit class, locked in one order, so that no two wait for each other."""
        which = {"of_account": account, "of_limits": list(limits)}
        with self._control.begin() as connection:
            found = connection.execute(_LOCKED, which).all()
            if len(found) < len(limits):
                new = [_values(account, limit, taken=[]) for limit in sorted(limits)]
                connection.execute(_writing(self._control.dialect.name, over=False), new)
                found = connection.execute(_LOCKED, which).all()
            yield connection, {row.limit_class: _Row(row.total, list(row.taken), row.closed_until) for row in found}

    def _now(self, connection: sa.Connection) -> float:
        if self._clock is not None:
            return self._clock()
        if connection.dialect.name != "postgresql":
            return time.time()
        if self._server_clock is None or self._server_clock.is_doubtful():
            self._server_clock = _ServerClock(connection)
        return self._server_clock.now()


class _ServerClock:
    """The database server's clock, told by this machine's steady one for a while: asking costs as much as a budget."""

    def __init__(self, connection: sa.Connection) -> None:
        said = connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
        self._asked_at, self._wall = time.monotonic(), time.time()
        self._ahead = float(said) - self._asked_at

    def now(self) -> float:
        return time.monotonic() + self._ahead

    def is_doubtful(self) -> bool:
        passed = time.monotonic() - self._asked_at
        return passed > CLOCK_SECONDS or abs(time.time() - self._wall - passed) > ADRIFT


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


def _key(account: str, limit: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return table.c.account == account, table.c.limit_class == limit


def _update(account: str, limit: str, **values: object) -> sa.Update:
    return sa.update(table).where(*_key(account, limit)).values(**values)
