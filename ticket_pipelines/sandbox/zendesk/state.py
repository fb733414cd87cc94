"""The emulated account's data, and the one way in which tickets come to be and change.

Tickets, their events (with the comments in them), metric events and ratings stay consistent because `open_ticket` and
`change` write them together. What other endpoints show (comments, audits, metrics) is derived from the events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ticket_pipelines.sandbox.clock import epoch, iso
from ticket_pipelines.sandbox.zendesk import measures, records
from ticket_pipelines.sandbox.zendesk.table import Record, Table

KEYED = (
    "organizations",
    "users",
    "groups",
    "group_memberships",
    "brands",
    "ticket_fields",
    "user_fields",
    "organization_fields",
    "ticket_forms",
    "custom_statuses",
    "sla_policies",
    "schedules",
    "holidays",
    "tags",
    "macros",
    "satisfaction_ratings",
)
"""Resources whose records carry `updated_at`, or no clock at all."""

ARCHIVED_AFTER = 120 * 86_400
_FIRST_ID = 28_835_700_000_000
_ID_STEP = 4
_KIND_SPAN = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """A comment to be made.

    Attributes:
        body: Its text.
        author: The user's id.
        public: False for an internal note.
        voice: True for a phone call.
        files: Attachments: (name, content type, bytes).
        rel: What relates it to another ticket (`merge`).
    """

    body: str
    author: int
    public: bool = True
    voice: bool = False
    files: tuple[tuple[str, str, int], ...] = ()
    rel: str | None = None


@dataclass(slots=True)
class Removal:
    """A soft deletion.

    Attributes:
        at: Unix seconds.
        actor: The user's id.
        previous: The ticket's status before.
    """

    at: int
    actor: int
    previous: str


def _updated(record: Record) -> int:
    text = record.get("updated_at")
    return int(epoch(text)) if text else 0


def _tables() -> dict[str, Table]:
    tables = {name: Table(_updated) for name in KEYED}
    tables["tickets"] = Table(lambda record: int(record["generated_timestamp"]))
    tables["ticket_events"] = Table(lambda record: int(record["timestamp"]))
    tables["ticket_metric_events"] = Table(lambda record: int(epoch(record["time"])))
    return tables


@dataclass(slots=True)
class State:
    """All data of the account.

    Attributes:
        tables: Records by resource.
        events_of: Ids of a ticket's events.
        removals: Soft deletions by ticket.
        closed_at: When tickets were closed, Unix seconds.
        extra: Top-level fields that every ticket has besides the usual ones.
        comment_changes: What became different of a comment after the event that made it.
        metrics: Encoded metrics by ticket, until the ticket changes; filled by those who encode them.
    """

    tables: dict[str, Table] = field(default_factory=_tables)
    events_of: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    removals: dict[int, Removal] = field(default_factory=dict)
    closed_at: dict[int, int] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    comment_changes: dict[int, Record] = field(default_factory=dict)
    metrics: dict[int, bytes] = field(default_factory=dict)
    _last_ids: dict[str, int] = field(default_factory=dict)
    _kinds: dict[str, int] = field(default_factory=dict)

    def take_id(self, kind: str) -> int:
        """A new id; each kind of record has its own range."""
        if kind == "ticket":
            self._last_ids[kind] = self._last_ids.get(kind, 0) + 1
            return self._last_ids[kind]
        position = self._kinds.setdefault(kind, len(self._kinds))
        last = self._last_ids.get(kind, _FIRST_ID + position * _KIND_SPAN)
        self._last_ids[kind] = last + _ID_STEP
        return self._last_ids[kind]

    def ticket(self, key: int) -> Record:
        """A ticket that is not deleted, by id.

        Raises:
            KeyError: There is none.
        """
        record = self.tables["tickets"].rows[key]
        if key in self.removals:
            raise KeyError(key)
        return record

    def archived(self, key: int, now: float) -> bool:
        """True when a ticket has been closed for so long that lists no longer show it."""
        return now - self.closed_at.get(key, now) > ARCHIVED_AFTER

    def default_status(self, category: str) -> int | None:
        """Id of the default custom status of a status category."""
        for record in self.tables["custom_statuses"].rows.values():
            if record["default"] and record["status_category"] == category:
                return int(record["id"])
        return None

    def open_ticket(
        self, at: int, fields: Mapping[str, Any], said: Said | None, *, by: int, channel: str = "Web", key: int = 0
    ) -> int:
        """Creates a ticket with its first event.

        Args:
            at: Unix seconds.
            fields: Fields of the ticket; `custom_fields` by id.
            said: The first comment; its text becomes the description.
            by: The user who creates it.
            channel: The event's channel.
            key: Id; 0: the next.

        Returns:
            The ticket's id.
        """
        key = key or self.take_id("ticket")
        record = {**records.ticket(key, at), **self.extra}
        given = {"status": "new", **fields}
        own = {name: value for name, value in given.items() if name != "custom_fields"}
        record.update(own)
        record["raw_subject"] = record["subject"]
        record["description"] = said.body if said else record["description"]
        record["is_public"] = said.public if said else True
        record["custom_status_id"] = own.get("custom_status_id") or self.default_status(record["status"])
        custom = given.get("custom_fields", {})
        values = [{"id": field_id, "value": custom.get(field_id)} for field_id in self._ticket_field_ids()]
        record["custom_fields"] = record["fields"] = values
        children = [self.child(channel, "Create", {name: value}) for name, value in own.items() if name != "via"]
        children += [
            self.child(channel, "Create", {"custom_ticket_fields": {str(field_id): value}})
            for field_id, value in custom.items()
        ]
        self._write(record, at, by, channel, children, said)
        self._measure(record, at, "activate")
        return key

    def change(
        self,
        key: int,
        at: int,
        fields: Mapping[str, Any],
        *,
        by: int = records.SYSTEM_USER,
        channel: str = "Web",
        said: Said | None = None,
        event: bool = True,
    ) -> None:
        """Changes a ticket, deleted or not.

        Args:
            key: The ticket's id.
            at: Unix seconds.
            fields: New values; `custom_fields` by id.
            by: Who changes it.
            channel: The event's channel.
            said: A comment that comes with the change.
            event: False for a change by the system that makes no event and leaves `updated_at` alone
                (contract, section 0, fact 2).
        """
        record = self.tables["tickets"].rows[key]
        self.metrics.pop(key, None)
        children = []
        for name, value in fields.items():
            if name == "custom_fields":
                children += self._set_custom(record, value, channel)
                continue
            children.append(self.child(channel, "Change", {name: value}, record.get(name)))
            record[name] = value
        if "status" in fields:
            self._status_changed(record, at, fields)
        record["generated_timestamp"] = at
        if not event:
            self.tables["tickets"].put(record)
            return
        record["updated_at"] = iso(at)
        self._write(record, at, by, channel, children, said)

    def add_event(self, key: int, at: int, by: int, channel: str, children: list[Record]) -> int:
        """Writes an event of a ticket.

        Returns:
            The event's id.
        """
        self.metrics.pop(key, None)
        event_id = self.take_id("event")
        self.tables["ticket_events"].put(records.event(event_id, key, at, by, channel, children), at)
        self.events_of[key].append(event_id)
        return event_id

    def comments(self, key: int) -> list[Record]:
        """A ticket's comments as they stand now, oldest first, as children of its events."""
        rows = self.tables["ticket_events"].rows
        events = (rows[event_id] for event_id in self.events_of.get(key, ()))
        children = (child for event in events for child in event["child_events"] if is_comment(child))
        return [{**child, **self.comment_changes.get(child["id"], {})} for child in children]

    def _write(self, record: Record, at: int, by: int, channel: str, children: list[Record], said: Said | None) -> None:
        self.tables["tickets"].put(record, at)
        event_id = self.add_event(record["id"], at, by, channel, children)
        if said:
            children.append(self._comment(event_id, at, said, record))

    def _comment(self, audit: int, at: int, said: Said, record: Record) -> Record:
        channel = records.via("voice" if said.voice else record["via"]["channel"], said.rel)
        child = records.comment(
            self.take_id("comment"), audit, at, said.author, said.body, public=said.public, channel=channel
        )
        child["attachments"] = [
            records.attachment(self.take_id("attachment"), name, kind, size, inline=kind.startswith("image/"))
            for name, kind, size in said.files
        ]
        return records.voiced(child) if said.voice else child

    def child(self, channel: str, kind: str, changed: Record, previous: Any = None) -> Record:
        """A child of an event: one thing that changed."""
        child = {"id": self.take_id("child"), "via": channel, "via_reference_id": None, "event_type": kind, **changed}
        if kind == "Change":
            child["previous_value"] = previous
        return child

    def _set_custom(self, record: Record, values: Mapping[int, Any], channel: str) -> list[Record]:
        held = {entry["id"]: entry["value"] for entry in record["custom_fields"]}
        children = [
            self.child(channel, "Change", {"custom_ticket_fields": {str(key): value}}, held.get(key))
            for key, value in values.items()
        ]
        record["custom_fields"] = [{"id": key, "value": value} for key, value in {**held, **values}.items()]
        record["fields"] = record["custom_fields"]
        return children

    def _status_changed(self, record: Record, at: int, fields: Mapping[str, Any]) -> None:
        status = record["status"]
        if status != "deleted" and "custom_status_id" not in fields:
            record["custom_status_id"] = self.default_status("solved" if status == "closed" else status)
        if status == "closed":
            self.closed_at[record["id"]] = at
        elif status != "deleted":
            self.closed_at.pop(record["id"], None)
        if status == "solved":
            self._measure(record, at, "fulfill")

    def _measure(self, record: Record, at: int, kind: str) -> None:
        policy = next(iter(self.tables["sla_policies"].rows.values()))
        for found in measures.measured(record, at, kind, policy, lambda: self.take_id("metric_event")):
            self.tables["ticket_metric_events"].put(found, at)

    def _ticket_field_ids(self) -> list[int]:
        fields = self.tables["ticket_fields"].rows.values()
        return [field["id"] for field in fields if field["removable"] and field["active"]]


def is_comment(child: Mapping[str, Any]) -> bool:
    """True for the comments among the children of an event."""
    return "body" in child
