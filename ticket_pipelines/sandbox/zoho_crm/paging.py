"""Pages of rows: by number for the first 2,000, by token up to 100,000 (contract, section 3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zoho_crm.call import Call
from ticket_pipelines.sandbox.zoho_crm.errors import refused
from ticket_pipelines.sandbox.zoho_crm.fields import Record
from ticket_pipelines.sandbox.zoho_crm.table import Place

_UNBOUND = frozenset({"page", "per_page", "page_token"})
_SORTS = ("id", "Created_Time", "Modified_Time")


def page(call: Call, order: list[Place], show: Callable[[int], Record]) -> Reply:
    """The page that is asked for.

    Args:
        call: The request.
        order: All rows, ascending.
        show: Makes a row of an id.

    Raises:
        Refusal: 400, a number or token that does not fit.
    """
    size = call.integer("per_page", call.settings.per_page, call.settings.per_page)
    down = call.params.get("sort_order", "desc") == "desc"
    number, passed, last = _asked_for(call, size)
    places = _following(order, last, down, size, (number - 1) * size if last is None else 0)
    if not places:
        return call.empty()
    passed += len(places)
    end = order[0] if down else order[-1]
    more = places[-1] != end or call.asked.repeat
    token = _token(call, places[-1], passed, number) if more and passed < call.settings.token_cap else None
    if call.asked.repeat:
        token = call.params.get("page_token", token)
    life = call.moment(call.clock.now() + call.settings.page_token_seconds) if token else None
    info = {
        "per_page": size,
        "count": len(places),
        "page": number,
        "sort_by": sorted_by(call),
        "sort_order": "desc" if down else "asc",
        "more_records": more,
        "next_page_token": token,
        "previous_page_token": None,
        "page_token_expiry": life,
    }
    return ok({"data": [show(key) for _, key in places], "info": info})


def sorted_by(call: Call) -> str:
    """What the rows are sorted by.

    Raises:
        Refusal: 400, rows cannot be sorted so.
    """
    sort = call.params.get("sort_by", "id")
    if sort not in _SORTS:
        raise refused("INVALID_DATA", param_name="sort_by", supported_values=list(_SORTS))
    return sort


def _asked_for(call: Call, size: int) -> tuple[int, int, Place | None]:
    """Number of the page, rows passed before it, and the last of those where a token tells it."""
    token = call.params.get("page_token")
    if token is None:
        number = call.integer("page", 1, 1_000_000)
        if number * size > call.settings.page_cap * call.settings.per_page:
            raise refused("DISCRETE_PAGINATION_LIMIT_EXCEEDED", limit=call.settings.page_cap * call.settings.per_page)
        return number, (number - 1) * size, None
    if "page" in call.params:
        raise refused("AMBIGUITY_DURING_PROCESSING")
    try:
        held: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token))
        number, passed, last = int(held["n"]) + 1, int(held["p"]), (float(held["at"][0]), int(held["at"][1]))
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise refused("INVALID_PAGE_TOKEN", param_name="page_token") from None
    if held["until"] < call.clock.now():
        raise refused("EXPIRED_PAGE_TOKEN", param_name="page_token")
    if held["of"] != _bound(call):
        raise refused("TOKEN_BOUND_DATA_MISMATCH", param_name="page_token")
    return number, passed, last


def _token(call: Call, last: Place, passed: int, number: int) -> str:
    held = {
        "of": _bound(call),
        "at": last,
        "p": passed,
        "n": number,
        "until": call.clock.now() + call.settings.page_token_seconds,
    }
    return base64.urlsafe_b64encode(json.dumps(held).encode()).decode()


def _bound(call: Call) -> str:
    """What a token is bound to: path, parameters and the time since when."""
    kept = sorted((name, value) for name, value in call.params.items() if name not in _UNBOUND)
    text = json.dumps([call.asked.path, kept, call.since()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _following(order: list[Place], last: Place | None, down: bool, size: int, skip: int) -> list[Place]:
    """So many places after one, or after so many."""
    if down:
        end = len(order) - skip if last is None else bisect_left(order, last)
        return order[max(0, end - size) : max(0, end)][::-1]
    start = skip if last is None else bisect_right(order, last)
    return order[start : start + size]
