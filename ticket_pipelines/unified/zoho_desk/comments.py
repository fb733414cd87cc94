"""Threads and comments of Zoho Desk, both rows of `ticket_comments`, and their attachments.

Threads are what was said to and by the contact, comments what agents noted; their ids do not meet, since Zoho numbers
all records of an organization in one row. An old thread may have come with its summary only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.zoho_desk.streams.conversations import COMMENTS, THREADS
from ticket_pipelines.unified import Mapped, labels
from ticket_pipelines.unified.columns import (
    INTEGER,
    TEXT,
    Members,
    child_table,
    column,
    constant,
    direct,
    front,
    unified_table,
)
from ticket_pipelines.unified.markup import text_of
from ticket_pipelines.unified.model import ATTACHMENTS, TICKET_COMMENTS
from ticket_pipelines.unified.zoho_desk.parts import VENDOR, Person

THREAD_NAMES: Mapping[str, str] = {
    "ticket_id": "ticket_id",
    "attachment_count": "attachment_count",
    "created_time": "created_at",
    "source": "via_json",
}
COMMENT_NAMES: Mapping[str, str] = {
    "ticket_id": "ticket_id",
    "commenter_id": "author_id",
    "is_public": "is_public",
    "commented_time": "created_at",
    "modified_time": "edited_at",
}
_KINDS = {"phone": "call", "chat": "chat", "messaging": "chat", "sms": "sms", "whatsapp": "whatsapp"}
"""Kind of a comment by its channel; any other is a reply."""


class File(msgspec.Struct, gc=False):
    """A file that hangs on a thread or comment."""

    id: str | int
    name: str | None = None
    size: str | int | None = None
    href: str | None = None
    is_inline: bool | None = msgspec.field(name="isInline", default=None)


_PERSON: Members[Person] = Members(Person)
_FILES: Members[list[File]] = Members(list[File])


def threads(found: pa.Table) -> Mapped:
    """Rows of `zoho_desk_threads` into `ticket_comments` and `attachments`."""
    warnings: Counter[str] = Counter()
    base = front(found, VENDOR, THREADS.deletions, THREAD_NAMES)
    authors = _PERSON.decode(found, "author", warnings)
    public = pc.equal(column(found, "visibility"), "public")
    channel = labels.each_distinct(column(found, "channel"), partial(labels.channel_of, VENDOR), TEXT)
    content, plain = column(found, "content"), column(found, "plain_text")
    is_text = pc.fill_null(pc.match_substring(column(found, "content_type"), "plain", ignore_case=True), False)
    columns = {
        **base,
        **direct(found, TICKET_COMMENTS, THREAD_NAMES),
        "kind": pa.array(map(kind_of, public.to_pylist(), channel.to_pylist()), TEXT),
        "direction": column(found, "direction"),
        "is_public": public,
        "author_id": pa.array([author.key if author else None for author in authors], TEXT),
        "author_type": pa.array([author.author_type if author else None for author in authors], TEXT),
        "body_text": pc.coalesce(plain, _texts(content), column(found, "summary")),
        "body_html": pc.if_else(is_text, pa.scalar(None, TEXT), content),
        "channel": channel,
    }
    return Mapped(
        {
            "ticket_comments": unified_table(TICKET_COMMENTS, columns, found.num_rows),
            "attachments": _attachments(found, base, warnings),
        },
        warnings,
    )


def comments(found: pa.Table) -> Mapped:
    """Rows of `zoho_desk_comments` into `ticket_comments` and `attachments`."""
    warnings: Counter[str] = Counter()
    base = front(found, VENDOR, COMMENTS.deletions, COMMENT_NAMES)
    plain = direct(found, TICKET_COMMENTS, COMMENT_NAMES)
    authors = _PERSON.decode(found, "commenter", warnings)
    content = column(found, "content")
    is_html = pc.fill_null(pc.match_substring(column(found, "content_type"), "html", ignore_case=True), False)
    internal = pc.equal(plain["is_public"], False)
    files = _FILES.decode(found, "attachments", warnings)
    columns = {
        **base,
        **plain,
        "kind": constant(found, "note"),
        "direction": pc.if_else(internal, pa.scalar("internal"), pa.scalar("out")),
        "author_type": pa.array([author.author_type if author else None for author in authors], TEXT),
        "body_text": _texts(content),
        "body_html": pc.if_else(is_html, content, pa.scalar(None, TEXT)),
        "attachment_count": pa.array([None if one is None else len(one) for one in files], INTEGER),
    }
    return Mapped(
        {
            "ticket_comments": unified_table(TICKET_COMMENTS, columns, found.num_rows),
            "attachments": _attachments(found, base, warnings),
        },
        warnings,
    )


def kind_of(public: bool | None, channel: str | None) -> str:
    """Note for what the contact cannot see, else what its channel makes it."""
    return "note" if public is False else _KINDS.get(channel or "", "reply")


def _texts(content: pa.Array) -> pa.Array:
    return pa.array([text_of(one) for one in content.to_pylist()], TEXT)


def _attachments(found: pa.Table, base: Mapping[str, pa.Array], warnings: Counter[str]) -> pa.Table:
    keys, tickets = base["id"].to_pylist(), column(found, "ticket_id").to_pylist()
    decoded = _FILES.decode(found, "attachments", warnings)
    files = {str(file.id): (place, file) for place, some in enumerate(decoded) for file in some or ()}
    rows = [_attachment(tickets[place], keys[place], file) for place, file in files.values()]
    return child_table(ATTACHMENTS, base, [place for place, _ in files.values()], rows)


def _attachment(ticket: str | None, comment: str, file: File) -> dict[str, Any]:
    size = str(file.size or "")
    return {
        "id": str(file.id),
        "unparsed": None,
        "ticket_id": ticket,
        "comment_id": comment,
        "file_name": file.name,
        "size_bytes": int(size) if size.isdecimal() else None,
        "url": file.href,
        "is_inline": file.is_inline,
    }
