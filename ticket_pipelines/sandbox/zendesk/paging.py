"""Pagination of lists: by cursor, by offset, or none (contract, section 2, families C, D and E)."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from ticket_pipelines.sandbox.answers import Refusal, listed
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zendesk.call import Call, page
from ticket_pipelines.sandbox.zendesk.errors import INVALID_CURSOR, TOO_DEEP, coded, named

Place = tuple[int, ...]
"""Where a record stands in a list; places are sorted."""

MOST = 100
MOST_PAGES = 100
MOST_ROWS = 10_000


def by_cursor(call: Call, key: str, places: Sequence[Place], raw: Callable[[Place], bytes]) -> Reply:
    """A page of family C. `links.next` is there on the last page, too; with no rows there are no cursors.

    Raises:
        Refusal: 400, a size out of range or an unknown cursor.
    """
    size = call.integer("page[size]", MOST) or 0
    if not 1 <= size <= MOST:
        raise Refusal(400, coded("InvalidPaginationParameter", f"page[size] must be between 1 and {MOST}"))
    after = call.params.get("page[after]")
    start = bisect_right(places, decoded(after)) if after else 0
    shown = places[start : start + size]
    meta: dict[str, Any] = {"has_more": start + size < len(places) or call.asked.repeat}
    links: dict[str, Any] = {"prev": None, "next": None}
    if shown:
        last = after if call.asked.repeat else cursor(shown[-1])
        meta |= {"after_cursor": last, "before_cursor": cursor(shown[0])}
        links |= {
            "prev": call.url(**{"page[size]": size, "page[after]": None, "page[before]": meta["before_cursor"]}),
            "next": call.url(**{"page[size]": size, "page[after]": last}),
        }
    return page(key, listed(map(raw, shown)), {"meta": meta, "links": links})


def by_offset(call: Call, key: str, places: Sequence[Place], raw: Callable[[Place], bytes]) -> Reply:
    """A page of family D.

    Raises:
        Refusal: 400, more than 100 pages or 10,000 rows deep.
    """
    if "page[size]" in call.params:
        raise Refusal(400, named("InvalidValue", "page must be an integer"))
    number = max(1, call.integer("page", 1) or 1)
    size = min(max(1, call.integer("per_page", MOST) or MOST), MOST)
    if number > MOST_PAGES or number * size > MOST_ROWS:
        raise Refusal(400, TOO_DEEP)
    start = (number - 1) * size
    more = start + size < len(places)
    following = number if call.asked.repeat else number + 1
    rest = {
        "next_page": call.url(page=following) if more or call.asked.repeat else None,
        "previous_page": call.url(page=number - 1) if number > 1 else None,
        "count": len(places),
    }
    return page(key, listed(map(raw, places[start : start + size])), rest)


def whole(_: Call, key: str, places: Sequence[Place], raw: Callable[[Place], bytes]) -> Reply:
    """All records (family E)."""
    rest = {"next_page": None, "previous_page": None, "count": len(places)}
    return page(key, listed(map(raw, places)), rest)


def either(call: Call, key: str, places: Sequence[Place], raw: Callable[[Place], bytes]) -> Reply:
    """By cursor where a page size is given, else by offset."""
    asked_by_cursor = any(name.startswith("page[") for name in call.params)
    return (by_cursor if asked_by_cursor else by_offset)(call, key, places, raw)


def cursor_or_whole(call: Call, key: str, places: Sequence[Place], raw: Callable[[Place], bytes]) -> Reply:
    """By cursor where a page size is given, else all."""
    asked_by_cursor = any(name.startswith("page[") for name in call.params)
    return (by_cursor if asked_by_cursor else whole)(call, key, places, raw)


def cursor(place: Place) -> str:
    """An opaque cursor for a place."""
    return base64.b64encode(json.dumps({"o": "nice_id", "v": place}).encode()).decode()


def decoded(text: str) -> Place:
    """The place of a cursor.

    Raises:
        Refusal: 400, it is none of ours.
    """
    try:
        return tuple(int(part) for part in json.loads(base64.b64decode(text, validate=True))["v"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise Refusal(400, INVALID_CURSOR) from None
