"""The view `ticket_details`: one row a ticket, with the names, addresses and labels that its ids stand for.

Where another table holds what the ticket's own record lacks (the first comment's HTML, the first response, counts),
that fills the column of the same name; what nothing holds stays NULL. Counts are NULL, not 0, where nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable

from ticket_pipelines.unified.dialects import Dialect
from ticket_pipelines.unified.field_values import options_query
from ticket_pipelines.unified.labels import STATUSES, category_of
from ticket_pipelines.unified.model import TICKETS
from ticket_pipelines.warehouse.base import SCHEMA

_FILLED = {
    "description_html": "coalesce(ticket.description_html, opening.body_html)",
    "first_response_at": "coalesce(ticket.first_response_at, comments.first_response_at)",
    "reopened_at": "coalesce(ticket.reopened_at, events.reopened_at)",
    "comment_count": "coalesce(ticket.comment_count, nullif(comments.comment_count, 0))",
    "attachment_count": "coalesce(ticket.attachment_count, nullif(files.attachment_count, 0))",
}
"""Columns of `tickets` that another table may fill."""

_JOINED = {
    "status_label": "coalesce(statuses.label, ticket.status_raw)",
    "group_name": "team.name",
    "assignee_name": "assignee.name",
    "assignee_email": "assignee.email",
    "requester_name": "requester.name",
    "requester_email": "requester.email",
    "requester_phone": "coalesce(requester.phone, requester.mobile)",
    "submitter_name": "submitter.name",
    "submitter_email": "submitter.email",
    "account_name": "account.name",
    "public_comment_count": "CASE WHEN comments.comment_count > 0 THEN comments.public_comment_count END",
    "last_comment_at": "comments.last_comment_at",
    "merged_into_id": "merges.merged_into_id",
}
"""Columns that only the view has."""


def details(dialect: Dialect) -> str:
    """SELECT of the view."""
    own = [f"{_FILLED.get(name, f'ticket.{name}')} AS {name}" for name in TICKETS.kinds()]
    joined = [f"{source} AS {name}" for name, source in _JOINED.items()]
    columns = ",\n    ".join([*own, *joined])
    return f"""
SELECT {columns}
FROM {SCHEMA}.tickets AS ticket
{_row("groups", "team", "group_id")}
{_row("contacts", "assignee", "assignee_id")}
{_row("contacts", "requester", "requester_id")}
{_row("contacts", "submitter", "submitter_id")}
{_row("accounts", "account", "account_id")}
LEFT JOIN ({_statuses(dialect)}) AS statuses ON statuses.desk = ticket.desk AND statuses.value = ticket.status_id_raw
LEFT JOIN ({_OPENING}) AS opening ON opening.desk = ticket.desk AND opening.ticket_id = ticket.id
    AND opening.created_at <= ticket.created_at + INTERVAL '60' SECOND
    AND coalesce(ticket.deletion_kind, '') <> 'erased'
LEFT JOIN ({_COMMENTS}) AS comments ON comments.desk = ticket.desk AND comments.ticket_id = ticket.id
LEFT JOIN ({_FILES}) AS files ON files.desk = ticket.desk AND files.ticket_id = ticket.id
LEFT JOIN ({_events()}) AS events ON events.desk = ticket.desk AND events.ticket_id = ticket.id
LEFT JOIN ({_MERGES}) AS merges ON merges.desk = ticket.desk AND merges.ticket_id = ticket.id
""".strip()


_OPENING = f"""
    SELECT DISTINCT ON (desk, ticket_id) desk, ticket_id, created_at, body_html
    FROM {SCHEMA}.ticket_comments
    WHERE deleted_at IS NULL
    ORDER BY desk, ticket_id, created_at, length(id), id
"""
"""The earliest comment held of each ticket; whether it opened the ticket, its time says."""

_COMMENTS = f"""
    SELECT comment.desk AS desk, comment.ticket_id AS ticket_id,
        CAST(count(*) AS bigint) AS comment_count,
        CAST(count(CASE WHEN comment.is_public THEN 1 END) AS bigint) AS public_comment_count,
        max(comment.created_at) AS last_comment_at,
        min(CASE WHEN comment.is_public AND agent.id <> '' AND comment.created_at > ticket.created_at
            AND comment.author_id <> coalesce(ticket.requester_id, '') THEN comment.created_at END) AS first_response_at
    FROM {SCHEMA}.ticket_comments AS comment
    LEFT JOIN {SCHEMA}.agents AS agent ON agent.desk = comment.desk AND agent.id = comment.author_id
    LEFT JOIN {SCHEMA}.tickets AS ticket ON ticket.desk = comment.desk AND ticket.id = comment.ticket_id
    WHERE comment.deleted_at IS NULL
    GROUP BY comment.desk, comment.ticket_id
"""
"""The first response is an agent's first public comment after the one that opened the ticket."""

_FILES = f"""
    SELECT desk, ticket_id, CAST(count(*) AS bigint) AS attachment_count
    FROM {SCHEMA}.attachments WHERE deleted_at IS NULL GROUP BY desk, ticket_id
"""

_MERGES = f"""
    SELECT from_desk AS desk, from_id AS ticket_id, min(to_id) AS merged_into_id
    FROM {SCHEMA}.record_links
    WHERE link_type = 'duplicate' AND status = 'confirmed' AND deleted_at IS NULL
        AND from_table = 'tickets' AND to_table = 'tickets' AND to_desk = from_desk
    GROUP BY from_desk, from_id
"""


def _row(table: str, alias: str, column: str) -> str:
    return f"LEFT JOIN {SCHEMA}.{table} AS {alias} ON {alias}.desk = ticket.desk AND {alias}.id = ticket.{column}"


def _statuses(dialect: Dialect) -> str:
    """Labels of statuses that the company defined: the options of its status field."""
    return f"""
    SELECT desk, value, min(label) AS label
    FROM ({options_query(dialect)}) AS options WHERE data_type_raw = 'custom_status' GROUP BY desk, value
"""


def _events() -> str:
    """Times that only events tell: the last change from a closing status back to another one."""
    closed = _labels("old_value", lambda category: category == "closed")
    reopened = _labels("new_value", lambda category: category not in (None, "closed"))
    return f"""
    SELECT desk, ticket_id, max(occurred_at) AS reopened_at
    FROM {SCHEMA}.ticket_events
    WHERE deleted_at IS NULL AND field = 'status' AND event_type = 'change' AND ({closed}) AND ({reopened})
    GROUP BY desk, ticket_id
"""


def _labels(column: str, wanted: Callable[[str | None], bool]) -> str:
    """True where a vendor's status label is of a wanted category, by the same map that the rows are made with."""
    spelled = f"lower(replace({column}, ' ', ''))"
    chosen = {
        vendor: ", ".join(f"'{label}'" for label, status in known.items() if wanted(category_of(status)))
        for vendor, known in STATUSES.items()
    }
    return " OR ".join(f"vendor = '{vendor}' AND {spelled} IN ({labels})" for vendor, labels in chosen.items())
