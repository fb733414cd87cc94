"""The outbox: entries in the control database. Each step of an entry is committed before the next one is taken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import outbox as table
from ticket_pipelines.errors import UsageError
from ticket_pipelines.sync.quarantine import Cipher
from ticket_pipelines.writeback.entry import (
    OPEN,
    Cause,
    Draft,
    Entry,
    Operation,
    Payload,
    Sent,
    State,
    payload_document,
    payload_of,
)


class EntryChangedError(UsageError):
    """Somebody else changed the entry since it was read."""


class Outbox:
    """The entries of all desks.

    Args:
        control: The control database.
        cipher: Encrypts what is to be written.
    """

    def __init__(self, control: sa.Engine, cipher: Cipher) -> None:
        self._control, self._cipher = control, cipher

    def add(self, desk: str, drafts: Iterable[Draft]) -> list[Entry]:
        """Adds entries, in one transaction; one whose idempotency key the desk has already is not added again.

        Returns:
            The entries, those that were there before among them.
        """
        with self._control.begin() as connection:
            ids = [self.insert(connection, desk, draft) for draft in drafts]
        return [self.get(one) for one in ids]

    def insert(self, connection: sa.Connection, desk: str, draft: Draft) -> int:
        """Adds an entry within somebody's transaction; gives its id."""
        known = sa.select(table.c.id).where(table.c.desk == desk, table.c.idempotency_key == draft.idempotency_key)
        if (there := connection.execute(known).scalar()) is not None:
            return int(there)
        now = _now()
        row = {
            "desk": desk,
            "ticket": draft.ticket,
            "operation": draft.operation,
            "base_version": draft.base_version,
            "payload": self._encrypted(draft.payload),
            "idempotency_key": draft.idempotency_key,
            "state": State.WAITING,
            "attempts": 0,
            "created_at": now,
            "updated_at": now,
        }
        key = connection.execute(sa.insert(table).values(row)).inserted_primary_key
        assert key is not None  # noqa: S101  (an insert of one row has one)
        return int(key[0])

    def get(self, number: int) -> Entry:
        """The entry of that id.

        Raises:
            UsageError: There is none.
        """
        with reading(self._control) as connection:
            row = connection.execute(sa.select(table).where(table.c.id == number)).mappings().first()
        if row is None:
            raise UsageError(f"there is no entry {number} in the outbox; see `ticket-pipelines outbox list`")
        return self._entry(dict(row))

    def entries(self, desk: str | None = None, states: Sequence[State] = ()) -> list[Entry]:
        """Entries in the order of their ids: all, or those of a desk, or in some states."""
        query = sa.select(table).order_by(table.c.id)
        if desk is not None:
            query = query.where(table.c.desk == desk)
        if states:
            query = query.where(table.c.state.in_(states))
        with reading(self._control) as connection:
            return [self._entry(dict(row)) for row in connection.execute(query).mappings()]

    def open(self, desk: str) -> list[Entry]:
        """The entries that a push takes up, in order."""
        return self.entries(desk, OPEN)

    def waiting_desks(self) -> set[str]:
        """Keys of the desks with entries that a push would take up."""
        query = sa.select(table.c.desk).where(table.c.state.in_(OPEN)).distinct()
        with reading(self._control) as connection:
            return set(connection.execute(query).scalars())

    def written(self, entry: Entry) -> dict[str, Any]:
        """What earlier entries wrote to the same ticket since this one's base was brought in, by field."""
        since = entry.payload.based_at
        query = sa.select(table).where(
            table.c.desk == entry.desk,
            table.c.ticket == entry.ticket,
            table.c.id < entry.id,
            table.c.state == State.DONE,
            table.c.finished_at > (datetime.fromisoformat(since) if since else entry.created_at),
        )
        with reading(self._control) as connection:
            rows = connection.execute(query.order_by(table.c.finished_at, table.c.id)).mappings().all()
        found: dict[str, Any] = {}
        for row in rows:
            payload = self._entry(dict(row)).payload
            found |= {**payload.fields, **(payload.sent.fields if payload.sent else {})}
        return found

    def sending(self, entry: Entry, sent: Sent) -> Entry:
        """Records that an entry is about to be sent."""
        payload = replace(entry.payload, sent=sent)
        return self._write(entry, State.SENDING, payload=payload, attempts=entry.attempts + 1)

    def settled(self, entry: Entry, applied: Sequence[str]) -> Entry:
        """Records which fields took effect; the others wait again."""
        payload = replace(entry.payload, applied=(*entry.payload.applied, *applied))
        return self._write(entry, State.WAITING, payload=payload)

    def finish(self, entry: Entry, state: State, reason: str | None = None) -> Entry:
        """Records the end of an entry."""
        return self._write(entry, state, reason=reason, finished_at=_now())

    def park(self, entry: Entry, cause: Cause, reason: str) -> Entry:
        """Sets an entry aside for a person to look at."""
        return self._write(entry, State.PARKED, cause=cause, reason=reason)

    def later(self, entry: Entry, reason: str) -> Entry:
        """Notes why an entry could not be written yet; the next push takes it up."""
        return self._write(entry, entry.state, reason=reason)

    def retry(self, number: int) -> Entry:
        """Lets a parked entry wait again.

        One that was parked for a conflict takes what the vendor showed then for its base: the person saw it.

        Raises:
            UsageError: There is no such entry, or it is not parked.
        """
        entry = self.get(number)
        if entry.state is not State.PARKED:
            raise UsageError(f"entry {number} is {entry.state.value}: only a parked one can be tried again")
        payload = entry.payload
        if entry.cause is Cause.CONFLICT and payload.sent is not None:
            payload = replace(payload, base={**payload.base, **payload.sent.before})
        return self._write(entry, State.WAITING, payload=replace(payload, sent=None))

    def asked(self, entry: Entry, sent: Sent, reason: str) -> Entry:
        """Sets an entry aside because of a conflict, with what the vendor shows."""
        return self._write(
            entry, State.PARKED, payload=replace(entry.payload, sent=sent), cause=Cause.CONFLICT, reason=reason
        )

    def cancel(self, number: int) -> Entry:
        """Ends an entry that waits or is parked.

        Raises:
            UsageError: There is no such entry, it has ended, or it may be on its way.
        """
        entry = self.get(number)
        if entry.state not in (State.WAITING, State.PARKED):
            told = "was sent already; the next push finds out what became of it"
            said = told if entry.state is State.SENDING else f"is {entry.state.value} already"
            raise UsageError(f"entry {number} {said}")
        return self._write(entry, State.CANCELLED, finished_at=_now())

    def _write(self, entry: Entry, state: State, **changed: Any) -> Entry:
        """Writes the next step of an entry, where it still stands as it was seen.

        Raises:
            EntryChangedError: Somebody else changed it meanwhile.
        """
        after = replace(
            entry,
            **{"cause": None, "reason": None, "finished_at": None, **changed, "state": state, "updated_at": _now()},
        )
        names = ("state", "cause", "reason", "attempts", "updated_at", "finished_at")
        values = {name: getattr(after, name) for name in names}
        if "payload" in changed:
            values["payload"] = self._encrypted(after.payload)
        seen = sa.and_(table.c.id == entry.id, table.c.state == entry.state, table.c.attempts == entry.attempts)
        with self._control.begin() as connection:
            if connection.execute(sa.update(table).where(seen).values(values)).rowcount != 1:
                raise EntryChangedError(
                    f"entry {entry.id} was changed by somebody else meanwhile; look at it and try again"
                )
        return after

    def _encrypted(self, payload: Payload) -> str:
        return self._cipher.encrypt(json.dumps(payload_document(payload), ensure_ascii=False).encode())

    def _entry(self, row: dict[str, Any]) -> Entry:
        payload = payload_of(json.loads(self._cipher.decrypt(row["payload"])))
        cause = Cause(row["cause"]) if row["cause"] else None
        typed = {"operation": Operation(row["operation"]), "state": State(row["state"]), "cause": cause}
        return Entry(**{**row, **typed, "payload": payload})


def _now() -> datetime:
    return datetime.now(UTC)
