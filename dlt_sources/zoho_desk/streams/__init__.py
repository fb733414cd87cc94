"""The streams of Zoho Desk as data."""

from __future__ import annotations

from dlt_sources.base import Stream
from dlt_sources.zoho_desk.streams.account import FIELDS, TICKET_TAGS
from dlt_sources.zoho_desk.streams.conversations import COMMENTS, THREADS, TICKET_HISTORY, TICKET_METRICS
from dlt_sources.zoho_desk.streams.people import ACCOUNTS, AGENTS, CONTACTS, DEPARTMENTS, TEAMS
from dlt_sources.zoho_desk.streams.tickets import TICKETS

STREAMS: tuple[Stream, ...] = tuple(
    sorted(
        (
            TICKETS,
            THREADS,
            COMMENTS,
            CONTACTS,
            ACCOUNTS,
            AGENTS,
            DEPARTMENTS,
            TEAMS,
            FIELDS,
            TICKET_TAGS,
            TICKET_HISTORY,
            TICKET_METRICS,
        ),
        key=lambda stream: stream.priority,
    )
)
"""In reading order."""
