"""Operations of the control plane's `mutate`: by name, with arguments; each answers with the ids that it touched.

Every operation takes `at` (Unix seconds or ISO 8601) for when it happens; without it, it happens now. Exports withhold
the newest minute: move the clock to see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.zendesk.change import Change, Operation
from ticket_pipelines.sandbox.zendesk.field_changes import FIELD_OPERATIONS
from ticket_pipelines.sandbox.zendesk.record_changes import RECORD_OPERATIONS
from ticket_pipelines.sandbox.zendesk.ticket_changes import TICKET_OPERATIONS

_RANDOM = (
    "create_ticket",
    "update_ticket",
    "comment",
    "solve_ticket",
    "automate_ticket",
    "delete_ticket",
    "update_user",
)


def apply(change: Change, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Does one operation.

    Raises:
        ValueError: Unknown operation, unknown id, or arguments that do not fit.
    """
    if op not in OPERATIONS:
        raise ValueError(f"no operation {op!r}; one of: {', '.join(sorted(OPERATIONS))}")
    given = {"key" if name == "id" else name: value for name, value in arguments.items()}
    if "at" in given:
        change = replace(change, at=int(epoch(given.pop("at"))))
    try:
        return OPERATIONS[op](change, **given)
    except KeyError as error:
        raise ValueError(f"{op}: there is no {error}") from error
    except TypeError as error:
        raise ValueError(f"{op}: {error}") from error


def random_changes(change: Change, count: int = 10) -> dict[str, Any]:
    """Does so many operations, chosen by chance; the same seed chooses the same."""
    done: list[dict[str, Any]] = []
    for _ in range(count):
        op = change.rng.choice(_RANDOM)
        done.append({"op": op, **apply(change, op, _chosen(change, op))})
    return {"done": done}


def _chosen(change: Change, op: str) -> dict[str, Any]:
    state = change.state
    if op == "create_ticket":
        return {}
    if op == "update_user":
        users = state.tables["users"].rows.values()
        user = change.rng.choice([user["id"] for user in users if user["active"] and user["role"] == "end-user"])
        return {"id": user, "notes": f"Note {change.rng.randint(0, 9999)}"}
    tickets = state.tables["tickets"].rows.values()
    usable = [ticket["id"] for ticket in tickets if ticket["status"] not in ("deleted", "closed")]
    chosen = {"id": change.rng.choice(usable)}
    if op in ("update_ticket", "automate_ticket"):
        return {**chosen, "priority": change.rng.choice(("low", "normal", "high", "urgent"))}
    return {**chosen, "body": f"Message {change.rng.randint(0, 9999)} ☕"} if op == "comment" else chosen


OPERATIONS: Mapping[str, Operation] = {
    **TICKET_OPERATIONS,
    **FIELD_OPERATIONS,
    **RECORD_OPERATIONS,
    "random": random_changes,
}
