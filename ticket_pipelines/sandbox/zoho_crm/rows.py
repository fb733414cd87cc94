"""Rows of modules: lists, single ones, searches, counts and deletions (contract, section 3)."""

from __future__ import annotations

from collections.abc import Callable

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zoho_crm import paging
from ticket_pipelines.sandbox.zoho_crm.call import Call
from ticket_pipelines.sandbox.zoho_crm.criteria import parsed
from ticket_pipelines.sandbox.zoho_crm.errors import refused
from ticket_pipelines.sandbox.zoho_crm.fields import Record
from ticket_pipelines.sandbox.zoho_crm.table import Gone, Table
from ticket_pipelines.sandbox.zoho_crm.values import user_id

MOST_FIELDS = 50
_DELETED_BY = user_id(0)
_KINDS = {"all": ("recycle", "permanent"), "recycle": ("recycle",), "permanent": ("permanent",)}


def index(call: Call) -> Reply:
    """`/{module}`: `fields` are mandatory; without changes since the time of `If-Modified-Since`, a 304 or 204."""
    table = call.table()
    names = _fields(call)
    sort = paging.sorted_by(call)
    if sort == "Modified_Time" and not table.module.has_clock:
        raise refused("INVALID_DATA", param_name="sort_by")
    order = table.order(sort)
    since = call.since()
    # a module without a clock knows no changes: all its rows come
    if since is not None and table.module.has_clock:
        order = [place for place in order if table.modified(place[1]) > since]
    if "ids" in call.params:
        wanted = set(call.params["ids"].split(","))
        order = [place for place in order if str(place[1]) in wanted]
    return paging.page(call, order, lambda key: table.row(key, names))


def show(call: Call) -> Reply:
    """`/{module}/{id}`: all fields where none are named; an unknown id is a 204."""
    table = call.table()
    key = int(call.ids["id"])
    if key not in table:
        return Reply(204, b"")
    names = call.params["fields"].split(",") if "fields" in call.params else None
    return ok({"data": [table.row(key, names)]})


def search(call: Call) -> Reply:
    """`/{module}/search` by criteria, email, phone or word; no further than 2,000 rows."""
    table = call.table()
    test = _sought(call, table)
    found = [row for row in (table.row(key) for key in table.ids()) if test(row)]
    names = call.params["fields"].split(",") if "fields" in call.params else None
    shown = [table.row(int(row["id"]), names) for row in found[: call.settings.search_cap]]
    size, number = call.integer("per_page", 200, 200), call.integer("page", 1, 1_000_000)
    if size * number > call.settings.search_cap:
        raise refused("LIMIT_REACHED", "You can only get the first 2000 records.")
    return call.numbered(shown)


def count(call: Call) -> Reply:
    """`/{module}/actions/count`: as text."""
    table = call.table()
    if not {"criteria", "email", "phone", "word"} & set(call.params):
        return ok({"count": str(sum(1 for _ in table.ids()))})
    test = _sought(call, table)
    return ok({"count": str(sum(test(table.row(key)) for key in table.ids()))})


def deleted(call: Call) -> Reply:
    """`/{module}/deleted`, the oldest first."""
    table = call.table()
    kinds = _KINDS.get(call.params.get("type", "all"))
    if kinds is None:
        raise refused("INVALID_DATA", param_name="type")
    since = call.since()
    found = [
        (key, gone) for key, gone in table.gone.items() if gone.kind in kinds and (since is None or gone.at > since)
    ]
    found.sort(key=lambda one: (one[1].at, one[0]))
    return call.numbered([_deletion(call, key, gone) for key, gone in found])


def recycle_bin(call: Call) -> Reply:
    """`/settings/recycle_bin`: what can be restored, of all modules."""
    found = [
        (name, key, gone)
        for name, table in call.state.tables.items()
        for key, gone in table.gone.items()
        if gone.kind == "recycle"
    ]
    rows = [
        {**_deletion(call, key, gone), "module": {"api_name": name}, "owner": call.named(_DELETED_BY)}
        for name, key, gone in found
    ]
    return call.numbered(
        [{k: v for k, v in row.items() if k not in ("type", "created_by")} for row in rows], "recycle_bin"
    )


def _deletion(call: Call, key: int, gone: Gone) -> Record:
    return {
        "id": str(key),
        "display_name": gone.name,
        "type": gone.kind,
        "deleted_by": call.named(_DELETED_BY),
        "created_by": call.named(_DELETED_BY),
        "deleted_time": call.moment(gone.at),
    }


def _fields(call: Call) -> list[str]:
    names = [name for name in call.params.get("fields", "").split(",") if name]
    if not names:
        raise refused("REQUIRED_PARAM_MISSING", param_name="fields")
    if len(names) > MOST_FIELDS:
        raise refused("LIMIT_EXCEEDED", limit=MOST_FIELDS, param_name="fields")
    return names


def _sought(call: Call, table: Table) -> Callable[[Record], bool]:
    kinds = {name: field.data_type for name, field in table.fields.items()}
    if "criteria" in call.params:
        return parsed(call.params["criteria"])
    for asked in ("email", "phone"):
        if asked in call.params:
            names = [name for name, kind in kinds.items() if kind == asked]
            return lambda row: any(row[name] == call.params[asked] for name in names)
    if "word" in call.params:
        word = call.params["word"].lower()
        return lambda row: any(word in str(value).lower() for value in row.values())
    raise refused("REQUIRED_PARAM_MISSING", param_name="criteria")
