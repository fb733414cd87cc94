"""What happens to whole tickets: status, trash, erasure, archive, merge, tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ticket_pipelines.sandbox.zoho_desk.records import stamp
from ticket_pipelines.sandbox.zoho_desk.state import State


def to_status(state: State, status: str, at: float) -> Mapping[str, Any]:
    """The fields of a ticket that takes a status.

    Raises:
        KeyError: No such status.
    """
    kinds = {row["status"]: row["statusType"] for row in state.tables["statuses"].rows.values()}
    closed, held = kinds[status] == "Closed", kinds[status] == "On Hold"
    times = {"closedTime": stamp(at) if closed else None, "onholdTime": stamp(at) if held else None}
    return {"status": status, "statusType": kinds[status], **times}


def trash(state: State, key: str, at: float, by: str) -> None:
    """Moves a ticket to the recycle bin."""
    state.ticket(key)
    state.change(key, at, {"isTrashed": True}, by, event="TicketDeleted")


def restore(state: State, key: str, at: float, by: str) -> None:
    """Brings a trashed ticket back."""
    if not state.tables["tickets"].rows[key].get("isTrashed"):
        raise KeyError(key)
    state.change(key, at, {"isTrashed": False}, by, event="TicketRestored")


def erase(state: State, key: str, at: float, by: str) -> None:
    """Deletes a ticket for good, trashed or not; only its history is left, which nobody can read any more."""
    if not state.tables["tickets"].rows[key].get("isTrashed"):
        trash(state, key, at, by)
    state.tables["tickets"].remove(key)
    state.threads.pop(key, None)
    state.comments.pop(key, None)
    state.tags.pop(key, None)


def archive(state: State, key: str, at: float) -> None:
    """Archives a ticket: it leaves lists and search, without a new `modifiedTime` (contract, section 0, fact 7)."""
    state.ticket(key)
    state.change(key, at, {"isArchived": True}, event="TicketArchived", bump=False)


def merge(state: State, loser: str, winner: str, at: float, by: str) -> None:
    """Moves a ticket's threads to another and the ticket to the recycle bin."""
    state.ticket(loser)
    state.ticket(winner)
    state.threads[winner].extend(state.threads.pop(loser, []))
    state.threads[winner].sort(key=lambda thread: thread["createdTime"])
    state.change(winner, at, {}, by, event="TicketMergedMaster")
    state.change(loser, at, {}, by, event="TicketMergedChild")
    trash(state, loser, at, by)


def tag(state: State, key: str, at: float, names: Sequence[str], by: str, *, remove: bool = False) -> None:
    """Adds tags to a ticket, or takes them away; new names become tags of the account."""
    known = {row["name"]: row["id"] for row in state.tables["tags"].rows.values()}
    for name in names:
        if name not in known:
            known[name] = state.take_id("tags")
            state.tables["tags"].put({"id": known[name], "name": name})
    wanted = [known[name] for name in names]
    kept = [held for held in state.tags[key] if held not in wanted]
    state.tags[key] = kept if remove else kept + wanted
    state.change(key, at, {}, by, event="TagsRemoved" if remove else "TagsAdded")
