"""Metric events of a ticket: what its clocks did (contract, section 5.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ticket_pipelines.sandbox.clock import epoch, iso
from ticket_pipelines.sandbox.zendesk.table import Record

METRICS = ("reply_time", "agent_work_time", "requester_wait_time")
_TARGET_MINUTES = 240
_BREACHED_EVERY = 5


def measured(ticket: Record, at: int, kind: str, policy: Record, take_id: Callable[[], int]) -> list[Record]:
    """Metric events of one moment.

    Args:
        ticket: The ticket.
        at: Unix seconds.
        kind: `activate` when it is opened, with its SLA and for some tickets a breach that was taken back; `fulfill`
            when it is solved, with the time that passed.
        policy: The SLA policy that applies.
        take_id: Gives a new id.
    """

    def told(metric: str, what: str, **more: Any) -> Record:
        base = {"id": take_id(), "ticket_id": ticket["id"], "metric": metric, "instance_id": 1}
        return {**base, "type": what, "time": iso(at), **more}

    found = [told(metric, kind) for metric in METRICS]
    if kind == "fulfill":
        minutes = (at - int(epoch(ticket["created_at"]))) // 60
        return [*found, told("requester_wait_time", "update_status", status={"calendar": minutes, "business": None})]
    named = {name: policy[name] for name in ("id", "title", "description")}
    sla = {"target": _TARGET_MINUTES, "business_hours": False, "policy": named}
    found.append(told("reply_time", "apply_sla", sla=sla))
    if ticket["id"] % _BREACHED_EVERY == 0:
        found.append(told("reply_time", "breach", deleted=True))
    return found
