"""A dry run: what a push would send. Reads the vendor, sends and records nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dlt_sources.errors import NotFoundError
from ticket_pipelines.project import Project
from ticket_pipelines.writeback.drain import Drain, UnmappedError
from ticket_pipelines.writeback.entry import Cause, Draft, Entry, State
from ticket_pipelines.writeback.mirror import collect
from ticket_pipelines.writeback.outbox import Outbox
from ticket_pipelines.writeback.push import PushRequest, opened, written


@dataclass(frozen=True, slots=True)
class Planned:
    """What a push would do with one entry.

    Attributes:
        entry: Its id; None: a change of the mirror that is not in the outbox yet.
        ticket: The vendor's id of the ticket.
        operation: status, assignment, fields or note.
        action: send, unchanged, overruled, park, or ask (it was sent, and the vendor is asked what became of it).
        send: Values as they would be sent.
        reason: Why not all of it is sent.
    """

    entry: int | None
    ticket: str
    operation: str
    action: str
    send: Mapping[str, Any]
    reason: str | None = None


def preview(project: Project, key: str, request: PushRequest | None = None) -> list[Planned]:
    """What a push of a desk would send now.

    Raises:
        UsageError: There is no such desk, or its vendor cannot be written.
        SourceError: The vendor cannot be read.
        MirrorError: The mirrored table cannot be read.
    """
    request = request or PushRequest()
    desk = project.desks.get(key)
    writing = written(desk)
    outbox = Outbox(project.control, project.vault)
    fresh: list[Draft] = []
    if writing.mirror is not None:
        collect(project, desk, writing, keep=fresh)
    entries = [*((entry.id, entry) for entry in outbox.open(key)), *((None, _entry(key, draft)) for draft in fresh)]
    with closing(opened(project, desk, request)) as writer:
        drain = Drain(outbox, writer, writing, check=lambda: None, pause=lambda _: None)
        return [_planned(drain, number, entry) for number, entry in entries]


def _planned(drain: Drain, number: int | None, entry: Entry) -> Planned:
    def planned(action: str, send: Mapping[str, Any], reason: str | None = None) -> Planned:
        return Planned(number, entry.ticket, entry.operation.value, action, send, reason)

    if entry.state is State.SENDING:
        return planned("ask", {}, "was sent without a clear answer: the vendor is asked before anything is sent again")
    try:
        decision = drain.preview(entry)
    except UnmappedError as error:
        return planned("park", {}, f"{Cause.UNMAPPED}: {error}")
    except NotFoundError as error:
        return planned("park", {}, f"{Cause.GONE}: {error}")
    if decision is None:
        return planned("send", {"note": entry.payload.note, "public": entry.payload.public})
    if decision.asked:
        return planned("park", {}, f"{Cause.CONFLICT}: changed at the vendor too: {', '.join(decision.asked)}")
    stands = f"changed at the vendor too, whose value stands: {', '.join(decision.theirs)}" if decision.theirs else None
    if decision.send:
        return planned("send", decision.send, stands)
    return planned("overruled" if stands else "unchanged", {}, stands or "the vendor shows it already")


def _entry(desk: str, draft: Draft) -> Entry:
    now = datetime.now(UTC)
    return Entry(
        id=0,
        desk=desk,
        ticket=draft.ticket,
        operation=draft.operation,
        payload=draft.payload,
        base_version=draft.base_version,
        idempotency_key=draft.idempotency_key,
        state=State.WAITING,
        cause=None,
        reason=None,
        attempts=0,
        created_at=now,
        updated_at=now,
        finished_at=None,
    )
