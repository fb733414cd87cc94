"""What a push came to, from what came of its entries: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dlt_sources.errors import LimitError
from ticket_pipelines.logs import redact
from ticket_pipelines.sync.result import Counts, Status
from ticket_pipelines.writeback.drain import Step
from ticket_pipelines.writeback.entry import Entry, Operation, State
from ticket_pipelines.writeback.mirror import Mirrored


@dataclass(slots=True)
class Results:
    """What came of a push so far.

    Attributes:
        steps: What came of each entry.
        mirror: What the look at the mirror found; None: there is none.
        usage: Requests made, seconds waited.
    """

    steps: list[Step] = field(default_factory=list)
    mirror: Mirrored | None = None
    usage: tuple[int, float] = (0, 0.0)

    def add(self, step: Step) -> None:
        """Takes in what came of an entry."""
        self.steps.append(step)

    def counts(self) -> Counts:
        """Entries as `sync_runs` counts rows: notes are created, what was overruled or there already is unchanged."""
        found = Counts(read=len(self.steps))
        for step in self.steps:
            kind = outcome(step)
            if kind in ("parked", "waiting"):
                found.failed += 1
            elif kind == "written":
                found.created += step.entry.operation is Operation.NOTE
                found.updated += step.entry.operation is not Operation.NOTE
            else:
                found.unchanged += 1
        return found

    def verdict(self, error: tuple[str, str] | None) -> tuple[Status, tuple[str, str] | None]:
        """Status of the push, with code and message of what went wrong.

        Args:
            error: What ended it before its end.
        """
        counts = self.counts()
        if error is not None:
            some = counts.read > counts.failed or error[0] == LimitError.code
            return (Status.PARTIAL if some else Status.FAILED), error
        parked = [step for step in self.steps if outcome(step) == "parked"]
        waiting = counts.failed - len(parked)
        said = [f"{len(parked)} parked; see `ticket-pipelines outbox list`"] if parked else []
        said += [f"{waiting} wait for the next push: the vendor gave no clear answer"] if waiting else []
        said += [self.mirror.error] if self.mirror and self.mirror.error else []
        if not said:
            return Status.SUCCESS, None
        return Status.PARTIAL, ("parked" if parked else "waiting" if waiting else "mirror", "; ".join(said))

    def details(self) -> dict[str, Any]:
        """The details of a push, ready for JSON: its entries, what went wrong with them, and the mirror."""
        entries = [_entry(step) for step in self.steps]
        found: dict[str, Any] = {
            "entries": entries,
            "errors": [
                {name: entry[name] for name in ("entry", "ticket", "operation", "cause", "reason")}
                for entry in entries
                if entry["outcome"] in ("parked", "waiting")
            ],
        }
        if self.mirror:
            found["mirror"] = asdict(self.mirror)
        return found


def outcome(step: Step) -> str:
    """What came of an entry, as a word: written, unchanged, overruled, parked or waiting."""
    if step.lost is not None:
        return "waiting"
    entry = step.entry
    if entry.state is State.DONE:
        return "written" if entry.payload.sent is not None else "unchanged"
    return entry.state.value


def _entry(step: Step) -> dict[str, Any]:
    entry = step.entry
    return {
        "entry": entry.id,
        "ticket": entry.ticket,
        "operation": entry.operation.value,
        "outcome": outcome(step),
        "cause": entry.cause.value if entry.cause else None,
        "reason": redact(entry.reason) if entry.reason else None,
        "attempts": entry.attempts,
        "request": request(entry),
        "at": entry.updated_at.isoformat(),
    }


def request(entry: Entry) -> Mapping[str, Any]:
    """What was to be written, without what people wrote: a status and an assignee whole, else names and lengths."""
    payload = entry.payload
    if entry.operation is Operation.NOTE:
        return {"note_characters": len(payload.note or ""), "public_note": payload.public}
    if entry.operation is Operation.FIELDS:
        return {"fields": sorted(payload.fields)}
    return {"fields": dict(payload.sent.fields if payload.sent and payload.sent.fields else payload.fields)}
