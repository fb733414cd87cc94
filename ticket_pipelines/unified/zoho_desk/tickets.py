"""Tickets of Zoho Desk, the people that they name, and the links that they state.

D4 of the model: a status counts by its label, else by its type; a flag of escalation makes of an open one an escalated
one. `customerResponseTime` is when the contact answered last, so it is no first response and has no column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.zoho_desk.streams.tickets import TICKETS as STREAM
from ticket_pipelines.unified import Mapped, labels
from ticket_pipelines.unified.columns import (
    INSTANT,
    INTEGER,
    TEXT,
    Members,
    child_table,
    column,
    constant,
    direct,
    front,
    unified_table,
)
from ticket_pipelines.unified.labels import STATUSES, Statuses
from ticket_pipelines.unified.links import Link, link_table
from ticket_pipelines.unified.markup import texts_of
from ticket_pipelines.unified.model import AGENTS, CONTACTS, TICKETS
from ticket_pipelines.unified.zoho_desk.parts import VENDOR, Person

NAMES: Mapping[str, str] = {
    "ticket_number": "number",
    "subject": "subject",
    "description": "description_html",
    "status": "status_raw",
    "priority": "priority_raw",
    "classification": "type_raw",
    "category": "category",
    "sub_category": "subcategory",
    "channel": "channel_raw",
    "department_id": "group_id",
    "team_id": "team_id",
    "product_id": "product_id",
    "assignee_id": "assignee_id",
    "contact_id": "requester_id",
    "created_by": "submitter_id",
    "tags": "tags",
    "is_spam": "is_spam",
    "is_escalated": "is_escalated",
    "is_archived": "is_archived",
    "created_time": "created_at",
    "modified_time": "updated_at",
    "closed_time": "closed_at",
    "due_date": "due_at",
    "response_due_date": "sla_due_at",
    "is_over_due": "is_overdue",
    "comment_count": "comment_count",
    "thread_count": "thread_count",
    "attachment_count": "attachment_count",
    "web_url": "url",
    "cf": "custom_fields",
}
"""Column of the vendor table to the unified column with the same value."""

STATUS_TYPES: Mapping[str, str] = {"open": "open", "onhold": "on_hold", "closed": "closed"}
"""Type of a status to the canonical status, for labels that no map knows."""


class Reference(msgspec.Struct, gc=False):
    """Another record, by its id."""

    id: str | int | None = None


_PERSON: Members[Person] = Members(Person)
_REFERENCE: Members[Reference] = Members(Reference)


def rows(tickets: pa.Table, statuses: Statuses = STATUSES[VENDOR]) -> Mapped:
    """Rows of `zoho_desk_tickets` into `tickets`, `contacts`, `agents` and `record_links`."""
    warnings: Counter[str] = Counter()
    base = front(tickets, VENDOR, STREAM.deletions, NAMES)
    plain = direct(tickets, TICKETS, NAMES)
    contacts = _PERSON.decode(tickets, "contact", warnings)
    assignees = _PERSON.decode(tickets, "assignee", warnings)
    columns = {
        **base,
        **plain,
        "record_type": constant(tickets, "ticket"),
        "description_text": texts_of(plain["description_html"]),
        **_status(tickets, plain, base["deleted_at"], statuses, warnings),
        **_labels(plain, warnings),
        "layout_id": pc.coalesce(column(tickets, "layout_id"), _ids(tickets, "layout_details", warnings)),
        # a search names the account with the contact only
        "account_id": pc.coalesce(column(tickets, "account_id"), _accounts(contacts)),
        "system_updated_at": plain["updated_at"],
    }
    tables = {
        "tickets": unified_table(TICKETS, columns, tickets.num_rows),
        "contacts": _people("contacts", base, [*enumerate(contacts), *enumerate(assignees)]),
        "agents": _people("agents", base, [*enumerate(assignees)]),
        "record_links": link_table(base, _links(tickets, base["id"], warnings)),
    }
    return Mapped(tables, warnings)


def status_of(known: Statuses, label: str | None, kind: str | None, escalated: bool | None) -> str | None:
    """Canonical status of a label, the type of the status, and the flag of an escalation."""
    found = known.get(labels.normal(label)) if label is not None else None
    if found is None and (label is None or labels.normal(label) not in known):
        found = STATUS_TYPES.get(labels.normal(kind or ""))
    return "escalated" if escalated and found == "open" else found


def _status(
    tickets: pa.Table,
    plain: Mapping[str, pa.Array],
    deleted_at: pa.Array,
    known: Statuses,
    warnings: Counter[str],
) -> dict[str, pa.Array]:
    given = zip(
        plain["status_raw"].to_pylist(),
        column(tickets, "status_type").to_pylist(),
        plain["is_escalated"].to_pylist(),
        deleted_at.is_valid().to_pylist(),
        strict=True,
    )
    found: list[str | None] = []
    for label, kind, escalated, deleted in given:
        # a deletion is a flag and never a status
        status = None if deleted else status_of(known, label, kind, escalated)
        if status is None and label is not None and not deleted:
            warnings[f"status {label!r} is not mapped"] += 1
        found.append(status)
    statuses = pa.array(found, TEXT)
    return {"status": statuses, "status_category": labels.each_distinct(statuses, labels.category_of, TEXT)}


def _labels(plain: Mapping[str, pa.Array], warnings: Counter[str]) -> dict[str, pa.Array]:
    for label, count in labels.unmapped(plain["priority_raw"], labels.PRIORITIES[VENDOR]).items():
        warnings[f"priority {label!r} is not mapped"] += count
    priority = labels.each_distinct(plain["priority_raw"], partial(labels.priority_of, VENDOR), TEXT)
    return {
        "priority": priority,
        "priority_rank": labels.each_distinct(priority, labels.rank_of, INTEGER),
        "type": labels.each_distinct(plain["type_raw"], partial(labels.type_of, VENDOR), TEXT),
        "channel": labels.each_distinct(plain["channel_raw"], partial(labels.channel_of, VENDOR), TEXT),
    }


def _accounts(contacts: Sequence[Person | None]) -> pa.Array:
    accounts = [contact.account if contact else None for contact in contacts]
    return pa.array([str(one.id) if one and one.id is not None else None for one in accounts], TEXT)


def _ids(tickets: pa.Table, name: str, warnings: Counter[str]) -> pa.Array:
    found = _REFERENCE.decode(tickets, name, warnings)
    return pa.array([str(one.id) if one and one.id is not None else None for one in found], TEXT)


def _people(table: str, base: Mapping[str, pa.Array], named: Sequence[tuple[int, Person | None]]) -> pa.Table:
    """People whom tickets name, each once, below every row of their own: as the ticket says that was read last."""
    read = base["synced_at"].cast(INTEGER).to_pylist()
    order = sorted(named, key=lambda one: read[one[0]] or 0)
    people = {person.key: (parent, person) for parent, person in order if person is not None and person.key}
    spec = CONTACTS if table == "contacts" else AGENTS
    count = len(base["id"])
    lowest = {
        **base,
        "version": pa.repeat(pa.scalar(0, INTEGER), count),
        "deleted_at": pa.nulls(count, INSTANT),
        "deletion_kind": pa.nulls(count, TEXT),
        "unparsed": pa.nulls(count, TEXT),
    }
    found = [_contact(person) if table == "contacts" else _agent(person) for _, person in people.values()]
    return child_table(spec, lowest, [parent for parent, _ in people.values()], found)


def _agent(person: Person) -> dict[str, str | None]:
    return {"id": person.key, "name": person.full_name, "email": person.address}


def _contact(person: Person) -> dict[str, str | None]:
    account = person.account.id if person.account else None
    return {
        **_agent(person),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "phone": person.phone,
        "mobile": person.mobile,
        "account_id": None if account is None else str(account),
    }


def _links(tickets: pa.Table, ids: pa.Array, warnings: Counter[str]) -> list[Link]:
    """A ticket that was split off another one names it."""
    sources = _ids(tickets, "source_ticket", warnings)
    if sources.null_count == len(sources):
        return []
    return [
        Link(parent, key, source, "child_of", ticket_id=key)
        for parent, (key, source) in enumerate(zip(ids.to_pylist(), sources.to_pylist(), strict=True))
        if source is not None and source != key
    ]
