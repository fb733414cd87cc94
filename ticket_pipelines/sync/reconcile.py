"""Reconciliation: what the source shows against what the warehouse holds, by id and version.

    lease -> list each stream into the ledger -> compare -> ask for extra rows -> repair -> record

Under the desk's lease; between pages the incremental sync that is due goes first. A record that changed at the source
after the place that the live position has reached is no difference: the next sync reads it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dlt_sources.abilities import Lists
from dlt_sources.base import Client, Page, Refresh, State, Stream, Vendor, Window
from dlt_sources.errors import (
    AccessError,
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    LimitError,
    MalformedError,
    SourceError,
    TransientError,
    UnavailableError,
)
from ticket_pipelines.control.connection import answering
from ticket_pipelines.control.due import is_due
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.errors import SyncStoppedError, UsageError
from ticket_pipelines.project import Project
from ticket_pipelines.sync import instants, quarantine, runs
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.heads import HeadReader
from ticket_pipelines.sync.layout import vendor_spec
from ticket_pipelines.sync.lease import Lease, hold
from ticket_pipelines.sync.ledger import Ledger, Row
from ticket_pipelines.sync.load import Loader
from ticket_pipelines.sync.mending import Fate, Mending, fate
from ticket_pipelines.sync.position import Position
from ticket_pipelines.sync.progress import Progress, quiet
from ticket_pipelines.sync.reading import BROKEN_OFF, MOST_FAILED_CONNECTIONS
from ticket_pipelines.sync.reconciled import RECONCILIATIONS, Difference, Found, Reason, Reconciliation, table_of
from ticket_pipelines.sync.result import Status, SyncRequest, Trigger
from ticket_pipelines.sync.session import connected, opened
from ticket_pipelines.sync.termination import terminable

FOLDER = "reconcile"
MOST_ASKED = 1_000
"""Extra rows of a stream that are asked for one by one, at most: with more, it is the list that lacks."""


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """What one reconciliation is to do.

    Attributes:
        streams: Chosen streams; empty: all of the desk's that can be listed without a request for each record.
        repair: Fetch what is missing or stale, and mark what is gone as deleted.
        trigger: Who asked.
        wait: Wait for a desk that is being synced, instead of refusing.
        dagster_run_id: The Dagster run that drives it, if one does.
    """

    streams: tuple[str, ...] = ()
    repair: bool = False
    trigger: Trigger = Trigger.MANUAL
    wait: bool = False
    dagster_run_id: str | None = None


def reconcile_desk(
    project: Project,
    key: str,
    request: ReconcileRequest | None = None,
    progress: Progress = quiet,
    stopping: Callable[[], bool] = lambda: False,
) -> Reconciliation:
    """Compares a desk's source with the warehouse, now, in this process.

    Args:
        project: The installation.
        key: Key of the desk.
        request: What to do; None: compare, repair nothing.
        progress: Is told what goes on.
        stopping: Is asked after each page whether to end there; the next call goes on behind it.

    Returns:
        What was found, as it stands in the table `reconciliations`.

    Raises:
        UsageError: There is no such desk or stream.
        DeskBusyError: The desk is being synced, and the request does not say to wait.
        SyncStoppedError: It was told to stop.
        SourceError: The account cannot be read at all, or nobody answers there.
        WarehouseUnavailableError: The warehouse is away.
    """
    request = request or ReconcileRequest()
    desk = project.desks.get(key)
    vendor = find_vendor(desk.vendor)
    with (
        answering(project.control),
        terminable(),
        hold(project.control, key, wait=request.wait, progress=progress) as lease,
        connected(project, desk, vendor, progress.wait) as client,
    ):
        runs.close_killed(project.control, key, datetime.now(UTC))
        shown = vendor.as_shown(client, request.streams or desk.streams)
        streams = compared(shown, request.streams or desk.streams, named=bool(request.streams))
        ledger = Ledger(
            project.settings.home / FOLDER / f"{key}.db", f"{desk.vendor} {desk.account}", datetime.now(UTC)
        )
        finished = False
        try:
            work = _Reconcile(project, desk, shown, client, lease, ledger, progress, stopping)
            done = work.run(streams, request)
            finished = ledger.is_finished([stream.name for stream in streams])
        finally:
            ledger.close(remove=finished)
        return done


def compared(vendor: Vendor, wanted: Sequence[str], *, named: bool) -> tuple[Stream, ...]:
    """The streams that are compared, in reading order.

    Args:
        vendor: The vendor, as the account shows it.
        wanted: Names of streams; empty: all.
        named: Whether somebody named them for this: then one that costs a request a record is among them.

    Raises:
        UsageError: One of the names is no stream that can be listed.
    """
    able = [one for one in vendor.streams if not (one.on_demand or one.parent)]
    # only the declaration knows which streams no release knows
    asset = find_vendor(vendor.name).asset
    groups = {asset(one.name) for one in able}
    for name in wanted if named else ():
        if name not in {one.name for one in able} and name not in groups:
            able_names = ", ".join(one.name for one in able)
            raise UsageError(f"{vendor.title} has no stream {name[:60]!r} that can be listed; it has {able_names}")
    chosen = set(wanted)
    found = [
        one
        for one in able
        if (one.name in chosen or asset(one.name) in chosen if chosen else not one.optional)
        and (named or not one.by_parent)
    ]
    return tuple(sorted(found, key=lambda one: one.priority))


@dataclass
class _Reconcile:
    project: Project
    desk: Desk
    vendor: Vendor
    client: Client
    lease: Lease
    ledger: Ledger
    progress: Progress
    stopping: Callable[[], bool]
    cut_off: set[str] = field(default_factory=set)
    answered: bool = False
    unreachable: int = 0

    def run(self, streams: Sequence[Stream], request: ReconcileRequest) -> Reconciliation:
        """Lists, compares, repairs and records."""
        started = datetime.now(UTC)
        found = {stream.name: Found(stream.name, approximate=stream.approximate) for stream in streams}
        for stream in streams:
            self._listed(stream, found[stream.name])
        sync = SyncRequest(trigger=request.trigger, dagster_run_id=request.dagster_run_id)
        with opened(self.project, self.desk, self.vendor, self.lease, self.progress) as (loader, position):
            mending = Mending(self.project, self.desk, self.client, loader, position, sync)
            for stream in streams:
                if found[stream.name].outcome == "equal":
                    self._compare(stream, found[stream.name], loader, position, mending)
            repair = mending.run(found) if request.repair else None
            for stream in streams:
                _conclude(found[stream.name])
                if stream.name not in self.cut_off:
                    self.ledger.forget(stream.name)
            done = Reconciliation(
                id=request.dagster_run_id or str(uuid.uuid4()),
                desk=self.desk.key,
                vendor=self.vendor.name,
                started_at=started,
                completed_at=datetime.now(UTC),
                found=tuple(found.values()),
                requests=self.client.usage.requests,
                repair=repair,
            )
            self._record(done, loader, position)
        return done

    def _listed(self, stream: Stream, found: Found) -> None:
        """Writes a stream's list down, or says why it cannot be."""
        if self.unreachable >= MOST_FAILED_CONNECTIONS:
            found.outcome, found.reason = "not compared", "not tried: the vendor does not answer"
            self.cut_off.add(stream.name)
            return
        try:
            self._write_down(stream, found)
            self.unreachable = 0
        except (CredentialsError, ConfigurationError):
            raise
        except SourceError as error:
            self._not_listed(stream, found, error)

    def _write_down(self, stream: Stream, found: Found) -> None:
        """Writes a stream's list down, from where an earlier reconciliation was cut off."""
        listing = self.ledger.listing(stream.name, datetime.now(UTC))
        if listing.done:
            return
        if not listing.state:
            # a list without a place to go on from begins anew, and so does what it shows
            self.ledger.forget(stream.name)
            self.ledger.listing(stream.name, datetime.now(UTC))
        heads, last = HeadReader(stream), False
        for page in self._pages(stream, listing.state):
            last = page.last
            read, nameless = heads.read(page.records, datetime.now(UTC))
            hashed = stream.clock is None and not page.partial
            self.ledger.show(stream.name, read, page.state, done=page.last, hashed=hashed)
            found.approximate = found.approximate or bool(nameless)
            self.progress.page(stream.name, len(page.records), 0, self.client.usage.requests)
            self.answered = True
            self._between()
        if stream.refresh is Refresh.SNAPSHOT and not last:
            found.outcome, found.reason = "not compared", BROKEN_OFF

    def _not_listed(self, stream: Stream, found: Found, error: SourceError) -> None:
        """Takes note of why a stream's list is not whole.

        Raises:
            ConnectionFailedError: Nobody answers at all.
        """
        found.reason = str(error)
        if isinstance(error, AccessError | UnavailableError):
            found.approximate = True
            if not self.ledger.counts(stream.name)[0]:
                found.outcome = "not compared"
            return
        found.outcome = "not compared"
        if isinstance(error, LimitError):
            again = datetime.fromtimestamp(error.retry_at, UTC)
            found.reason = f"{error} It goes on from {again:%Y-%m-%d %H:%M:%S} UTC."
        if isinstance(error, ConnectionFailedError):
            self.unreachable += 1
            if self.unreachable >= MOST_FAILED_CONNECTIONS and not self.answered:
                raise error
        if isinstance(error, TransientError):
            self.cut_off.add(stream.name)

    def _pages(self, stream: Stream, state: State) -> Iterator[Page]:
        if isinstance(self.client, Lists):
            return self.client.listed(stream, state)
        return self.client.pages(stream, state, None if stream.refresh is Refresh.SNAPSHOT else Window())

    def _between(self) -> None:
        """Between two pages: the end, if it was asked for, and the sync that is due."""
        if self.stopping():
            raise SyncStoppedError("The reconciliation was told to stop; the next one goes on behind its last page.")
        desk = self.project.desks.find(self.desk.key)
        if desk is not None and is_due(desk.next_due_at, paused=desk.resting, now=datetime.now(UTC)):
            request = SyncRequest(trigger=Trigger.SCHEDULE, due_only=True)
            sync_desk(self.project, self.desk.key, request, self.progress, lease=self.lease)

    def _compare(self, stream: Stream, found: Found, loader: Loader, position: Position, mending: Mending) -> None:
        """Finds what differs, with the reason of each row."""
        if stream.refresh is Refresh.INCREMENTAL and not position.is_live(stream.name):
            found.outcome, found.reason = "not compared", "no sync has read it yet"
            return
        spec = vendor_spec(self.vendor, stream)
        columns = ("id", "version", "deleted_at", "synced_at", "content_hash")
        began = self.ledger.listing(stream.name, datetime.now(UTC)).began
        loader.patiently(
            lambda: self.ledger.hold(self.project.warehouse.rows(spec.name, self.desk.key, columns=columns))
        )
        reached = self._reached(stream, position)
        found.until = None if reached is None else instants.from_milliseconds(reached)
        found.source_rows, found.warehouse_rows = self.ledger.counts(stream.name)
        waiting = {
            one.record_id
            for one in quarantine.waiting(self.project.control, self.desk.key)
            if one.stream == stream.name
        }
        for how, rows in (
            (Difference.MISSING, self.ledger.missing(stream.name)),
            (Difference.STALE, self.ledger.stale(stream.name, began)),
        ):
            for key, version in rows:
                if reached is not None and version is not None and version > reached:
                    found.newer += 1
                    continue
                why = Reason.QUARANTINED if key in waiting else Reason.LOST
                found.differs(key, version, how, why)
                if why is Reason.LOST:
                    mending.fetch(stream, key, version)
        self._judge(stream, found, list(self.ledger.unshown(stream.name, began)), mending)
        found.approximate = found.approximate or bool(found.newer)

    def _judge(self, stream: Stream, found: Found, extra: Sequence[Row], mending: Mending) -> None:
        """Finds out of each row that the source does not show why: only one that it has no more is called deleted."""
        whole = stream.refresh is Refresh.SNAPSHOT and found.reason is None
        asked = 0
        try:
            if whole and extra:
                shown = self._shown_now(stream, least=1 if len(extra) > 1 else 0)
                extra = [(key, version) for key, version in extra if key not in shown]
            for key, version in extra:
                if whole:
                    why = Reason.DELETED
                    mending.bury(stream, key)
                elif not stream.by_id or stream.by_parent or asked >= MOST_ASKED:
                    why = Reason.NOT_ASKED
                else:
                    why = self._ask(stream, key, mending)
                found.differs(key, version, Difference.EXTRA, why)
                asked += 1
        except SourceError as error:
            found.outcome = "not compared"
            found.reason = "; ".join(filter(None, (found.reason, str(error))))
            for key, version in extra[asked:]:
                found.differs(key, version, Difference.EXTRA, Reason.NOT_ASKED)

    def _shown_now(self, stream: Stream, least: int) -> set[str]:
        """The ids that a list shows when it is read again.

        What is deleted while a list is read moves the others up, one of them past the place where a page begins.

        Args:
            stream: The stream.
            least: How many it has to show, to be believed.

        Raises:
            MalformedError: It proves nothing.
        """
        heads, last = HeadReader(stream), False
        shown: set[str] = set()
        for page in self._pages(stream, {}):
            found, nameless = heads.read(page.records, datetime.now(UTC))
            if nameless:
                raise MalformedError("the list shows records without an id: nothing was marked as deleted")
            shown.update(head.id for head in found)
            last = page.last
        if not last:
            raise MalformedError(BROKEN_OFF)
        if len(shown) < least:
            raise MalformedError("the list came empty: nothing was marked as deleted")
        return shown

    def _ask(self, stream: Stream, key: str, mending: Mending) -> Reason:
        """Asks for a row that the source does not show, and has it repaired if its record is gone."""
        try:
            of = fate(self.client, stream, key)
        except AccessError:
            return Reason.NO_PERMISSION
        if of is Fate.MARKED:
            mending.fetch(stream, key, None)
        elif of is Fate.GONE:
            mending.bury(stream, key)
        return Reason.FILTERED if of is Fate.ALIVE else Reason.DELETED

    def _reached(self, stream: Stream, position: Position) -> int | None:
        """Up to which time, in milliseconds of the vendor's clock, syncs have read a stream; None: nobody knows."""
        if stream.clock is None:
            return None
        value = position.live(stream.name).get(stream.reached)
        at = instants.parse(value) or position.refreshed(stream.name) or self.desk.synced_whole_at
        # the second that was reached is read again, and belongs to what was read
        return None if at is None else instants.to_milliseconds(at) // 1000 * 1000 + 999

    def _record(self, done: Reconciliation, loader: Loader, position: Position) -> None:
        """Writes the rows of `reconciliations`; the position stays where it is."""
        tables, specs = {RECONCILIATIONS.name: table_of(done)}, {RECONCILIATIONS.name: RECONCILIATIONS}

        def write() -> None:
            self.lease.check()
            self.project.warehouse.ensure(RECONCILIATIONS)
            if done.found:
                loader.target.pipeline.load(tables, specs, position.committed)

        loader.patiently(write)


def _conclude(found: Found) -> None:
    if found.outcome == "equal" and found.counts:
        found.outcome = "different" if found.open > 0 else "repaired" if found.repaired + found.deleted else "equal"


def status_of(done: Reconciliation) -> Status:
    """Success where nothing differs that is not explained or repaired, and all could be compared; else partial."""
    whole = all(found.outcome in ("equal", "repaired") for found in done.found)
    return Status.SUCCESS if whole else Status.PARTIAL
