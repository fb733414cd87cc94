"""Lists: those that are read whole, and people, who are searched by the time of their change."""

from __future__ import annotations

from collections.abc import Iterator

from dlt_sources.base import Page, State, Stream, Window
from dlt_sources.errors import AccessError, UnavailableError
from dlt_sources.zoho_desk.bodies import Rows, brief, with_fields
from dlt_sources.zoho_desk.by_date import ByDate
from dlt_sources.zoho_desk.feed import OVERLAP
from dlt_sources.zoho_desk.reader import Reader
from dlt_sources.zoho_desk.search import CREATED, MODIFIED, By, Search
from dlt_sources.zoho_desk.times import millis, stamp
from dlt_sources.zoho_desk.windows import AHEAD, DAWN, Span

PAGES = {"whole_200": 200, "whole_100": 100, "whole_uncut": 0}
"""Rows of a page, by pagination family; 0: the list is not cut and refuses to be (contract, section 2.1)."""
MODULES = ("tickets", "contacts", "accounts")


def whole(reader: Reader, stream: Stream) -> Iterator[Page]:
    """A list that is read whole each time."""
    yield from _as_pages(stream, reader.pages(stream, stream.path, {}, most=PAGES[stream.paging]))


def fields(reader: Reader, stream: Stream) -> Iterator[Page]:
    """The fields of each kind of record."""
    for module in MODULES:
        rows = reader.page(stream, stream.path, {"module": module}, most=0)
        records = [with_fields(record, {"module": module}) for record in rows.records]
        yield Page(stream.name, records, {}, last=module == MODULES[-1], cleaned=rows.cleaned)


def people(reader: Reader, stream: Stream, state: State, window: Window | None) -> Iterator[Page]:
    """Contacts or accounts that changed; all of them, each time, without the right to search.

    State: `modified`, the newest time seen; of a reading by date see `by_date.py`.
    """
    found = _created(reader, stream, state, window) if window is not None else _modified(reader, stream, state)
    try:
        first = next(found)
    except (AccessError, UnavailableError):
        if not state:
            yield from _as_pages(stream, reader.pages(stream, stream.path, {}))
            return
        for page in _as_pages(stream, reader.pages(stream, stream.path, {})):
            page.state = state
            yield page
        return
    yield first
    yield from found


def _modified(reader: Reader, stream: Stream, state: State) -> Iterator[Page]:
    cursor = millis(state.get("modified"))
    first = DAWN if cursor is None else cursor // 1000 - OVERLAP
    yield from _searched(reader, stream, MODIFIED, "modified", state, Span(first, reader.now() + AHEAD))


def _created(reader: Reader, stream: Stream, state: State, window: Window) -> Iterator[Page]:
    walk = ByDate(state, window, reader.now())
    for found in Search(reader, stream, f"{stream.path}/search", CREATED).read(walk.span):
        state = walk.behind(found, [brief(record) for record in found.records])
        yield Page(stream.name, found.records, state, cleaned=found.cleaned)
    live = walk.live(reader.now())
    yield Page(stream.name, [], walk.state if live is None else {**walk.state, "modified": live}, last=True)


def _searched(reader: Reader, stream: Stream, by: By, name: str, state: State, span: Span) -> Iterator[Page]:
    newest = millis(state.get(name))
    for found in Search(reader, stream, f"{stream.path}/search", by).read(span):
        seconds = [*found.seconds, *([] if newest is None else [newest // 1000])]
        newest = max(seconds) * 1000 if seconds else None
        if found.whole and newest is not None:
            state = {**state, name: stamp(newest)}
        yield Page(stream.name, found.records, state, cleaned=found.cleaned)
    yield Page(stream.name, [], state, last=True)


def _as_pages(stream: Stream, pages: Iterator[Rows]) -> Iterator[Page]:
    """Pages of a whole list; only behind the last one it is known that it was the last."""
    for rows in pages:
        yield Page(stream.name, rows.records, {}, cleaned=rows.cleaned)
    yield Page(stream.name, [], {}, last=True)
