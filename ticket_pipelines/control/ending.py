"""What the end of a sync means for its desk: when it is due again, or that it is parked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dlt_sources.errors import AccessError, ConfigurationError, CredentialsError
from ticket_pipelines.control.due import next_due
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.errors import SyncStoppedError
from ticket_pipelines.sync.result import Status

PARKING = frozenset({CredentialsError.code, ConfigurationError.code, AccessError.code})
"""Failures of a whole sync that trying again cannot cure: somebody has to change something first."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a sync, or an idle visit, ended.

    Attributes:
        status: Skipped: an idle visit.
        at: When.
        code: `sync_runs.error_code`.
        message: `sync_runs.error_message`.
        whole: The sync was of all that the desk reads, as far as it is due.
        chosen: It was of chosen streams, records or times: that it succeeded says nothing of the others.
        changed: Rows of the warehouse changed.
    """

    status: Status
    at: datetime
    code: str | None = None
    message: str | None = None
    whole: bool = False
    chosen: bool = False
    changed: bool = False


def after(desk: Desk, ending: Ending) -> dict[str, Any]:
    """The columns of a desk that change with the end of a sync.

    One that was stopped from outside changes nothing: the desk is due as it was, for whoever comes next.
    """
    moved: dict[str, Any] = {"changed_at": ending.at} if ending.changed else {}
    if ending.code == SyncStoppedError.code:
        return {**moved, "synced_whole_at": None}
    kept = desk.failures if ending.chosen or ending.status is Status.SKIPPED else 0
    failures = desk.failures + 1 if ending.status is Status.FAILED else kept
    parked = desk.parked if ending.status in (Status.FAILED, Status.SKIPPED) else None
    # what some streams may not read, others may
    is_for_good = ending.code in PARKING and (ending.whole or ending.code != AccessError.code)
    if ending.status is Status.FAILED and is_for_good:
        parked = ending.message or ending.code
    due = None if parked else next_due(desk.schedule, desk.timezone, ending.at, failures)
    if ending.chosen and ending.status is not Status.FAILED and not desk.parked:
        due = desk.next_due_at
    if ending.status is Status.SUCCESS and ending.whole:
        moved["synced_whole_at"] = ending.at
    elif ending.status in (Status.PARTIAL, Status.FAILED):
        moved["synced_whole_at"] = None
    if not ending.chosen:
        moved["last_checked_at"] = ending.at
    return {**moved, "failures": failures, "parked": parked, "next_due_at": due}
