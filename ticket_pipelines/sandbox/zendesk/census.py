"""What the account holds, in numbers and versions: what a complete sync must find."""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.zendesk.metrics import metric_set
from ticket_pipelines.sandbox.zendesk.state import State, is_comment
from ticket_pipelines.sandbox.zendesk.table import Record

_CLOCKS = {"tickets": "generated_timestamp", "ticket_events": "timestamp", "ticket_metric_events": "time"}


def counts(state: State, now: float) -> dict[str, Any]:
    """Counts per stream, then of what lies inside or is special."""
    tickets = state.tables["tickets"].rows
    comments = records(state, "ticket_comments")
    found: dict[str, Any] = {name: len(table.rows) for name, table in state.tables.items()}
    found["ticket_metrics"] = len(tickets) - len(state.removals)
    found["ticket_comments"] = len(comments)
    found["attachments"] = sum(len(comment["attachments"]) for comment in comments)
    found["voice_comments"] = sum(comment["type"] == "VoiceComment" for comment in comments)
    found["private_comments"] = sum(not comment["public"] for comment in comments)
    found["deleted_tickets"] = len(state.removals)
    found["scrubbed_tickets"] = sum(record["subject"] == "SCRUBBED" for record in tickets.values())
    found["archived_tickets"] = sum(state.archived(key, now) for key in tickets)
    found["ai_agent_tickets"] = sum(record["support_type"] == "ai_agent" for record in tickets.values())
    found["deleted_users"] = sum(not user["active"] for user in state.tables["users"].rows.values())
    return found


def records(state: State, stream: str) -> list[Record]:
    """The records of a stream, by id; comments and metrics are derived.

    Raises:
        KeyError: No such stream.
    """
    if stream == "ticket_comments":
        events = state.tables["ticket_events"].rows.values()
        return [
            {**child, **state.comment_changes.get(child["id"], {}), "ticket_id": event["ticket_id"]}
            for event in events
            for child in event["child_events"]
            if is_comment(child)
        ]
    if stream == "ticket_metrics":
        found = (metric_set(state, key) for key in state.tables["tickets"].ids())
        return [record for record in found if record]
    table = state.tables[stream]
    return [table.rows[key] for key in table.ids()]


def versions(state: State, stream: str) -> list[dict[str, Any]]:
    """Id, version in milliseconds and deletion of the records of a stream.

    Raises:
        KeyError: No such stream.
    """
    clock = _CLOCKS.get(stream, "created_at" if stream == "ticket_comments" else "updated_at")
    return [
        {"id": record["id"], "version": _milliseconds(record.get(clock)), "deleted": _deleted(record)}
        for record in records(state, stream)
    ]


def _milliseconds(value: int | str | None) -> int | None:
    return None if value is None else int(epoch(value) * 1000)


def _deleted(record: Record) -> bool:
    gone = (record.get("status") == "deleted", record.get("active") is False and "permanently_deleted" in record)
    return any(gone) or bool(record.get("deleted_at") or record.get("deleted") or record.get("is_deleted"))
