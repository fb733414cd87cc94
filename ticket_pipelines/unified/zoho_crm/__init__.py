"""How Zoho CRM's records become unified rows, module by module.

Cases and deals are tickets, told apart by `record_type`; contacts and leads are contacts. They may share a table since
the id of a record is unique in the whole organisation, whichever module it is of (Zoho numbers all records in one row,
and refers to them so: a note names its parent by id). A prefix would break the joins by id for nothing.

Traps: a lookup is `{id}` and may be missing; a note belongs to a record of any module, and only those of cases and
deals are comments; custom fields stand in one object, keyed by their API names; a deletion is a part of a record, laid
over the row, so that a deleted record keeps its content.
"""

from __future__ import annotations

from collections.abc import Mapping

from ticket_pipelines.unified import StreamMapping
from ticket_pipelines.unified.zoho_crm import fields, notes, people, tickets

MAPPINGS: Mapping[str, StreamMapping] = {
    "cases": StreamMapping(tickets.cases, by_status=tickets.cases),
    "deals": StreamMapping(tickets.deals, by_status=tickets.deals),
    "contacts": StreamMapping(people.contacts),
    "leads": StreamMapping(people.leads),
    "accounts": StreamMapping(people.accounts),
    # a note that is moved to a record of another module is no comment any more
    "notes": StreamMapping(notes.rows, owns={"ticket_comments": "id"}),
    "users": StreamMapping(people.users),
    "fields": StreamMapping(fields.rows),
}
"""Mapping of each stream that the unified model holds."""
