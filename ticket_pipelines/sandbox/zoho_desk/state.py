"""The emulated account's data, and the one way in which tickets come to be and change.

A ticket holds only what differs from `records.TICKET`; what is counted or looked up is added by `views`. Every change
writes an event of the ticket's history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ticket_pipelines.sandbox.zoho_desk import records
from ticket_pipelines.sandbox.zoho_desk.records import stamp
from ticket_pipelines.sandbox.zoho_desk.table import Record, Table

KINDS = ("contacts", "accounts", "agents", "departments", "teams", "products", "tags", "fields", "statuses")
_FIRST_ID = 398_412_000_000_000_000
_KIND_SPAN = 1_000_000_000


def _tables() -> dict[str, Table]:
    return {name: Table() for name in ("tickets", *KINDS)}


def _lists() -> defaultdict[str, list[Record]]:
    return defaultdict(list)


@dataclass(slots=True)
class State:
    """All data of the account.

    Attributes:
        tables: Records by kind.
        threads: A ticket's threads, oldest first.
        comments: A ticket's comments, oldest first.
        history: A ticket's events, oldest first; those of an erased ticket stay.
        tags: Ids of a ticket's tags.
        unlisted: Contacts that stand in tickets only.
    """

    tables: dict[str, Table] = field(default_factory=_tables)
    threads: defaultdict[str, list[Record]] = field(default_factory=_lists)
    comments: defaultdict[str, list[Record]] = field(default_factory=_lists)
    history: defaultdict[str, list[Record]] = field(default_factory=_lists)
    tags: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unlisted: set[str] = field(default_factory=set)
    _last_ids: dict[str, int] = field(default_factory=dict)
    _tickets_opened: int = 0

    def take_id(self, kind: str) -> str:
        """A new id; each kind of record has its own range."""
        last = self._last_ids.setdefault(kind, _FIRST_ID + len(self._last_ids) * _KIND_SPAN)
        self._last_ids[kind] = last + 1
        return str(self._last_ids[kind])

    def ticket(self, key: str) -> Record:
        """A ticket that is neither trashed nor erased.

        Raises:
            KeyError: There is none.
        """
        record = self.tables["tickets"].rows[key]
        if record.get("isTrashed"):
            raise KeyError(key)
        return record

    def open_ticket(self, at: float, fields: Mapping[str, Any], body: str | None) -> str:
        """Creates a ticket of a contact, with the thread that describes it where there is a body.

        Returns:
            Its id.
        """
        key = self.take_id("tickets")
        self._tickets_opened += 1
        number = str(100 + self._tickets_opened)
        record: Record = {"id": key, "ticketNumber": number, "createdTime": stamp(at), "modifiedTime": stamp(at)}
        contact = self.tables["contacts"].rows.get(fields.get("contactId") or "", {})
        inherited = {
            "email": contact.get("email"),
            "phone": contact.get("phone"),
            "accountId": contact.get("accountId"),
        }
        record |= {**inherited, "customerResponseTime": stamp(at), "description": body, **fields}
        self.tables["tickets"].put(record)
        info = [_property(name, value) for name, value in fields.items() if value is not None and name != "cf"]
        actor = self.actor(fields.get("contactId"))
        self.history[key].append(records.event(at, "TicketCreated", actor, info))
        if body is not None:
            self.say(key, at, body, fields.get("contactId"), isDescriptionThread=True)
        return key

    def change(
        self,
        key: str,
        at: float,
        fields: Mapping[str, Any],
        by: str | None = None,
        *,
        event: str = "TicketUpdated",
        bump: bool = True,
    ) -> None:
        """Changes a ticket, trashed or not.

        Args:
            key: The ticket's id.
            at: Unix seconds.
            fields: New values; those of `cf` by name.
            by: The agent or contact who does it; None: the system.
            event: Name of the event.
            bump: False to leave `modifiedTime` alone.
        """
        record = self.tables["tickets"].rows[key]
        info = [_transition(name, record.get(name), value) for name, value in fields.items() if name != "cf"]
        cf = {**record.get("cf", {}), **fields.get("cf", {})}
        info += [
            _transition(name, record.get("cf", {}).get(name), value) for name, value in fields.get("cf", {}).items()
        ]
        record |= {**fields, **({"cf": cf} if cf else {})}
        if bump:
            record |= {"modifiedTime": stamp(at), "modifiedBy": by}
        self.tables["tickets"].put(record)
        self.history[key].append(records.event(at, event, self.actor(by), info))

    def say(self, key: str, at: float, body: str, by: str | None, *, bump: bool = False, **given: Any) -> str:
        """Adds a thread to a ticket: of an agent outgoing, of a contact incoming.

        Returns:
            The thread's id.
        """
        outgoing = by in self.tables["agents"].rows
        sides = {"direction": "out", "responderId": by} if outgoing else {"direction": "in"}
        thread = records.thread(self.take_id("threads"), at, self.person(by), body, **{**sides, **given})
        self.threads[key].append(thread)
        record = self.tables["tickets"].rows[key]
        if not outgoing:
            record["customerResponseTime"] = stamp(at)
        if bump:
            record |= {"modifiedTime": stamp(at), "modifiedBy": by}
        self.tables["tickets"].put(record)
        if not thread["isDescriptionThread"]:
            info = [_property("Thread", {"id": thread["id"], "name": thread["summary"], "type": "Thread"})]
            self.history[key].append(records.event(at, "ThreadAdded", self.actor(by), info))
        return str(thread["id"])

    def note(self, key: str, at: float, body: str, by: str, *, public: bool, bump: bool = True) -> str:
        """Adds a comment to a ticket.

        Returns:
            The comment's id.
        """
        comment = records.comment(self.take_id("comments"), at, self.person(by), body, public=public)
        self.comments[key].append(comment)
        self.change(key, at, {}, by, event="CommentAdded", bump=bump)
        return str(comment["id"])

    def person(self, key: str | None) -> Record:
        """An agent or contact as authors are shown."""
        agent = self.tables["agents"].rows.get(key or "")
        if agent:
            shown = {"email": agent["emailId"], "type": "AGENT", "roleName": "Agent"}
            return {**_named(agent), **shown, "photoURL": agent["photoURL"], "name": agent["name"]}
        contact = self.tables["contacts"].rows.get(key or "")
        if contact:
            name = " ".join(part for part in (contact["firstName"], contact["lastName"]) if part)
            return {**_named(contact), "email": contact["email"], "type": "END_USER", "photoURL": None, "name": name}
        return {"id": None, "firstName": "", "lastName": "System", "email": None, "type": None, "name": "System"}

    def actor(self, key: str | None) -> Record:
        """An agent, a contact or the system, as history shows them."""
        if key is None:
            return records.SYSTEM
        kind = "Agent" if key in self.tables["agents"].rows else "Contact"
        return {"id": key, "name": self.person(key)["name"], "type": kind}


def _named(person: Record) -> Record:
    return {name: person[name] for name in ("id", "firstName", "lastName")}


def _property(name: str, value: Any) -> Record:
    return {"propertyName": name, "propertyType": "Text", "systemProperty": True, "propertyValue": value}


def _transition(name: str, before: Any, after: Any) -> Record:
    value = {"previousValue": before, "updatedValue": after}
    return {"propertyName": name, "propertyType": "ValueTransition", "systemProperty": True, "propertyValue": value}
