"""A client that gives chosen records of any stream, with their clocks.

By id, where the vendor gives whole records so. Else out of a second pass through what the vendor lists: first only the
time in which the wanted records changed, then all of it, if some were not found there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from dlt_sources.base import Access, Client, Page, Refresh, State, Stream, Window
from ticket_pipelines.sync import instants
from ticket_pipelines.sync.heads import HeadReader


class Chosen:
    """See the module; all but `by_ids` is the client's own.

    Attributes:
        wanted: Least version of each wanted record, by id; None: not known.
    """

    def __init__(self, client: Client, wanted: Mapping[str, int | None]) -> None:
        self.usage, self.on_wait = client.usage, client.on_wait
        self._client, self.wanted = client, wanted

    def check(self) -> list[Access]:
        """See `Client.check`."""
        return self._client.check()

    def pages(self, stream: Stream, state: State, window: Window | None = None) -> Iterator[Page]:
        """See `Client.pages`."""
        return self._client.pages(stream, state, window)

    def by_ids(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        """The wanted records; one that is gone is left out, or comes as a part that says so."""
        if stream.by_id and stream.clock_by_id and not stream.by_parent:
            yield from self._client.by_ids(stream, ids)
            return
        left = {key: self.wanted.get(key) for key in ids}
        for window in _windows(stream, left):
            yield from self._again(stream, window, left)
            if not left:
                return

    def probe(self, states: Mapping[str, State]) -> bool:
        """See `Client.probe`."""
        return self._client.probe(states)

    def close(self) -> None:
        """See `Client.close`."""
        self._client.close()

    def _again(self, stream: Stream, window: Window | None, left: dict[str, int | None]) -> Iterator[Page]:
        """The wanted records of a pass; takes those out of `left` that came at the wanted version."""
        heads = HeadReader(stream)
        for page in self._client.pages(stream, {}, window):
            found, _ = heads.read(page.records, datetime.now(UTC))
            records = [head.raw for head in found if head.id in left]
            if records:
                yield Page(stream.name, records, {}, partial=page.partial, cleaned=page.cleaned)
            for head in found:
                if head.id in left and (head.version or 0) >= (left[head.id] or 0):
                    del left[head.id]
            if not left:
                return


def _windows(stream: Stream, wanted: Mapping[str, int | None]) -> Iterator[Window | None]:
    """Where to look, the narrowest first."""
    if stream.refresh is Refresh.SNAPSHOT:
        yield None
        return
    versions = [version for version in wanted.values() if version is not None]
    if versions and len(versions) == len(wanted):
        first, last = instants.from_milliseconds(min(versions)), instants.from_milliseconds(max(versions))
        if first is not None and last is not None:
            yield Window(first - timedelta(seconds=1), last + timedelta(seconds=1))
    yield Window()
