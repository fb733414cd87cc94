"""Comments of Zendesk, out of events or out of the per-ticket stream, and their attachments.

Both sources give the same row for one comment. The requester's and the agent's comments look alike in a comment's own
record, so `direction` and `author_type` are only filled where it says more: internal notes, calls, the system.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.zendesk.streams.tickets import TICKET_COMMENTS as STREAM
from ticket_pipelines.unified import Mapped, labels
from ticket_pipelines.unified.columns import (
    BOOLEAN,
    INSTANT,
    INTEGER,
    TEXT,
    Members,
    child_table,
    column,
    front,
    millis_to_instants,
    unified_table,
)
from ticket_pipelines.unified.model import ATTACHMENTS, TICKET_COMMENTS

VENDOR = "zendesk"
SYSTEM = "-1"
"""Author and actor where Zendesk itself did it."""

NAMES: Mapping[str, str] = {
    "ticket_id": "ticket_id",
    "author_id": "author_id",
    "body": "body_text",
    "html_body": "body_html",
    "public": "is_public",
    "created_at": "created_at",
}
_MESSAGES = frozenset({"sms", "whatsapp", "chat"})


class Attachment(msgspec.Struct, gc=False):
    """A file of a comment (contract, section 5.5); old records call its name `name`."""

    id: int | str
    file_name: str | None = None
    name: str | None = None
    content_type: str | None = None
    size: int | None = None
    content_url: str | None = None
    inline: bool | None = None
    deleted: bool | None = None
    malware_scan_result: str | None = None


class Via(msgspec.Struct, gc=False):
    """How a comment came."""

    channel: str | int | None = None


class Call(msgspec.Struct, gc=False):
    """The call behind a voice comment."""

    outbound: bool | None = None


@dataclass(slots=True)
class Comment:
    """One comment, whichever stream it came from.

    Attributes:
        parent: Position of the vendor row that holds it.
        id: The vendor's id.
        ticket_id: Its ticket.
        kind: Comment, VoiceComment, …
        public: Whether the requester can see it.
        author_id: Who said it; -1 is the system.
        body: Its text.
        html_body: Its text as HTML.
        via: Channel and source, as JSON.
        channel: The vendor's word for the channel.
        outbound: Whether a call was made by an agent.
        attachments: Its files; None where the record does not say.
        created_at: When it was said.
    """

    parent: int
    id: str
    ticket_id: str | None
    kind: str | None
    public: bool | None
    author_id: str | None
    body: str | None
    html_body: str | None
    via: str | None
    channel: str | None
    outbound: bool | None
    attachments: list[Attachment] | None
    created_at: datetime | None


_ATTACHMENTS: Members[list[Attachment]] = Members(list[Attachment])
_VIA: Members[Via | str] = Members(Via | str)
_CALL: Members[Call] = Members(Call)
_TEXTS = ("id", "ticket_id", "type", "author_id", "body", "plain_body", "html_body", "via")


def rows(found: pa.Table) -> Mapped:
    """Rows of `zendesk_ticket_comments` into `ticket_comments` and `attachments`."""
    warnings: Counter[str] = Counter()
    base = front(found, VENDOR, STREAM.deletions, NAMES)
    texts = {name: column(found, name).to_pylist() for name in _TEXTS}
    public = column(found, "public", BOOLEAN).to_pylist()
    created = column(found, "created_at", INSTANT).to_pylist()
    via = _VIA.decode(found, "via", warnings)
    calls = _CALL.decode(found, "data", warnings)
    attachments = _ATTACHMENTS.decode(found, "attachments", warnings)
    comments = [
        Comment(
            parent=parent,
            id=texts["id"][parent],
            ticket_id=texts["ticket_id"][parent],
            kind=texts["type"][parent],
            public=public[parent],
            author_id=texts["author_id"][parent],
            body=first_given(texts["body"][parent], texts["plain_body"][parent]),
            html_body=texts["html_body"][parent],
            via=texts["via"][parent],
            channel=channel_word(via[parent]),
            outbound=None if (call := calls[parent]) is None else call.outbound,
            attachments=attachments[parent],
            created_at=created[parent],
        )
        for parent in range(found.num_rows)
    ]
    return Mapped(comment_tables(base, comments), warnings)


def first_given(*values: str | None) -> str | None:
    """The first value that is there; an empty text is there."""
    return next((value for value in values if value is not None), None)


def channel_word(via: Via | str | None) -> str | None:
    """The vendor's word for the channel, however the record gives it."""
    if via is None or isinstance(via, str):
        return via
    return None if via.channel is None else str(via.channel)


def comment_tables(base: Mapping[str, pa.Array], comments: Sequence[Comment]) -> dict[str, pa.Table]:
    """Tables `ticket_comments` and `attachments`.

    Args:
        base: Columns that rows take from their vendor row, one value a vendor row.
        comments: The comments; of two with one id the later one stays.
    """
    chosen = list({comment.id: comment for comment in comments}.values())
    files = {str(file.id): (comment, file) for comment in chosen for file in comment.attachments or ()}
    return {
        "ticket_comments": child_table(
            TICKET_COMMENTS, base, [comment.parent for comment in chosen], [_comment_row(one) for one in chosen]
        ),
        "attachments": _attachment_table(base, list(files.values())),
    }


def comment_kind(comment: Comment, channel: str | None) -> str | None:
    """reply, note, call, chat, sms, whatsapp or system; None where the record does not say."""
    if comment.kind == "VoiceComment":
        return "call"
    if comment.public is False:
        return "note"
    if comment.author_id == SYSTEM:
        return "system"
    if channel in _MESSAGES:
        return channel
    if channel == "messaging":
        return "chat"
    return "reply" if comment.public else None


def direction(comment: Comment) -> str | None:
    """Internal for a note, in or out for a call that says so, else None."""
    if comment.kind == "VoiceComment" and comment.outbound is not None:
        return "out" if comment.outbound else "in"
    return "internal" if comment.public is False else None


def _comment_row(comment: Comment) -> dict[str, Any]:
    channel = labels.channel_of(VENDOR, comment.channel)
    return {
        "id": comment.id,
        "ticket_id": comment.ticket_id,
        "kind": comment_kind(comment, channel),
        "direction": direction(comment),
        "is_public": comment.public,
        "author_id": comment.author_id,
        "author_type": "system" if comment.author_id == SYSTEM else None,
        "body_text": comment.body,
        "body_html": comment.html_body,
        "channel": channel,
        "via_json": comment.via,
        "attachment_count": None if comment.attachments is None else len(comment.attachments),
        "created_at": comment.created_at,
    }


def _attachment_table(base: Mapping[str, pa.Array], files: Sequence[tuple[Comment, Attachment]]) -> pa.Table:
    parents = [comment.parent for comment, _ in files]
    table = child_table(ATTACHMENTS, base, parents, [_attachment_row(comment, file) for comment, file in files])
    return _marked(table, pa.array([bool(file.deleted) for _, file in files], BOOLEAN))


def _marked(files: pa.Table, deleted: pa.Array) -> pa.Table:
    """Marks files that Zendesk says are deleted; it gives no time, so the row's version stands for it."""
    deleted_at = column(files, "deleted_at", INSTANT)
    gone = pc.and_(deleted, deleted_at.is_null())
    at = pc.if_else(gone, millis_to_instants(column(files, "version", INTEGER)), deleted_at)
    kind = pc.if_else(gone, pa.scalar("soft", TEXT), column(files, "deletion_kind"))
    columns = {name: files.column(name).combine_chunks() for name in files.column_names}
    return unified_table(ATTACHMENTS, {**columns, "deleted_at": at, "deletion_kind": kind}, files.num_rows)


def _attachment_row(comment: Comment, file: Attachment) -> dict[str, Any]:
    return {
        "id": str(file.id),
        "unparsed": None,
        "ticket_id": comment.ticket_id,
        "comment_id": comment.id,
        "file_name": first_given(file.file_name, file.name),
        "content_type": file.content_type,
        "size_bytes": file.size,
        "url": file.content_url,
        "is_inline": file.inline,
        "malware_status": file.malware_scan_result,
    }
