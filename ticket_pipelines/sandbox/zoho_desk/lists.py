"""People, departments and the account's own settings (contract, section 2.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zoho_desk.access import ORG_ID
from ticket_pipelines.sandbox.zoho_desk.call import Call
from ticket_pipelines.sandbox.zoho_desk.errors import invalid_parameter, refused, unprocessable
from ticket_pipelines.sandbox.zoho_desk.table import Record

_SORTS = ("firstName", "lastName", "phone", "email", "account", "createdTime", "modifiedTime", "accountName")
_ORGANIZATION = {
    "id": int(ORG_ID),
    "companyName": "Sandbox Ltd",
    "portalName": "sandbox",
    "isDefault": True,
    "isAdminInOrg": True,
    "edition": "ENTERPRISE",
    "alias": None,
}


def contacts(call: Call) -> Reply:
    """`/contacts`."""
    return _people(call, "contacts", contact)


def accounts(call: Call) -> Reply:
    """`/accounts`."""
    return _people(call, "accounts", plain)


def agents(call: Call) -> Reply:
    """`/agents`, those that are disabled or unconfirmed among them unless asked otherwise."""
    wanted = {
        name: call.params[name].lower() for name in ("status", "isConfirmed", "isLightAgent") if name in call.params
    }
    departments = set(call.several("departmentIds"))
    found = [
        row
        for row in call.state.tables["agents"].rows.values()
        if all(str(row[name]).lower() == value for name, value in wanted.items())
        and (not departments or departments & set(row["associatedDepartmentIds"]))
    ]
    return call.page(found[::-1] if call.params.get("sortOrder") == "desc" else found, lambda row: row)


def agents_by_ids(call: Call) -> Reply:
    """`/agentsByIds`."""
    rows = call.state.tables["agents"].rows
    return call.listed([rows[key] for key in call.several("agentIds") if key in rows])


def departments(call: Call) -> Reply:
    """`/departments`."""
    rows = call.state.tables["departments"].rows.values()
    enabled = call.params.get("isEnabled")
    return call.page([row for row in rows if enabled in (None, str(row["isEnabled"]).lower())], lambda row: row)


def teams(call: Call) -> Reply:
    """`/teams`: the list has another name here (section 2.1)."""
    return call.listed(list(call.state.tables["teams"].rows.values()), key="teams")


def products(call: Call) -> Reply:
    """`/products`."""
    return call.page(list(call.state.tables["products"].rows.values()), lambda row: row)


def tags(call: Call) -> Reply:
    """`/ticketTags`, with how often each is used, as text."""
    used = [key for keys in call.state.tags.values() for key in keys]
    found = [{**row, "count": str(used.count(key))} for key, row in call.state.tables["tags"].rows.items()]
    return call.page(found, lambda row: row)


def fields(call: Call) -> Reply:
    """`/fields` and `/organizationFields` of a module, which must be given; others than tickets have none."""
    if "module" not in call.params:
        raise unprocessable("The query parameter 'module' is missing.")
    if call.params["module"] != "tickets":
        return Reply(204, b"")
    names = set(call.several("apiNames"))
    rows = call.state.tables["fields"].rows.values()
    return call.listed([row for row in rows if not names or row["apiName"] in names])


def statuses(call: Call) -> Reply:
    """`/ticketStatuses`."""
    return call.listed(list(call.state.tables["statuses"].rows.values()))


def organizations(_: Call) -> Reply:
    """`/organizations` and `/accessibleOrganizations`."""
    return ok({"data": [_ORGANIZATION]})


def organization(call: Call) -> Reply:
    """`/organizations/{id}`."""
    if call.ids["id"] != ORG_ID:
        raise refused("URL_NOT_FOUND")
    return ok(_ORGANIZATION)


def myinfo(call: Call) -> Reply:
    """`/myinfo`: the agent who granted access."""
    return call.one(next(iter(call.state.tables["agents"].rows.values())))


def one(kind: str, show: Callable[[Call, Record], Record] | None = None) -> Callable[[Call], Reply]:
    """A record by its id."""

    def answer(call: Call) -> Reply:
        row = call.state.tables[kind].rows.get(call.ids["id"])
        if row is None or row["id"] in call.state.unlisted:
            raise refused("URL_NOT_FOUND")
        return call.one((show or plain)(call, row))

    return answer


def contact(call: Call, row: Record) -> Record:
    """A contact with its account."""
    account = call.state.tables["accounts"].rows.get(row["accountId"] or "")
    names = ("id", "accountName", "website")
    return {**row, "account": account and {name: account[name] for name in names}}


def plain(_: Call, row: Record) -> Record:
    """A record as it is."""
    return row


def _people(call: Call, kind: str, show: Callable[[Call, Record], Any]) -> Reply:
    sort = call.params.get("sortBy", "createdTime")
    if sort.removeprefix("-") not in _SORTS:
        raise invalid_parameter("sortBy")
    rows = call.state.tables[kind].rows
    order = call.state.tables[kind].order(sort.removeprefix("-"))
    found = [rows[key] for _, key in order if key not in call.state.unlisted]
    return call.page(found[::-1] if sort.startswith("-") else found, lambda row: show(call, row))
