"""Operations on people, groups and any other record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ticket_pipelines.sandbox.clock import iso
from ticket_pipelines.sandbox.zendesk import people, records, reference
from ticket_pipelines.sandbox.zendesk.change import Change, Operation
from ticket_pipelines.sandbox.zendesk.table import Record

_CLOCKS: Mapping[str, str] = {"tickets": "generated_timestamp", "ticket_events": "timestamp"}


def create_user(change: Change, name: str = "New Customer", **fields: Any) -> dict[str, Any]:
    """Creates a user; an end-user unless `role` says otherwise."""
    record = records.user(change.state.take_id("user"), change.at, name, **fields)
    change.state.tables["users"].put(record)
    return {"id": record["id"]}


def update_user(change: Change, key: int, **fields: Any) -> dict[str, Any]:
    """Changes a user."""
    return patch(change, "users", key, fields)


def delete_user(change: Change, key: int, permanently: bool = False) -> dict[str, Any]:
    """Deletes a user, for good or not; exports go on to emit it, inactive."""
    record = change.state.tables["users"].rows[key]
    people.removed(record, change.at, permanently=permanently)
    change.state.tables["users"].put(record)
    return {"id": key}


def create_organization(change: Change, name: str = "New Company", **fields: Any) -> dict[str, Any]:
    """Creates an organization."""
    record = records.organization(change.state.take_id("organization"), change.at, name, **fields)
    change.state.tables["organizations"].put(record)
    return {"id": record["id"]}


def update_organization(change: Change, key: int, **fields: Any) -> dict[str, Any]:
    """Changes an organization."""
    return patch(change, "organizations", key, fields)


def delete_organization(change: Change, key: int) -> dict[str, Any]:
    """Deletes an organization: exports emit it with `deleted_at`."""
    return patch(change, "organizations", key, {"deleted_at": iso(change.at)})


def create_group(change: Change, name: str = "New group") -> dict[str, Any]:
    """Creates a group."""
    fields = {"description": "", "is_public": True, "default": False, "deleted": False}
    return {"id": reference.add(change.state, "groups", change.at, name=name, **fields)["id"]}


def delete_group(change: Change, key: int) -> dict[str, Any]:
    """Deletes a group: lists show it on demand only, with `deleted`."""
    return patch(change, "groups", key, {"deleted": True})


def patch(
    change: Change,
    stream: str,
    key: int,
    fields: Record,
    bump: bool = True,
    drop: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Changes any record as told, without an event.

    Args:
        change: The change.
        stream: Its stream.
        key: Its id.
        fields: New values, whatever they are.
        bump: False to leave the record's clock, and its place in exports, alone.
        drop: Fields to take out.
    """
    table = change.state.tables[stream]
    record = table.rows[key]
    record.update(fields)
    for name in drop:
        del record[name]
    clock = _CLOCKS.get(stream, "updated_at")
    if bump and clock in record:
        record[clock] = iso(change.at) if clock == "updated_at" else change.at
    table.put(record, change.at if bump else table.emitted[key])
    return {"id": key}


def erase(change: Change, stream: str, key: int) -> dict[str, Any]:
    """Takes a record out of its stream without a trace, as lists of reference records do."""
    change.state.tables[stream].remove(key)
    return {"id": key}


RECORD_OPERATIONS: Mapping[str, Operation] = {
    function.__name__: function
    for function in (
        create_user,
        update_user,
        delete_user,
        create_organization,
        update_organization,
        delete_organization,
        create_group,
        delete_group,
        patch,
        erase,
    )
}
