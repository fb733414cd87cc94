"""Searches: time ranges, a cap on `from`, and a lag (contract, section 0, facts 3 and 4, and section 2.2)."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping

from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zoho_desk import views
from ticket_pipelines.sandbox.zoho_desk.call import Call
from ticket_pipelines.sandbox.zoho_desk.errors import invalid_parameter, unprocessable
from ticket_pipelines.sandbox.zoho_desk.records import stamp
from ticket_pipelines.sandbox.zoho_desk.table import Record, Table
from ticket_pipelines.sandbox.zoho_desk.tickets import visible

RANGES = {
    "modifiedTimeRange": "modifiedTime",
    "createdTimeRange": "createdTime",
    "dueDateRange": "dueDate",
    "customerResponseTimeRange": "customerResponseTime",
}
EQUALS = {
    **{name: name for name in ("departmentId", "id", "ticketNumber", "priority", "assigneeId", "contactId")},
    **{name: name for name in ("accountId", "productId", "email", "channel", "subject")},
}
PARAMS = frozenset({*RANGES, *EQUALS, "status", "sortBy", "_all", *(f"customField{n}" for n in range(1, 11))})
PEOPLE_EQUALS = {name: name for name in ("id", "email", "firstName", "lastName", "accountId", "accountName", "phone")}
PEOPLE_PARAMS = frozenset({"modifiedTimeRange", "createdTimeRange", *PEOPLE_EQUALS, "sortBy", "_all"})
_RANGE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z),(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")
_SORTS = ("relevance", "modifiedTime", "createdTime", "customerResponseTime")
_EVER = ("", "~")


def tickets(call: Call) -> Reply:
    """`/tickets/search`: with `count`, and a 204 where nothing is found."""
    rows = call.state.tables["tickets"].rows
    found = [key for key in _found(call, call.state.tables["tickets"], EQUALS) if _fits(call, rows[key])]
    return call.page(found, lambda key: views.searched(call.state, key), count=len(found))


def people(kind: str, show: Callable[[Call, Record], Record]) -> Callable[[Call], Reply]:
    """`/contacts/search` or `/accounts/search`."""

    def answer(call: Call) -> Reply:
        table = call.state.tables[kind]
        found = [key for key in _found(call, table, PEOPLE_EQUALS) if key not in call.state.unlisted]
        return call.page(found, lambda key: show(call, table.rows[key]), count=len(found))

    return answer


def _found(call: Call, table: Table, equals: Mapping[str, str]) -> list[str]:
    """Ids of the records that fit ranges and values, in the order that is asked for."""
    ranges = {field: _range(call, name) for name, field in RANGES.items() if name in call.params}
    sort = call.params.get("sortBy", "relevance")
    if sort.removeprefix("-") not in _SORTS:
        raise invalid_parameter("sortBy")
    if "_all" in call.params and set(call.params) & {*RANGES, *equals, "status"}:
        raise unprocessable("'_all' cannot be combined with other search parameters.")
    field = "createdTime" if sort == "relevance" else sort.removeprefix("-")
    sought, (first, last) = next(iter(ranges.items()), (field, _EVER))
    order = table.order(sought)
    window = order[bisect_left(order, (first, "")) : bisect_right(order, (last, "~"))]
    known = stamp(call.clock.now() - call.settings.search_lag) if call.settings.search_lag else "~"
    keys = [key for _, key in window if table.rows[key]["modifiedTime"] <= known]
    wanted = [(field, call.params[name]) for name, field in equals.items() if name in call.params]
    keys = [key for key in keys if _has(table.rows[key], wanted) and _within(table.rows[key], ranges)]
    if "_all" in call.params:
        keys = [key for key in keys if call.params["_all"].lower() in str(table.rows[key]).lower()]
    keys.sort(key=lambda key: (table.rows[key].get(field) or "", key))
    if sort.startswith("-"):
        keys.sort(key=lambda key: table.rows[key].get(field) or "", reverse=True)
    return keys


def _range(call: Call, name: str) -> tuple[str, str]:
    match = _RANGE.fullmatch(call.params[name])
    if match is None or match[1] > match[2]:
        raise invalid_parameter(name)
    return match[1], match[2]


def _within(row: Record, ranges: Mapping[str, tuple[str, str]]) -> bool:
    return all(first <= (row.get(field) or "") <= last for field, (first, last) in ranges.items())


def _has(row: Record, wanted: Iterable[tuple[str, str]]) -> bool:
    return all(_equals(row.get(field), value) for field, value in wanted)


def _equals(held: object, value: str) -> bool:
    if value == "${notempty}":
        return bool(held)
    if value == "${empty}":
        return not held
    return str(held) in value.split(",")


def _fits(call: Call, row: Record) -> bool:
    status = call.params.get("status")
    kinds = {"${open}": "Open", "${closed}": "Closed", "${onhold}": "On Hold"}
    if status in kinds and row.get("statusType", "Open") != kinds[status]:
        return False
    if status and status not in kinds and row.get("status", "Open") not in status.split(","):
        return False
    custom = (value.partition(":") for name, value in call.params.items() if name.startswith("customField"))
    return visible(row) and all(row.get("cf", {}).get(name) == value for name, _, value in custom)
