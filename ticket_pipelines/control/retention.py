"""Old history goes: syncs in the control database and their copies in the warehouse, and dlt's notes of old loads.

What the desks' status and the alerts are derived from stays, however old it is: the last sync of each desk, the last
that succeeded, the last that read rows. How many rows the purged syncs created is kept as a number of the desk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import desks, sync_runs
from ticket_pipelines.project import Project
from ticket_pipelines.sync.quarantine import purge_old
from ticket_pipelines.sync.result import Direction, Status
from ticket_pipelines.warehouse.base import Retirement

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Ages:
    """How long history is kept, in days.

    Attributes:
        runs: Syncs.
        loads: dlt's notes of loads.
        quarantine: Records in the quarantine, since they were last seen.
    """

    runs: float
    loads: float
    quarantine: float


def purge_history(project: Project, ages: Ages, now: datetime) -> dict[str, int]:
    """Deletes what is too old.

    Returns:
        How many rows went: `control` for syncs in the control database, `quarantine` for records in the quarantine,
        else by table of the warehouse.

    Raises:
        WarehouseUnavailableError: The warehouse is away; the control database's part is done, the rest is next time's.
    """
    before = now - timedelta(days=ages.runs)
    purged = purge_runs(project.control, before)
    records = purge_old(project.control, now - timedelta(days=ages.quarantine))
    kept = tuple(_kept_before(project.control, before))
    gone = project.warehouse.retire(Retirement(before, kept, now - timedelta(days=ages.loads)))
    return {"control": purged, "quarantine": records, **gone}


def purge_runs(control: sa.Engine, before: datetime) -> int:
    """Deletes the syncs in the control database that began before a time, save the last ones of each desk."""
    kept, count = set(_kept_before(control, before)), 0
    old = sa.select(sync_runs.c.id).where(sync_runs.c.started_at < before, sync_runs.c.status != Status.RUNNING.value)
    with reading(control) as connection:
        ids = [run_id for run_id in connection.execute(old).scalars() if run_id not in kept]
    for start in range(0, len(ids), _AT_ONCE):
        some = sync_runs.c.id.in_(ids[start : start + _AT_ONCE])
        with control.begin() as connection:
            summed = sa.select(sync_runs.c.desk, sa.func.sum(sync_runs.c.rows_created))
            # a push brings nothing in
            created = summed.where(some, sync_runs.c.direction == Direction.INBOUND)
            for desk, rows in connection.execute(created.group_by(sync_runs.c.desk)).all():
                # the sum of BIGINTs is a NUMERIC on Postgres
                more = sa.update(desks).where(desks.c.key == desk)
                connection.execute(more.values(rows_purged=desks.c.rows_purged + int(rows)))
            count += connection.execute(sa.delete(sync_runs).where(some)).rowcount
    return count


def _kept_before(control: sa.Engine, before: datetime) -> list[str]:
    """Ids of the syncs that stay although they began before that time."""
    found: set[str] = set()
    with reading(control) as connection:
        for condition in (sa.true(), sync_runs.c.status == Status.SUCCESS.value, sync_runs.c.rows_read > 0):
            order = (sync_runs.c.started_at.desc(), sync_runs.c.id.desc())
            rank = sa.func.row_number().over(partition_by=(sync_runs.c.desk, sync_runs.c.direction), order_by=order)
            ended = sa.and_(condition, sync_runs.c.status.not_in([Status.RUNNING.value, Status.SKIPPED.value]))
            ranked = sa.select(sync_runs.c.id, sync_runs.c.started_at, rank.label("rank")).where(ended).subquery()
            newest = sa.select(ranked.c.id).where(ranked.c.rank == 1, ranked.c.started_at < before)
            found.update(connection.execute(newest).scalars())
    return sorted(found)
