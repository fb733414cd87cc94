"""How Zoho Desk's records become unified rows, stream by stream.

A row is a pure function of its own vendor record. Departments and teams are groups; agents are rows of `agents` and of
`contacts`, with the same id; threads and comments are comments. A ticket also gives its contact and its agent, whom
Zoho may show nowhere else: as rows of version 0, which every row of their own replaces.

Traps: statuses may be the company's own, so their type (Open, On Hold, Closed) tells what no label does; texts are HTML
unless said otherwise; an agent's address is `emailId` or `email`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ticket_pipelines.unified import StreamMapping
from ticket_pipelines.unified.zoho_desk import comments, events, fields, people, tickets

MAPPINGS: Mapping[str, StreamMapping] = {
    "tickets": StreamMapping(tickets.rows, owns={"record_links": "ticket_id"}, by_status=tickets.rows),
    "threads": StreamMapping(comments.threads, owns={"attachments": "comment_id"}),
    "comments": StreamMapping(comments.comments, owns={"attachments": "comment_id"}),
    "ticket_history": StreamMapping(events.rows, owns={"ticket_events": "event_id"}),
    "contacts": StreamMapping(people.contacts),
    "accounts": StreamMapping(people.accounts),
    "agents": StreamMapping(people.agents),
    "departments": StreamMapping(people.departments),
    "teams": StreamMapping(people.teams),
    "fields": StreamMapping(fields.rows),
}
"""Mapping of each stream that the unified model holds."""
