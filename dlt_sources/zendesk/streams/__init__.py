"""All streams of Zendesk as data: columns, clocks, deletions, paging, plan (contract, sections 2 and 5)."""

from __future__ import annotations

from dlt_sources.base import Stream
from dlt_sources.zendesk.streams.account import (
    BRANDS,
    CUSTOM_STATUSES,
    MACROS,
    ORGANIZATION_FIELDS,
    SCHEDULES,
    SLA_POLICIES,
    TAGS,
    TICKET_FIELDS,
    TICKET_FORMS,
    USER_FIELDS,
)
from dlt_sources.zendesk.streams.people import GROUP_MEMBERSHIPS, GROUPS, ORGANIZATIONS, USERS
from dlt_sources.zendesk.streams.tickets import (
    SATISFACTION_RATINGS,
    TICKET_COMMENTS,
    TICKET_EVENTS,
    TICKET_METRIC_EVENTS,
    TICKETS,
)

STREAMS: tuple[Stream, ...] = tuple(
    sorted(
        (
            TICKETS,
            TICKET_EVENTS,
            TICKET_METRIC_EVENTS,
            SATISFACTION_RATINGS,
            TICKET_COMMENTS,
            USERS,
            ORGANIZATIONS,
            GROUPS,
            GROUP_MEMBERSHIPS,
            BRANDS,
            TICKET_FIELDS,
            USER_FIELDS,
            ORGANIZATION_FIELDS,
            TICKET_FORMS,
            CUSTOM_STATUSES,
            SLA_POLICIES,
            SCHEDULES,
            TAGS,
            MACROS,
        ),
        key=lambda stream: stream.priority,
    )
)
"""In reading order."""
