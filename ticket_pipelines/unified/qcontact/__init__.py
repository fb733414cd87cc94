"""How QContact's records become unified rows, stream by stream.

A row is a pure function of its own vendor record. Cases name their contact, the users who work on them and their team
by id and label: these are rows of `contacts`, `agents` and `groups`, of version 0, which every row of their own
replaces. An event names its user by e-mail alone: such a user is a row whose id is the address.

Traps: category and subcategory are one text; a case is called by its title and reference together; events that change
something say so in one of two members.
"""

from __future__ import annotations

from collections.abc import Mapping

from ticket_pipelines.unified import StreamMapping
from ticket_pipelines.unified.qcontact import events, fields, people, tickets

MAPPINGS: Mapping[str, StreamMapping] = {
    "cases": StreamMapping(tickets.rows, by_status=tickets.rows),
    "case_events": StreamMapping(events.rows, owns={"ticket_events": "event_id"}),
    "case_columns": StreamMapping(fields.rows),
    "contacts": StreamMapping(people.contacts),
    "users": StreamMapping(people.users),
}
"""Mapping of each stream that the unified model holds."""
