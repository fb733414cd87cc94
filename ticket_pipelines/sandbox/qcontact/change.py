"""Changes of a case, and the events that tell of them: the same for the API and the control plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ticket_pipelines.sandbox.qcontact.state import Entity, Record, State

REFERENCES = {"assigned_to": "User", "contact": "Contact", "created_by": "User", "team": "Team"}
"""Kind of record that a field of a case refers to."""
_KINDS = {"status": "status_change", "assigned_to": "assignment"}


def set_fields(state: State, case: Entity, fields: Mapping[str, Any], at: float, by: int | None) -> list[Record]:
    """Sets fields of a case; each change is an event, fields that change together and have no event of their own one.

    Returns:
        The events.
    """
    changed = {name: value for name, value in fields.items() if case.fields.get(name) != value}
    if not changed:
        return []
    groups: dict[str, list[str]] = {}
    for name in changed:
        groups.setdefault(_KINDS.get(name, "update"), []).append(name)
    events = [
        state.event(case, kind, at, by, **_told(state, case, names, changed, "c__" in names[0]))
        for kind, names in groups.items()
    ]
    case.fields.update(changed)
    case.updated_at = at
    return events


def add_note(state: State, case: Entity, text: str, public: bool, at: float, by: int | None) -> Record:
    """Adds a note, which is an event of the case."""
    case.updated_at = at
    return state.event(case, "note", at, by, subtitle=text, public_note=public)


def display(state: State, name: str, value: Any) -> Any:
    """What people see of a field's value."""
    if name in REFERENCES:
        other = state.entities.get(value) if value else None
        return other.title if other else None
    return value


def _told(state: State, case: Entity, names: list[str], new: Mapping[str, Any], plain: bool) -> Record:
    """The changes of an event: as `changes` for custom fields, else as `formatted_changes`."""
    if plain:
        changes = {name: {"old_value": case.fields.get(name), "new_value": new[name]} for name in names}
        return {"changes": changes, "subtitle": f"Updated {', '.join(names)}"}
    formatted = {
        f"$t.fields.{name}": {
            "field": name,
            "old_value": display(state, name, case.fields.get(name)),
            "new_value": display(state, name, new[name]),
        }
        for name in names
    }
    return {"formatted_changes": formatted}
