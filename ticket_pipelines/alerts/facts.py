"""Reads what the rules look at, for all desks, from the control database alone: cheap enough for every tick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ticket_pipelines.alerts.rules import DeskFacts
from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import desks, of_all, quarantine, sync_runs
from ticket_pipelines.sync.result import Mode, Status

_AT_ONCE = 500
_RUN = ("id", "mode", "status", "started_at", "completed_at", "rows_read", "rows_failed", "error_message", "details")


def read_facts(control: sa.Engine, now: datetime) -> list[DeskFacts]:
    """The facts of all desks that are not removed."""
    query = sa.select(
        *(desks.c[name] for name in ("key", "vendor", "paused", "created_at", "failures")),
        desks.c.last_checked_at,
        desks.c.synced_whole_at,
        desks.c.credentials_end_at,
        desks.c.parked,
        _newest().label("newest"),
        _newest(sync_runs.c.status == Status.SUCCESS.value, of_all()).label("good"),
        _newest(sync_runs.c.rows_read > 0, sync_runs.c.status != Status.RUNNING.value).label("read"),
    ).where(desks.c.removed_at.is_(None))
    waiting = sa.select(quarantine.c.desk, sa.func.count()).group_by(quarantine.c.desk)
    with reading(control) as connection:
        rows = connection.execute(query.order_by(desks.c.key)).mappings().all()
        runs = _runs(connection, (row[name] for row in rows for name in ("newest", "good", "read")))
        quarantined = {row[0]: int(row[1]) for row in connection.execute(waiting)}
    return [_facts(dict(row), runs, quarantined.get(row["key"], 0), now) for row in rows]


def _newest(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """Id of a desk's newest inbound sync of these conditions: a look into the index by desk and time."""
    return (
        sa.select(sync_runs.c.id)
        .where(sync_runs.c.desk == desks.c.key, sync_runs.c.direction == "inbound")
        .where(sync_runs.c.status != Status.SKIPPED.value, *conditions)
        .order_by(sync_runs.c.started_at.desc(), sync_runs.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _runs(connection: sa.Connection, ids: Iterable[str | None]) -> dict[str, Mapping[str, Any]]:
    wanted = sorted({run_id for run_id in ids if run_id})
    return {
        row["id"]: dict(row)
        for some in _batches(wanted)
        for row in connection.execute(
            sa.select(*(sync_runs.c[name] for name in _RUN)).where(sync_runs.c.id.in_(some))
        ).mappings()
    }


def _facts(row: Mapping[str, Any], runs: Mapping[str, Mapping[str, Any]], quarantined: int, now: datetime) -> DeskFacts:
    newest, good, read = (runs.get(row[name] or "") for name in ("newest", "good", "read"))
    return DeskFacts(
        desk=row["key"],
        vendor=row["vendor"],
        paused=row["paused"],
        created_at=row["created_at"],
        failures=row["failures"],
        error=newest["error_message"] if newest else None,
        mode=Mode(newest["mode"]) if newest else None,
        sync_seconds=((newest["completed_at"] or now) - newest["started_at"]).total_seconds() if newest else 0.0,
        running=bool(newest and newest["status"] == Status.RUNNING.value),
        success_at=_success_at(row, good),
        rows_read=read["rows_read"] if read else 0,
        rows_failed=read["rows_failed"] if read else 0,
        drift=tuple(read["details"].get("drift", ())) if read else (),
        quarantined=quarantined,
        credentials_end_at=row["credentials_end_at"],
        parked=row["parked"],
    )


def _success_at(row: Mapping[str, Any], good: Mapping[str, Any] | None) -> datetime | None:
    if good is None:
        return None
    ended: datetime = good["completed_at"] or good["started_at"]
    # an idle visit writes no run: it counts where it follows a success
    idle_since = row["synced_whole_at"] is not None and row["failures"] == 0
    checked: datetime | None = row["last_checked_at"]
    return max(ended, checked) if idle_since and checked is not None else ended


def _batches(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
