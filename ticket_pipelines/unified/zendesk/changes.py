"""What one child of a Zendesk ticket event says: a change, or a comment. Pure functions on its decoded members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ticket_pipelines.unified.labels import TYPES, normal

Child = dict[str, msgspec.Raw]

_ABOUT_THE_CHILD = frozenset(
    {
        "id",
        "via",
        "via_reference_id",
        "event_type",
        "previous_value",
        "comment_present",
        "comment_public",
        "audit_id",
        "created_at",
        "timestamp",
        "ticket_id",
        "author_id",
        "metadata",
        "system",
        "added_tags",
        "removed_tags",
        "custom_ticket_fields",
    }
)
"""Keys of a child that are not a field of the ticket."""
_CREATE, _CHANGE = "create", "change"
_BY_FIELD = {
    "assignee_id": "assign",
    "group_id": "assign",
    "sla_policy": "sla",
    "sla_policy_id": "sla",
    "satisfaction_score": "csat",
    "satisfaction_comment": "csat",
    "satisfaction_reason_code": "csat",
}
"""Kind of event where the changed field tells."""
_BY_KIND = {"satisfactionrating": "csat", "commentprivacychange": "change", "merge": "merge", "slatargetchange": "sla"}
"""Kind of event where the vendor's own kind tells."""


class Change(NamedTuple):
    """One thing that an event did.

    Attributes:
        kind_raw: Kind in the vendor's words.
        kind: Kind in ours; None for one that the model does not name (a notification, …).
        field: The field that it touched.
        old: Value before, as text.
        new: Value after, as text.
        via: The vendor's word for the channel.
    """

    kind_raw: str | None
    kind: str | None
    field: str | None
    old: str | None
    new: str | None
    via: str | None


def as_text(value: msgspec.Raw | None) -> str | None:
    """A JSON value as text: a string as it is, null as None, anything else as JSON."""
    if value is None:
        return None
    text = bytes(value)
    if text == b"null":
        return None
    return msgspec.json.decode(text, type=str) if text.startswith(b'"') else text.decode()


def kind_of(child: Child) -> str | None:
    """The vendor's word for what the child is. `type` may also be the ticket's type, as a changed field."""
    if (kind := as_text(child.get("event_type"))) is not None:
        return kind
    kind = as_text(child.get("type"))
    return None if kind is not None and normal(kind) in TYPES["zendesk"] else kind


def is_comment(child: Child) -> bool:
    """True for a comment in full: VoiceComment and others as well as Comment."""
    return (kind_of(child) or "").endswith("Comment") and ("body" in child or "author_id" in child)


def changes(child: Child) -> Iterator[Change]:
    """What a child did: one thing, or one a field where it names several. Never nothing."""
    kind = kind_of(child)
    word = normal(kind or _CHANGE)
    via = via_word(child.get("via"))
    says_comment = as_text(child.get("comment_present")) == "true"
    if word.endswith("comment") or says_comment:
        new = as_text(child.get("id")) if is_comment(child) else None
        yield Change(kind, "comment", "comment", None, new, via)
    if word.endswith("comment"):
        return
    if word not in (_CREATE, _CHANGE):
        if not says_comment:
            yield _other(child, kind, word, via)
        return
    found = list(_fields(child, kind))
    for field, old, new in found or ([] if says_comment else [(None, None, None)]):
        yield Change(kind, event_type(word, field, old, new), field, old, new, via)


def event_type(word: str, field: str | None, old: str | None, new: str | None) -> str:
    """Kind of a created or changed field."""
    if word == _CREATE:
        return "create"
    if field == "status" and new == "deleted":
        return "delete"
    if field == "status" and old == "deleted":
        return "restore"
    return _BY_FIELD.get(field or "", "change")


def via_word(via: msgspec.Raw | None) -> str | None:
    """The channel in the vendor's words: exports give it in words, comments as an object."""
    text = as_text(via)
    if via is None or text is None or not bytes(via).startswith(b"{"):
        return text
    return as_text(msgspec.json.decode(text, type=Child).get("channel"))


def _fields(child: Child, kind: str | None) -> Iterator[tuple[str | None, str | None, str | None]]:
    old = child.get("previous_value")
    if "field_name" in child:
        yield as_text(child["field_name"]), as_text(old), as_text(child.get("value"))
        return
    for name, value in child.items():
        if name not in _ABOUT_THE_CHILD and not (name == "type" and kind is not None and as_text(value) == kind):
            yield name, as_text(old), as_text(value)
    custom = child.get("custom_ticket_fields")
    if custom is not None and bytes(custom).startswith(b"{"):
        before = msgspec.json.decode(old, type=Child) if old is not None and bytes(old).startswith(b"{") else None
        for name, value in msgspec.json.decode(custom, type=Child).items():
            yield name, as_text(old if before is None else before.get(name)), as_text(value)


def _other(child: Child, kind: str | None, word: str, via: str | None) -> Change:
    if word == "satisfactionrating":
        return Change(kind, "csat", "satisfaction_score", None, as_text(child.get("score")), via)
    if word == "commentprivacychange":
        said = {name: child[name] for name in ("comment_id", "public") if name in child}
        return Change(kind, "change", "comment_privacy", None, msgspec.json.encode(said).decode(), via)
    return Change(kind, _BY_KIND.get(word), as_text(child.get("field_name")), None, as_text(child.get("value")), via)
