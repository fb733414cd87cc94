"""The record of syncs: `sync_runs` in the control database, and its copy in the warehouse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import of_all
from ticket_pipelines.control.database import sync_runs as table
from ticket_pipelines.errors import SyncStoppedError, WarehouseUnavailableError
from ticket_pipelines.logs import topic
from ticket_pipelines.sync.result import Counts, Direction, Mode, Status, SyncResult, Trigger
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.runs import SYNC_RUNS

log = topic("sync")

COLUMNS = tuple(field.name for field in fields(SyncResult))
_AT_ONCE = 500


def begin(control: sa.Engine, run: SyncResult) -> None:
    """Records that a sync has begun."""
    with control.begin() as connection:
        connection.execute(sa.insert(table).values(**asdict(run)))


def finish(control: sa.Engine, run: SyncResult) -> None:
    """Records how a sync ended."""
    ended = sa.update(table).where(table.c.id == run.id).values(**asdict(run), in_warehouse=False)
    with control.begin() as connection:
        connection.execute(ended)


def close_killed(control: sa.Engine, desk: str, now: datetime) -> None:
    """Records the end of syncs that began before and whose process died, or lost the desk's lease."""
    query = sa.select(table.c.id, table.c.started_at).where(
        table.c.desk == desk, table.c.status == Status.RUNNING.value, table.c.started_at <= now
    )
    with control.begin() as connection:
        for row in connection.execute(query).all():
            values = {
                "status": Status.FAILED,
                "completed_at": now,
                "duration_seconds": (now - row.started_at).total_seconds(),
                "error_code": "killed",
                "error_message": "The process of this sync ended without a word; the next sync goes on behind it.",
            }
            connection.execute(sa.update(table).where(table.c.id == row.id).values(**values, in_warehouse=False))


def ended(
    run: SyncResult,
    status: Status,
    at: datetime,
    counts: Counts,
    *,
    requests: int = 0,
    waited: float = 0.0,
    error: tuple[str, str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> SyncResult:
    """The record of a sync that has ended.

    Args:
        run: The record of its beginning.
        status: How it ended.
        at: When.
        counts: Rows of all streams.
        requests: Requests made.
        waited: Seconds waited for the vendor's limits.
        error: Code and message of what went wrong.
        details: Per stream, and what else is to be told.
    """
    return replace(
        run,
        status=status,
        completed_at=at,
        duration_seconds=(at - run.started_at).total_seconds(),
        rows_read=counts.read,
        rows_created=counts.created,
        rows_updated=counts.updated,
        rows_unchanged=counts.unchanged,
        rows_deleted=counts.deleted,
        rows_failed=counts.failed,
        success_rate=(counts.read - counts.failed) / counts.read if counts.read else None,
        api_requests=requests,
        api_wait_seconds=waited,
        error_code=error[0] if error else None,
        error_message=error[1] if error else None,
        details=details or {},
    )


def copy_to_warehouse(control: sa.Engine, warehouse: Warehouse) -> None:
    """Writes ended syncs to the warehouse that are not there yet. Left for the next time where it is away."""
    query = (
        sa.select(*(table.c[name] for name in COLUMNS))
        .where(table.c.in_warehouse.is_(sa.false()), table.c.status != Status.RUNNING.value)
        .order_by(table.c.started_at)
        .limit(_AT_ONCE)
    )
    with reading(control) as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    if not rows:
        return
    copies = [{**row, "details": json.dumps(row["details"], ensure_ascii=False)} for row in rows]
    try:
        warehouse.write_runs(pa.Table.from_pylist(copies, schema=SYNC_RUNS.arrow_schema()))
    except WarehouseUnavailableError as error:
        log.warning("sync_runs in the warehouse is caught up later: %s", str(error).partition("\n")[0])
        return
    with control.begin() as connection:
        copied = sa.update(table).where(table.c.id.in_([row["id"] for row in rows]))
        connection.execute(copied.where(table.c.status != Status.RUNNING.value).values(in_warehouse=True))


def new_run(
    run_id: str,
    desk: str,
    vendor: str,
    mode: Mode,
    trigger: Trigger,
    at: datetime,
    dagster: str | None,
    direction: Direction = Direction.INBOUND,
) -> SyncResult:
    """The record of a sync that begins."""
    return SyncResult(
        id=run_id,
        desk=desk,
        vendor=vendor,
        direction=direction,
        mode=mode,
        trigger=trigger,
        status=Status.RUNNING,
        started_at=at,
        completed_at=None,
        duration_seconds=None,
        rows_read=0,
        rows_created=0,
        rows_updated=0,
        rows_unchanged=0,
        rows_deleted=0,
        rows_failed=0,
        success_rate=None,
        api_requests=0,
        api_wait_seconds=0.0,
        error_code=None,
        error_message=None,
        details={},
        dagster_run_id=dagster,
    )


def unfinished(control: sa.Engine, desk: str) -> bool:
    """Whether a sync broke off, and none has read again since then all that it read.

    A full sync of all streams reads everything, and so does one that goes on with another; an incremental one what
    another incremental one read.
    """
    mine = (table.c.desk == desk, table.c.direction == Direction.INBOUND.value)
    stopped = (table.c.status == Status.PARTIAL.value) & (table.c.error_code == SyncStoppedError.code)
    broken = (table.c.status == Status.FAILED.value) | stopped
    whole = (table.c.status == Status.SUCCESS.value) & of_all()
    newest = sa.func.max(table.c.started_at)

    def last(which: sa.ColumnElement[bool], live: bool) -> sa.ScalarSelect[Any]:
        mode = (table.c.mode == Mode.INCREMENTAL.value) if live else (table.c.mode != Mode.INCREMENTAL.value)
        return sa.select(newest).where(*mine, which, mode).scalar_subquery()

    resumed = sa.func.coalesce(table.c.details["resumed"].as_boolean(), sa.false())
    full = (table.c.status == Status.SUCCESS.value) & (table.c.mode == Mode.FULL.value) & (of_all() | resumed)
    query = sa.select(last(broken, True), last(broken, False), last(whole, True), last(full, False))
    with reading(control) as connection:
        live, other, incremental, everything = connection.execute(query).one()
    since_full = [at for at in (live, other) if at is not None and (everything is None or at > everything)]
    return bool(since_full) and (other in since_full or incremental is None or live > incremental)
