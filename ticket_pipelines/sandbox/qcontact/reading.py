"""Reads: lists with their oddities, single records, events, the own user, exports (contract, section 2.2)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.qcontact import views
from ticket_pipelines.sandbox.qcontact.call import Call
from ticket_pipelines.sandbox.qcontact.errors import invalid, refused
from ticket_pipelines.sandbox.qcontact.state import CASE, Entity, Record

_ITEMS = 50


class _Condition(msgspec.Struct):
    name: str
    operator: str
    value: Any = None


class _Filter(msgspec.Struct):
    conditions: list[_Condition]
    operator: str = "all"


def me(call: Call) -> Reply:
    """`/me`: who is signed in."""
    user = call.state.entities[call.user or 0]
    return ok({"id": user.id, "entity_type": user.kind, "name": user.title, "email": call.uid})


def index(call: Call) -> Reply:
    """`/entities/{Entity}`: pages of rows; the number of all is `pagination.count`.

    `view=all` gives no rows, and the operator `not_equals` on a status is answered with 500.
    """
    kind = call.ids["entity"]
    rows = [entity for entity in call.state.of(kind) if entity.listed]
    if not rows and kind not in views.ICONS:
        raise refused("not_found")
    keeps = _filters(call)
    found = [one for one in rows if all(keep(views.row(call.state, one)) for keep in keeps)]
    if call.params.get("view") == "all":
        found = []
    order: Callable[[Entity], Any] = (lambda one: one.id) if call.settings.list_order == "id" else _last_changed
    found.sort(key=order, reverse=True)
    size = min(call.integer("items", _ITEMS), call.settings.most_items)
    page = call.page
    shown = found[(page - 1) * size : page * size]
    pagination = {"count": len(found), "page": page, "items": size, "pages": max(1, -(-len(found) // size))}
    return ok(
        {
            "columns": views.columns(call.state, kind),
            "results": [views.row(call.state, one) for one in shown],
            "pagination": pagination,
        }
    )


def show(call: Call) -> Reply:
    """`/entities/{Entity}/{id}`."""
    return ok(views.detail(call.state, call.entity(), call.settings))


def events(call: Call) -> Reply:
    """`/entities/{Entity}/{id}/events`: newest first; no events are an answer of their own at some tenants."""
    sort = call.params.get("sort") or "id DESC"
    if sort not in ("id DESC", "id ASC"):
        raise invalid("sort is not supported", 400)
    found: list[Record] = list(call.entity().events)
    if not found and call.settings.no_events_status != 200:
        raise refused("not_found") if call.settings.no_events_status == 404 else invalid("no events", 400)
    if sort == "id DESC":
        found.reverse()
    size, page = call.settings.events_page, call.page
    shown = found[(page - 1) * size : page * size]
    return ok({"results": shown} if call.settings.events_body == "results" else shown)


def schema(call: Call) -> Reply:
    """`/entity_types/{Entity}`, whose existence is unproven."""
    if not call.settings.entity_types:
        raise refused("not_found")
    return ok({"name": call.ids["entity"], "fields": views.columns(call.state, call.ids["entity"])})


def export(call: Call) -> Reply:
    """`/entities/DataExport/{id}/actions/run`: all cases as CSV."""
    into = io.StringIO()
    writer = csv.writer(into)
    writer.writerow(("id", "label", "status", "created_at"))
    for case in call.state.of(CASE):
        if case.listed:
            found = views.row(call.state, case)
            writer.writerow([found[name] for name in ("id", "label", "status", "created_at")])
    return Reply(200, into.getvalue().encode(), {"content-type": "text/csv; charset=utf-8"})


def _last_changed(one: Entity) -> Any:
    return one.updated_at, one.id


def _filters(call: Call) -> list[Callable[[Record], bool]]:
    """Tests that a row must pass.

    Raises:
        Refusal: 400: they cannot be read; 500: `not_equals`.
    """
    text = call.params.get("filters")
    if not text:
        return []
    try:
        filters = msgspec.json.decode(text, type=list[_Filter])
    except msgspec.MsgspecError:
        raise invalid("filters cannot be read", 400) from None
    if any(condition.operator == "not_equals" for one in filters for condition in one.conditions):
        raise refused("internal")
    if any(condition.operator != "equals" for one in filters for condition in one.conditions):
        raise invalid("unknown operator", 400)
    return [partial(_keeps, one) for one in filters]


def _keeps(one: _Filter, row: Record) -> bool:
    passed = (
        str(condition.value) in (str(row.get(f"__{condition.name}")), str(row.get(condition.name)))
        for condition in one.conditions
    )
    return all(passed) if one.operator == "all" else any(passed)
