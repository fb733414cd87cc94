"""Incremental exports: by cursor and by time (contract, section 2, families A and B)."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from ticket_pipelines.sandbox.answers import Refusal, listed
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zendesk.call import Call, page
from ticket_pipelines.sandbox.zendesk.errors import (
    GATEWAY_TIMEOUT,
    INVALID_CURSOR,
    TOO_RECENT,
    TOO_RECENT_BEFORE,
    named,
)

Emitted = tuple[int, int]
"""Second and id of a record in an export."""

MOST = 1000
_NO_ID = 1 << 62


def by_cursor(
    call: Call, key: str, order: Sequence[Emitted], raw: Callable[[int], bytes], rest: Callable[[list[int]], Any]
) -> Reply:
    """A page of family A.

    Args:
        call: The request.
        key: Name of the list.
        order: What the export emits, in order.
        raw: JSON of a record.
        rest: Sideloads for the ids of the page: more keys of the body.

    Raises:
        Refusal: No or a bad position, or a page that takes the vendor too long.
    """
    size = _size(call)
    token = call.params.get("cursor")
    start = bisect_right(order, _decoded(token)) if token else bisect_left(order, (_start_time(call), 0))
    end = _withheld_from(call, order)
    stop = min(start + size, end)
    shown = [record_id for _, record_id in order[start:stop]]
    after = token if call.asked.repeat or not shown else cursor(order[stop - 1])
    if not shown and call.settings.null_when_empty:
        after = None
    body = {
        "after_url": after and call.url(start_time=None, cursor=after),
        "after_cursor": after,
        "before_url": None,
        "before_cursor": None,
        "end_of_stream": stop >= end and not call.asked.repeat,
    }
    return page(key, listed(map(raw, shown)), {**rest(shown), **body})


def by_time(
    call: Call, key: str, order: Sequence[Emitted], raw: Callable[[int], bytes], rest: Callable[[list[int]], Any]
) -> Reply:
    """A page of family B, with the recorded rule for `end_time`.

    A full page of 1,000 and the last page end with the time of their last row, whose second is then read again; a
    smaller page is extended to the whole second and ends with the second after it. A page that lies in one second is
    extended, too, as it could not advance otherwise (switched off by `whole_seconds`).

    Args:
        call: The request.
        key: Name of the list.
        order: What the export emits, in order.
        raw: JSON of a record.
        rest: Sideloads for the ids of the page: more keys of the body.

    Raises:
        Refusal: No or a bad position, or a page that takes the vendor too long.
    """
    size = _size(call)
    since = _start_time(call)
    start = bisect_left(order, (since, 0))
    end = _withheld_from(call, order)
    stop, end_time = _bounds(order, start, end, size, whole_seconds=call.settings.whole_seconds)
    shown = [record_id for _, record_id in order[start:stop]]
    reached: int | None = since if call.asked.repeat or not shown else end_time
    if not shown and call.settings.null_when_empty:
        reached = None
    body: dict[str, Any] = {
        "count": len(shown),
        "end_time": reached,
        "next_page": None if reached is None else call.url(start_time=reached),
        "end_of_stream": stop >= end and not call.asked.repeat,
    }
    if key == "ticket_metric_events" and not call.settings.metric_events_end_of_stream:
        del body["end_of_stream"]
    return page(key, listed(map(raw, shown)), {**rest(shown), **body})


def cursor(emitted: Emitted) -> str:
    """The vendor's cursor: opaque to clients."""
    return base64.b64encode(f"{emitted[0]}.0||{emitted[1]}|".encode()).decode()


def _bounds(order: Sequence[Emitted], start: int, end: int, size: int, *, whole_seconds: bool) -> tuple[int, int]:
    """Where a page of the time export stops, and its `end_time`."""
    stop = min(start + size, end)
    if stop == start:
        return stop, 0
    last = order[stop - 1][0]
    if stop == end:
        return stop, last
    stuck = order[start][0] == last
    if not whole_seconds or (size == MOST and not stuck):
        return stop, last
    extended = min(bisect_left(order, (last + 1, 0)), end)
    return extended, last if extended == end else last + 1


def _size(call: Call) -> int:
    size = min(max(1, call.integer("per_page", MOST) or MOST), MOST)
    if call.settings.slow_above is not None and size > call.settings.slow_above:
        raise Refusal(504, GATEWAY_TIMEOUT)
    return size


def _start_time(call: Call) -> int:
    since = call.integer("start_time")
    if since is None:
        raise Refusal(400, named("InvalidValue", "start_time is required"))
    if since > call.clock.now() - call.settings.export_delay:
        if call.settings.too_recent_status == 422:
            raise Refusal(422, TOO_RECENT_BEFORE)
        raise Refusal(400, TOO_RECENT)
    return since


def _withheld_from(call: Call, order: Sequence[Emitted]) -> int:
    """Position from which rows are too new to be shown."""
    return bisect_right(order, (int(call.clock.now() - call.settings.export_delay), _NO_ID))


def _decoded(token: str) -> Emitted:
    try:
        at, _, record_id = base64.b64decode(token, validate=True).decode().rstrip("|").partition("||")
        return int(at.removesuffix(".0")), int(record_id)
    except (binascii.Error, ValueError):
        raise Refusal(400, INVALID_CURSOR) from None
