"""Tickets outside the exports: lists, single tickets, comments, audits, metrics, search (contract, 5.3 to 5.7)."""

from __future__ import annotations

from ticket_pipelines.sandbox.answers import Refusal, encoded, listed, ok
from ticket_pipelines.sandbox.clock import iso
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zendesk import paging
from ticket_pipelines.sandbox.zendesk.call import Call, page
from ticket_pipelines.sandbox.zendesk.errors import NOT_FOUND, named
from ticket_pipelines.sandbox.zendesk.lists import counted
from ticket_pipelines.sandbox.zendesk.metrics import metric_set, metrics_id
from ticket_pipelines.sandbox.zendesk.paging import Place
from ticket_pipelines.sandbox.zendesk.state import is_comment
from ticket_pipelines.sandbox.zendesk.table import Record, Table

MOST_AT_ONCE = 100
SEARCH_LIMIT = 1000


def index(call: Call) -> Reply:
    """`tickets`: neither deleted nor archived ones."""
    table = call.state.tables["tickets"]
    return paging.either(call, "tickets", _visible(call, table), lambda place: _plain(table, place[0]))


def count(call: Call) -> Reply:
    """`tickets/count`."""
    return counted(call, len(_visible(call, call.state.tables["tickets"])))


def show(call: Call) -> Reply:
    """`tickets/{id}`."""
    record = _ticket(call)
    return ok({"ticket": {name: value for name, value in record.items() if name != "generated_timestamp"}})


def show_many(call: Call) -> Reply:
    """`tickets/show_many`: unknown and deleted ids are left out."""
    table = call.state.tables["tickets"]
    wanted = [key for key in _ids(call) if key in table.rows and key not in call.state.removals]
    rest = {"count": len(wanted), "next_page": None, "previous_page": None}
    return page("tickets", listed(_plain(table, key) for key in wanted), rest)


def users_show_many(call: Call) -> Reply:
    """`users/show_many`."""
    table = call.state.tables["users"]
    wanted = [key for key in _ids(call) if key in table.rows]
    rest = {"count": len(wanted), "next_page": None, "previous_page": None}
    return page("users", listed(map(table.raw, wanted)), rest)


def comments(call: Call) -> Reply:
    """`tickets/{id}/comments`."""
    said = [_as_comment(child) for child in call.state.comments(_ticket(call)["id"])]
    if call.params.get("sort") == "-created_at" or call.params.get("sort_order") == "desc":
        said.reverse()
    places: list[Place] = [(position,) for position in range(len(said))]
    return paging.either(call, "comments", places, lambda place: encoded(said[place[0]]))


def comments_count(call: Call) -> Reply:
    """`tickets/{id}/comments/count`."""
    return counted(call, len(call.state.comments(_ticket(call)["id"])))


def audits(call: Call) -> Reply:
    """`tickets/{id}/audits`; those of archived tickets come in one page that still has `meta` (contract, 6b)."""
    key = _ticket(call)["id"]
    rows = call.state.tables["ticket_events"].rows
    found = [_as_audit(rows[event_id]) for event_id in call.state.events_of[key]]
    if call.state.archived(key, call.clock.now()):
        return ok({"audits": found, "meta": {"has_more": False}, "links": {"prev": None, "next": None}})
    places: list[Place] = [(position,) for position in range(len(found))]
    return paging.either(call, "audits", places, lambda place: encoded(found[place[0]]))


def metrics(call: Call) -> Reply:
    """`tickets/{id}/metrics`."""
    return ok({"ticket_metric": metric_set(call.state, _ticket(call)["id"])})


def all_metrics(call: Call) -> Reply:
    """`ticket_metrics`: of neither deleted nor archived tickets, newest first."""
    shown = _visible(call, call.state.tables["tickets"])
    places: list[Place] = [(-metrics_id(place[0]), place[0]) for place in reversed(shown)]
    return paging.either(call, "ticket_metrics", places, lambda place: encoded(metric_set(call.state, place[1])))


def deleted(call: Call) -> Reply:
    """`deleted_tickets`: soft-deleted ones that are not scrubbed yet."""
    state = call.state
    rows = state.tables["tickets"].rows
    users = state.tables["users"].rows
    found: dict[int, Record] = {}
    for key, removal in sorted(state.removals.items()):
        if rows[key]["subject"] == "SCRUBBED" or not call.in_scope(rows[key]):
            continue
        actor = {"id": removal.actor, "name": users[removal.actor]["name"] if removal.actor in users else "System"}
        found[key] = {
            "id": key,
            "subject": rows[key]["subject"],
            "description": rows[key]["description"],
            "actor": actor,
            "deleted_at": iso(removal.at),
            "previous_state": removal.previous,
        }
    places: list[Place] = [(key,) for key in found]
    return paging.either(call, "deleted_tickets", places, lambda place: encoded(found[place[0]]))


def search(call: Call) -> Reply:
    """`search`: at most 1,000 results; `count` tells the true total.

    Only tickets are found, by words of their subject.

    Raises:
        Refusal: 400 or 422, a page size or more results than allowed.
    """
    if any(name.startswith("page[") for name in call.params):
        raise Refusal(400, named("InvalidValue", "page must be an integer"))
    words = [word for word in call.params.get("query", "").lower().split() if ":" not in word]
    table = call.state.tables["tickets"]
    found = [p for p in _visible(call, table) if all(w in (table.rows[p[0]]["subject"] or "").lower() for w in words)]
    size = min(call.integer("per_page", MOST_AT_ONCE) or MOST_AT_ONCE, MOST_AT_ONCE)
    if (call.integer("page", 1) or 1) * size > SEARCH_LIMIT:
        raise Refusal(422, named("Unprocessable", "Requested response size was greater than Search Response Limits"))
    return paging.by_offset(call, "results", found, lambda place: _as_result(table.rows[place[0]]))


def related(call: Call) -> Reply:
    """`tickets/{id}/related`."""
    record = _ticket(call)
    tickets = call.state.tables["tickets"].rows.values()
    sources = [other["id"] for other in tickets if record["id"] in other["followup_ids"]]
    incidents = sum(other["problem_id"] == record["id"] for other in tickets)
    archived = call.state.archived(record["id"], call.clock.now())
    found = {"topic_id": None, "jira_issue_ids": [], "followup_source_ids": sources}
    return ok({"ticket_related": {**found, "from_archive": archived, "incidents": incidents}})


def _visible(call: Call, table: Table) -> list[Place]:
    now, state = call.clock.now(), call.state
    return [
        (key,)
        for key in table.ids()
        if key not in state.removals and not state.archived(key, now) and call.in_scope(table.rows[key])
    ]


def _ticket(call: Call) -> Record:
    try:
        return call.state.ticket(call.ids["id"])
    except KeyError:
        raise Refusal(404, NOT_FOUND) from None


def _ids(call: Call) -> list[int]:
    text = call.params.get("ids", "")
    if not text.replace(",", "").isdigit():
        raise Refusal(400, named("InvalidValue", "ids must be a list of integers"))
    keys = [int(part) for part in text.split(",") if part]
    if len(keys) > MOST_AT_ONCE:
        raise Refusal(400, named("TooManyValues", "Too many ids", max_count=MOST_AT_ONCE))
    return list(dict.fromkeys(keys))


def _plain(table: Table, key: int) -> bytes:
    """A ticket as lists show it: without `generated_timestamp`, which only exports have."""
    record = table.rows[key]
    return encoded({name: value for name, value in record.items() if name != "generated_timestamp"})


def _as_result(record: Record) -> bytes:
    return encoded({**record, "result_type": "ticket"})


def _as_comment(child: Record) -> Record:
    left = {name: value for name, value in child.items() if name not in ("event_type", "via_reference_id")}
    system = {
        "client": "Sandbox/1.0",
        "ip_address": "192.0.2.1",
        "location": "Amsterdam",
        "latitude": 52.4,
        "longitude": 4.9,
    }
    return {**left, "metadata": {"system": system, "custom": {}}}


def _as_audit(event: Record) -> Record:
    return {
        "id": event["id"],
        "ticket_id": event["ticket_id"],
        "created_at": event["created_at"],
        "author_id": event["updater_id"],
        "metadata": {"custom": {}, "system": event["system"]},
        "via": {"channel": event["via"].lower(), "source": {"from": {}, "to": {}, "rel": None}},
        "events": [_as_audit_event(child) for child in event["child_events"]],
    }


def _as_audit_event(child: Record) -> Record:
    if is_comment(child):
        names = ("id", "type", "author_id", "body", "html_body", "plain_body", "public", "attachments", "audit_id")
        return {name: child[name] for name in names}
    own = ("id", "via", "via_reference_id", "event_type", "previous_value")
    name, value = next((name, value) for name, value in child.items() if name not in own)
    if name == "custom_ticket_fields":
        name, value = next(iter(value.items()))
    previous = {"previous_value": child["previous_value"]} if "previous_value" in child else {}
    return {"id": child["id"], "type": child["event_type"], "field_name": name, "value": value, **previous}
