"""Tickets: the list, the archive, single ones and counts (contract, section 2.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zoho_desk import views
from ticket_pipelines.sandbox.zoho_desk.call import Call
from ticket_pipelines.sandbox.zoho_desk.errors import invalid_parameter, refused, unprocessable
from ticket_pipelines.sandbox.zoho_desk.records import LIST_UNNAMED, NAMED, stamp
from ticket_pipelines.sandbox.zoho_desk.table import Record

MOST_FIELDS = 30
INCLUDES = frozenset({"contacts", "products", "departments", "team", "assignee"})
DETAIL_INCLUDES = INCLUDES | {"contract", "isRead", "skills"}
FILTERS = {
    "departmentId": "departmentId",
    "departmentIds": "departmentId",
    "priority": "priority",
    "channel": "channel",
    "status": "status",
    "assignee": "assigneeId",
    "teamIds": "teamId",
}
"""Field of a ticket by the parameter that filters it; a parameter may name several values."""
COUNTED = frozenset({*FILTERS.values(), "statusType", "isOverDue", "isEscalated"})
"""Fields by whose values tickets can be counted."""
_SORTS = {"createdTime": "createdTime", "dueDate": "dueDate", "recentThread": "customerResponseTime"}
_DAY = 86_400


def index(call: Call) -> Reply:
    """`/tickets`: neither trashed nor archived ones; `fields` **replaces** what is shown (section 0, facts 1 and 2)."""
    wanted = _includes(call, INCLUDES)
    names = _fields(call)
    return call.page(_listed(call), lambda key: _shown(call, key, names, wanted))


def show(call: Call) -> Reply:
    """`/tickets/{id}`; what becomes of a trashed one is a setting."""
    wanted = _includes(call, DETAIL_INCLUDES)
    record = views.detailed(call.state, existing(call, trashed=call.settings.trashed_detail))
    return call.one({**record, **views.included(call.state, record, wanted)})


def archived(call: Call) -> Reply:
    """`/tickets/archivedTickets` of a department, which must be given (section 0, fact 7)."""
    if not call.params.get("departmentId"):
        raise unprocessable("The query parameter 'departmentId' is missing.")
    wanted = _includes(call, INCLUDES)
    rows = call.state.tables["tickets"].rows
    keys = [key for key, row in rows.items() if row.get("isArchived") and not row.get("isTrashed")]
    found = [key for key in keys if rows[key].get("departmentId") == call.params["departmentId"]]
    return call.page(found, lambda key: _shown(call, key, (), wanted))


def of_contact(call: Call) -> Reply:
    """`/contacts/{id}/tickets`."""
    rows = call.state.tables["tickets"].rows
    found = [key for key in _listed(call) if rows[key].get("contactId") == call.ids["id"]]
    return call.page(found, lambda key: views.listed(call.state, key))


def count(call: Call) -> Reply:
    """`/ticketsCount`."""
    return ok({"count": str(len(_listed(call)))})


def count_by_values(call: Call) -> Reply:
    """`/ticketsCountByFieldValues`: counts as text, by field and value."""
    rows = [views.whole(call.state, key) for key in _listed(call)]
    found: dict[str, list[Record]] = {}
    for field in call.several("field"):
        if field not in COUNTED:
            raise invalid_parameter("field")
        counts = Counter(row[field] for row in rows)
        found[field] = [{"value": value, "count": str(number)} for value, number in counts.items()]
    return ok(found)


def agents_count(call: Call) -> Reply:
    """`/agentsTicketsCount`."""
    rows = [views.whole(call.state, key) for key in _listed(call)]
    found = []
    for agent in call.several("agentIds"):
        kinds = Counter(row["statusType"] for row in rows if row["assigneeId"] == agent)
        late = sum(row["isOverDue"] for row in rows if row["assigneeId"] == agent)
        counts = {"openCount": kinds["Open"], "onholdCount": kinds["On Hold"], "overDueCount": late, "dueIn1HrCount": 0}
        found.append({"agentId": agent, **{name: str(number) for name, number in counts.items()}})
    return call.listed(found)


def recycle_bin(call: Call) -> Reply:
    """`/recycleBin`, whose existence is unproven (section 0, fact 6)."""
    if not call.settings.recycle_bin:
        raise refused("URL_NOT_FOUND")
    found = [key for key, row in call.state.tables["tickets"].rows.items() if row.get("isTrashed")]
    return call.page(found, lambda key: _binned(call, key))


def existing(call: Call, *, trashed: bool = False) -> str:
    """The id in the path, of a ticket that is there.

    Args:
        call: The request.
        trashed: True when a trashed one will do.

    Raises:
        Refusal: 404.
    """
    row = call.state.tables["tickets"].rows.get(call.ids["id"])
    if row is None or (row.get("isTrashed") and not trashed):
        raise refused("URL_NOT_FOUND", "The requested ticket does not exist.")
    return call.ids["id"]


def visible(row: Record) -> bool:
    """True for tickets that lists and searches show."""
    return not row.get("isTrashed") and not row.get("isArchived")


def _listed(call: Call) -> Sequence[str]:
    table = call.state.tables["tickets"]
    wanted = {field: set(call.several(name)) for name, field in FILTERS.items() if name in call.params}
    since = call.integer("receivedInDays", 0)
    earliest = stamp(call.clock.now() - since * _DAY) if since else ""
    return [
        key
        for _, key in _ordered(call)
        if visible(row := table.rows[key])
        and all(str(row.get(field)) in values for field, values in wanted.items())
        and row["createdTime"] >= earliest
    ]


def _ordered(call: Call) -> Sequence[tuple[str, str]]:
    """All tickets in the order that is asked for; without one, the newest come first."""
    sort = call.params.get("sortBy", "-createdTime")
    known = {**_SORTS, **({"modifiedTime": "modifiedTime"} if call.settings.list_sorts_modified else {})}
    field = known.get(sort.removeprefix("-"))
    if field is None:
        raise invalid_parameter("sortBy")
    order = call.state.tables["tickets"].order(field)
    # among equal times the smaller id comes first in either direction (section 2.7)
    return sorted(order, key=lambda place: place[0], reverse=True) if sort.startswith("-") else order


def _shown(call: Call, key: str, names: Sequence[str], wanted: Sequence[str]) -> Record:
    record = views.listed(call.state, key, names)
    return {**record, **views.included(call.state, views.whole(call.state, key), wanted)} if wanted else record


def _fields(call: Call) -> list[str]:
    names = call.several("fields")
    if len(names) > MOST_FIELDS:
        raise unprocessable(f"The number of values passed for 'fields' exceeds the limit of '{MOST_FIELDS}'.")
    custom = {field["apiName"] for field in call.state.tables["fields"].rows.values() if field["isCustomField"]}
    if any(name in LIST_UNNAMED or name not in NAMED | custom for name in names):
        raise refused("INTERNAL_SERVER_ERROR")
    return names


def _includes(call: Call, allowed: frozenset[str]) -> list[str]:
    wanted = call.several("include")
    if set(wanted) - allowed:
        raise invalid_parameter("include")
    return wanted


def _binned(call: Call, key: str) -> Record:
    row = call.state.tables["tickets"].rows[key]
    return {
        "id": key,
        "ticketNumber": row["ticketNumber"],
        "subject": row["subject"],
        "deletedTime": row["modifiedTime"],
    }
