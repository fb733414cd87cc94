"""A record as the list and as its own page show it (contract, section 2.2)."""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sandbox.qcontact import texts
from ticket_pipelines.sandbox.qcontact.change import REFERENCES, display
from ticket_pipelines.sandbox.qcontact.settings import STATUS_LABELS, Settings
from ticket_pipelines.sandbox.qcontact.state import CASE, Entity, Record, State, moment

ICONS = {"Case": "fa-ticket", "Contact": "fa-user", "User": "fa-headset", "Team": "fa-users"}
_TOKENS = {label: token for token, label in STATUS_LABELS.items()}
_NAMED = ("assigned_to", "category", "contact")
_COLORS = ("#d9534f", "#5bc0de", "#5cb85c")


def label(entity: Entity) -> str:
    """A case is called by its title and reference, and one without a title still has the space before it."""
    return f"{entity.title} {entity.fields['reference']}" if entity.kind == CASE else entity.title


def row(state: State, entity: Entity) -> Record:
    """A row of a list: what people see and, below the same name with `__`, the raw value; no `updated_at`."""
    found: Record = {**_head(entity), "created_at": moment(entity.created_at)}
    custom = [name for name in entity.fields if name.startswith("c__")]
    if entity.kind != CASE:
        return {**found, **entity.fields}
    for name in (*_NAMED, *custom):
        value = entity.fields.get(name)
        found[name] = texts.JOB_TYPES.get(str(value), value) if name == "c__job_type" else display(state, name, value)
        found[f"__{name}"] = value
    status = entity.fields["status"]
    found |= {"status": status, "__status": _TOKENS.get(status, status)}
    return found | {"__status__color": _COLORS[len(status) % 3], "__category__color": _COLORS[0]}


def detail(state: State, entity: Entity, settings: Settings) -> Record:
    """A record's own page; names of what it refers to stand only in `relationships`."""
    others = {
        name: _related(state, kind, entity.fields[name]) for name, kind in REFERENCES.items() if entity.fields.get(name)
    }
    found: Record = {**_head(entity), "created_at": moment(entity.created_at)}
    if settings.detail_updated_at:
        found["updated_at"] = moment(entity.updated_at)
    if entity.gone:
        found["deleted"] = True
    hidden = ("created_by", "team")
    fields = {name: value for name, value in entity.fields.items() if name not in hidden}
    return {**found, "fields": fields, "relationships": others}


def columns(state: State, kind: str) -> list[Record]:
    """The columns that a list describes."""
    names: dict[str, Any] = {}
    for entity in state.of(kind):
        names |= entity.fields
    shown = {"status": "Status", "category": "Category", "assigned_to": "Assigned to", "contact": "Contact"}
    types = {"status": "state", "category": "option", "assigned_to": "relationship", "contact": "relationship"}
    custom = sorted(name for name in names if name.startswith("c__"))
    plain = [*(name for name in shown if name in names), *custom]
    head = [
        {"name": "label", "label": "Label", "type": "string"},
        {"name": "created_at", "label": "Created at", "type": "datetime"},
    ]
    return head + [
        {
            "name": name,
            "label": shown.get(name, name.removeprefix("c__").replace("_", " ").capitalize()),
            "type": "option" if name == "c__job_type" else types.get(name, "string"),
        }
        for name in plain
    ]


def _head(entity: Entity) -> Record:
    return {"id": entity.id, "entity_type": entity.kind, "label": label(entity), "icon": ICONS[entity.kind]}


def _related(state: State, kind: str, key: int) -> Record:
    other = state.entities[key]
    shown = {
        "id": key,
        "type": kind.lower(),
        "label": other.title,
        "icon": ICONS[kind],
        "entity_type": kind,
        "deleted": bool(other.gone),
    }
    return shown | ({"source": "Import", "status": "Active"} if kind == "Contact" else {})
