"""One pass over a desk's streams: pages in, packages out; one stream's failure leaves the others alone.

for each stream, by priority: pages -> heads -> package; a full package is loaded before the next page is taken
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from dlt_sources.abilities import Recalls, Rechecks
from dlt_sources.base import Client, Page, Refresh, State, Stream
from dlt_sources.errors import (
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    CursorExpiredError,
    LimitError,
    MalformedError,
    SourceError,
    UnavailableError,
)
from ticket_pipelines.control.due import stream_due
from ticket_pipelines.logs import topic
from ticket_pipelines.sync.heads import Head, HeadReader
from ticket_pipelines.sync.load import Loader, Target
from ticket_pipelines.sync.package import Bounds, Package, Prepared
from ticket_pipelines.sync.parts import laid_over
from ticket_pipelines.sync.position import Position, Walk, cursor
from ticket_pipelines.sync.progress import quiet
from ticket_pipelines.sync.recheck import rounds
from ticket_pipelines.sync.request import Plan
from ticket_pipelines.sync.result import SET_ASIDE, Outcomes, StreamResult, gone
from ticket_pipelines.sync.settle import above
from ticket_pipelines.sync.stored_rows import Snapshot, sweep
from ticket_pipelines.warehouse.memory import give_back

log = topic("sync")

MOST_FAILED_CONNECTIONS = 2
"""Streams in a row that find nobody at the vendor before the others are not tried any more."""
BROKEN_OFF = "the list broke off before its end: nothing was marked as deleted"
"""Reason of a snapshot whose last page did not say that it is the last."""


class Pass:
    """Reads the streams of a plan, once.

    Attributes:
        outcomes: What came of it, kept up to date while it runs.
    """

    def __init__(
        self,
        plan: Plan,
        client: Client,
        target: Target,
        loader: Loader,
        position: Position,
        *,
        bounds: Bounds,
        between: Callable[[], bool] | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Gets ready; nothing is read yet.

        Args:
            plan: What to read.
            client: The account.
            target: Where the rows go.
            loader: Loads packages.
            position: The desk's position.
            bounds: Size of a package.
            between: Called after each package; may raise to end the pass there. Says whether something else goes first.
            meanwhile: That something; called when nothing is held, not even a page.
        """
        self.outcomes = Outcomes()
        self._plan, self._client, self._target, self._loader, self._position = plan, client, target, loader, position
        self._bounds, self._between, self._meanwhile = bounds, between, meanwhile
        self._is_awaited = False
        self._package = Package(bounds)
        self._heads = {stream.name: HeadReader(stream) for stream in plan.streams}
        self._closed: dict[str, LimitError] = {}
        self._unreachable = self._total = 0
        self._given: set[str] = set()
        if isinstance(client, Recalls):
            client.recall = self._stored
        if isinstance(client, Rechecks):
            client.gone.update(position.gone())

    def run(self) -> None:
        """Reads and loads everything.

        Raises:
            CredentialsError: The vendor refuses the credentials.
            ConfigurationError: The configuration points nowhere.
            ConnectionFailedError: Nobody answers, from the first request on.
            TicketPipelinesError: The warehouse or the lease is gone; what is committed stays.
        """
        before = self._position.committed
        for stream in self._plan.streams:
            result = self.outcomes.streams[stream.name] = StreamResult()
            result.cursor_before = cursor(before, self._plan.walk, stream.name)
            try:
                self._stream(stream, result)
            except SourceError:
                # what came before is whole and need not be asked for again
                self._finish()
                raise
        self._recheck()
        self._finish(ended=True)
        self._say_missing()

    def _finish(self, *, ended: bool = False) -> None:
        """Loads what is held, and takes note of where each stream stands."""
        self._flush()
        if ended:
            self._position.end(self._plan.walk)
        self._commit()

    def _say_missing(self) -> None:
        """Takes note of the chosen ids that nobody gave; one that a failed stream may have is not called gone."""
        if self.outcomes.failures or all(one.outcome == "unavailable" for one in self.outcomes.streams.values()):
            return
        missing = self.outcomes.missing = tuple(each for each in self._plan.ids if each not in self._given)
        for name, result in self.outcomes.streams.items():
            if missing and result.outcome != "unavailable":
                result.outcome = "partial"
                result.reason = "; ".join(filter(None, (result.reason, gone(missing))))
                self._tell(name, gone(missing))

    def _stream(self, stream: Stream, result: StreamResult) -> None:
        now = datetime.now(UTC)
        if self._plan.due_only and not stream_due(stream.scheduled_every, self._position.refreshed(stream.name), now):
            result.outcome = "not_due"
            return
        if stream.limit in self._closed:
            self._fail(stream, result, self._closed[stream.limit])
            return
        if self._unreachable >= MOST_FAILED_CONNECTIONS:
            result.outcome, result.reason = "failed", "not tried: the vendor does not answer"
            return
        try:
            self._read(stream, result)
            self._unreachable = 0
        except SourceError as error:
            if isinstance(error, ConnectionFailedError):
                self._unreachable += 1
            answered = any(one.pages for one in self.outcomes.streams.values())
            hopeless = isinstance(error, ConfigurationError | ConnectionFailedError) and not answered
            if hopeless or isinstance(error, CredentialsError):
                result.outcome, result.reason = "failed", str(error)
                raise
            self._fail(stream, result, error)

    def _stored(self, stream: Stream, ids: Sequence[str]) -> Container[str]:
        table, desk = self._target.vendor.table(stream), self._target.desk
        return self._loader.patiently(lambda: self._target.warehouse.stored(table, desk, ids))

    def _fail(self, stream: Stream, result: StreamResult, error: SourceError) -> None:
        result.reason = str(error)
        result.outcome = "failed"
        if isinstance(error, UnavailableError):
            if stream.on_demand or self._plan.ids:
                result.outcome = "unavailable"
                return
            if self._position.was_read(stream.name):
                result.reason = f"{error} It could be read before: what is stored stays as it was."
            else:
                result.outcome = "unavailable"
        elif isinstance(error, LimitError):
            self._closed[stream.limit] = error
            again = datetime.fromtimestamp(error.retry_at, UTC)
            result.outcome, result.reason = "stopped", f"{error} It can go on from {again:%Y-%m-%d %H:%M:%S} UTC."
        if result.outcome != "unavailable":
            self.outcomes.failures.append((stream.name, error))
        self._tell(stream.name, result.reason)

    def _tell(self, stream: str, reason: str) -> None:
        """Tells who watches; the log where nobody does, so that nothing is said twice."""
        if self._target.progress is quiet:
            log.warning("desk %s, stream %s: %s", self._target.desk, stream, reason)
        else:
            self._target.progress.note(f"{stream}: {reason}")

    def _read(self, stream: Stream, result: StreamResult) -> None:
        if self._plan.ids:
            for page in self._client.by_ids(stream, self._plan.ids):
                self._take(stream, page, result, None)
                self._give_way()
            return
        if stream.refresh is Refresh.SNAPSHOT:
            self._read_whole(stream, result)
            return
        walk = self._plan.walk
        state = self._begun(walk, stream, result)
        if state is None:
            return
        window = None if walk is Walk.LIVE else self._plan.window
        try:
            self._follow(stream, self._client.pages(stream, state, window), result)
        except CursorExpiredError as error:
            # the source could not go on from the clock beside the cursor: only the start is left
            log.warning("desk %s, stream %s is read from the start: %s", self._target.desk, stream.name, error)
            self._position.restart(walk, stream.name)
            self._follow(stream, self._client.pages(stream, {}, window), result)

    def _begun(self, walk: Walk, stream: Stream, result: StreamResult) -> State | None:
        """Where a stream is gone on with; None: an interrupted walk has read it."""
        state = self._position.begin(walk, stream.name, self._plan.window, datetime.now(UTC))
        if state is None:
            result.reason = "read before this walk was interrupted"
        if walk is not Walk.LIVE and state != {}:
            self.outcomes.resumed = True
        return state

    def _follow(self, stream: Stream, pages: Iterator[Page], result: StreamResult) -> None:
        for page in pages:
            self._take(stream, page, result, None)
            self._position.advance(self._plan.walk, stream.name, page.state, page.last)
            self._give_way()
        self._refreshed(stream)

    def _read_whole(self, stream: Stream, result: StreamResult) -> None:
        """Reads a stream from its start to its end, then sweeps what it did not show."""
        now = datetime.now(UTC)
        walk = self._plan.walk
        if walk is not Walk.LIVE and self._begun(walk, stream, result) is None:
            return
        snapshot, swept = self._shown(stream, result, now)
        if swept is not None and swept.rows.num_rows > 1 and not snapshot.seen and walk is Walk.LIVE:
            raise MalformedError(
                f"The list came empty although {swept.rows.num_rows} rows of it are stored; nothing was marked as "
                f"deleted. If that is right, run: sync {self._target.desk} --mode full --stream {stream.name}"
            )
        if swept is not None:
            self._package.prepare(stream.name, swept)
        if not snapshot.last:
            result.outcome, result.reason = "partial", BROKEN_OFF
            self._tell(stream.name, result.reason)
        elif snapshot.nameless:
            result.reason = f"{snapshot.nameless} records without an id: nothing was marked as deleted"
        self._position.complete(walk, stream.name)
        if snapshot.last:
            self._refreshed(stream)

    def _shown(self, stream: Stream, result: StreamResult, now: datetime) -> tuple[Snapshot, Prepared | None]:
        """What a stream shows, and the stored rows that it does not.

        What is deleted while a list is read moves the others up, one of them past the place where a page begins: only
        what a second reading does not show either is gone.
        """
        table, snapshot, swept = self._loader.shaper(stream).layout.spec, Snapshot(), None
        warehouse, desk = self._target.warehouse, self._target.desk
        for _ in range(2):
            before = result.pages
            for page in self._client.pages(stream, {}):
                self._take(stream, page, result, snapshot)
                self._give_way()
                snapshot.last = page.last
            whole = snapshot.last and not snapshot.nameless
            swept = self._loader.patiently(lambda: sweep(warehouse, table, desk, snapshot.seen, now)) if whole else None
            if swept is None or result.pages - before == 1:
                break
        return snapshot, swept

    def _refreshed(self, stream: Stream) -> None:
        if stream.scheduled_every:
            self._position.refresh(stream.name, datetime.now(UTC))

    def _recheck(self) -> None:
        """Asks for records whose deletion the vendor does not tell."""
        if self._plan.walk is not Walk.LIVE or self._plan.ids:
            return
        now = datetime.now(UTC)
        for stream in self._plan.streams:
            if stream.recheck is None or stream.limit in self._closed:
                continue
            result = self.outcomes.streams[stream.name]
            try:
                for ids, reached in rounds(self._target, self._position, stream, stream.recheck, now):
                    self._ask(stream, result, ids)
                    self._position.recheck(stream.name, reached)
            except SourceError as error:
                self._fail(stream, result, error)

    def _ask(self, stream: Stream, result: StreamResult, ids: Sequence[str]) -> None:
        try:
            for page in cast("Rechecks", self._client).vanished(stream, ids):
                self._take(stream, page, result, None)
        except SourceError as error:
            if ids or isinstance(error, CredentialsError | LimitError):
                raise
            # a record that turned out to be missing, and that nobody can be asked about, does not end the round
            self._fail(stream, result, error)

    def _take(self, stream: Stream, page: Page, result: StreamResult, snapshot: Snapshot | None) -> None:
        size = sum(memoryview(record).nbytes for record in page.records)
        if not self._package.has_room(len(page.records), size):
            self._flush()
        heads, rejected = self._heads[stream.name].read(page.records, datetime.now(UTC))
        if snapshot is not None:
            snapshot.seen.update(head.id for head in heads)
            snapshot.nameless += len(rejected)
        for head in heads if page.older or page.partial else ():
            head.older, head.partial, head.as_of = page.older, page.partial, page.as_of
        self._give(page.answered, (one.record_id for one in rejected if one.record_id))
        if page.partial:
            rejected = [replace(one, partial=True) for one in rejected]
            self._make_way(stream, heads)
        else:
            self._give(head.id for head in heads)
        self._package.add(stream.name, heads, rejected, size)
        if page.partial:
            self._flush_parts(stream)
        result.pages += 1
        result.counts.read += len(page.records)
        self.outcomes.cleaned += page.cleaned
        self._total += len(page.records)
        self._target.progress.page(stream.name, len(page.records), self._total, self._client.usage.requests)

    def _give(self, *ids: Iterable[str]) -> None:
        """Takes note of ids that the vendor has, where ids were asked for."""
        if self._plan.ids:
            self._given.update(*ids)

    def _flush(self) -> None:
        """Settles what waits, and loads the package if that fills it."""
        self._settle()
        if self._package.is_full:
            self._commit()
            if self._between is not None and self._between():
                self._is_awaited = True

    def _give_way(self) -> None:
        """Lets what is awaited go first: a page that is held would be older than what that brings."""
        if self._is_awaited:
            self._settle()
            self._commit()
            self._is_awaited = False
            self._meanwhile()

    def _settle(self) -> None:
        waiting = dict(self._package.waiting())
        ids = {name: list(dict.fromkeys(head.id for head in heads)) for name, heads in waiting.items()}
        found = self._loader.stored_of_all(ids)
        for name, heads in waiting.items():
            stream, stored = self._target.vendor.stream(name), found[name]
            if stream.on_demand:
                heads = above(self._loader.unified(name, ids[name]), stored, heads)
            # a listing is what is true now; only an export may show an older copy
            counted = stream.refresh is Refresh.SNAPSHOT or stream.clock is None or not stream.clock_trusted
            self._package.settle(name, heads, stored, counted)

    def _make_way(self, stream: Stream, heads: Sequence[Head]) -> None:
        """Loads what the package holds of these records: a part is laid over the stored row, not over one to come."""
        self._settle()
        if self._package.holds(stream.name, [head.id for head in heads]):
            self._commit()

    def _flush_parts(self, stream: Stream) -> None:
        """Lays records that lack fields over their stored rows; new ones are taken as they are."""
        waiting = dict(self._package.waiting())
        heads = {head.id: head for head in waiting.pop(stream.name, [])}
        for name, others in waiting.items():
            self._package.add(name, others, [], 0)
        stored = self._loader.stored(stream, list(heads))
        # that an unknown record is deleted says nothing
        new = [head for key, head in heads.items() if key not in stored and head.deleted_at is None]
        self._package.settle(stream.name, new, {}, True)
        known = {key: head for key, head in heads.items() if key in stored}
        self._give(known, (head.id for head in new))
        if known:
            told = self._heads[stream.name].tells_deletion
            prepared, rejected = laid_over(self._loader, stream, known, told, datetime.now(UTC))
            self._package.reject(rejected)
            changed = len(prepared.outcomes) if prepared else 0
            self._package.count(stream.name).unchanged += len(known) - len(rejected) - changed
            if prepared is not None:
                self._package.prepare(stream.name, prepared)

    def _commit(self) -> None:
        package, self._package = self._package, Package(self._bounds)
        if isinstance(self._client, Rechecks):
            self._position.keep_gone(self._client.gone)
        self._loader.commit(package)
        for name, counts in package.counts.items():
            result = self.outcomes.streams[name]
            result.counts.add(counts)
            if counts.failed and result.outcome == "success":
                result.outcome = "partial"
                result.reason = f"{result.reason}; {SET_ASIDE}" if result.reason else SET_ASIDE
        for name, result in self.outcomes.streams.items():
            after = cursor(self._position.committed, self._plan.walk, name)
            result.cursor_after = after or cursor(self._position.committed, Walk.LIVE, name)
        # only now is nothing of the package held any more: the next one reuses its memory
        del package
        give_back()
