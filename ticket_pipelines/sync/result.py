"""What is asked of a sync, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from dlt_sources.errors import SourceError


class Direction(StrEnum):
    """Which way rows go."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Mode(StrEnum):
    """What a sync does."""

    INCREMENTAL = "incremental"
    FULL = "full"
    BACKFILL = "backfill"
    REPLAY = "replay"
    REPAIR = "repair"
    PUSH = "push"


class Trigger(StrEnum):
    """Who asked for a sync."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    API = "api"
    WEBHOOK = "webhook"


class Status(StrEnum):
    """How a sync ended."""

    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What one sync is to do.

    Attributes:
        mode: Incremental, full or backfill.
        trigger: Who asked.
        since: Start of a backfill (or of a full sync), by the vendor's clock.
        until: End of a backfill.
        streams: Chosen streams; empty: all of the desk's.
        ids: Chosen record ids of the desk's main stream (a repair); empty: by cursor.
        wait: Wait for a desk that is being synced, instead of refusing.
        due_only: Leave out streams that were read within their `scheduled_every` (scheduled syncs).
        dagster_run_id: The Dagster run that drives the sync, if one does.
    """

    mode: Mode = Mode.INCREMENTAL
    trigger: Trigger = Trigger.MANUAL
    since: datetime | None = None
    until: datetime | None = None
    streams: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    wait: bool = False
    due_only: bool = False
    dagster_run_id: str | None = None


@dataclass(slots=True)
class Counts:
    """Rows of one stream or one sync, counted on vendor rows."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: int = 0

    def add(self, other: Counts) -> None:
        """Adds another count to this one."""
        self.read += other.read
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.deleted += other.deleted
        self.failed += other.failed


SET_ASIDE = "records were set aside in the quarantine"
"""Reason of a stream that ended partial for them."""


@dataclass(slots=True)
class StreamResult:
    """What came of one stream.

    Attributes:
        counts: Rows of the vendor table.
        pages: Pages read.
        cursor_before: Its position before the sync.
        cursor_after: Its position after the last package that was committed.
        outcome: success, partial, failed, unavailable, stopped or not_due.
        reason: Why, where it is not success.
    """

    counts: Counts = field(default_factory=Counts)
    pages: int = 0
    cursor_before: Mapping[str, Any] | None = None
    cursor_after: Mapping[str, Any] | None = None
    outcome: str = "success"
    reason: str | None = None


@dataclass(slots=True)
class Outcomes:
    """What came of a pass.

    Attributes:
        streams: Result by stream.
        failures: Error of each stream that was not read whole, in order.
        cleaned: NUL characters and lone surrogates that were taken out.
        missing: Ids that were asked for and that no stream gave.
        resumed: An interrupted walk was gone on with: some of it was read before this sync began.
    """

    streams: dict[str, StreamResult] = field(default_factory=dict)
    failures: list[tuple[str, SourceError]] = field(default_factory=list)
    cleaned: int = 0
    missing: tuple[str, ...] = ()
    resumed: bool = False

    def add(self, other: Outcomes) -> None:
        """Adds those of another pass, over other streams."""
        self.streams |= other.streams
        self.failures += other.failures
        self.cleaned += other.cleaned
        self.missing += other.missing

    def counts(self) -> Counts:
        """Rows of all streams."""
        total = Counts()
        for result in self.streams.values():
            total.add(result.counts)
        return total


def gone(ids: Sequence[str], most: int = 20) -> str:
    """The reason of a repair that did not find some ids; names no more than `most` of them."""
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return f"gone, or never there: id {', '.join(ids[:most])}{more}"


@dataclass(frozen=True, slots=True)
class SyncResult:
    """One row of `sync_runs`; the fields are its columns."""

    id: str
    desk: str
    vendor: str
    direction: str
    mode: Mode
    trigger: Trigger
    status: Status
    started_at: datetime
    completed_at: datetime | None
    duration_seconds: float | None
    rows_read: int
    rows_created: int
    rows_updated: int
    rows_unchanged: int
    rows_deleted: int
    rows_failed: int
    success_rate: float | None
    api_requests: int
    api_wait_seconds: float
    error_code: str | None
    error_message: str | None
    details: Mapping[str, Any]
    dagster_run_id: str | None
