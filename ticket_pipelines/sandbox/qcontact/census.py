"""What the tenant holds, in numbers and versions: what a complete sync must find."""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sandbox.qcontact import views
from ticket_pipelines.sandbox.qcontact.settings import Settings
from ticket_pipelines.sandbox.qcontact.state import CASE, CONTACT, TEAM, USER, Record, State

_KINDS = {"cases": CASE, "contacts": CONTACT, "users": USER, "teams": TEAM}


def counts(state: State) -> dict[str, Any]:
    """Living records by kind, events of cases; then deleted and hidden cases."""
    found = {name: sum(not one.gone for one in state.of(kind)) for name, kind in _KINDS.items()}
    cases = state.of(CASE)
    found["case_events"] = sum(len(case.events) for case in cases if not case.gone)
    return {**found, "deleted": sum(bool(case.gone) for case in cases), "hidden": sum(case.hidden for case in cases)}


def records(state: State, stream: str, settings: Settings) -> list[Record]:
    """The records of a kind with all fields, or all events with the id of their case.

    Raises:
        KeyError: No such stream.
    """
    if stream == "case_events":
        cases = [case for case in state.of(CASE) if not case.gone]
        return [{**event, "case_id": case.id} for case in cases for event in case.events]
    return [views.detail(state, one, settings) for one in state.of(_KINDS[stream]) if not one.gone]


def versions(state: State, stream: str, settings: Settings) -> list[dict[str, Any]]:
    """Id, version in milliseconds and deletion of the records of a stream; events have no version.

    Raises:
        KeyError: No such stream.
    """
    if stream == "case_events":
        return [{"id": str(one["id"]), "version": None, "deleted": False} for one in records(state, stream, settings)]
    clocked = settings.detail_updated_at
    return [
        {"id": str(one.id), "version": round(one.updated_at * 1000) if clocked else None, "deleted": bool(one.gone)}
        for one in state.of(_KINDS[stream])
    ]
