"""The sync of one desk: the one engine behind the command line, Dagster and the live loop.

    plan -> lease -> record the run -> open client, warehouse, position -> passes over the streams -> record the end

A sync always ends recorded, even one that is interrupted. What a caller can fix is raised (`UsageError`,
`DeskBusyError`), what went wrong at the vendor, the warehouse or the lease comes back as the result's status.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dlt_sources.abilities import Rechecks
from dlt_sources.base import Client, Refresh, Vendor
from ticket_pipelines.control.connection import answering
from ticket_pipelines.control.due import is_due
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.errors import SyncStoppedError
from ticket_pipelines.logs import topic
from ticket_pipelines.project import Project
from ticket_pipelines.sync import runs
from ticket_pipelines.sync.lease import Lease, hold
from ticket_pipelines.sync.load import Loader, Target
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.position import Position, Walk
from ticket_pipelines.sync.progress import Progress, quiet
from ticket_pipelines.sync.reading import Pass
from ticket_pipelines.sync.record import Record
from ticket_pipelines.sync.request import Plan, make_plan
from ticket_pipelines.sync.result import Counts, Status, SyncRequest, SyncResult, Trigger
from ticket_pipelines.sync.session import connected, opened
from ticket_pipelines.sync.termination import terminable

log = topic("sync")

NAP = 0.25
"""Seconds after which a sync that waits looks whether it is to stop."""


def sync_desk(
    project: Project,
    key: str,
    request: SyncRequest | None = None,
    progress: Progress = quiet,
    bounds: Bounds | None = None,
    lease: Lease | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> SyncResult:
    """Syncs one desk, now, in this process.

    Args:
        project: The installation.
        key: Key of the desk.
        request: What to do; None: an incremental sync of all streams.
        progress: Is told what goes on.
        bounds: Size of a load package; None: the default.
        lease: The desk's lease, where the caller holds it; None: it is taken for the time of the sync.
        stopping: Is asked after each package, and before and during each wait, whether to end there.

    Returns:
        What came of it, as it is recorded in `sync_runs`.

    Raises:
        UsageError: There is no such desk, or the request cannot be done.
        DeskBusyError: Another process syncs the desk, and the request does not say to wait.
        ControlUnavailableError: The control database is locked or away; what is committed stays.
    """
    with answering(project.control):
        return _sync_desk(project, key, request, progress, bounds, lease, stopping)


def _sync_desk(
    project: Project,
    key: str,
    request: SyncRequest | None,
    progress: Progress,
    bounds: Bounds | None,
    lease: Lease | None,
    stopping: Callable[[], bool],
) -> SyncResult:
    request = request or SyncRequest()
    desk = project.desks.get(key)
    vendor = find_vendor(desk.vendor)
    plan = make_plan(request, vendor, desk.streams)
    if desk.resting and lease is None and request.trigger is Trigger.SCHEDULE:
        return _skip(project, desk, plan, request)
    advice = "" if request.wait else "Or wait for it with --wait."
    held = (
        nullcontext(lease)
        if lease
        else hold(project.control, desk.key, wait=request.wait, progress=progress, advice=advice)
    )
    with terminable(), held as lease:
        runs.close_killed(project.control, desk.key, datetime.now(UTC))
        return _Sync(project, desk, vendor, lease, progress, bounds or Bounds(), stopping).run(plan, request)


@dataclass(frozen=True, slots=True)
class _Sync:
    """One sync under its lease."""

    project: Project
    desk: Desk
    vendor: Vendor
    lease: Lease
    progress: Progress
    bounds: Bounds
    stopping: Callable[[], bool]

    def run(self, plan: Plan, request: SyncRequest) -> SyncResult:
        """Opens everything, reads, and records how it ended."""
        with (
            Record(self.project, self.desk, plan, request) as record,
            connected(self.project, self.desk, self.vendor, self._wait) as client,
        ):
            record.client = client
            wanted = request.streams if plan.walk is Walk.LIVE else ()
            vendor = self.vendor.as_shown(client, wanted or self.desk.streams)
            plan = make_plan(request, self.vendor, self.desk.streams, vendor)
            with opened(self.project, self.desk, vendor, self.lease, self.progress, self._sleep) as (loader, position):
                self._pass(plan, client, loader.target, loader, position, record)
        return record.result

    def _pass(
        self, plan: Plan, client: Client, target: Target, loader: Loader, position: Position, record: Record
    ) -> None:
        def between() -> bool:
            self._stop_if_told()
            return plan.walk is not Walk.LIVE and self._is_due()

        reading = Pass(
            plan,
            client,
            target,
            loader,
            position,
            bounds=self.bounds,
            between=between,
            meanwhile=lambda: self._catch_up(client, target, loader, position),
        )
        record.outcomes, record.loader = reading.outcomes, loader
        reading.run()

    def _wait(self, seconds: float, why: str) -> bool:
        """Waits for the vendor, in place of its client."""
        self._stop_if_told()
        self.progress.wait(seconds, why)
        self._sleep(seconds)
        return True

    def _sleep(self, seconds: float) -> None:
        """Sleeps, until told to stop at most."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0.0:
            time.sleep(min(NAP, left))
            self._stop_if_told()

    def _stop_if_told(self) -> None:
        if self.stopping():
            raise SyncStoppedError("The sync was told to stop; the next one goes on behind its last package.")

    def _is_due(self) -> bool:
        desk = self.project.desks.find(self.desk.key)
        return desk is not None and is_due(desk.next_due_at, paused=desk.resting, now=datetime.now(UTC))

    def _catch_up(self, client: Client, target: Target, loader: Loader, position: Position) -> None:
        """Between two slices of a long walk: the incremental sync that is due, so that live tickets do not wait."""
        desk = self.project.desks.find(self.desk.key)
        if desk is None:
            return
        request = SyncRequest(trigger=Trigger.SCHEDULE, due_only=True)
        plan = make_plan(request, self.vendor, desk.streams, target.vendor)
        # what has no live position yet is being read by the walk itself
        begun = tuple(stream for stream in plan.streams if position.is_live(stream.name))
        if not begun:
            return
        some = any(one.refresh is Refresh.INCREMENTAL and one not in begun for one in plan.streams)
        plan = replace(plan, streams=begun)
        with Record(self.project, desk, plan, request, some_streams=some) as record:
            record.client = client
            self._pass(plan, client, target, loader, position, record)
        if record.result.status is Status.FAILED:
            # the walk goes on and commits the position again: without what this sync read and did not load
            position.rollback()
            loader.reconsider()
            if isinstance(client, Rechecks):
                client.gone.update(position.gone())


def _skip(project: Project, desk: Desk, plan: Plan, request: SyncRequest) -> SyncResult:
    begun = runs.new_run(
        str(uuid.uuid4()), desk.key, desk.vendor, plan.mode, request.trigger, _now(), request.dagster_run_id
    )
    why = ("paused", f"desk {desk.key!r} is paused")
    if not desk.paused:
        why = ("parked", f"desk {desk.key!r} is parked until something changes: {desk.parked}")
    run = runs.ended(begun, Status.SKIPPED, _now(), Counts(), error=why)
    runs.begin(project.control, run)
    return run


def _now() -> datetime:
    return datetime.now(UTC)
