"""A ticket as the list, the detail and the search show it (contract, section 2.3)."""

from __future__ import annotations

from collections.abc import Iterable

from ticket_pipelines.sandbox.zoho_desk import records
from ticket_pipelines.sandbox.zoho_desk.state import State
from ticket_pipelines.sandbox.zoho_desk.table import Record


def listed(state: State, key: str, names: Iterable[str] = ()) -> Record:
    """A ticket of the list: the usual fields, or **only** those named; custom ones by name are null."""
    found = whole(state, key)
    if names:
        return {name: None if name == "cf" else found.get(name, found["cf"].get(name)) for name in names}
    unnamed = {"subStatus": None, "statusText": found["status"], "isArchived": found["isArchived"]}
    return {**{name: found[name] for name in records.LIST}, **unnamed}


def detailed(state: State, key: str) -> Record:
    """A ticket by its id."""
    found = whole(state, key)
    return {name: found[name] for name in records.DETAIL}


def searched(state: State, key: str) -> Record:
    """A ticket that a search found, with what it refers to."""
    found = whole(state, key)
    shown = {name: found[name] for name in records.SEARCH}
    return {**shown, **included(state, found, ("contacts", "products", "departments", "team", "assignee"), search=True)}


def whole(state: State, key: str) -> Record:
    """A ticket with every field."""
    record = {**records.TICKET, **state.tables["tickets"].rows[key]}
    threads, comments = state.threads.get(key, ()), state.comments.get(key, ())
    fields = [field for field in state.tables["fields"].rows.values() if field["isCustomField"]]
    cf = {field["apiName"]: record.get("cf", {}).get(field["apiName"]) for field in fields}
    last = threads[-1] if threads else None
    shown = ("channel", "direction", "isForward")
    return {
        **record,
        "cf": cf,
        "customFields": {field["displayLabel"]: cf[field["apiName"]] for field in fields},
        "threadCount": str(len(threads)),
        "commentCount": str(len(comments)),
        "tagCount": str(len(state.tags.get(key, ()))),
        "attachmentCount": str(sum(len(thread["attachments"]) for thread in threads)),
        "lastThread": last and {**{name: last[name] for name in shown}, "isDraft": last["status"] == "DRAFT"},
        "layoutDetails": {"id": "398410000000013466", "layoutName": "Default Ticket Layout"},
        "webUrl": f"{records.HOST}/support/sandbox/ShowHomePage.do#Cases/dv/{key}",
    }


def included(state: State, ticket: Record, wanted: Iterable[str], *, search: bool = False) -> Record:
    """What a ticket refers to, by name; searches name an agent's address differently (section 2.3)."""
    found: Record = {}
    for name in wanted:
        if name == "contacts":
            found["contact"] = _contact(state, ticket["contactId"])
        elif name == "assignee":
            found["assignee"] = _assignee(state, ticket["assigneeId"], search)
        elif name == "departments":
            found["department"] = _part(state, "departments", ticket["departmentId"], ("id", "name"))
        elif name == "team":
            found["team"] = _part(state, "teams", ticket["teamId"], ("id", "name", "logoUrl"))
        elif name == "products":
            found["product"] = _part(state, "products", ticket["productId"], ("id", "productName"))
    return found


def _part(state: State, kind: str, key: str | None, names: tuple[str, ...]) -> Record | None:
    record = state.tables[kind].rows.get(key or "")
    return record and {name: record[name] for name in names}


def _contact(state: State, key: str | None) -> Record | None:
    names = ("id", "firstName", "lastName", "email", "phone", "mobile", "type", "isSpam")
    contact = _part(state, "contacts", key, names)
    if contact is None:
        return None
    account = state.tables["contacts"].rows[contact["id"]]["accountId"]
    return {**contact, "account": _part(state, "accounts", account, ("id", "accountName", "website"))}


def _assignee(state: State, key: str | None, search: bool) -> Record | None:
    agent = _part(state, "agents", key, ("id", "firstName", "lastName", "photoURL", "emailId", "zuid"))
    if agent is None or search:
        return agent
    return {**{name: agent[name] for name in ("id", "firstName", "lastName", "photoURL")}, "email": agent["emailId"]}
