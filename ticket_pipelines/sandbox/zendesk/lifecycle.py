"""What happens to whole tickets: deletion, restoring, scrubbing, merging."""

from __future__ import annotations

from ticket_pipelines.sandbox.zendesk.state import Removal, Said, State


def remove(state: State, key: int, at: int, actor: int) -> None:
    """Soft-deletes a ticket: it stays in exports with the status `deleted` (contract, section 0, fact 4)."""
    previous = state.ticket(key)["status"]
    state.change(key, at, {"status": "deleted"}, by=actor)
    state.removals[key] = Removal(at, actor, previous)


def restore(state: State, key: int, at: int) -> None:
    """Brings a soft-deleted ticket back."""
    removal = state.removals.pop(key)
    state.change(key, at, {"status": removal.previous}, by=removal.actor)


def scrub(state: State, key: int, at: int) -> None:
    """Erases a deleted ticket's text; only `generated_timestamp` moves (contract, section 0, fact 2)."""
    fields = {"subject": "SCRUBBED", "raw_subject": "SCRUBBED", "description": "X"}
    state.change(key, at, fields, event=False)


def merge(state: State, loser: int, winner: int, at: int, actor: int) -> None:
    """Closes a ticket in favour of another, with the vendor's tag and comments (contract, section 5.3)."""
    into = Said(f"This request was closed and merged into request #{winner}.", actor, public=False, rel="merge")
    tags = [*state.ticket(loser)["tags"], "closed_by_merge"]
    state.change(loser, at, {"status": "closed", "tags": tags}, by=actor, said=into)
    note = Said(f"Request #{loser} was closed and merged into this request.", actor, public=False, rel="merge")
    state.change(winner, at, {}, by=actor, said=note)
    event = state.tables["ticket_events"].rows[state.events_of[winner][-1]]
    event["merged_ticket_ids"] = [loser]
