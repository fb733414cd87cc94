"""Operations on the fields of tickets, users and organizations (`entity`: ticket, user or organization)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ticket_pipelines.sandbox.clock import iso
from ticket_pipelines.sandbox.zendesk import reference
from ticket_pipelines.sandbox.zendesk.change import Change, Operation
from ticket_pipelines.sandbox.zendesk.table import Record


def add_field(
    change: Change,
    title: str,
    kind: str = "text",
    entity: str = "ticket",
) -> dict[str, Any]:
    """Creates a field; tickets carry it once they are created or changed."""
    return {"id": reference.add_field(change.state, entity, change.at, title, kind)["id"]}


def retitle_field(change: Change, key: int, title: str, entity: str = "ticket") -> dict[str, Any]:
    """Gives a field another title."""
    return _saved(change, entity, {**_field(change, entity, key), "title": title, "raw_title": title})


def delete_field(change: Change, key: int, entity: str = "ticket") -> dict[str, Any]:
    """Deletes a field; its values vanish from tickets, none of which is emitted again for it."""
    change.state.tables[f"{entity}_fields"].remove(key)
    if entity == "ticket":
        table = change.state.tables["tickets"]
        for record in table.rows.values():
            kept = [value for value in record["custom_fields"] if value["id"] != key]
            record["custom_fields"] = record["fields"] = kept
        table.changed()
    return {"id": key}


def add_option(change: Change, key: int, name: str, entity: str = "ticket") -> dict[str, Any]:
    """Adds an option to a drop-down field."""
    record = _field(change, entity, key)
    added = reference.option(change.state, name)
    _saved(change, entity, {**record, "custom_field_options": [*record["custom_field_options"], added]})
    return {"id": key, "option": added["id"], "value": added["value"]}


def delete_option(change: Change, key: int, value: str, entity: str = "ticket") -> dict[str, Any]:
    """Deletes an option; tickets that hold its value keep it."""
    record = _field(change, entity, key)
    kept = [option for option in record["custom_field_options"] if option["value"] != value]
    return _saved(change, entity, {**record, "custom_field_options": kept})


def _field(change: Change, entity: str, key: int) -> Record:
    return change.state.tables[f"{entity}_fields"].rows[key]


def _saved(change: Change, entity: str, record: Record) -> dict[str, Any]:
    change.state.tables[f"{entity}_fields"].put({**record, "updated_at": iso(change.at)})
    return {"id": record["id"]}


FIELD_OPERATIONS: Mapping[str, Operation] = {
    function.__name__: function for function in (add_field, retitle_field, delete_field, add_option, delete_option)
}
