"""One verdict for probes, with its parts. Reads only; makes no request to a vendor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

import sqlalchemy as sa

from ticket_pipelines.control import heartbeat
from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import leases, loops, sync_runs
from ticket_pipelines.control.due import lateness
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.errors import ControlUnavailableError, TicketPipelinesError
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.settings import Settings
from ticket_pipelines.sync.result import Status

LATE = timedelta(minutes=5)
STALLED = timedelta(hours=1)
FAILING = 3
JUST_STARTED = timedelta(minutes=1)
QUIET = timedelta(minutes=3)
"""Time without a beat after which the loop, or a daemon, is taken for dead."""

REQUIRABLE = ("loop_heartbeat", "dagster_daemons")
"""Parts that may be missing in an installation, unless they are required."""


class Grade(IntEnum):
    """How well a part is; the verdict is the worst of them."""

    OK = 0
    WARNING = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its name, its grade and why."""

    name: str
    grade: Grade
    detail: str


@dataclass(frozen=True, slots=True)
class Health:
    """The parts, in the order in which they depend on each other."""

    parts: tuple[Part, ...]

    @property
    def verdict(self) -> Grade:
        """The worst grade."""
        return max(part.grade for part in self.parts)


def check_health(settings: Settings, now: datetime, required: Collection[str] = ()) -> Health:
    """Looks at all parts. Only wrong settings raise; all else is a grade.

    Args:
        settings: The settings.
        now: The time.
        required: Those of `REQUIRABLE` without which all fails.
    """
    try:
        project = open_project(settings)
    except ControlUnavailableError as error:
        return Health((Part("control_database", Grade.FAILED, _first_line(error)),))
    with project:
        return Health((Part("control_database", Grade.OK, "answers"), *_parts(project, now, required)))


def _parts(project: Project, now: datetime, required: Collection[str]) -> Iterator[Part]:
    desks = project.desks.list()
    yield _warehouse(lambda: project.warehouse.query("SELECT 1 AS one"))
    yield due_part(desks, now)
    yield failing_part(desks)
    yield _stuck(project.control, now)
    yield beating_part("loop_heartbeat", _newest_loop(project.control), now, required="loop_heartbeat" in required)
    beats = heartbeat.lasts(project.control, heartbeat.DAEMON)
    yield beating_part("dagster_daemons", beats, now, required="dagster_daemons" in required)


def _warehouse(ask: Callable[[], object]) -> Part:
    try:
        ask()
    except TicketPipelinesError as error:
        return Part("warehouse", Grade.FAILED, _first_line(error))
    return Part("warehouse", Grade.OK, "answers")


def due_part(desks: list[Desk], now: datetime) -> Part:
    """Grades by the desk that is late the longest: past an hour nothing can be at work."""
    late = [(lateness(desk.next_due_at, paused=desk.resting, now=now), desk.key) for desk in desks]
    seconds, key = max(late, default=(0.0, ""))
    if seconds <= LATE.total_seconds():
        return Part("oldest_due_desk", Grade.OK, "no desk is late")
    grade = Grade.FAILED if seconds > STALLED.total_seconds() else Grade.WARNING
    return Part(
        "oldest_due_desk", grade, f"{key} is late by {seconds:.0f} s; is a worker or the Dagster daemon running?"
    )


def failing_part(desks: list[Desk]) -> Part:
    """Warns of desks that failed several times in a row, or are parked: that is for a person, not for a restart."""
    failing = [desk.key for desk in desks if (desk.parked or desk.failures >= FAILING) and not desk.paused]
    if not failing:
        return Part("failing_desks", Grade.OK, "none")
    return Part("failing_desks", Grade.WARNING, ", ".join(failing))


def beating_part(name: str, beats: Mapping[str, datetime], now: datetime, *, required: bool) -> Part:
    """Grades what beats: what fell silent is a warning, and a failure where it is required; so is what never beat."""
    bad = Grade.FAILED if required else Grade.WARNING
    if not beats:
        return Part(name, Grade.FAILED if required else Grade.OK, "has not run here")
    silent = {one: at for one, at in beats.items() if now - at > QUIET}
    if not silent:
        return Part(name, Grade.OK, f"last beat {min(beats.values()):%Y-%m-%d %H:%M:%S} UTC")
    told = ", ".join(f"{one} since {at:%Y-%m-%d %H:%M:%S} UTC".strip() for one, at in silent.items())
    return Part(name, bad, f"silent: {told}")


def _newest_loop(control: sa.Engine) -> dict[str, datetime]:
    """The last sign of life of any lasting loop that has not ended in order: a batch comes and goes."""
    with reading(control) as connection:
        found = connection.execute(sa.select(sa.func.max(loops.c.beat_at)).where(loops.c.kind != "batch")).scalar()
    return {} if found is None else {"": found}


def _stuck(control: sa.Engine, now: datetime) -> Part:
    """Syncs that never ended and that nobody holds the lease for: their process is gone."""
    held = sa.select(leases.c.desk).where(leases.c.expires_at >= now)
    running = sa.and_(sync_runs.c.status == Status.RUNNING, sync_runs.c.started_at < now - JUST_STARTED)
    query = sa.select(sync_runs.c.desk).where(running, sync_runs.c.desk.not_in(held)).distinct()
    with reading(control) as connection:
        stuck = sorted(connection.execute(query).scalars())
    if not stuck:
        return Part("stuck_leases", Grade.OK, "none")
    return Part("stuck_leases", Grade.WARNING, f"syncs that died; the next ones go on from there: {', '.join(stuck)}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
