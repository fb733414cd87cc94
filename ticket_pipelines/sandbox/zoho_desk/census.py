"""What the account holds, in numbers and versions: what a complete sync must find."""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.zoho_desk import views
from ticket_pipelines.sandbox.zoho_desk.state import State
from ticket_pipelines.sandbox.zoho_desk.table import Record

_OF_TICKETS = {"threads": "threads", "comments": "comments", "ticket_history": "history"}


def counts(state: State) -> dict[str, Any]:
    """Counts per stream, then of what is special."""
    rows = state.tables["tickets"].rows.values()
    found: dict[str, Any] = {name: len(records(state, name)) for name in (*state.tables, *_OF_TICKETS)}
    found["trashed_tickets"] = sum(bool(row.get("isTrashed")) for row in rows)
    found["archived_tickets"] = sum(bool(row.get("isArchived")) for row in rows)
    found["listed_tickets"] = sum(not row.get("isTrashed") and not row.get("isArchived") for row in rows)
    found["unlisted_contacts"] = len(state.unlisted)
    return found


def records(state: State, stream: str) -> list[Record]:
    """The records of a stream; tickets as the detail shows them, trashed ones among them; children with `ticketId`.

    Raises:
        KeyError: No such stream.
    """
    if stream == "tickets":
        return [views.detailed(state, key) for key in state.tables["tickets"].rows]
    if stream in _OF_TICKETS:
        held: dict[str, list[Record]] = getattr(state, _OF_TICKETS[stream])
        there = state.tables["tickets"].rows
        return [{**row, "ticketId": key} for key, rows in held.items() if key in there for row in rows]
    return [row for key, row in state.tables[stream].rows.items() if key not in state.unlisted]


def versions(state: State, stream: str) -> list[dict[str, Any]]:
    """Id, version in milliseconds and deletion of the records of a stream.

    Raises:
        KeyError: No such stream.
    """
    return [
        {"id": row.get("id"), "version": _version(row), "deleted": bool(row.get("isTrashed"))}
        for row in records(state, stream)
    ]


def _version(row: Record) -> int | None:
    text = next(
        (row[name] for name in ("modifiedTime", "commentedTime", "createdTime", "eventTime") if row.get(name)), None
    )
    return None if text is None else round(epoch(text) * 1000)
