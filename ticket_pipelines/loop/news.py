"""What Dagster is to be told of a desk, and when. Pure, but for the one query.

A changed desk is told of at most once in so many seconds, with the numbers of all its syncs since; a change of outcome
always. What is held back is in `sync_runs`, so that it is told by the next visit, whichever process makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ticket_pipelines.control.status import runs_since
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.loop.visit import Visit
from ticket_pipelines.sync.result import Status, SyncResult

EVERY = timedelta(seconds=300)

_ROWS = ("read", "created", "updated", "unchanged", "deleted", "failed")


@dataclass(frozen=True, slots=True)
class News:
    """What is told of a desk.

    Attributes:
        desk: The desk.
        status: How its last sync ended.
        result: The last sync, with the rows of all syncs since it was last told; None: it did not begin.
        syncs: Count of these syncs.
        error: Why it failed, or is partial.
    """

    desk: Desk
    status: Status
    result: SyncResult | None
    syncs: int
    error: str | None


def is_due(desk: Desk, visit: Visit, now: datetime, every: timedelta = EVERY) -> bool:
    """Whether a visit is to be told of now.

    Args:
        desk: The desk after the visit.
        visit: The visit.
        now: The time.
        every: Time between two tellings where only rows changed.
    """
    if visit.status is not Status.SKIPPED and visit.status.value != desk.reported_status:
        return True
    if visit.status is Status.FAILED or not is_untold(desk):
        return False
    return desk.reported_at is None or now - desk.reported_at >= every


def is_untold(desk: Desk) -> bool:
    """Whether rows of a desk changed since it was last told of."""
    return desk.changed_at is not None and (desk.reported_at is None or desk.changed_at > desk.reported_at)


def gather(control: sa.Engine, desk: Desk, visit: Visit) -> News:
    """What is to be told: the last sync, with the rows of all since the desk was last told of."""
    since = desk.reported_at or desk.created_at
    syncs = runs_since(control, desk.key, since)
    last = visit.result or (syncs[-1] if syncs and visit.status is Status.SKIPPED else None)
    status = visit.status if last is None or visit.result else last.status
    return News(desk, status, summed(last, syncs) if last else None, len(syncs), visit.error)


def summed(last: SyncResult, syncs: Sequence[SyncResult]) -> SyncResult:
    """The last sync, with the rows of all these syncs, stream by stream."""
    streams: dict[str, Any] = {}
    for one in (*(sync for sync in syncs if sync.id != last.id), last):
        for name, stream in one.details.get("streams", {}).items():
            before = streams.get(name)
            rows = _added(before["rows"], stream["rows"]) if before else stream["rows"]
            outcome = before["outcome"] if before and stream["outcome"] == "not_due" else stream["outcome"]
            streams[name] = {**stream, "rows": rows, "outcome": outcome}
    return replace(last, details={**last.details, "streams": streams})


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {kind: one[kind] + other[kind] for kind in _ROWS}
