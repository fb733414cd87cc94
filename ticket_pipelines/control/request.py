"""Checks what is asked of a sync before anything is opened."""

from __future__ import annotations

from ticket_pipelines.errors import UsageError
from ticket_pipelines.sync.result import Mode, SyncRequest

MODES = (Mode.INCREMENTAL, Mode.FULL, Mode.BACKFILL)
"""What a user can ask for by name."""


def mode_of(name: str) -> Mode:
    """The mode of that name.

    Raises:
        UsageError: A user cannot ask for it.
    """
    if name not in list(MODES):
        raise UsageError(f"mode {name[:40]!r} is not known: write one of {', '.join(MODES)}")
    return Mode(name)


def check_request(request: SyncRequest) -> SyncRequest:
    """The request, where it does not contradict itself.

    Raises:
        UsageError: It does.
    """
    for name, moment in (("since", request.since), ("until", request.until)):
        if moment is not None and moment.tzinfo is None:
            raise UsageError(f"{name} must have a time zone")
    if request.mode is Mode.BACKFILL and request.since is None:
        raise UsageError("a backfill needs its start (--since), and may have an end (--until)")
    if request.mode is Mode.INCREMENTAL and (request.since or request.until):
        raise UsageError("since and until go with the modes backfill and full (--mode)")
    if request.since and request.until and request.since >= request.until:
        raise UsageError("since must be before until")
    if request.ids and (request.mode is not Mode.INCREMENTAL or len(request.streams) > 1):
        raise UsageError("records by id go with one stream at most, and without a mode")
    return request
