"""Ticket Pipelines from Python: sync desks, look at syncs, read the warehouse.

All functions take the installation from the environment (`docs/settings.md`), like the command line.

    import ticket_pipelines

    result = ticket_pipelines.sync_desk("support_eu")
    frame = ticket_pipelines.read_frame("SELECT status, count(*) AS tickets FROM helpdesk.tickets GROUP BY status")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from ticket_pipelines.control.status import DeskStatus
    from ticket_pipelines.sync.result import SyncResult

__all__ = ["last_run", "read_frame", "runs", "status", "sync_desk"]


def sync_desk(
    key: str,
    *,
    mode: str = "incremental",
    since: datetime | None = None,
    until: datetime | None = None,
    streams: Sequence[str] = (),
    ids: Sequence[str] = (),
    wait: bool = False,
) -> SyncResult:
    """Syncs one desk now, in this process, without Dagster.

    Args:
        key: Key of the desk.
        mode: `incremental`, `full` or `backfill`.
        since: Start of a backfill or a full sync, by the vendor's clock; with a time zone.
        until: End of it.
        streams: Names of the streams to read; empty: all of the desk's.
        ids: Ids of records to fetch anew; empty: by cursor.
        wait: Wait for a desk that is being synced, instead of raising.

    Returns:
        What came of it, the row of `sync_runs`; `status` says success, partial or failed.

    Raises:
        UsageError: There is no such desk, or the request contradicts itself.
        DeskBusyError: Another process syncs the desk.
    """
    from ticket_pipelines.errors import UsageError
    from ticket_pipelines.project import open_project
    from ticket_pipelines.sync.engine import sync_desk as sync
    from ticket_pipelines.sync.result import Mode, SyncRequest

    if mode not in list(Mode):
        raise UsageError(f"mode {mode[:40]!r} is not known: write incremental, full or backfill")
    request = SyncRequest(mode=Mode(mode), since=since, until=until, streams=tuple(streams), ids=tuple(ids), wait=wait)
    with open_project() as project:
        return sync(project, key, request)


def runs(desk: str | None = None, *, limit: int = 50) -> list[SyncResult]:
    """Syncs, newest first: all, or those of one desk.

    Args:
        desk: Key of a desk; None: all desks.
        limit: At most so many.
    """
    from ticket_pipelines.control.status import runs as read_runs
    from ticket_pipelines.project import open_project

    with open_project() as project:
        return read_runs(project.control, desk, limit)


def last_run(desk: str) -> SyncResult | None:
    """The newest sync of a desk; None when it was never synced."""
    from ticket_pipelines.control.status import runs as read_runs
    from ticket_pipelines.project import open_project
    from ticket_pipelines.sync.result import Direction

    with open_project() as project:
        return next(iter(read_runs(project.control, desk, 1, direction=Direction.INBOUND)), None)


def status() -> list[DeskStatus]:
    """How each desk is doing: last run, last success, data as of, lateness, failures, rows, next due."""
    from datetime import UTC, datetime

    from ticket_pipelines.control.status import status as read_status
    from ticket_pipelines.project import open_project

    with open_project() as project:
        return read_status(project.control, project.desks.list(), datetime.now(UTC))


def read_frame(sql: str) -> pd.DataFrame:
    """Runs read-only SQL on the warehouse.

    Args:
        sql: One SELECT; tables are in the schema `helpdesk`.

    Returns:
        One row a row; times are in UTC, JSON is text.

    Raises:
        UsageError: The SQL is wrong, or tries to write.
        WarehouseUnavailableError: The warehouse cannot be reached.
    """
    from ticket_pipelines.project import open_project

    with open_project() as project:
        frame: pd.DataFrame = project.warehouse.query(sql).to_pandas()
        return frame
