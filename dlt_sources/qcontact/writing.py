"""Writes of QContact: fields of a case, and notes (contract, section 2.3).

Traps: fields at the top of a PATCH are answered with 200 and ignored, so they stand below `fields` and the caller reads
back; a note is a new record each time, so a request is sent once and what came of it is read from the case's events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from dlt_sources.base import OnWait, Usage
from dlt_sources.checks import ceiling
from dlt_sources.errors import AccessError, ChangeRefusedError, NotFoundError, SourceError
from dlt_sources.http import Answer, Request, Session
from dlt_sources.limits import Announcement, Budgets, Limit
from dlt_sources.oauth import SHARED, TokenStore
from dlt_sources.qcontact.auth import Tokens
from dlt_sources.qcontact.client import PATIENCE, QContact
from dlt_sources.qcontact.config import CASE, account, address, choices, validate
from dlt_sources.qcontact.limits import ACCOUNT
from dlt_sources.qcontact.reader import API, Reader, Record
from dlt_sources.retry import RETRIED, Clock, Policy
from dlt_sources.writes import Event

MOST_WORDS = 300
"""Characters of the vendor's own words that a message repeats."""


@dataclass(frozen=True, slots=True)
class Patch(Request):
    """A request that changes a record."""

    @property
    def method(self) -> str:
        """HTTP method."""
        return "PATCH"


class WritingDialect:
    """The tenant's dialect for writes: what is refused is told in the vendor's words."""

    def __init__(self, reading: QContact) -> None:
        self._reading = reading

    def headers(self) -> Mapping[str, str]:
        """See `Dialect.headers`."""
        return self._reading.headers()

    def renew(self, answer: Answer) -> bool:
        """See `Dialect.renew`."""
        return self._reading.renew(answer)

    def announcements(self, headers: Mapping[str, str]) -> Iterable[Announcement]:
        """See `Dialect.announcements`."""
        return self._reading.announcements(headers)

    def failure(self, request: Request, answer: Answer) -> SourceError:
        """See `Dialect.failure`."""
        status, words = answer.status, said(answer.body)
        if status == 403:
            return AccessError(f"{request.about}: the user may not do this (403): {words}")
        if status in (404, 410):
            return NotFoundError(f"{request.about}: there is no such case ({status}).")
        if 400 <= status < 500 and status not in RETRIED and status != 401:
            return ChangeRefusedError(f"{request.about}: QContact refuses it ({status}): {words}")
        return self._reading.failure(request, answer)


class QContactWriter:
    """Writes one tenant (see `dlt_sources.writes.Writer`). Not thread-safe."""

    def __init__(self, reader: Reader, once: Session, tokens: Tokens, limits: Sequence[Limit], user: str) -> None:
        """Makes no request.

        Args:
            reader: Reads the tenant, with its patience.
            once: Session that sends each request once.
            tokens: The user's tokens.
            limits: Limits that a request takes.
            user: Address of the user.
        """
        self._reader, self._once, self._tokens, self._user = reader, once, tokens, user
        self._limits = tuple(limits)
        self.usage: Usage = reader.session.usage
        once.usage = tokens.session.usage = self.usage

    @property
    def on_wait(self) -> OnWait | None:
        """Called before each wait."""
        return self._reader.session.on_wait

    @on_wait.setter
    def on_wait(self, value: OnWait | None) -> None:
        self._reader.session.on_wait = self._once.on_wait = self._tokens.session.on_wait = value

    def read(self, ticket: str) -> dict[str, Any]:
        """See `Writer.read`."""
        record, _ = self._reader.record(CASE, ticket)
        if record.get("deleted") is True:
            raise NotFoundError(f"{CASE} {ticket}: deleted.")
        fields = record.get("fields")
        found: dict[str, Any] = dict(fields) if isinstance(fields, dict) else {}
        for name, link in _linked(record):
            # the flat field of a linked record is often empty
            if found.get(name) in (None, ""):
                found[name] = link
        return found

    def events(self, ticket: str, after: int) -> list[Event]:
        """See `Writer.events`."""
        found: dict[int, Event] = {}
        page = 1
        while True:
            records, _ = self._reader.events(CASE, ticket, page)
            read = [event for record in records if (event := self._event(record)) is not None]
            new = {event.id: event for event in read if event.id > after and event.id not in found}
            found |= new
            # newest first: one that is old means that all behind it are
            if len(new) < len(read) or not new:
                return [found[key] for key in sorted(found, reverse=True)]
            page += 1

    def newest_event(self, ticket: str) -> int:
        """See `Writer.newest_event`."""
        records, _ = self._reader.events(CASE, ticket, 1)
        return max((event.id for record in records if (event := self._event(record))), default=0)

    def change(self, ticket: str, fields: Mapping[str, Any]) -> None:
        """See `Writer.change`."""
        about = f"change of {CASE} {ticket}"
        self._send(Patch(f"{API}/entities/{CASE}/{ticket}", body={"fields": dict(fields)}, about=about))

    def note(self, ticket: str, text: str, *, public: bool) -> None:
        """See `Writer.note`."""
        body = {"entity_type": CASE, "entity_id": int(ticket), "subtitle": text, "public_note": public}
        self._send(Request(f"{API}/entities/Note", body=body, about=f"note on {CASE} {ticket}"))

    def close(self) -> None:
        """Frees the connections."""
        self._reader.session.close()
        self._once.close()
        self._tokens.close()

    def _send(self, request: Request) -> None:
        # what the answer says is not believed: the caller reads the case
        self._once.fetch(replace(request, limits=self._limits), lambda _: None)

    def _event(self, record: Record) -> Event | None:
        key = record.get("id")
        if not isinstance(key, int | str) or not str(key).isdecimal():
            return None
        user = record.get("user")
        email = user.get("email") if isinstance(user, dict) else None
        return Event(
            id=int(key),
            changes=dict(_changes(record)),
            note=_text(record) if record.get("event_type") == "note" else None,
            by_us=isinstance(email, str) and email.lower() == self._user.lower(),
        )


def open_writer(
    config: Mapping[str, Any],
    credentials: Mapping[str, str],
    budgets: Budgets,
    *,
    tokens: TokenStore = SHARED,
    clock: Clock | None = None,
    policy: Policy | None = None,
) -> QContactWriter:
    """Opens a tenant for writing; makes no request. See `dlt_sources.writes.open_writer`.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form.
    """
    validate(config, credentials)
    clock, policy, name = clock or Clock(), policy or PATIENCE, account(config)
    auth = Tokens(address(config), credentials, budgets, tokens, clock)
    dialect = QContact(name, auth, clock.now)
    reading = Session(address(config), name, dialect, budgets, clock=clock, policy=policy)
    once = replace(policy, attempts=1)
    writing = Session(address(config), name, WritingDialect(dialect), budgets, clock=clock, policy=once)
    own = ceiling(config)
    limit = None if own is None else Limit("ceiling", own)
    limits = (ACCOUNT,) if limit is None else (limit, ACCOUNT)
    user = credentials.get("email") or credentials["uid"]
    return QContactWriter(Reader(reading, choices(config), limit), writing, auth, limits, user)


def said(body: bytes) -> str:
    """The vendor's own words in an error's body, cut short; its form is not documented."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return "(no words)"
    words = " ".join("; ".join(_words(found)).split())
    return words[:MOST_WORDS] or "(no words)"


def _words(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, list):
        for one in found:
            yield from _words(one)
    elif isinstance(found, dict):
        for name in (
            ("error", "errors", "message", "full_messages") if set(found) & {"error", "errors", "message"} else found
        ):
            yield from _words(found.get(name))


def _changes(record: Record) -> Iterator[tuple[str, Any]]:
    """New values by field: an event tells of them in one of two forms."""
    for told in (record.get("changes"), record.get("formatted_changes")):
        for name, change in told.items() if isinstance(told, dict) else ():
            if isinstance(change, dict) and "new_value" in change:
                yield str(change.get("field") or name).removeprefix("$t.fields."), change["new_value"]


def _text(record: Record) -> str | None:
    texts = (record.get(name) for name in ("subtitle", "content", "html"))
    return next((text for text in texts if isinstance(text, str) and text), None)


def _linked(record: Record) -> Iterator[tuple[str, Any]]:
    links = record.get("relationships")
    for name, link in links.items() if isinstance(links, dict) else ():
        if isinstance(link, dict) and link.get("id") is not None:
            yield name, link["id"]
