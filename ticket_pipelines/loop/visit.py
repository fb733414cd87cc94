"""A visit of one desk, under its lease: a probe, and a sync where there is something new."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dlt_sources.base import LIMIT_WAIT, Vendor
from dlt_sources.errors import SourceError
from ticket_pipelines.control.ending import Ending
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.errors import TicketPipelinesError, WarehouseUnavailableError
from ticket_pipelines.logs import redact, topic
from ticket_pipelines.loop.clients import Clients
from ticket_pipelines.project import Project
from ticket_pipelines.sync.cursors import read_copy
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.lease import Lease, kept
from ticket_pipelines.sync.position import Walk
from ticket_pipelines.sync.result import Status, SyncRequest, SyncResult, Trigger

log = topic("loop")

IDENTITY_SECONDS = 30.0
"""How long the warehouse is taken for the one that it was: asking costs more than a probe."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of a visit.

    Attributes:
        desk: The desk, as it was claimed.
        status: Of its sync; skipped: there was nothing new.
        result: The sync; None: there was nothing new, or it did not begin.
        error: Why it failed, or is partial.
    """

    desk: Desk
    status: Status
    result: SyncResult | None = None
    error: str | None = None


def may_be_idle(desk: Desk, vendor: Vendor, now: datetime) -> bool:
    """Whether a probe may stand for a sync.

    Not after a sync that left something out, nor where the desk was changed since, nor for too long: a probe does not
    show all that changes.
    """
    whole = desk.synced_whole_at
    if whole is None or desk.failures or desk.updated_at > whole:
        return False
    return now - whole < timedelta(seconds=vendor.whole_every)


class _WaitError(Exception):
    """A probe would have to wait.

    Attributes:
        seconds: For how long, where a limit of the account is used up; None: something else is wrong.
    """

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds if why.startswith(LIMIT_WAIT) else None


def _refuse(seconds: float, why: str) -> None:
    raise _WaitError(seconds, why)


class Visitor:
    """Visits desks, from several threads. `close` it at the end."""

    def __init__(
        self, project: Project, stopping: Callable[[], bool] = lambda: False, dagster_run_id: str | None = None
    ) -> None:
        """Makes a visitor.

        Args:
            project: The installation.
            stopping: Whether syncs are to end behind their next package.
            dagster_run_id: The Dagster run that the syncs belong to.
        """
        self._project = project
        self._stopping = stopping
        self._request = SyncRequest(trigger=Trigger.SCHEDULE, due_only=True, dagster_run_id=dagster_run_id)
        self._identity = ("", float("-inf"))
        self._clients = Clients(project)

    def close(self) -> None:
        """Frees connections to vendors."""
        self._clients.close()

    def __call__(self, desk: Desk, lease: Lease) -> Visit:
        """Visits a desk and gives its lease back. Never raises but for what stops the process."""
        with kept(lease) as held:
            try:
                if self._is_idle(desk):
                    self._project.desks.idle(desk, datetime.now(UTC), lease.release_with)
                    held.given_back = True
                    return Visit(desk, Status.SKIPPED)
                result = sync_desk(self._project, desk.key, self._request, lease=lease, stopping=self._stopping)
            except _WaitError as wait:
                # the thread is for other desks meanwhile, whose accounts have requests left
                again = datetime.now(UTC) + timedelta(seconds=wait.seconds or 0.0)
                self._project.desks.postpone(desk, again)
                return Visit(desk, Status.SKIPPED)
            except (TicketPipelinesError, SourceError) as error:
                log.warning("desk %s: %s", desk.key, error)
                return self._failed(desk, error.code, redact(str(error)))
            except Exception as error:
                log.exception("desk %s", desk.key)
                return self._failed(desk, "unexpected", f"{type(error).__name__}; the log says where")
        return Visit(desk, result.status, result, result.error_message)

    def _failed(self, desk: Desk, code: str, message: str) -> Visit:
        """Records the failure of a sync that did not come so far as to record it itself."""
        found = self._project.desks.find(desk.key)
        if found is not None and found.last_checked_at == desk.last_checked_at:
            self._project.desks.ended(desk.key, Ending(Status.FAILED, datetime.now(UTC), code, message, whole=True))
        return Visit(desk, Status.FAILED, None, message)

    def _is_idle(self, desk: Desk) -> bool:
        """Whether the vendor has nothing new; False when in doubt, so that a sync finds out."""
        vendor = find_vendor(desk.vendor)
        if not may_be_idle(desk, vendor, datetime.now(UTC)):
            return False
        try:
            state = read_copy(self._project.control, desk.key, self._warehouse())
            positions = state.get(Walk.LIVE.value)
            if not positions:
                return False
            with self._clients.client(desk) as client:
                client.on_wait = _refuse
                return not client.probe(positions)
        except _WaitError as wait:
            if wait.seconds is not None:
                raise
            return False
        except (SourceError, WarehouseUnavailableError) as error:
            log.debug("desk %s cannot be probed: %s", desk.key, error)
            return False

    def _warehouse(self) -> str:
        known, since = self._identity
        if time.monotonic() - since > IDENTITY_SECONDS:
            known = self._project.warehouse.identity()
            self._identity = (known, time.monotonic())
        return known
