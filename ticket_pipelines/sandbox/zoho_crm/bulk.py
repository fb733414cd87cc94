"""Bulk reads: a job, its state, and its result as a zip with one CSV (contract, section 3.1)."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.limits import Rule, Windows
from ticket_pipelines.sandbox.zoho_crm.call import Call
from ticket_pipelines.sandbox.zoho_crm.criteria import compiled
from ticket_pipelines.sandbox.zoho_crm.errors import refused
from ticket_pipelines.sandbox.zoho_crm.fields import Field, Record
from ticket_pipelines.sandbox.zoho_crm.state import Job
from ticket_pipelines.sandbox.zoho_crm.table import Table
from ticket_pipelines.sandbox.zoho_crm.values import user_id

PATH = "/crm/bulk/v8/read"
MOST_PAGES = 50
_NOT_IN_BULK = ("subform", "multiselectlookup", "multiuserlookup", "imageupload", "fileupload")
_FIRST_JOB = 39_841_200_000_900_000
_TOKEN = "page-"  # noqa: S105 - a place, not a secret
_MULTIPLE = ("multiselectpicklist", "tag")


def create(call: Call) -> Reply:
    """`POST /read`.

    Raises:
        Refusal: 400, a body that does not fit; 401 or 403, a module that may not be read.
    """
    query = _query(call)
    name = query.get("module", {}).get("api_name", "")
    if name not in call.state.tables or not call.state.tables[name].module.readable:
        raise refused("MODULE_NOT_AVAILABLE", api_name=name)
    table = call.readable(name)
    if not table.module.bulk:
        raise refused("MODULE_NOT_SUPPORTED", api_name=name)
    for field in query.get("fields") or []:
        if field != "id" and field not in table.fields:
            raise refused("FIELD_NOT_AVAILABLE", api_name=field)
        if field != "id" and table.fields[field].data_type in _NOT_IN_BULK:
            raise refused("FIELD_NOT_SUPPORTED", api_name=field)
    if not 1 <= _page(query) <= MOST_PAGES:
        raise refused("PAGE_RANGE_EXCEEDED", max_limit=MOST_PAGES)
    if query.get("criteria"):
        compiled(query["criteria"], table)
    key = str(_FIRST_JOB + len(call.state.jobs))
    call.state.jobs[key] = job = Job(query, call.clock.now())
    details = {"id": key, "operation": "read", "state": "ADDED", **_created(call, job)}
    told = {"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully.", "details": details}
    return ok({"data": [told], "info": {}}, 201)


def show(call: Call) -> Reply:
    """`GET /read/{job}`: its state moves on each time that it is asked for."""
    job = call.state.jobs.get(call.ids["job"])
    if job is None:
        raise refused("RESOURCE_NOT_FOUND")
    state = _state(call, job)
    job.polls += 1
    told = {"id": call.ids["job"], "operation": "read", "state": state, "query": job.query, **_created(call, job)}
    if state == "COMPLETED":
        table = call.state.tables[job.query["module"]["api_name"]]
        total = len(_ids(table, job.query))
        page, size = _page(job.query), call.settings.bulk_rows
        more = page * size < total
        told["result"] = {
            "page": page,
            "per_page": size,
            "count": max(0, min(size, total - (page - 1) * size)),
            "download_url": f"{PATH}/{call.ids['job']}/result",
            "more_records": more,
            "next_page_token": f"{_TOKEN}{page + 1}" if more else None,
        }
    return ok({"data": [{**told, "file_type": "csv"}]})


def result(call: Call, downloads: Windows) -> Reply:
    """`GET /read/{job}/result`; ten downloads a minute."""
    job = call.state.jobs.get(call.ids["job"])
    if job is None or _state(call, job) != "COMPLETED":
        raise refused("RESOURCE_NOT_FOUND", status=400)
    if not downloads.take([Rule("downloads", call.settings.bulk_downloads)])[0].granted:
        raise refused("TOO_MANY_REQUESTS", "You can download ten results in a minute.")
    table = call.state.tables[job.query["module"]["api_name"]]
    size, page = call.settings.bulk_rows, _page(job.query)
    keys = _ids(table, job.query)[(page - 1) * size : page * size]
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(f"{call.ids['job']}.csv", "w") as file,
        io.TextIOWrapper(file, encoding="utf-8", newline="") as text,
    ):
        _write(table, job.query, keys, text)
    name = f"attachment; filename={call.ids['job']}.zip"
    return Reply(200, packed.getvalue(), {"content-type": "application/x-download", "content-disposition": name})


def _query(call: Call) -> Record:
    if not call.asked.body:
        raise refused("REQUEST_BODY_IS_EMPTY")
    try:
        body = json.loads(call.asked.body)
        query = body["query"]
        module = query["module"]["api_name"]
    except (ValueError, KeyError, TypeError):
        raise refused("REQUEST_BODY_NOT_READABLE") from None
    if query.get("cvid"):
        raise refused("CVID_NOT_SUPPORTED")
    if body.get("callback") and not str(body["callback"].get("url", "")).startswith("https://"):
        raise refused("INVALID_CALLBACK_URL")
    return {**query, "module": {"api_name": module}}


def _page(query: Record) -> int:
    """Number of the page, which is all that a token says; 0 for one that says nothing."""
    number = str(query.get("page_token") or query.get("page") or 1).removeprefix(_TOKEN)
    return int(number) if number.isdigit() else 0


def _created(call: Call, job: Job) -> Record:
    return {"created_by": call.named(user_id(0)), "created_time": call.moment(job.created_at)}


def _state(call: Call, job: Job) -> str:
    states = call.settings.bulk_states
    return states[min(job.polls, len(states) - 1)]


def _ids(table: Table, query: Record) -> list[int]:
    keys = list(table.ids())
    if not query.get("criteria"):
        return keys
    test = compiled(query["criteria"], table)
    return [key for key in keys if test(table.row(key))]


def _write(table: Table, query: Record, keys: list[int], text: io.TextIOWrapper) -> None:
    every = [name for name, field in table.fields.items() if field.data_type not in _NOT_IN_BULK]
    names = [name for name in query.get("fields") or every if name != "id"]
    fields = [table.fields[name] for name in names]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", *names])
    for key in keys:
        writer.writerow([key, *(_cell(field, table.told(key, field)) for field in fields)])


def _cell(field: Field, value: Any) -> Any:
    """A value as the CSV holds it: lookups by id, several values in one text, encrypted ones empty."""
    if value is None or field.crypt:
        return ""
    if isinstance(value, dict):
        return value["id"]
    if field.data_type in _MULTIPLE:
        return ";".join(one["name"] if isinstance(one, dict) else one for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    return value
