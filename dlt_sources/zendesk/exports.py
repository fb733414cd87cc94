"""Incremental exports: the cursor family (A) and the time family (B) of the contract, section 2.

The position after a page comes from that page alone, never from our own clock: what changes while a sync runs is read
by the next page or the next sync.
"""

from __future__ import annotations

from collections.abc import Iterator

from dlt_sources.base import Page, State, Stream, Window
from dlt_sources.errors import CursorExpiredError, StalledError
from dlt_sources.zendesk.bodies import Body, clock_of
from dlt_sources.zendesk.failures import TooRecentError
from dlt_sources.zendesk.reader import Reader


def cursor_export(reader: Reader, stream: Stream, state: State, window: Window) -> Iterator[Page]:
    """Family A. State: `cursor` (opaque) and `clock` (Unix seconds of the last row: where to restart without it)."""
    cursor: str | None = state.get("cursor")
    clock = int(state.get("clock", _start(reader, window)))
    export = reader.export(stream)
    seen: set[str] = set()
    while True:
        try:
            body, cleaned = export.page({"cursor": cursor} if cursor else _start_param(reader, clock))
        except CursorExpiredError:
            if cursor is None or cursor in seen:
                raise
            cursor = None
            continue
        except TooRecentError:
            yield Page(stream.name, [], _cursor_state(cursor, clock), last=True)
            return
        clock = max(clock, _last_clock(stream, body) or 0)
        stalled = body.after_cursor is None or body.after_cursor == cursor or body.after_cursor in seen
        cursor = body.after_cursor or cursor
        ended = not body.records if body.end_of_stream is None else body.end_of_stream
        last = ended or (stalled and not body.records) or _beyond(window, clock)
        yield Page(stream.name, body.records, _cursor_state(cursor, clock), last=last, cleaned=cleaned)
        if last:
            return
        if stalled or cursor is None:
            raise StalledError(f"stream {stream.name}: Zendesk gives the same page again and again.")
        seen.add(cursor)


def time_export(reader: Reader, stream: Stream, state: State, window: Window) -> Iterator[Page]:
    """Family B. State: `clock`, the `end_time` of the last page; the rows of that second come again."""
    clock = int(state.get("clock", _start(reader, window)))
    export = reader.export(stream)
    while True:
        params = _start_param(reader, clock)
        try:
            body, cleaned = export.page(params)
        except TooRecentError:
            yield Page(stream.name, [], {"clock": clock}, last=True)
            return
        before, clock = clock, max(body.end_time or 0, clock)
        # within the withheld minute the start moves with the time, though the vendor leads no further
        moved = clock > before and int(_start_param(reader, clock)["start_time"]) > int(params["start_time"])
        # without the mark of the end, a page that leads no further is the end
        ended = not body.records if body.end_of_stream is None else body.end_of_stream
        last = ended or not moved or _beyond(window, clock)
        # a full page that ends where it starts, and is not said to be the last, holds back other rows of its second
        nowhere = clock <= int(params["start_time"])
        stuck = nowhere and body.end_of_stream is not True and len(body.records) >= export.size
        yield Page(stream.name, body.records, {"clock": clock}, last=last and not stuck, cleaned=cleaned)
        if stuck:
            raise StalledError(
                f"stream {stream.name}: more rows share one second than Zendesk gives at a time, and it offers no way "
                "past them. Zendesk's support can spread them."
            )
        if last:
            return


def _start(reader: Reader, window: Window) -> int:
    return reader.start if window.since is None else max(0, int(window.since.timestamp()))


def _start_param(reader: Reader, clock: int) -> dict[str, str]:
    return {"start_time": str(min(clock, reader.latest_start()))}


def _cursor_state(cursor: str | None, clock: int) -> State:
    return {"clock": clock} if cursor is None else {"cursor": cursor, "clock": clock}


def _last_clock(stream: Stream, body: Body) -> int | None:
    return clock_of(stream, body.records[-1]) if body.records else None


def _beyond(window: Window, clock: int) -> bool:
    return window.until is not None and clock > window.until.timestamp()
