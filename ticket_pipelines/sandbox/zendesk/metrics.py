"""Ticket metrics, derived from a ticket's events (contract, section 5.7)."""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sandbox.answers import encoded
from ticket_pipelines.sandbox.clock import epoch, iso
from ticket_pipelines.sandbox.zendesk.records import API
from ticket_pipelines.sandbox.zendesk.state import State, is_comment
from ticket_pipelines.sandbox.zendesk.table import Record

_FIRST_ID = 28_999_000_000_000
_ID_STEP = 4


def metrics_id(ticket_id: int) -> int:
    """Id of a ticket's metrics."""
    return _FIRST_ID + ticket_id * _ID_STEP


def metric_set(state: State, key: int) -> Record | None:
    """A ticket's metrics; None for a deleted ticket."""
    if key in state.removals:
        return None
    ticket = state.tables["tickets"].rows[key]
    events = [state.tables["ticket_events"].rows[event_id] for event_id in state.events_of.get(key, ())]
    created = int(epoch(ticket["created_at"]))
    statuses = _changes(events, "status")
    assigned = _changes(events, "assignee_id")
    solved = [at for at, value in statuses if value in ("solved", "closed")]
    comments = [(event["timestamp"], child) for event in events for child in event["child_events"] if is_comment(child)]
    replies = [at for at, child in comments if child["public"] and child["author_id"] != ticket["requester_id"]]
    reopened = [at for at, value in statuses if value == "open" and solved and at > solved[0]]
    first_reply = (replies[0] - created) // 60 if replies else None
    resolved = (solved[0] - created) // 60 if solved else None
    return {
        "url": f"{API}/ticket_metrics/{metrics_id(key)}.json",
        "id": metrics_id(key),
        "ticket_id": key,
        "created_at": ticket["created_at"],
        "updated_at": ticket["updated_at"],
        "group_stations": 1,
        "assignee_stations": len(assigned),
        "reopens": len(reopened),
        "replies": len(replies),
        "assignee_updated_at": _last(assigned),
        "requester_updated_at": _last(
            [(at, 0) for at, child in comments if child["author_id"] == ticket["requester_id"]]
        ),
        "status_updated_at": _last(statuses) or ticket["created_at"],
        "custom_status_updated_at": _last(statuses) or ticket["created_at"],
        "initially_assigned_at": iso(assigned[0][0]) if assigned else None,
        "assigned_at": _last(assigned),
        "solved_at": iso(solved[-1]) if solved else None,
        "latest_comment_added_at": _last([(at, 0) for at, _ in comments]),
        "reply_time_in_minutes": {"calendar": first_reply, "business": None},
        "first_resolution_time_in_minutes": {"calendar": resolved, "business": None},
        "full_resolution_time_in_minutes": {
            "calendar": (solved[-1] - created) // 60 if solved else None,
            "business": None,
        },
        "agent_wait_time_in_minutes": {"calendar": None, "business": None},
        "requester_wait_time_in_minutes": {"calendar": resolved, "business": None},
        "on_hold_time_in_minutes": {"calendar": 0, "business": 0},
    }


def encoded_metric_set(state: State, key: int) -> bytes:
    """JSON of a ticket's metrics, kept until the ticket changes."""
    text = state.metrics.get(key)
    if text is None:
        text = state.metrics[key] = encoded(metric_set(state, key))
    return text


def _changes(events: list[Record], name: str) -> list[tuple[int, Any]]:
    return [
        (event["timestamp"], child[name])
        for event in events
        for child in event["child_events"]
        if child["event_type"] == "Change" and name in child
    ]


def _last(moments: list[tuple[int, Any]]) -> str | None:
    return iso(moments[-1][0]) if moments else None
