"""What became of a change that was sent: read from the ticket and from its events since. Pure functions.

A lost answer says nothing, and the ticket alone can mislead: our value may have been there and been changed again by
somebody else. The events since the change was sent tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlt_sources.writes import Event
from ticket_pipelines.writeback.entry import Payload, Sent
from ticket_pipelines.writeback.values import same


def applied(sent: Sent, theirs: Mapping[str, Any], since: Sequence[Event]) -> tuple[str, ...]:
    """The fields of what was sent that took effect.

    Args:
        sent: What was sent.
        theirs: What the vendor shows now.
        since: Events after the marker.
    """
    return tuple(name for name in sent.fields if _took_effect(name, sent, theirs, since))


def noted(payload: Payload, since: Sequence[Event]) -> bool:
    """Whether a note is among the events since it was sent."""
    return payload.note is not None and any(
        event.note is not None and _words(event.note) == _words(payload.note) for event in since
    )


def _took_effect(name: str, sent: Sent, theirs: Mapping[str, Any], since: Sequence[Event]) -> bool:
    ours = sent.fields[name]
    if same(name, theirs.get(name), ours):
        return True
    # an event shows a person by name where the field holds an id: then it is ours if we are who changed it
    return any(
        same(name, event.changes[name], ours) or (event.by_us and isinstance(ours, int))
        for event in since
        if name in event.changes
    )


def _words(text: str) -> str:
    return " ".join(text.split())
