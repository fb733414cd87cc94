"""The record of one sync in `sync_runs`: from its beginning to its end, whichever way that comes."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

from dlt_sources.base import Client, Window
from dlt_sources.errors import LimitError, SourceError
from ticket_pipelines.control.connection import AWAY, unanswered
from ticket_pipelines.control.ending import Ending
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.errors import (
    LeaseLostError,
    SyncStoppedError,
    TicketPipelinesError,
    UsageError,
    WarehouseUnavailableError,
)
from ticket_pipelines.logs import redact, topic
from ticket_pipelines.project import Project
from ticket_pipelines.sync import runs
from ticket_pipelines.sync.load import Loader
from ticket_pipelines.sync.request import Plan
from ticket_pipelines.sync.result import Outcomes, Status, SyncRequest, SyncResult
from ticket_pipelines.sync.verdict import details, verdict

log = topic("sync")


class Record:
    """Records a sync: its beginning, and its end whichever way it comes.

    Failures of the vendor, the warehouse or the lease end here, as the result; all others go on.

    Attributes:
        result: The sync as it is recorded; whole once the block has ended.
        outcomes: What came of its streams.
        loader: What loaded, for its warnings.
    """

    result: SyncResult

    def __init__(
        self, project: Project, desk: Desk, plan: Plan, request: SyncRequest, *, some_streams: bool = False
    ) -> None:
        """Begins with nothing.

        Args:
            project: The installation.
            desk: The desk.
            plan: What is read.
            request: What was asked.
            some_streams: The plan leaves out streams that nobody chose to leave out.
        """
        self.outcomes = Outcomes()
        self.loader: Loader | None = None
        self._client: Client | None = None
        self._used = (0, 0.0)
        self._project = project
        self._desk = desk
        self._chosen = plan.window != Window() or bool(plan.ids or request.streams)
        self._whole = not (self._chosen or some_streams)
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

    def __enter__(self) -> Record:
        runs.begin(self._project.control, self.result)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, AWAY):
            status, said = _how_it_ended(unanswered(self._project.control, error), Outcomes())
        else:
            status, said = _how_it_ended(error, self.outcomes)
        self._end(status, said)
        return isinstance(error, SourceError | TicketPipelinesError) and not isinstance(error, UsageError)

    def _end(self, status: Status, error: tuple[str, str] | None) -> None:
        outcomes = self.outcomes
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
                outcomes,
                self.loader.warnings if self.loader else {},
                self.loader.drift.told() if self.loader else (),
                whole=self._whole and not outcomes.resumed,
            ),
        )
        try:
            # what was read before this sync began may have changed since: that it succeeded says nothing of that
            whole, chosen = self._whole and not outcomes.resumed, self._chosen or outcomes.resumed
            _write(self._project, self.result, whole=whole, chosen=chosen)
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


def _write(project: Project, run: SyncResult, *, whole: bool, chosen: bool) -> None:
    """Writes the end of a sync wherever it is kept."""
    runs.finish(project.control, run)
    if run.error_code != LeaseLostError.code:
        # whoever has the desk now records how it does
        project.desks.ended(run.desk, _ending(run, whole=whole, chosen=chosen))
    if run.error_code == "interrupted":
        return
    try:
        runs.copy_to_warehouse(project.control, project.warehouse)
    except WarehouseUnavailableError as error:
        log.warning("sync_runs in the warehouse is caught up later: %s", str(error).partition("\n")[0])


def _ending(run: SyncResult, *, whole: bool, chosen: bool) -> Ending:
    changed = bool(run.rows_created or run.rows_updated or run.rows_deleted)
    at = run.completed_at or _now()
    return Ending(run.status, at, run.error_code, run.error_message, whole=whole, chosen=chosen, changed=changed)


def _now() -> datetime:
    return datetime.now(UTC)
