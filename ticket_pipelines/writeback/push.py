"""The push of one desk: its mirror is looked at, its waiting changes are written, and what came of it is recorded.

lease -> record the run -> mirror into the outbox -> drain the outbox -> record the end
"""

from __future__ import annotations

import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

from dlt_sources.errors import SourceError
from dlt_sources.retry import Clock, Policy
from dlt_sources.writes import Writer, can_write, open_writer
from ticket_pipelines.control.budgets import ControlBudgets
from ticket_pipelines.control.tokens import ControlTokens
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.errors import MirrorError, TicketPipelinesError, UsageError, WarehouseUnavailableError
from ticket_pipelines.logs import redact, topic
from ticket_pipelines.project import Project
from ticket_pipelines.sync import runs
from ticket_pipelines.sync.lease import Lease, hold
from ticket_pipelines.sync.progress import Progress, quiet
from ticket_pipelines.sync.result import Direction, Mode, SyncResult, Trigger
from ticket_pipelines.sync.termination import terminable
from ticket_pipelines.writeback.config import Writing, writing_of
from ticket_pipelines.writeback.drain import Drain
from ticket_pipelines.writeback.mirror import Mirrored, collect
from ticket_pipelines.writeback.outbox import Outbox
from ticket_pipelines.writeback.results import Results

log = topic("writeback")

AWAY = 2
"""Seconds before the second try of an entry; doubles with each one."""


@dataclass(frozen=True, slots=True)
class PushRequest:
    """What one push is to do.

    Attributes:
        trigger: Who asked.
        wait: Wait for a desk that is busy, instead of refusing.
        dagster_run_id: The Dagster run that drives it, if one does.
        clock: Time, for tests.
        policy: Patience, for tests.
    """

    trigger: Trigger = Trigger.MANUAL
    wait: bool = False
    dagster_run_id: str | None = None
    clock: Clock | None = None
    policy: Policy | None = None


def push_desk(project: Project, key: str, request: PushRequest | None = None, progress: Progress = quiet) -> SyncResult:
    """Writes the waiting changes of a desk to its vendor, now, in this process.

    Args:
        project: The installation.
        key: Key of the desk.
        request: How; None: by hand, and a busy desk is refused.
        progress: Is told what goes on.

    Returns:
        What came of it, as it is recorded in `sync_runs`; each entry stands in its details.

    Raises:
        UsageError: There is no such desk, or it may not be written.
        DeskBusyError: Another process is at the desk, and the request does not say to wait.
    """
    request = request or PushRequest()
    desk = project.desks.get(key)
    writing = may_push(desk)
    with terminable(), hold(project.control, key, wait=request.wait, progress=progress) as lease:
        runs.close_killed(project.control, key, datetime.now(UTC))
        return _Push(project, desk, writing, lease, request, progress).run()


def may_push(desk: Desk) -> Writing:
    """What a desk's configuration says of writing back, where it lets us.

    Raises:
        UsageError: It does not, or its vendor cannot be written.
    """
    writing = written(desk)
    if not writing.enabled:
        raise UsageError(
            f"nothing is written to desk {desk.key!r}: its configuration does not say so."
            f"\nTurn it on with `ticket-pipelines desks update {desk.key} --config '{{\"write_enabled\": true}}'`."
        )
    return writing


def written(desk: Desk) -> Writing:
    """What a desk's configuration says of writing back.

    Raises:
        UsageError: Its vendor cannot be written.
    """
    if not can_write(desk.vendor):
        title = find_vendor(desk.vendor).title
        raise UsageError(f"desk {desk.key!r} cannot be written: there is no writing back to {title}")
    return writing_of(desk.vendor, desk.config)


def opened(project: Project, desk: Desk, request: PushRequest) -> Writer:
    """The desk's account, open for writing; makes no request."""
    return open_writer(
        desk.vendor,
        desk.config,
        project.desks.credentials(desk.key),
        ControlBudgets(project.control),
        tokens=ControlTokens(project.control, project.vault),
        clock=request.clock,
        policy=request.policy,
    )


class _Push:
    """One push under its lease."""

    def __init__(
        self, project: Project, desk: Desk, writing: Writing, lease: Lease, request: PushRequest, progress: Progress
    ) -> None:
        self._project, self._desk, self._writing, self._lease = project, desk, writing, lease
        self._request, self._progress = request, progress
        self._outbox = Outbox(project.control, project.vault)
        self._clock = request.clock or Clock()
        self._results = Results()
        self._run = runs.new_run(
            str(uuid.uuid4()),
            desk.key,
            desk.vendor,
            Mode.PUSH,
            request.trigger,
            datetime.now(UTC),
            request.dagster_run_id,
            Direction.OUTBOUND,
        )

    def run(self) -> SyncResult:
        """Records how it ended whichever way it comes; what is a fault of ours goes on."""
        runs.begin(self._project.control, self._run)
        try:
            self._fill()
            with closing(opened(self._project, self._desk, self._request)) as writer:
                writer.on_wait = self._progress.wait
                self._drain(writer)
        except (SourceError, TicketPipelinesError) as error:
            if isinstance(error, UsageError):
                self._end(("usage", redact(str(error))))
                raise
            return self._end((error.code, redact(str(error))))
        except BaseException as error:
            named = "interrupted" if not isinstance(error, Exception) else "unexpected"
            self._end((named, f"{type(error).__name__}; the next push goes on behind it"))
            raise
        return self._end(None)

    def _fill(self) -> None:
        if self._writing.mirror is None:
            return
        try:
            self._results.mirror = collect(self._project, self._desk, self._writing)
        except MirrorError as error:
            # what waits already is written all the same
            self._results.mirror = Mirrored(error=redact(str(error)))

    def _drain(self, writer: Writer) -> None:
        drain = Drain(self._outbox, writer, self._writing, check=self._lease.check, pause=self._pause)
        try:
            for step in drain.run(self._desk.key):
                self._results.add(step)
        finally:
            self._results.usage = (writer.usage.requests, writer.usage.wait_seconds)

    def _pause(self, tried: int) -> None:
        seconds = float(AWAY * 2 ** (tried - 1))
        self._progress.wait(seconds, "no clear answer")
        self._clock.sleep(seconds)

    def _end(self, error: tuple[str, str] | None) -> SyncResult:
        status, error = self._results.verdict(error)
        requests, waited = self._results.usage
        self._run = runs.ended(
            self._run,
            status,
            datetime.now(UTC),
            self._results.counts(),
            requests=requests,
            waited=waited,
            error=error,
            details=self._results.details(),
        )
        try:
            runs.finish(self._project.control, self._run)
            if not error or error[0] != "interrupted":
                runs.copy_to_warehouse(self._project.control, self._project.warehouse)
        except (DBAPIError, WarehouseUnavailableError) as lost:
            log.warning("the end of a push of desk %s is recorded later: %s", self._desk.key, type(lost).__name__)
        return self._run
