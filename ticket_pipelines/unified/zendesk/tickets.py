"""Tickets of Zendesk, and the links that a ticket's own record states.

Links: an incident names its problem (`problem_id`: incident_of), a closed ticket names what follows it up
(`followup_ids`: the other one is a follow_up of it). A merge is stated by an event (`events.py`); a ticket itself only
carries the tag `closed_by_merge`, which does not say into which ticket.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import partial

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.zendesk.streams.tickets import TICKETS as STREAM
from ticket_pipelines.unified import Mapped, labels
from ticket_pipelines.unified.columns import (
    INTEGER,
    TEXT,
    Members,
    column,
    constant,
    direct,
    front,
    instants,
    millis_to_instants,
    unified_table,
)
from ticket_pipelines.unified.labels import STATUSES, Statuses
from ticket_pipelines.unified.links import Link, link_table
from ticket_pipelines.unified.model import TICKETS

VENDOR = "zendesk"
NAMES: Mapping[str, str] = {
    "subject": "subject",
    "description": "description_text",
    "status": "status_raw",
    "custom_status_id": "status_id_raw",
    "priority": "priority_raw",
    "type": "type_raw",
    "group_id": "group_id",
    "brand_id": "brand_id",
    "ticket_form_id": "form_id",
    "assignee_id": "assignee_id",
    "requester_id": "requester_id",
    "submitter_id": "submitter_id",
    "organization_id": "account_id",
    "external_id": "external_id",
    "problem_id": "problem_id",
    "tags": "tags",
    "is_public": "is_public",
    "has_incidents": "has_incidents",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "due_at": "due_at",
}
"""Column of the vendor table to the unified column with the same value."""


class Via(msgspec.Struct, gc=False):
    """How a ticket came; the channel is a number on some old ones."""

    channel: str | int | None = None


class Rating(msgspec.Struct, gc=False):
    """The requester's rating, embedded in the ticket."""

    score: str | None = None
    comment: str | None = None


class MetricSet(msgspec.Struct, gc=False):
    """What the unified row takes from Zendesk's own metrics, embedded in the ticket (contract, section 5.7)."""

    assigned_at: datetime | None = None
    solved_at: datetime | None = None
    status_updated_at: datetime | None = None
    reopens: int | None = None
    replies: int | None = None


class Field(msgspec.Struct, gc=False):
    """One custom field of a ticket; the value's bytes pass through as they are."""

    id: int | str
    value: msgspec.Raw = msgspec.Raw(b"null")


_VIA: Members[Via] = Members(Via)
_RATING: Members[Rating] = Members(Rating)
_METRICS: Members[MetricSet] = Members(MetricSet)
_FIELDS: Members[list[Field]] = Members(list[Field])
_IDS: Members[list[int | str]] = Members(list[int | str])


def rows(tickets: pa.Table, statuses: Statuses = STATUSES[VENDOR]) -> Mapped:
    """Rows of `zendesk_tickets` into `tickets` and `record_links`."""
    warnings: Counter[str] = Counter()
    base = front(tickets, VENDOR, STREAM.deletions, NAMES)
    plain = direct(tickets, TICKETS, NAMES)
    columns = {
        **base,
        **plain,
        "record_type": constant(tickets, "ticket"),
        "number": base["id"],
        **_labels(plain, statuses, warnings),
        **_channel(tickets, warnings),
        **_metrics(tickets, plain["status_raw"], warnings),
        **_rating(tickets, warnings),
        "system_updated_at": millis_to_instants(pc.multiply(column(tickets, "generated_timestamp", INTEGER), 1000)),
        "url": agent_url(column(tickets, "url")),
        "custom_fields": _custom_fields(tickets, warnings),
    }
    links = _links(tickets, base["id"], plain["problem_id"], warnings)
    tables = {"tickets": unified_table(TICKETS, columns, tickets.num_rows), "record_links": link_table(base, links)}
    return Mapped(tables, warnings)


def agent_url(api_url: pa.Array) -> pa.Array:
    """Address of the page that agents see, made of the address in the API."""
    return pc.replace_substring_regex(api_url, r"/api/v2/tickets/(\d+)(\.json)?$", r"/agent/tickets/\1")


def _labels(plain: Mapping[str, pa.Array], statuses: Statuses, warnings: Counter[str]) -> dict[str, pa.Array]:
    for kind, known in (("status", statuses), ("priority", labels.PRIORITIES[VENDOR])):
        for label, count in labels.unmapped(plain[f"{kind}_raw"], known).items():
            warnings[f"{kind} {label!r} is not mapped"] += count
    status = _status(plain, statuses)
    priority = labels.each_distinct(plain["priority_raw"], partial(labels.priority_of, VENDOR), TEXT)
    return {
        "status": status,
        "status_category": labels.each_distinct(status, labels.category_of, TEXT),
        "priority": priority,
        "priority_rank": labels.each_distinct(priority, labels.rank_of, INTEGER),
        "type": labels.each_distinct(plain["type_raw"], partial(labels.type_of, VENDOR), TEXT),
    }


def _status(plain: Mapping[str, pa.Array], statuses: Statuses) -> pa.Array:
    """The status of each ticket: by its custom status, where the desk says what that means, else by its category."""
    by_category = labels.each_distinct(plain["status_raw"], partial(labels.status_of, statuses), TEXT)
    own = labels.each_distinct(plain["status_id_raw"], partial(labels.status_of, statuses), TEXT)
    # a deleted ticket keeps its custom status
    return pc.if_else(pc.is_null(by_category), by_category, pc.coalesce(own, by_category))


def _channel(tickets: pa.Table, warnings: Counter[str]) -> dict[str, pa.Array]:
    decoded = _VIA.decode(tickets, "via", warnings)
    words = [None if via is None or via.channel is None else str(via.channel) for via in decoded]
    raw = pa.array(words, TEXT)
    return {"channel_raw": raw, "channel": labels.each_distinct(raw, partial(labels.channel_of, VENDOR), TEXT)}


def _metrics(tickets: pa.Table, status: pa.Array, warnings: Counter[str]) -> dict[str, pa.Array]:
    nothing = MetricSet()
    sets = [metrics or nothing for metrics in _METRICS.decode(tickets, "metric_set", warnings)]
    status_updated_at = instants([metrics.status_updated_at for metrics in sets])
    # `closed` is Zendesk's last status: nothing comes after it, so the last change of status is the closing
    closed = pc.fill_null(pc.equal(status, "closed"), False)
    return {
        "assigned_at": instants([metrics.assigned_at for metrics in sets]),
        "solved_at": instants([metrics.solved_at for metrics in sets]),
        "closed_at": pc.if_else(closed, status_updated_at, pa.scalar(None, status_updated_at.type)),
        "reopen_count": pa.array([metrics.reopens for metrics in sets], INTEGER),
        "reply_count": pa.array([metrics.replies for metrics in sets], INTEGER),
    }


def _rating(tickets: pa.Table, warnings: Counter[str]) -> dict[str, pa.Array]:
    ratings = _RATING.decode(tickets, "satisfaction_rating", warnings)
    return {
        "satisfaction_score": pa.array([rating and rating.score for rating in ratings], TEXT),
        "satisfaction_comment": pa.array([rating and rating.comment for rating in ratings], TEXT),
    }


def _custom_fields(tickets: pa.Table, warnings: Counter[str]) -> pa.Array:
    encode = msgspec.json.encode
    decoded = _FIELDS.decode(tickets, "custom_fields", warnings)
    objects = [None if found is None else encode({field.id: field.value for field in found}) for found in decoded]
    return pa.array(objects, TEXT)


def _links(tickets: pa.Table, ids: pa.Array, problems: pa.Array, warnings: Counter[str]) -> list[Link]:
    links: list[Link] = []
    if problems.null_count < len(problems):
        for parent, problem in enumerate(problems.to_pylist()):
            if problem is not None:
                ticket = ids[parent].as_py()
                links.append(Link(parent, ticket, problem, "incident_of", ticket_id=ticket))
    for parent, followups in enumerate(_IDS.decode(tickets, "followup_ids", warnings)):
        for followup in followups or ():
            ticket = ids[parent].as_py()
            links.append(Link(parent, str(followup), ticket, "follow_up", ticket_id=ticket))
    return links
