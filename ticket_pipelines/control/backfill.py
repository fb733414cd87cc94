"""How far a full sync or backfill has come, and how long it may take: read off the copy of the position. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ticket_pipelines.sync.position import RESUMABLE, Walk

_MODES = {Walk.BACKFILL: "backfill", Walk.FULL: "full"}


@dataclass(frozen=True, slots=True)
class Backfill:
    """A full sync or backfill that goes on, or was cut off and can go on.

    Attributes:
        mode: full or backfill.
        stream: The stream that it reads now.
        began_at: When it began to read that stream.
        reached: How far it has come by the vendor's clock; None: the vendor gives its records in no order of time.
        fraction: Share of the stream's time that is read, 0 to 1; None: not known.
        seconds_left: Time that the stream's rest will take at the speed so far; None: not known.
        streams_done: Streams that it has read.
    """

    mode: str
    stream: str
    began_at: datetime
    reached: datetime | None
    fraction: float | None
    seconds_left: float | None
    streams_done: int


def backfill(state: Mapping[str, Any], clocks: Sequence[str], committed_at: datetime, now: datetime) -> Backfill | None:
    """What is under way at a desk; None: nothing.

    Args:
        state: The position, as it was committed.
        clocks: `Vendor.clocks`.
        committed_at: When it was committed.
        now: A walk that began too long ago does not go on.
    """
    for walk, mode in _MODES.items():
        entries: Mapping[str, Mapping[str, Any]] = state.get(walk.value, {})
        open_ = {
            name: entry for name, entry in entries.items() if not entry["done"] and _began(entry) > now - RESUMABLE
        }
        if open_:
            stream, entry = max(open_.items(), key=lambda item: _began(item[1]))
            return _told(mode, stream, entry, clocks, committed_at, len(entries) - len(open_))
    return None


def _told(
    mode: str, stream: str, entry: Mapping[str, Any], clocks: Sequence[str], committed_at: datetime, done: int
) -> Backfill:
    began, reached = _began(entry), _clock(entry["state"], clocks)
    since, until = (_instant(bound) for bound in entry["window"])
    first, last = since or _clock(entry.get("first", {}), clocks), until or committed_at
    fraction = left = None
    if reached is not None and first is not None and last > first:
        fraction = min(1.0, max(0.0, (reached - first) / (last - first)))
        spent = (committed_at - began).total_seconds()
        left = spent * (1 - fraction) / fraction if fraction > 0 and spent > 0 else None
    return Backfill(mode, stream, began, reached, fraction, left, done)


def _began(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["began"])


def _clock(state: Mapping[str, Any], clocks: Sequence[str]) -> datetime | None:
    return next((found for name in clocks if (found := _instant(state.get(name))) is not None), None)


def _instant(value: Any) -> datetime | None:
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
