"""What waits to be written: one entry is one operation on one ticket."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

STATUS_FIELD = "status"
ASSIGNMENT_FIELD = "assigned_to"


class Operation(StrEnum):
    """What an entry does."""

    STATUS = "status"
    ASSIGNMENT = "assignment"
    FIELDS = "fields"
    NOTE = "note"


class State(StrEnum):
    """Where an entry stands."""

    WAITING = "waiting"
    """To be written by the next push."""
    SENDING = "sending"
    """Was sent, and whether it took effect is not recorded: the vendor is asked before anything is sent again."""
    DONE = "done"
    """The vendor shows it."""
    OVERRULED = "overruled"
    """Somebody changed the same at the vendor, and the desk's policy lets that stand."""
    PARKED = "parked"
    """A person has to look at it: `outbox retry` or `outbox cancel`."""
    CANCELLED = "cancelled"


OPEN = (State.WAITING, State.SENDING)
"""States that a push takes up."""


class Cause(StrEnum):
    """Why an entry is parked."""

    CONFLICT = "conflict"
    """Changed at the vendor too, and the policy is to ask."""
    DENIED = "denied"
    """403: the credentials may not write this."""
    REFUSED = "refused"
    """Another 4xx; the reason holds the vendor's words."""
    UNMAPPED = "unmapped"
    """The status has no token that the vendor takes."""
    IGNORED = "ignored"
    """The vendor answered with success and changed nothing."""
    GONE = "gone"
    """The vendor has no such ticket."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent last, and what stood there before.

    Attributes:
        fields: Fields as they were sent.
        before: What the vendor showed of them before.
        marker: Id of the ticket's newest event before; what is newer happened since.
    """

    fields: Mapping[str, Any]
    before: Mapping[str, Any]
    marker: int


@dataclass(frozen=True, slots=True)
class Payload:
    """What is to be written, and what is known of it.

    Attributes:
        fields: New values by field; null clears.
        base: What the vendor showed of these fields when the change was made; a field that is missing is unknown.
        based_at: When the base was last brought in (ISO 8601); what we wrote since then is no change of the vendor's.
        note: Text of a note.
        public: Whether the customer sees the note.
        sent: What was sent last; None: nothing yet.
        applied: Fields that are known to have taken effect.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    base: Mapping[str, Any] = field(default_factory=dict)
    note: str | None = None
    public: bool = False
    sent: Sent | None = None
    applied: tuple[str, ...] = ()
    based_at: str | None = None

    @property
    def open_fields(self) -> dict[str, Any]:
        """Fields that have not taken effect yet."""
        return {name: value for name, value in self.fields.items() if name not in self.applied}


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is not in the outbox yet."""

    ticket: str
    operation: Operation
    payload: Payload
    base_version: int | None = None
    idempotency_key: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the outbox.

    Attributes:
        id: Its number; entries of a ticket are written in this order.
        desk: Key of the desk.
        ticket: The vendor's id of the ticket.
        operation: What it does.
        payload: What is to be written.
        base_version: Version of the stored row that the change was made on; None: the ticket was not stored.
        idempotency_key: Two entries of a desk never have the same.
        state: Where it stands.
        cause: Why it is parked.
        reason: What is to be told of it.
        attempts: How often it was sent.
        created_at: When it came in.
        updated_at: When anything of it last changed.
        finished_at: When it was done, overruled or cancelled.
    """

    id: int
    desk: str
    ticket: str
    operation: Operation
    payload: Payload
    base_version: int | None
    idempotency_key: str
    state: State
    cause: Cause | None
    reason: str | None
    attempts: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


def drafts(
    ticket: str,
    fields: Mapping[str, Any],
    note: str | None = None,
    *,
    public: bool = False,
    base: Mapping[str, Any] | None = None,
    base_version: int | None = None,
    based_at: datetime | None = None,
) -> list[Draft]:
    """The entries of one change: its status, its assignment, its other fields, then its note.

    Args:
        ticket: The vendor's id of the ticket.
        fields: New values by field.
        note: Text of a note.
        public: Whether the customer sees the note.
        base: What the vendor showed when the change was made.
        base_version: Version of the stored row.
        based_at: When the base was last brought in.
    """
    groups: dict[Operation, dict[str, Any]] = {}
    for name, value in fields.items():
        groups.setdefault(operation_of(name), {})[name] = value
    found = [
        Draft(ticket, one, _based(given, base or {}, based_at), base_version)
        for one in Operation
        if (given := groups.get(one))
    ]
    if note is not None:
        found.append(Draft(ticket, Operation.NOTE, Payload(note=note, public=public), base_version))
    return found


def _based(fields: Mapping[str, Any], base: Mapping[str, Any], at: datetime | None) -> Payload:
    known = {name: base[name] for name in fields if name in base}
    return Payload(fields, known, based_at=at.isoformat() if at else None)


def operation_of(name: str) -> Operation:
    """The operation that sets a field."""
    return {STATUS_FIELD: Operation.STATUS, ASSIGNMENT_FIELD: Operation.ASSIGNMENT}.get(name, Operation.FIELDS)


def payload_document(payload: Payload) -> dict[str, Any]:
    """A payload, ready for JSON."""
    sent = payload.sent
    return {
        "fields": dict(payload.fields),
        "base": dict(payload.base),
        "note": payload.note,
        "public": payload.public,
        "applied": list(payload.applied),
        "based_at": payload.based_at,
        "sent": sent and {"fields": dict(sent.fields), "before": dict(sent.before), "marker": sent.marker},
    }


def payload_of(document: Mapping[str, Any]) -> Payload:
    """A payload from its JSON."""
    sent = document["sent"]
    return replace(
        Payload(document["fields"], document["base"], document["note"], document["public"]),
        sent=Sent(**sent) if sent else None,
        applied=tuple(document["applied"]),
        based_at=document["based_at"],
    )
