"""Run configuration of a sync, as the launchpad shows it, and the request that it means. Never a secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import dagster as dg
from pydantic import Field

from ticket_pipelines.errors import UsageError
from ticket_pipelines.sync.result import Mode, SyncRequest, Trigger

Word = TypeVar("Word", Mode, Trigger)

MODES = (Mode.INCREMENTAL, Mode.FULL, Mode.BACKFILL)


class SyncConfig(dg.Config):
    """What one sync is to do."""

    mode: str = Field(
        default="",
        description="incremental (what is new), full (everything again) or backfill (since to until);"
        " empty: what the job is for",
    )
    since: str | None = Field(
        default=None, description="start of a backfill: an ISO date or time, UTC where it names no zone"
    )
    until: str | None = Field(default=None, description="end of a backfill; empty: now")
    streams: list[str] = Field(default=[], description="only these streams; empty: those of the chosen assets")
    ids: list[str] = Field(default=[], description="only these records, by the vendor's id; empty: by cursor")
    trigger: str = Field(default=Trigger.MANUAL.value, description="who asked: manual, schedule, api or webhook")
    due_only: bool = Field(default=False, description="leave out reference streams that were read lately")
    wait: bool = Field(
        default=True, description="wait for a desk that is being synced; false: fail with the holder's name"
    )

    def request(self, mode: str, streams: Sequence[str], dagster_run_id: str) -> SyncRequest:
        """The request that this configuration means.

        Args:
            mode: What the job is for.
            streams: Streams of the chosen assets; empty: all.
            dagster_run_id: The run.

        Raises:
            UsageError: A value cannot be read. Whether the request makes sense is for the sync to say.
        """
        return SyncRequest(
            mode=_choice("mode", self.mode or mode, MODES),
            trigger=_choice("trigger", self.trigger, tuple(Trigger)),
            since=_instant("since", self.since),
            until=_instant("until", self.until),
            streams=tuple(streams),
            ids=tuple(self.ids),
            wait=self.wait,
            due_only=self.due_only,
            dagster_run_id=dagster_run_id,
        )


def config_of(request: SyncRequest) -> SyncConfig:
    """The run configuration that means this request."""
    return SyncConfig(
        mode=request.mode.value,
        since=request.since.isoformat() if request.since else None,
        until=request.until.isoformat() if request.until else None,
        streams=list(request.streams),
        ids=list(request.ids),
        trigger=request.trigger.value,
        due_only=request.due_only,
        wait=request.wait,
    )


def _choice(name: str, value: str, allowed: Sequence[Word]) -> Word:
    for word in allowed:
        if word.value == value:
            return word
    raise UsageError(f"{name}: {value!r} is not known; write one of {', '.join(word.value for word in allowed)}")


def _instant(name: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{name}: {text!r} is not a date or time; write ISO such as 2026-01-31 or 2026-01-31T08:00:00Z"
        ) from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
