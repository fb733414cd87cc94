"""The position of a desk: where each of its streams goes on.

It is one JSON document, committed with the rows (dlt's state in the warehouse):

    streams    the live position of each stream, moved by incremental syncs
    full       the walk of a full sync through each stream, moved by that alone
    backfill   the same for a backfill
    refreshed  when streams that are not read in each sync were last read whole
    rechecked  how far a round of asking for stored records has come
    gone       records that turned out to be missing while something of them was read, and were not asked for since
    fields     fields that no release declares, and the columns they were given
    stamp      how many packages were committed, and of which account: shows what was put back from a backup

A walk that was cut off (killed, stopped by a limit) goes on where its last package ended, if asked for the same window.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dlt_sources.base import State, Window

RESUMABLE = timedelta(days=7)
"""A walk that began longer ago starts anew: what it read first is too old to stand for a full sync."""


TOLD = 20
"""Members of a map in a position that the record of a sync repeats; of a larger one it says their number."""

STAMP = "stamp"


class Walk(StrEnum):
    """Which position a sync moves."""

    LIVE = "streams"
    FULL = "full"
    BACKFILL = "backfill"


class Position:
    """A desk's position while it is read: ahead of what is committed by the package in the making."""

    def __init__(self, committed: dict[str, Any], loads: int | None = None) -> None:
        """Begins where a position stands.

        Args:
            committed: The position to go on from.
            loads: Number of the newest commit, where that is not the one that `committed` is of; None: it is.
        """
        self.committed = committed
        self._loads = number(committed) if loads is None else loads
        self._state = copy.deepcopy(committed)

    def snapshot(self) -> dict[str, Any]:
        """The position as it stands now, without empty parts."""
        return copy.deepcopy({part: value for part, value in self._state.items() if value})

    def stamped(self, snapshot: dict[str, Any], account: str) -> dict[str, Any]:
        """A snapshot as it is committed: with the next number."""
        return {**snapshot, STAMP: {"loads": self._loads + 1, "account": account}}

    def commit(self, snapshot: dict[str, Any]) -> None:
        """Takes note that a snapshot is committed."""
        self.committed = snapshot
        if STAMP in snapshot:
            self._state[STAMP] = dict(snapshot[STAMP])
            self._loads = number(snapshot)

    def rollback(self) -> None:
        """Forgets what was read and not committed."""
        self._state = copy.deepcopy(self.committed)

    def begin(self, walk: Walk, stream: str, window: Window, now: datetime) -> State | None:
        """Where to go on reading; {} is the start, None says that this walk has read the stream already."""
        if walk is Walk.LIVE:
            return self.live(stream)
        bounds = [_iso(window.since), _iso(window.until)]
        entry = self._part(walk).get(stream)
        if not entry or entry["window"] != bounds or now - datetime.fromisoformat(entry["began"]) > RESUMABLE:
            entry = {"state": {}, "window": bounds, "began": now.isoformat(), "done": False}
            self._part(walk)[stream] = entry
        return None if entry["done"] else dict(entry["state"])

    def live(self, stream: str) -> State:
        """Where incremental syncs of a stream go on; {} where they begin."""
        return dict(self._part("streams").get(stream, {}))

    def is_live(self, stream: str) -> bool:
        """Whether incremental syncs of a stream have a position to go on from."""
        return bool(self._part("streams").get(stream))

    def advance(self, walk: Walk, stream: str, state: State, last: bool) -> None:
        """Moves a stream behind a page.

        A walk through everything leaves its end as the live position where there is none yet.
        """
        if walk is Walk.LIVE:
            self._part("streams")[stream] = dict(state)
            return
        entry = self._part(walk)[stream]
        entry |= {"state": dict(state), "done": last}
        if not last:
            # where the walk began by the vendor's clock, so that its speed can be told
            entry.setdefault("first", {name: value for name, value in state.items() if isinstance(value, str | int)})
        if last and entry["window"] == [None, None]:
            self._part("streams").setdefault(stream, dict(state))

    def restart(self, walk: Walk, stream: str) -> None:
        """Forgets where a stream stood, so that it is read from the start."""
        if walk is Walk.LIVE:
            self._part("streams").pop(stream, None)
        else:
            self._part(walk)[stream] |= {"state": {}, "done": False}

    def end(self, walk: Walk) -> None:
        """Forgets the finished streams of a walk; one that was cut off can go on."""
        if walk is not Walk.LIVE:
            part = self._part(walk)
            self._state[walk.value] = {stream: entry for stream, entry in part.items() if not entry["done"]}

    def complete(self, walk: Walk, stream: str) -> None:
        """Takes note that a walk has read a stream that has no state of its own."""
        if walk is not Walk.LIVE:
            self._part(walk)[stream] |= {"done": True}

    def was_read(self, stream: str) -> bool:
        """Whether a stream was ever read to its end, or in part where it has a cursor."""
        return stream in self._part("refreshed") or stream in self._part("streams")

    def refreshed(self, stream: str) -> datetime | None:
        """When a stream was last read whole, where that is kept."""
        found = self._part("refreshed").get(stream)
        return datetime.fromisoformat(found) if found else None

    def refresh(self, stream: str, now: datetime) -> None:
        """Keeps when a stream was read whole."""
        self._part("refreshed")[stream] = now.isoformat()

    def rechecked(self, stream: str) -> str:
        """Id up to which the present round of a stream has asked for its records; "" at its start."""
        found: str = self._part("rechecked").get(stream, "")
        return found

    def recheck(self, stream: str, reached: str) -> None:
        """Keeps how far a round has come; "" ends it."""
        self._part("rechecked")[stream] = reached
        if not reached:
            del self._part("rechecked")[stream]

    def gone(self) -> set[str]:
        """Ids of records that turned out to be missing, and were not asked for since."""
        return set(self._part("gone").get("ids", ()))

    def keep_gone(self, ids: Collection[str]) -> None:
        """Keeps which those are."""
        self._state["gone"] = {"ids": sorted(ids)} if ids else {}

    def fields(self, stream: str) -> dict[str, str]:
        """Learned fields of a stream and their columns."""
        return dict(self._part("fields").get(stream, {}))

    def learn(self, stream: str, fields: dict[str, str]) -> None:
        """Keeps the learned fields of a stream."""
        if fields:
            self._part("fields")[stream] = dict(fields)

    def _part(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._state.setdefault(str(name), {})
        return found


def number(state: Mapping[str, Any]) -> int:
    """Number of the commit that a position is of; 0 for none."""
    return int(state.get(STAMP, {}).get("loads", 0))


def cursor(state: dict[str, Any], walk: Walk, stream: str) -> State | None:
    """What a committed position says of one stream, for the record of a sync; of what it keeps by record, how much."""
    found: State | None = state.get(walk.value, {}).get(stream)
    if found and walk is not Walk.LIVE:
        found = found["state"]
    return found and {
        name: f"{len(part)} records" if isinstance(part, dict) and len(part) > TOLD else part
        for name, part in found.items()
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
