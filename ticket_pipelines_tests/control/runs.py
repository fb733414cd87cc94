"""Runs made up for tests of what is derived from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ticket_pipelines.control.database import leases, sync_runs
from ticket_pipelines.control.status import DeskStatus


def insert_run(control: sa.Engine, desk: str, at: datetime, status: str = "success", **values: Any) -> None:
    """A sync of ten seconds."""
    row = {
        "id": f"{desk} {at.isoformat()}",
        "desk": desk,
        "vendor": "zendesk",
        "direction": "inbound",
        "mode": "incremental",
        "trigger": "schedule",
        "status": status,
        "started_at": at,
        "completed_at": None if status == "running" else at + timedelta(seconds=10),
        "rows_read": 5,
        "rows_created": 5,
        "rows_updated": 0,
        "rows_unchanged": 0,
        "rows_deleted": 0,
        "rows_failed": 0,
        "api_requests": 1,
        "api_wait_seconds": 0.0,
        "details": {"streams": {}},
        **values,
    }
    with control.begin() as connection:
        connection.execute(sa.insert(sync_runs).values(row))


def insert_lease(control: sa.Engine, desk: str, holder: str, expires_at: datetime) -> None:
    """A lease that somebody holds."""
    row = {"desk": desk, "holder": holder, "token": 1, "acquired_at": expires_at, "expires_at": expires_at}
    with control.begin() as connection:
        connection.execute(sa.insert(leases).values(row))


def lasting(status: DeskStatus) -> DeskStatus:
    """What a purge of old syncs leaves of a status: all but the single syncs of today, and of the last three."""
    return replace(status, rows_today=0, errors_today=0, last_runs=())
