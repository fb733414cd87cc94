"""Signs of life of loops, and the hand-over from one live run to the next.

A live run whose time is up goes on until its successor beats, for `HANDOVER` at most: desks are never without a loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import loops as table

BEAT = timedelta(seconds=5)
SILENT = timedelta(seconds=30)
"""A loop that gave no sign of life for so long is taken for dead."""
LEAD = timedelta(seconds=30)
"""How long before its end a live run's successor is started: a start takes seconds."""
HANDOVER = timedelta(seconds=60)
FORGOTTEN = timedelta(days=1)


class Kind(StrEnum):
    """Who runs a loop."""

    BATCH = "batch"
    LIVE = "live"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop, as it last said of itself.

    Attributes:
        id: Its id; in a Dagster run, the run's.
        holder: Which process it is, in words.
        kind: Batch, live or worker.
        started_at: When it began.
        beat_at: Its last sign of life.
        ends_at: When it hands over; None: it ends by itself.
    """

    id: str
    holder: str
    kind: Kind
    started_at: datetime
    beat_at: datetime
    ends_at: datetime | None = None

    def alive(self, now: datetime) -> bool:
        """Whether it gave a sign of life lately."""
        return now - self.beat_at <= SILENT


def read_loops(control: sa.Engine) -> list[Loop]:
    """All loops that have not said that they ended."""
    with reading(control) as connection:
        rows = connection.execute(sa.select(table)).mappings().all()
    return [Loop(**{**row, "kind": Kind(row["kind"])}) for row in rows]


def beat(control: sa.Engine, loop: Loop, now: datetime) -> None:
    """Says that a loop is alive; forgets those that died long ago."""
    insert = sqlite.insert if control.dialect.name == "sqlite" else postgresql.insert
    row = {"id": loop.id, "holder": loop.holder, "kind": loop.kind.value, "started_at": loop.started_at}
    said = insert(table).values(**row, beat_at=now, ends_at=loop.ends_at)
    with control.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.beat_at < now - FORGOTTEN))
        connection.execute(said.on_conflict_do_update(index_elements=[table.c.id], set_={"beat_at": now}))


def end(control: sa.Engine, loop: Loop) -> None:
    """Says that a loop ended."""
    with control.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.id == loop.id))


def is_over(me: Loop, loops: Iterable[Loop], now: datetime) -> bool:
    """Whether a loop's time is up and somebody has taken over, or nobody will."""
    if me.ends_at is None or now < me.ends_at:
        return False
    patience = HANDOVER if me.kind is Kind.LIVE else timedelta()
    return now >= me.ends_at + patience or any(_follows(other, me, now) for other in loops)


def needs_successor(unfinished_runs: Iterable[str], loops: Iterable[Loop], now: datetime) -> bool:
    """Whether a live run is to be started: none is on its way, and none goes on for long enough.

    Args:
        unfinished_runs: Ids of live runs that wait, start or run.
        loops: What loops said of themselves.
        now: The time.
    """
    known = {loop.id: loop for loop in loops}
    return not any(run not in known or _goes_on(known[run], now) for run in unfinished_runs)


def still_running(unfinished_runs: Iterable[str], loops: Iterable[Loop], now: datetime) -> int:
    """Count of the runs that wait, start or run, without those whose loop fell silent.

    Dagster may take long to find out that a run's process is gone: on Celery nobody tells it when a whole machine died.

    Args:
        unfinished_runs: Ids of runs that Dagster takes for unfinished.
        loops: What loops said of themselves.
        now: The time.
    """
    silent = {loop.id for loop in loops if not loop.alive(now)}
    return len(set(unfinished_runs) - silent)


def _follows(other: Loop, me: Loop, now: datetime) -> bool:
    later = other.ends_at is not None and me.ends_at is not None and other.ends_at > me.ends_at
    return other.id != me.id and other.kind is Kind.LIVE and later and other.alive(now)


def _goes_on(loop: Loop, now: datetime) -> bool:
    return loop.alive(now) and (loop.ends_at is None or loop.ends_at - now > LEAD)
