"""Replay: records in the quarantine are tried again.

A whole record is loaded from what was kept of it. One that is a part of a record, or of which no clock of the vendor's
says whether it is newer than what is stored, or than its deletion, is asked for again where the vendor gives records by
their id; else the next sync shows it. What fails again stays, with one attempt more; what is loaded, or stored already
at a version as high, or gone at the vendor, goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from dlt_sources.base import Client, Page, Stream, Vendor, Window
from dlt_sources.errors import SourceError
from ticket_pipelines.control.connection import answering
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.logs import topic
from ticket_pipelines.project import Project
from ticket_pipelines.sync import quarantine, runs
from ticket_pipelines.sync.chosen import Chosen
from ticket_pipelines.sync.lease import hold
from ticket_pipelines.sync.load import Loader
from ticket_pipelines.sync.mending import Fate, fate
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.position import Position, Walk
from ticket_pipelines.sync.progress import Progress, quiet
from ticket_pipelines.sync.quarantine import Waiting
from ticket_pipelines.sync.reading import Pass
from ticket_pipelines.sync.record import Record
from ticket_pipelines.sync.request import Plan
from ticket_pipelines.sync.result import Mode, SyncRequest, SyncResult
from ticket_pipelines.sync.session import connected, opened
from ticket_pipelines.sync.termination import terminable

log = topic("sync")

TOGETHER = 100
"""Records that are decrypted at a time."""
_NOTHING = b"{}"
"""What is kept of a row that a sweep could not mark: the next sync sweeps it again."""


def replay_desk(
    project: Project, key: str, request: SyncRequest | None = None, progress: Progress = quiet
) -> SyncResult | None:
    """Tries the records of a desk again that wait in the quarantine.

    Args:
        project: The installation.
        key: Key of the desk.
        request: Who asked, and whether to wait for a desk that is being synced.
        progress: Is told what goes on.

    Returns:
        What came of it, as `sync_runs` has it; None where nothing waits.

    Raises:
        UsageError: There is no such desk.
        DeskBusyError: It is being synced.
    """
    request = request or SyncRequest()
    desk = project.desks.get(key)
    vendor = find_vendor(desk.vendor)
    with (
        answering(project.control),
        terminable(),
        hold(project.control, key, wait=request.wait, progress=progress) as lease,
    ):
        runs.close_killed(project.control, key, datetime.now(UTC))
        waiting = quarantine.waiting(project.control, key)
        if not waiting:
            return None
        with (
            Record(project, desk, _plan((), [one.id for one in waiting]), request) as record,
            connected(project, desk, vendor, progress.wait) as client,
        ):
            record.client = client
            shown = vendor.as_shown(client, sorted({one.stream for one in waiting}))
            with opened(project, desk, shown, lease, progress) as (loader, position):
                record.loader = loader
                for stream, mine in _by_stream(shown, waiting):
                    _replay(project, stream, mine, client, loader, position, record)
                quarantine.clear_stored(project.control, project.warehouse, vendor.name, key)
        return record.result


def _by_stream(vendor: Vendor, waiting: Sequence[Waiting]) -> Iterator[tuple[Stream, list[Waiting]]]:
    for stream in vendor.streams:
        mine = [one for one in waiting if one.stream == stream.name]
        if mine and not stream.parent:
            yield stream, mine


def _replay(
    project: Project,
    stream: Stream,
    waiting: Sequence[Waiting],
    client: Client,
    loader: Loader,
    position: Position,
    record: Record,
) -> None:
    """Tries the records of one stream again."""
    stored = loader.stored(stream, [one.record_id for one in waiting if one.record_id])
    kept, asked = _divided(stream, waiting, stored)
    if not (kept or asked):
        return
    replayed = _Kept(client, project, kept, asked)
    ids = [one.id for one in kept] + [one.record_id for one in asked if one.record_id]
    reading = Pass(_plan((stream,), ids), replayed, loader.target, loader, position, bounds=Bounds(), between=None)
    try:
        reading.run()
    finally:
        record.outcomes.add(reading.outcomes)
    dealt_with = [one for one in kept if one.id in replayed.tried]
    if reading.outcomes.streams[stream.name].outcome in ("success", "partial"):
        dealt_with += _answered(client, stream, asked, reading.outcomes.missing)
    quarantine.dealt_with(project.control, dealt_with)


def _answered(client: Client, stream: Stream, asked: Sequence[Waiting], missing: Collection[str]) -> Iterator[Waiting]:
    """Of the records that were asked for, those that came, and those of which the vendor says that they are gone."""
    for one in asked:
        key = one.record_id or ""
        try:
            if key not in missing or fate(client, stream, key) is not Fate.ALIVE:
                yield one
        except SourceError as error:
            log.warning("stream %s: what became of %s nobody can say: %s", stream.name, key, error)


def _divided(
    stream: Stream, waiting: Sequence[Waiting], stored: Mapping[str, object]
) -> tuple[list[Waiting], list[Waiting]]:
    """The records that are loaded as they were kept, and those that are asked for; others wait for the next sync."""
    own = stream.by_id and not stream.by_parent
    ordered = stream.clock is not None and stream.clock_trusted
    kept: list[Waiting] = []
    asked: list[Waiting] = []
    for one in waiting:
        undated = one.version is None and one.record_id in stored
        if own and one.record_id and (one.partial or undated or not ordered):
            asked.append(one)
        elif one.partial or not undated:
            kept.append(one)
    return kept, asked


def _plan(streams: tuple[Stream, ...], ids: Sequence[str]) -> Plan:
    return Plan(Mode.REPLAY, Walk.LIVE, streams, tuple(dict.fromkeys(ids)), Window(), due_only=False)


class _Kept(Chosen):
    """A client that gives what the quarantine kept, and asks the vendor for the rest.

    Attributes:
        tried: What was kept and given, by id in the quarantine.
    """

    def __init__(self, client: Client, project: Project, kept: Sequence[Waiting], asked: Sequence[Waiting]) -> None:
        super().__init__(client, {one.record_id: one.version for one in asked if one.record_id})
        self.tried: set[str] = set()
        self._project, self._kept = project, kept

    def by_ids(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:  # noqa: ARG002
        """What was kept, then what is asked for."""
        for partial in (False, True):
            kept = [one for one in self._kept if one.partial == partial]
            for start in range(0, len(kept), TOGETHER):
                some = [one.id for one in kept[start : start + TOGETHER]]
                records = list(self._decrypted(some))
                yield Page(stream.name, records, {}, partial=partial, older=True, answered=tuple(some))
        if self.wanted:
            yield from super().by_ids(stream, list(self.wanted))

    def _decrypted(self, ids: Sequence[str]) -> Iterator[msgspec.Raw]:
        decrypt: Callable[[str], bytes] = self._project.vault.decrypt
        for key, text in quarantine.payloads(self._project.control, ids).items():
            payload = decrypt(text)
            if payload != _NOTHING:
                self.tried.add(key)
                yield msgspec.Raw(payload)
