"""The incremental exports of each resource, with their sideloads (contract, sections 5.1, 5.2, 5.4, 5.8 to 5.10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ticket_pipelines.sandbox.answers import encoded, listed
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zendesk import exports, paging
from ticket_pipelines.sandbox.zendesk.call import Call, page
from ticket_pipelines.sandbox.zendesk.metrics import encoded_metric_set
from ticket_pipelines.sandbox.zendesk.paging import Place
from ticket_pipelines.sandbox.zendesk.state import is_comment
from ticket_pipelines.sandbox.zendesk.table import Record

_SIDELOADED = {"users": "requester_id", "groups": "group_id", "organizations": "organization_id"}
_SAMPLE = 50


def tickets_by_cursor(call: Call) -> Reply:
    """`incremental/tickets/cursor`: archived and deleted tickets included."""
    order, raw, rest = _tickets(call)
    return exports.by_cursor(call, "tickets", order, raw, rest)


def tickets_by_time(call: Call) -> Reply:
    """`incremental/tickets`."""
    order, raw, rest = _tickets(call)
    return exports.by_time(call, "tickets", order, raw, rest)


def ticket_events(call: Call) -> Reply:
    """`incremental/ticket_events`: whole comments only with `include=comment_events`."""
    table = call.state.tables["ticket_events"]
    tickets = call.state.tables["tickets"].rows
    order = table.order()
    if call.params.get("support_type_scope") != "all":
        order = [place for place in order if call.in_scope(tickets[table.rows[place[1]]["ticket_id"]])]
    whole = "comment_events" in _included(call)
    raw = table.raw if whole else lambda key: encoded(_without_comments(table.rows[key]))
    return exports.by_time(call, "ticket_events", order, raw, _nothing)


def metric_events(call: Call) -> Reply:
    """`incremental/ticket_metric_events`: by cursor with a page size, else by time."""
    table = call.state.tables["ticket_metric_events"]
    if not any(name.startswith("page[") for name in call.params):
        return exports.by_time(call, "ticket_metric_events", table.order(), table.raw, _nothing)
    since = call.integer("start_time", 0) or 0
    until = call.clock.now() - call.settings.export_delay
    places: list[Place] = [place for place in table.order() if since <= place[0] <= until]
    return paging.by_cursor(call, "ticket_metric_events", places, lambda place: table.raw(place[1]))


def of_resource(resource: str, *, cursor: bool) -> Callable[[Call], Reply]:
    """The export of users or organizations."""

    def export(call: Call) -> Reply:
        table = call.state.tables[resource]
        read = exports.by_cursor if cursor else exports.by_time
        return read(call, resource, table.order(), table.raw, _nothing)

    return export


def sample(resource: str) -> Callable[[Call], Reply]:
    """The sample of an export: its first rows."""

    def export(call: Call) -> Reply:
        table = call.state.tables[resource]
        shown = [key for _, key in table.order()[:_SAMPLE]]
        return page(resource, listed(map(table.raw, shown)), {"count": len(shown), "end_of_stream": True})

    return export


def _tickets(
    call: Call,
) -> tuple[list[exports.Emitted], Callable[[int], bytes], Callable[[list[int]], Any]]:
    table = call.state.tables["tickets"]
    order = table.order()
    if call.params.get("support_type_scope") != "all":
        order = [place for place in order if call.in_scope(table.rows[place[1]])]
    if call.params.get("exclude_deleted") == "true":
        order = [place for place in order if place[1] not in call.state.removals]
    included = _included(call)

    def with_metrics(key: int) -> bytes:
        return table.raw(key)[:-1] + b',"metric_set":' + encoded_metric_set(call.state, key) + b"}"

    def sideloads(keys: list[int]) -> Record:
        wanted = {name: field for name, field in _SIDELOADED.items() if name in included}
        return {name: _related(call, name, field, keys) for name, field in wanted.items()}

    return order, with_metrics if "metric_sets" in included else table.raw, sideloads


def _related(call: Call, resource: str, field: str, keys: list[int]) -> list[Record]:
    rows = call.state.tables[resource].rows
    tickets = call.state.tables["tickets"].rows
    return [rows[key] for key in sorted({tickets[ticket][field] for ticket in keys} - {None}) if key in rows]


def _included(call: Call) -> set[str]:
    return set(call.params.get("include", "").split(","))


def _nothing(_: list[int]) -> Record:
    return {}


def _without_comments(event: Record) -> Record:
    children = [
        {
            "id": child["id"],
            "via": event["via"],
            "via_reference_id": None,
            "event_type": child["event_type"],
            "comment_present": True,
            "comment_public": child["public"],
        }
        if is_comment(child)
        else child
        for child in event["child_events"]
    ]
    return {**event, "child_events": children}
