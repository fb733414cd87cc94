"""Ticket events of Zendesk: one row per thing an event did, its comments, their files, and the merges it states.

A child of an event is one of three things (contract, section 5.4): a comment in full (`comment_events` is sideloaded),
a changed field as a key of the child (`{"status": "open", "previous_value": "new"}`; custom fields below
`custom_ticket_fields`), or, as in audits, `field_name` beside `value`. A row's id is `<event id>:<position>`, position
counting the children from 0; should one child name several fields, the second and further ones get `.1`, `.2`, …

`merged_ticket_ids` names the tickets that were merged into the event's ticket: each becomes a link `duplicate` from the
ticket that was closed to the one that goes on, method `sync` because the vendor itself says so. `mirrors` is for one
case kept in two systems, which a merge is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.zendesk.streams.tickets import TICKET_EVENTS as STREAM
from ticket_pipelines.unified import Mapped
from ticket_pipelines.unified.columns import (
    INSTANT,
    INTEGER,
    Members,
    child_table,
    column,
    front,
    millis_to_instants,
    unparsed,
)
from ticket_pipelines.unified.links import Link, link_table
from ticket_pipelines.unified.model import TICKET_EVENTS
from ticket_pipelines.unified.zendesk.changes import Change, Child, as_text, changes, is_comment, kind_of, via_word
from ticket_pipelines.unified.zendesk.comments import SYSTEM, Attachment, Call, Comment, comment_tables, first_given

Shape = TypeVar("Shape")

VENDOR = "zendesk"
NAMES: Mapping[str, str] = {"ticket_id": "ticket_id", "updater_id": "actor_id"}
COMMENT_NAMES: Mapping[str, str] = {"ticket_id": "ticket_id"}

_CHILDREN: Members[list[Child]] = Members(list[Child])
_IDS: Members[list[int | str]] = Members(list[int | str])


@dataclass(frozen=True, slots=True)
class Event:
    """What the children of an event take from it.

    Attributes:
        parent: Position of its row.
        id: The vendor's id.
        ticket_id: Its ticket.
        actor_id: Who did it; -1 is the system.
        via: The vendor's word for the channel.
        occurred_at: When.
    """

    parent: int
    id: str
    ticket_id: str | None
    actor_id: str | None
    via: str | None
    occurred_at: datetime | None


def rows(found: pa.Table) -> Mapped:
    """Rows of `zendesk_ticket_events` into `ticket_events`, `ticket_comments`, `attachments` and `record_links`."""
    warnings: Counter[str] = Counter()
    base = front(found, VENDOR, STREAM.deletions, NAMES)
    events = _events(found)
    children = _CHILDREN.decode(found, "child_events", warnings)
    merged = _IDS.decode(found, "merged_ticket_ids", warnings)
    done: list[dict[str, Any]] = []
    parents: list[int] = []
    comments: list[Comment] = []
    links: list[Link] = []
    for event, own, losers in zip(events, children, merged, strict=True):
        for row in _event_rows(event, own or [], losers or []):
            done.append(row)
            parents.append(event.parent)
        comments.extend(_comments(event, own or [], warnings))
        links.extend(_merges(event, losers or []))
    tables = {
        "ticket_events": child_table(TICKET_EVENTS, base, parents, done),
        **comment_tables({**base, "unparsed": unparsed(column(found, "unparsed"), COMMENT_NAMES)}, comments),
        "record_links": link_table(base, links),
    }
    return Mapped(tables, warnings)


def _events(found: pa.Table) -> list[Event]:
    seconds = column(found, "timestamp", INTEGER)
    occurred = pc.coalesce(column(found, "created_at", INSTANT), millis_to_instants(pc.multiply(seconds, 1000)))
    texts = (column(found, name).to_pylist() for name in ("id", "ticket_id", "updater_id", "via"))
    return [
        Event(parent, key, ticket_id, actor_id, via, at)
        for parent, (key, ticket_id, actor_id, via, at) in enumerate(zip(*texts, occurred.to_pylist(), strict=True))
    ]


def _event_rows(event: Event, children: list[Child], losers: list[int | str]) -> Iterator[dict[str, Any]]:
    for position, child in enumerate(children):
        for further, change in enumerate(changes(child)):
            yield _row(event, f"{position}.{further}" if further else str(position), change)
    if losers:
        ids = msgspec.json.encode(losers).decode()
        yield _row(event, str(len(children)), Change(None, "merge", "merged_ticket_ids", None, ids, None))


def _row(event: Event, position: str, change: Change) -> dict[str, Any]:
    by_system = None if event.actor_id is None else event.actor_id == SYSTEM
    return {
        "id": f"{event.id}:{position}",
        "ticket_id": event.ticket_id,
        "event_id": event.id,
        "occurred_at": event.occurred_at,
        "actor_id": event.actor_id,
        "actor_type": "system" if by_system else None,
        "field": change.field,
        "old_value": change.old,
        "new_value": change.new,
        "event_type_raw": change.kind_raw,
        "event_type": change.kind,
        "via": change.via if change.via is not None else event.via,
        "is_system": by_system,
    }


def _comments(event: Event, children: list[Child], warnings: Counter[str]) -> Iterator[Comment]:
    for child in children:
        key = as_text(child.get("id"))
        if key is None or not is_comment(child):
            continue
        call = _member(child, "data", Call, warnings)
        said_at = _member(child, "created_at", datetime, warnings)
        yield Comment(
            parent=event.parent,
            id=key,
            ticket_id=event.ticket_id,
            kind=kind_of(child),
            public=_member(child, "public", bool, warnings),
            author_id=as_text(child.get("author_id")),
            body=first_given(as_text(child.get("body")), as_text(child.get("plain_body"))),
            html_body=as_text(child.get("html_body")),
            via=bytes(child["via"]).decode() if as_text(child.get("via")) is not None else None,
            channel=via_word(child.get("via")),
            outbound=call.outbound if call else None,
            attachments=_member(child, "attachments", list[Attachment], warnings),
            # a comment without a time of its own was said when its event happened (contract, section 5.6)
            created_at=event.occurred_at if said_at is None else said_at,
        )


def _member(child: Child, name: str, shape: type[Shape], warnings: Counter[str]) -> Shape | None:
    value = child.get(name)
    if value is None:
        return None
    try:
        return msgspec.json.decode(value, type=shape | None)
    except msgspec.DecodeError:
        warnings[f"{name} of a comment has an unknown shape"] += 1
        return None


def _merges(event: Event, losers: list[int | str]) -> Iterator[Link]:
    for loser in losers:
        if event.ticket_id is not None and str(loser) != event.ticket_id:
            yield Link(event.parent, str(loser), event.ticket_id, "duplicate", event_id=event.id)
