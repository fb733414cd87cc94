"""History of Zoho Desk's tickets: one row per property that an event names, or one for an event that names none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pyarrow as pa

from dlt_sources.zoho_desk.streams.conversations import TICKET_HISTORY as STREAM
from ticket_pipelines.unified import Mapped
from ticket_pipelines.unified.columns import INSTANT, Members, child_table, column, front
from ticket_pipelines.unified.labels import normal
from ticket_pipelines.unified.model import TICKET_EVENTS
from ticket_pipelines.unified.zoho_desk.parts import VENDOR

NAMES: Mapping[str, str] = {"ticket_id": "ticket_id", "event_time": "occurred_at", "source": "via"}
KINDS: Mapping[str, str] = {
    "TicketCreated": "create",
    "TicketDeleted": "delete",
    "TicketRestored": "restore",
    "TicketEscalated": "sla",
}
"""Kind of event by the vendor's name; others by how it begins."""
BEGINNINGS = (("TicketMerged", "merge"), ("Comment", "comment"), ("Thread", "comment"), ("SLA", "sla"))
_ASSIGNED = frozenset({"assigneeid", "assignee", "caseowner", "ticketowner", "teamid", "team", "departmentid"})
"""Properties whose change gives the ticket to somebody, as they are compared."""
_AGENT, _CONTACT = "agent", "contact"


class Actor(msgspec.Struct, gc=False):
    """Who did it: an agent, a contact, or one of Zoho's own rules."""

    id: str | int | None = None
    type: str | None = None


class Property(msgspec.Struct, gc=False, rename="camel"):
    """What an event says of one property."""

    property_name: str | None = None
    property_value: msgspec.Raw = msgspec.Raw(b"null")


_ACTOR: Members[Actor] = Members(Actor)
_INFO: Members[list[Property]] = Members(list[Property])


def rows(found: pa.Table) -> Mapped:
    """Rows of `zoho_desk_ticket_history` into `ticket_events`."""
    warnings: Counter[str] = Counter()
    base = front(found, VENDOR, STREAM.deletions, NAMES)
    names = column(found, "event_name").to_pylist()
    actors = _ACTOR.decode(found, "actor", warnings)
    infos = _INFO.decode(found, "event_info", warnings)
    fixed = zip(
        base["id"].to_pylist(),
        column(found, "ticket_id").to_pylist(),
        column(found, "event_time", INSTANT).to_pylist(),
        column(found, "source").to_pylist(),
        strict=True,
    )
    parents: list[int] = []
    made: list[dict[str, Any]] = []
    for parent, (key, ticket, at, via) in enumerate(fixed):
        said = {"event_id": key, "ticket_id": ticket, "occurred_at": at, "via": via, **_who(actors[parent])}
        for position, change in enumerate(changes(names[parent], infos[parent] or [])):
            parents.append(parent)
            made.append({"id": f"{key}:{position}", **said, **change})
    return Mapped({"ticket_events": child_table(TICKET_EVENTS, base, parents, made)}, warnings)


def changes(name: str | None, info: list[Property]) -> Iterator[dict[str, str | None]]:
    """What an event did, property by property; never nothing."""
    for one in info or [Property()]:
        field = None if one.property_name is None else _field(one.property_name)
        old, new = _values(one.property_value)
        yield {
            "field": field,
            "old_value": old,
            "new_value": new,
            "event_type_raw": name,
            "event_type": kind_of(name, field),
        }


def kind_of(name: str | None, field: str | None) -> str | None:
    """Kind of event in our words; None for one that the model does not name."""
    if name is None:
        return None
    known = KINDS.get(name) or next((kind for start, kind in BEGINNINGS if name.startswith(start)), None)
    if known is not None or field is None:
        return known
    return "assign" if normal(field) in _ASSIGNED else "change"


def _field(name: str) -> str:
    # the view of reopened tickets looks for one spelling
    return "status" if normal(name) == "status" else name


def _values(raw: msgspec.Raw) -> tuple[str | None, str | None]:
    value: Any = msgspec.json.decode(raw)
    if isinstance(value, dict) and {"previousValue", "updatedValue"} & set(value):
        return _text(value.get("previousValue")), _text(value.get("updatedValue"))
    return None, _text(value)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict) and value.get("id") is not None:
        return str(value["id"])
    return msgspec.json.encode(value).decode()


def _who(actor: Actor | None) -> dict[str, Any]:
    kind = (actor.type if actor else None) or ""
    person = kind.lower() if kind.lower() in (_AGENT, _CONTACT) else None
    return {
        "actor_id": str(actor.id) if actor and actor.id is not None else None,
        "actor_type": person or ("system" if kind else None),
        "is_system": None if not kind else person is None,
    }
