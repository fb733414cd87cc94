"""From a request to a plan: what is to be read, checked before anything is touched."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dlt_sources.base import Refresh, Stream, Vendor, Window
from ticket_pipelines.errors import UsageError
from ticket_pipelines.sync.position import Walk
from ticket_pipelines.sync.result import Mode, SyncRequest

_WALKS = {Mode.INCREMENTAL: Walk.LIVE, Mode.FULL: Walk.FULL, Mode.BACKFILL: Walk.BACKFILL}


@dataclass(frozen=True, slots=True)
class Plan:
    """What one sync reads.

    Attributes:
        mode: As it is recorded: incremental, full, backfill or repair.
        walk: The position that it moves.
        streams: The streams, in reading order.
        ids: Chosen ids (a repair); empty: by position.
        window: Bounds by the vendor's clock.
        due_only: Leave out streams that were read lately.
    """

    mode: Mode
    walk: Walk
    streams: tuple[Stream, ...]
    ids: tuple[str, ...]
    window: Window
    due_only: bool


def make_plan(
    request: SyncRequest, vendor: Vendor, configured: Sequence[str] = (), shown: Vendor | None = None
) -> Plan:
    """The plan of a request.

    Args:
        request: What is asked.
        vendor: The desk's vendor.
        configured: Streams that the desk's configuration names; empty: all.
        shown: The vendor as the desk's account shows it (`Vendor.as_shown`); None: it was not asked yet, and where the
            account has its say, a stream that no release knows is not refused.

    Raises:
        UsageError: The request cannot be done.
    """
    walk = _WALKS.get(request.mode)
    if walk is None:
        raise UsageError(f"mode {request.mode.value!r} is none of a sync: write incremental, full or backfill")
    _check_times(request)
    if request.ids and walk is not Walk.LIVE:
        raise UsageError(f"chosen ids and mode {request.mode.value!r} exclude each other: leave out one of them")
    chosen = _named(request.streams or (() if request.ids else configured), vendor, shown)
    known = shown or vendor
    streams = _repaired(chosen, known) if request.ids else _read(request, chosen, known)
    may_come = vendor.discovery is not None and (shown is None or vendor.discovery.group in request.streams)
    if not streams and not may_come:
        raise UsageError(
            "there is nothing to read: the chosen streams are read for chosen records only; name those with --id"
        )
    return Plan(
        mode=Mode.REPAIR if request.ids else request.mode,
        walk=walk,
        streams=tuple(sorted(streams, key=lambda stream: stream.priority)),
        ids=_ids(request.ids, vendor),
        window=Window(request.since, request.until),
        due_only=request.due_only and walk is Walk.LIVE and not request.streams,
    )


def _check_times(request: SyncRequest) -> None:
    given = [moment for moment in (request.since, request.until) if moment is not None]
    if given and request.mode not in (Mode.FULL, Mode.BACKFILL):
        raise UsageError(f"since and until need mode full or backfill, not {request.mode.value!r}")
    if any(moment.tzinfo is None for moment in given):
        raise UsageError("since and until need a time zone: write for example 2026-01-31T00:00:00Z")
    if request.since and request.until and request.until <= request.since:
        raise UsageError(f"until ({request.until.isoformat()}) must be after since ({request.since.isoformat()})")
    if request.mode is Mode.BACKFILL and not given:
        raise UsageError("a backfill needs since, until or both; to read everything again, use mode full")


def _named(names: Sequence[str], vendor: Vendor, shown: Vendor | None) -> Collection[str] | None:
    """The streams that these names choose: a group stands for its streams, what is inside of records for its parent.

    None where nothing was named: all. A name may well choose nothing.
    """
    if not names:
        return None
    parents = {stream.name: stream.parent or stream.name for stream in (shown or vendor).streams}
    released = {stream.name for stream in vendor.streams}
    chosen = set()
    for name in names:
        if vendor.discovery is not None and name == vendor.discovery.group:
            chosen |= {parent for parent in parents.values() if parent not in released}
        elif name in parents:
            chosen.add(parents[name])
        elif name in released or (vendor.discovery is not None and shown is None):
            # a stream of other accounts, or one that only this account knows
            chosen.add(name)
        else:
            raise UsageError(f"{vendor.title} has no stream {name[:60]!r}; it has {', '.join(parents)}")
    return chosen


def _read(request: SyncRequest, chosen: Collection[str] | None, vendor: Vendor) -> list[Stream]:
    streams = [
        stream for stream in vendor.streams if (not stream.optional if chosen is None else stream.name in chosen)
    ]
    # a date range means nothing to a stream that is read whole each time
    whole = request.mode is not Mode.BACKFILL or bool(request.streams)
    return [
        stream
        for stream in streams
        if not (stream.on_demand or stream.parent) and (whole or stream.refresh is not Refresh.SNAPSHOT)
    ]


def _ids(given: Sequence[str], vendor: Vendor) -> tuple[str, ...]:
    """The chosen ids, each once, as the vendor writes them."""
    ids = [each.strip() for each in given]
    for each in ids:
        # no vendor counts further than 64 bits
        if not each or (vendor.numeric_ids and not (each.isascii() and each.isdecimal() and len(each) < 20)):
            needs = "whole numbers" if vendor.numeric_ids else "not empty"
            raise UsageError(f"{each[:60]!r} is no id of {vendor.title}: its ids are {needs}")
    return tuple(dict.fromkeys(str(int(each)) if vendor.numeric_ids else each for each in ids))


def _repaired(chosen: Collection[str] | None, vendor: Vendor) -> list[Stream]:
    """Streams of a repair: the chosen ones, else the main stream and those that are read beside it."""
    if chosen is not None:
        streams = [stream for stream in vendor.streams if stream.name in chosen]
        for stream in streams:
            if not stream.by_id:
                able = ", ".join(one.name for one in vendor.streams if one.by_id)
                raise UsageError(
                    f"{vendor.title} does not give records of stream {stream.name!r} by id, so leave out --id; by id "
                    f"it gives {able}"
                )
        return streams
    return [vendor.streams[0], *(stream for stream in vendor.streams[1:] if stream.on_demand or stream.beside)]
