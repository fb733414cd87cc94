"""How Zendesk's records become unified rows, stream by stream.

A row is a pure function of its own vendor record: nothing here looks at another stream. Flow of one call: rows of the
vendor table, its plain columns renamed, its nested members decoded once a page, unified tables. Traps: `status` in the
exports is the category of a custom status already; `deleted` is a status in the exports and a flag with us; the
children of an event name the changed field as a key (`{"status": "open"}`) or, as audits do, in `field_name`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ticket_pipelines.unified import StreamMapping
from ticket_pipelines.unified.zendesk import comments, events, fields, people, tickets

MAPPINGS: Mapping[str, StreamMapping] = {
    "tickets": StreamMapping(tickets.rows, owns={"record_links": "ticket_id"}, by_status=tickets.rows),
    "ticket_events": StreamMapping(events.rows, owns={"ticket_events": "event_id", "record_links": "event_id"}),
    "ticket_comments": StreamMapping(comments.rows, owns={"attachments": "comment_id"}),
    "users": StreamMapping(people.users, owns={"agents": "id"}),
    "organizations": StreamMapping(people.organizations),
    "groups": StreamMapping(people.groups),
    "ticket_fields": StreamMapping(fields.ticket_fields),
    "user_fields": StreamMapping(fields.user_fields),
    "organization_fields": StreamMapping(fields.organization_fields),
}
"""Mapping of each stream that the unified model holds."""
