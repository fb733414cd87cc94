"""Changes that people ask for: checked, with what the warehouse holds as their base, into the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.errors import UsageError
from ticket_pipelines.project import Project
from ticket_pipelines.writeback.entry import ASSIGNMENT_FIELD, Entry, drafts
from ticket_pipelines.writeback.outbox import Outbox
from ticket_pipelines.writeback.push import written
from ticket_pipelines.writeback.stored import stored_tickets

_OURS = {"assignee_id": ASSIGNMENT_FIELD, "status_raw": "status"}
"""Columns of `helpdesk.tickets` that are fields of the vendor under another name."""


def add_change(
    project: Project,
    key: str,
    ticket: str,
    fields: Mapping[str, Any],
    note: str | None = None,
    *,
    public: bool = False,
) -> list[Entry]:
    """Puts a change of a ticket into the outbox.

    Args:
        project: The installation.
        key: Key of the desk.
        ticket: The vendor's id of the ticket.
        fields: New values by the vendor's field; null clears. A status may be a canonical one.
        note: Text of a note.
        public: Whether the customer sees the note.

    Returns:
        Its entries: status, assignment, other fields, note.

    Raises:
        UsageError: There is no such desk, its vendor cannot be written, or there is nothing to write.
        WarehouseUnavailableError: What the ticket is now cannot be read.
    """
    desk = project.desks.get(key)
    written(desk)
    given = {_OURS.get(name, name): value for name, value in fields.items()}
    _check(desk, ticket, given, note)
    stored = stored_tickets(project.warehouse, desk, [ticket]).get(ticket)
    base = stored.fields(given) if stored else {}
    made = drafts(ticket, given, note, public=public, base=base, base_version=stored.version if stored else None)
    return Outbox(project.control, project.vault).add(key, made)


def _check(desk: Desk, ticket: str, fields: Mapping[str, Any], note: str | None) -> None:
    vendor = find_vendor(desk.vendor)
    if not ticket.strip() or (vendor.numeric_ids and not (ticket.isascii() and ticket.isdecimal())):
        raise UsageError(f"{ticket[:60]!r} is no id of {vendor.title}: its ids are whole numbers")
    if not fields and note is None:
        raise UsageError("nothing to write: give --set FIELD=VALUE or --note TEXT")
    if note is not None and not note.strip():
        raise UsageError("a note needs a text")
    if fields.get("status", "") is None:
        raise UsageError("a status cannot be cleared: give --set status=VALUE")
