"""The sync of one desk: the one engine behind the command line, Dagster and the live loop.

    plan -> lease -> record the run -> open client, warehouse, position -> passes over the streams -> record the end

A sync always ends recorded, even one that is interrupted. What a caller can fix is raised (`UsageError`,
`DeskBusyError`), what went wrong at the vendor, the warehouse or the lease comes back as the result's status.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

from dlt_sources.base import Client, Vendor
from dlt_sources.errors import LimitError, SourceError
from ticket_pipelines.control.budgets import ControlBudgets
from ticket_pipelines.control.connection import AWAY, answering, unanswered
from ticket_pipelines.control.due import is_due
from ticket_pipelines.control.ending import Ending
from ticket_pipelines.control.tokens import ControlTokens
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.errors import SyncStoppedError, TicketPipelinesError, UsageError, WarehouseUnavailableError
from ticket_pipelines.logs import redact, topic
from ticket_pipelines.project import Project
from ticket_pipelines.sync import runs
from ticket_pipelines.sync.lease import Lease, hold
from ticket_pipelines.sync.load import Loader, Target
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.position import Position, Walk, number
from ticket_pipelines.sync.progress import Progress, quiet
from ticket_pipelines.sync.reading import Outcomes, Pass
from ticket_pipelines.sync.request import Plan, make_plan
from ticket_pipelines.sync.restores import mended
from ticket_pipelines.sync.result import Counts, Status, SyncRequest, SyncResult, Trigger
from ticket_pipelines.sync.termination import terminable
from ticket_pipelines.sync.verdict import details, verdict
from ticket_pipelines.unified import mappings
from ticket_pipelines.unified.model import TABLES

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
        with _Record(self.project, self.desk, plan, request) as record:
            budgets = ControlBudgets(self.project.control)
            credentials = self.project.desks.credentials(self.desk.key)
            tokens = ControlTokens(self.project.control, self.project.vault)
            with closing(self.vendor.open(self.desk.config, credentials, budgets, tokens)) as client:
                client.on_wait = self._wait
                record.client = client
                wanted = request.streams if plan.walk is Walk.LIVE else ()
                vendor = self.vendor.as_shown(client, wanted or self.desk.streams)
                plan = make_plan(request, self.vendor, self.desk.streams, vendor)
                warehouse = self.project.warehouse
                with closing(warehouse.pipeline(self.vendor.name, self.desk.key)) as pipeline:
                    state = pipeline.state()
                    begun = mended(self.project.control, warehouse, vendor, self.desk, state)
                    position = Position(begun, number(state))
                    target = Target(
                        vendor=vendor,
                        desk=self.desk.key,
                        account=self.desk.account,
                        warehouse=warehouse,
                        pipeline=pipeline,
                        control=self.project.control,
                        cipher=self.project.vault,
                        lease=self.lease,
                        mappings=mappings(self.vendor.name, self.desk.config),
                        unified=TABLES,
                        progress=self.progress,
                        sleep=self._sleep,
                    )
                    loader = Loader(target, position)
                    self._pass(plan, client, target, loader, position, record)
        return record.result

    def _pass(
        self, plan: Plan, client: Client, target: Target, loader: Loader, position: Position, record: _Record
    ) -> None:
        def between() -> None:
            self._stop_if_told()
            if plan.walk is not Walk.LIVE:
                self._catch_up(client, target, loader, position)

        reading = Pass(
            plan,
            client,
            target,
            loader,
            position,
            bounds=self.bounds,
            between=between,
        )
        record.reading, record.loader = reading, loader
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

    def _catch_up(self, client: Client, target: Target, loader: Loader, position: Position) -> None:
        """Between two slices of a long walk: the incremental sync that is due, so that live tickets do not wait."""
        desk = self.project.desks.find(self.desk.key)
        if desk is None or not is_due(desk.next_due_at, paused=desk.resting, now=datetime.now(UTC)):
            return
        request = SyncRequest(trigger=Trigger.SCHEDULE, due_only=True)
        plan = make_plan(request, self.vendor, desk.streams, target.vendor)
        # what has no live position yet is being read by the walk itself
        begun = tuple(stream for stream in plan.streams if position.is_live(stream.name))
        if not begun:
            return
        plan = replace(plan, streams=begun)
        with _Record(self.project, desk, plan, request) as record:
            record.client = client
            self._pass(plan, client, target, loader, position, record)
        if record.result.status is Status.FAILED:
            # the walk goes on and commits the position again: without what this sync read and did not load
            position.rollback()


class _Record:
    """Records a sync: its beginning, and its end whichever way it comes.

    Failures of the vendor, the warehouse or the lease end here, as the result; all others go on.
    """

    result: SyncResult

    def __init__(self, project: Project, desk: Desk, plan: Plan, request: SyncRequest) -> None:
        self.reading: Pass | None = None
        self.loader: Loader | None = None
        self._client: Client | None = None
        self._used = (0, 0.0)
        self._project = project
        self._desk = desk
        self._whole = plan.walk is not Walk.BACKFILL and not plan.ids and not request.streams
        self.result = runs.new_run(
            str(uuid.uuid4()), desk.key, desk.vendor, plan.mode, request.trigger, _now(), request.dagster_run_id
        )

    @property
    def client(self) -> Client | None:
        """The client whose use is counted, from when it was given."""
        return self._client

    @client.setter
    def client(self, client: Client) -> None:
        self._client = client
        self._used = (client.usage.requests, client.usage.wait_seconds)

    def __enter__(self) -> _Record:
        runs.begin(self._project.control, self.result)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, AWAY):
            status, said = _how_it_ended(unanswered(self._project.control, error), Outcomes())
        else:
            status, said = _how_it_ended(error, self.reading.outcomes if self.reading else Outcomes())
        self._end(status, said)
        return isinstance(error, SourceError | TicketPipelinesError) and not isinstance(error, UsageError)

    def _end(self, status: Status, error: tuple[str, str] | None) -> None:
        outcomes = self.reading.outcomes if self.reading else Outcomes()
        requests, waited = self._used
        usage = self._client.usage if self._client else None
        self.result = runs.ended(
            self.result,
            status,
            _now(),
            outcomes.counts(),
            requests=usage.requests - requests if usage else 0,
            waited=usage.wait_seconds - waited if usage else 0.0,
            error=error,
            details=details(
                outcomes, self.loader.warnings if self.loader else {}, self.loader.drift.told() if self.loader else ()
            ),
        )
        try:
            _write(self._project, self.result, whole=self._whole)
        except DBAPIError as lost:
            # the failure of the sync itself must not hide behind that of its record
            log.error("the end of a sync of desk %s is not recorded: %s", self._desk.key, type(lost.orig).__name__)


def _how_it_ended(error: BaseException | None, outcomes: Outcomes) -> tuple[Status, tuple[str, str] | None]:
    if error is None:
        return verdict(outcomes)
    if isinstance(error, SyncStoppedError):
        return Status.PARTIAL, (error.code, str(error))
    if isinstance(error, LimitError):
        # the account would not even say which streams it has: the next sync begins where this one did
        return Status.PARTIAL, (error.code, redact(str(error)))
    if isinstance(error, SourceError | TicketPipelinesError):
        return Status.FAILED, (error.code, redact(str(error)))
    if isinstance(error, Exception):
        # its text may hold a record or a secret; the log has the whole trace
        return Status.FAILED, ("unexpected", f"{type(error).__name__}; the log of this sync says where")
    return Status.FAILED, ("interrupted", "The sync was stopped from outside; the next one goes on behind it.")


def _write(project: Project, run: SyncResult, *, whole: bool) -> None:
    """Writes the end of a sync wherever it is kept."""
    runs.finish(project.control, run)
    project.desks.ended(run.desk, _ending(run, whole=whole))
    if run.error_code == "interrupted":
        return
    try:
        runs.copy_to_warehouse(project.control, project.warehouse)
    except WarehouseUnavailableError as error:
        log.warning("sync_runs in the warehouse is caught up later: %s", str(error).partition("\n")[0])


def _ending(run: SyncResult, *, whole: bool) -> Ending:
    changed = bool(run.rows_created or run.rows_updated or run.rows_deleted)
    return Ending(run.status, run.completed_at or _now(), run.error_code, run.error_message, whole, changed)


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
