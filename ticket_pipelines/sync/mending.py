"""The repair of what a reconciliation found: rows fetched anew, and rows marked as deleted, recorded as one sync.

A fetched record goes the way of any sync, so that a lower version than the stored one changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from dlt_sources.abilities import Confirms
from dlt_sources.base import Client, Stream, Window
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.project import Project
from ticket_pipelines.sync.chosen import Chosen
from ticket_pipelines.sync.heads import HeadReader
from ticket_pipelines.sync.load import Loader
from ticket_pipelines.sync.package import Bounds, Package
from ticket_pipelines.sync.position import Position, Walk
from ticket_pipelines.sync.reading import Pass
from ticket_pipelines.sync.reconciled import Found
from ticket_pipelines.sync.record import Record
from ticket_pipelines.sync.request import Plan
from ticket_pipelines.sync.result import Mode, StreamResult, SyncRequest
from ticket_pipelines.sync.stored_rows import buried


class Fate(Enum):
    """What became of a record that the source does not list."""

    ALIVE = 1
    GONE = 2
    MARKED = 3
    """Gone, and the vendor says so in a record of its own."""


def fate(client: Client, stream: Stream, key: str) -> Fate:
    """Asks the vendor for one record by its id.

    Raises:
        AccessError: It may not be seen.
    """
    if isinstance(client, Confirms):
        return Fate.GONE if client.is_gone(stream, key) else Fate.ALIVE
    heads = HeadReader(stream)
    for page in client.by_ids(stream, [key]):
        found, nameless = heads.read(page.records, datetime.now(UTC))
        for head in found:
            return Fate.ALIVE if head.deleted_at is None else Fate.MARKED
        if nameless or page.answered:
            return Fate.ALIVE
    return Fate.GONE


@dataclass
class Mending:
    """What is to be repaired of a desk, and the repair.

    Attributes:
        project: The installation.
        desk: The desk.
        client: Its account.
        loader: Loads.
        position: The desk's position; it stays where it is.
        request: Who asked.
    """

    project: Project
    desk: Desk
    client: Client
    loader: Loader
    position: Position
    request: SyncRequest
    _streams: dict[str, Stream] = field(default_factory=dict)
    _wanted: dict[str, dict[str, int | None]] = field(default_factory=dict)
    _gone: dict[str, list[str]] = field(default_factory=dict)

    def fetch(self, stream: Stream, key: str, version: int | None) -> None:
        """A record that is to be fetched, at that version or a higher one."""
        self._streams[stream.name] = stream
        self._wanted.setdefault(stream.name, {})[key] = version

    def bury(self, stream: Stream, key: str) -> None:
        """A row that is to be marked as deleted."""
        self._streams[stream.name] = stream
        self._gone.setdefault(stream.name, []).append(key)

    def run(self, found: Mapping[str, Found]) -> str | None:
        """Repairs; the id of the sync that did, None where there was nothing to do.

        Args:
            found: What was found, by stream; is told how many rows were repaired.
        """
        if not self._streams:
            return None
        ids = tuple(key for wanted in self._wanted.values() for key in wanted) or ("-",)
        plan = Plan(Mode.REPAIR, Walk.LIVE, (), ids, Window(), due_only=False)
        with Record(self.project, self.desk, plan, self.request) as record:
            record.client, record.loader = self.client, self.loader
            for name, stream in self._streams.items():
                if name in self._wanted:
                    found[name].repaired += self._fetched(record, stream, self._wanted[name])
                if name in self._gone:
                    found[name].deleted += self._buried(record, stream, self._gone[name])
        return record.result.id

    def _fetched(self, record: Record, stream: Stream, wanted: Mapping[str, int | None]) -> int:
        plan = Plan(Mode.REPAIR, Walk.LIVE, (stream,), tuple(wanted), Window(), due_only=False)
        client = Chosen(self.client, wanted)
        reading = Pass(plan, client, self.loader.target, self.loader, self.position, bounds=Bounds(), between=None)
        try:
            reading.run()
        finally:
            record.outcomes.add(reading.outcomes)
        counts = reading.outcomes.counts()
        return counts.created + counts.updated + counts.deleted

    def _buried(self, record: Record, stream: Stream, gone: list[str]) -> int:
        """Marks rows as deleted whose records are gone."""
        spec = self.loader.shaper(stream).layout.spec
        target, now = self.loader.target, datetime.now(UTC)
        prepared = self.loader.patiently(lambda: buried(target.warehouse, spec, target.desk, gone, now))
        if prepared is None:
            return 0
        package = Package(Bounds())
        package.prepare(stream.name, prepared)
        self.loader.commit(package)
        result = record.outcomes.streams.setdefault(stream.name, StreamResult())
        result.counts.add(package.counts[stream.name])
        return package.counts[stream.name].deleted
