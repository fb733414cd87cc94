"""Lists: pages by cursor (C), by number (D), all at once (E), and what is built of them (contract, section 2).

A list that is read whole has no position: a part of it proves nothing about the rows that it does not hold, so an
interrupted read starts again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dlt_sources.base import Page, State, Stream, Window
from dlt_sources.errors import CursorExpiredError, NotFoundError, StalledError
from dlt_sources.zendesk.bodies import Body, Identified, clock_of, extended
from dlt_sources.zendesk.failures import TooRecentError
from dlt_sources.zendesk.reader import LIST_PAGE, Reader

RATINGS_OVERLAP = 7 * 86_400
"""Seconds that a read of ratings goes back: Zendesk does not say which time its filter compares."""


def first_page(stream: Stream, size: int = LIST_PAGE) -> dict[str, str]:
    """Parameters of the first page of a list, by its family."""
    if stream.paging in ("cursor_list", "ratings"):
        return {**stream.params, "page[size]": str(size)}
    if stream.paging == "offset_list":
        return {**stream.params, "page": "1", "per_page": str(size)}
    return dict(stream.params)


def whole(reader: Reader, stream: Stream, state: State, window: Window) -> Iterator[Page]:  # noqa: ARG001
    """Families C, D and E, read from the start to the end."""
    params: Mapping[str, str] | None = first_page(stream)
    before: Sequence[bytes] = ()
    while params is not None:
        body, cleaned = reader.page(stream, params)
        rows = [bytes(record) for record in body.records]
        params = _following(stream, params, body)
        if params is not None and rows == before:
            raise StalledError(f"stream {stream.name}: Zendesk gives the same page again and again.")
        before = rows
        yield Page(stream.name, body.records, {}, last=params is None, cleaned=cleaned)


def schedules(reader: Reader, stream: Stream, state: State, window: Window) -> Iterator[Page]:  # noqa: ARG001
    """Schedules, each with its holidays (a request a schedule)."""
    body, cleaned = reader.page(stream, stream.params)
    records = []
    for record in body.records:
        key = _id(record)
        if key is None:
            records.append(record)
            continue
        holidays, more = _holidays(reader, stream, key)
        records.append(extended(record, {"holidays": holidays}))
        cleaned += more
    yield Page(stream.name, records, {}, last=True, cleaned=cleaned)


def ratings(reader: Reader, stream: Stream, state: State, window: Window) -> Iterator[Page]:
    """Satisfaction ratings since the last one seen, less an overlap.

    State: `clock` (Unix seconds of the newest rating of the last whole read); within a read also `after` (cursor) and
    `newest` (of this read).
    """
    since = reader.start if window.since is None else max(0, int(window.since.timestamp()))
    clock: int = state.get("clock", since)
    newest: int = state.get("newest", clock)
    first = {**first_page(stream), **_span(reader, clock, state, window)}
    params: Mapping[str, str] | None = {**first, "page[after]": state["after"]} if "after" in state else first
    while params is not None:
        try:
            body, cleaned = reader.page(stream, params)
        except CursorExpiredError:
            if params is first:
                raise
            params = first
            continue
        except TooRecentError:
            yield Page(stream.name, [], {"clock": clock}, last=True)
            return
        newest = max([newest, *(clock_of(stream, record) or 0 for record in body.records)])
        params = _following(stream, params, body)
        position: State = {"clock": newest}
        if params is not None:
            position = {"clock": clock, "newest": newest}
            if "page[after]" in params:
                position["after"] = params["page[after]"]
        yield Page(stream.name, body.records, position, last=params is None, cleaned=cleaned)


def comments(reader: Reader, stream: Stream, tickets: Sequence[str]) -> Iterator[Page]:
    """All comments of chosen tickets, each with its ticket's id; a ticket that is gone is left out."""
    for ticket in tickets:
        params: Mapping[str, str] | None = {"page[size]": str(LIST_PAGE)}
        path = stream.path.format(id=int(ticket))
        while params is not None:
            try:
                body, cleaned = reader.page(stream, params, path=path, child=True)
            except NotFoundError:
                break
            params = _following(stream, params, body)
            records = [extended(record, {"ticket_id": int(ticket)}) for record in body.records]
            last = params is None and ticket == tickets[-1]
            yield Page(stream.name, records, {}, last=last, cleaned=cleaned, answered=(ticket,))


def chosen(reader: Reader, stream: Stream, path: str, ids: Sequence[str]) -> Iterator[Page]:
    """Records by id, 100 at a time; the vendor leaves out those that are gone."""
    include = {key: value for key, value in stream.params.items() if key == "include"}
    for start in range(0, len(ids), LIST_PAGE):
        part = [str(int(each)) for each in ids[start : start + LIST_PAGE]]
        body, cleaned = reader.page(stream, {**include, "ids": ",".join(part)}, path=path)
        last = start + LIST_PAGE >= len(ids)
        yield Page(stream.name, body.records, {}, last=last, cleaned=cleaned, partial=True)


def _following(stream: Stream, params: Mapping[str, str], body: Body) -> Mapping[str, str] | None:
    """Parameters of the next page; None after the last one.

    `has_more` decides where it is given: `links.next` is filled on the last page, too.
    """
    if body.meta is not None:
        if not body.meta.has_more:
            return None
        after = body.meta.after_cursor
        if after is None or after == params.get("page[after]"):
            raise StalledError(f"stream {stream.name}: Zendesk says that there is more, but not where.")
        return {**params, "page[after]": after}
    if body.next_page is None or not body.records:
        return None
    # also a list that was asked by cursor and answers by number
    number = {"page": str(int(params.get("page", "1")) + 1), "per_page": str(LIST_PAGE)}
    return {**{key: value for key, value in params.items() if not key.startswith("page[")}, **number}


def _id(record: msgspec.Raw) -> int | None:
    """The record's id; None where it has none, so that it alone is set aside later."""
    try:
        return msgspec.json.decode(record, type=Identified).id
    except msgspec.DecodeError:
        return None


def _holidays(reader: Reader, stream: Stream, schedule: int) -> tuple[list[msgspec.Raw] | None, int]:
    """Holidays of a schedule; None where the schedule is gone meanwhile."""
    path = f"{stream.path}/{schedule}/holidays"
    try:
        body, cleaned = reader.page(stream, {}, path=path, child=True, records="holidays")
    except NotFoundError:
        return None, 0
    return body.records, cleaned


def _span(reader: Reader, clock: int, state: State, window: Window) -> dict[str, str]:
    """The filter by time. Only a read that goes on from an earlier one needs the overlap."""
    start = clock - RATINGS_OVERLAP if "clock" in state else clock
    span = {"start_time": str(min(start, reader.latest_start()))} if start > 0 else {}
    if window.until is not None:
        span["end_time"] = str(min(int(window.until.timestamp()), reader.latest_start()))
    return span
