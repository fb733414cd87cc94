"""What Dagster is told of a sync: the numbers of `sync_runs`, stream by stream. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ticket_pipelines.sync.result import Status, SyncResult

LOADED = frozenset({"success", "partial", "stopped"})
"""Outcomes of a stream whose rows are in, as far as it was read."""

FINE = frozenset({"success", "not_due", "unavailable"})
"""Outcomes that leave nothing out: a plan that lacks a feature is no failure of the sync."""

COUNTS = ("read", "created", "updated", "unchanged", "deleted", "failed")

MODE_TAG = "tickets/mode"
STATUS_TAG = "tickets/status"


def outcomes(result: SyncResult) -> dict[str, Mapping[str, Any]]:
    """What came of each stream, by name."""
    streams: Mapping[str, Mapping[str, Any]] = result.details.get("streams", {})
    return dict(streams)


def loaded(result: SyncResult) -> list[str]:
    """The streams whose rows are in."""
    return [name for name, stream in outcomes(result).items() if stream["outcome"] in LOADED]


def left_out(result: SyncResult) -> dict[str, str]:
    """The streams that did not come through whole, with the reason."""
    return {
        name: str(stream.get("reason") or stream["outcome"])
        for name, stream in outcomes(result).items()
        if stream["outcome"] not in FINE
    }


def stream_metadata(result: SyncResult, stream: str) -> dict[str, Any]:
    """The numbers of one stream, and of the sync that read it."""
    found = outcomes(result)[stream]
    return {
        **{f"rows_{count}": int(found["rows"][count]) for count in COUNTS},
        "outcome": str(found["outcome"]),
        **sync_metadata(result),
    }


def group_metadata(result: SyncResult, streams: Mapping[str, str]) -> dict[str, Any]:
    """The numbers of an asset that is many tables: each table's own, and their sums.

    Args:
        result: What came of the sync.
        streams: Table to its stream.
    """
    found = outcomes(result)
    rows = {table: {count: int(found[stream]["rows"][count]) for count in COUNTS} for table, stream in streams.items()}
    return {
        **{f"rows_{count}": sum(one[count] for one in rows.values()) for count in COUNTS},
        "tables": {
            table: {**rows[table], "outcome": str(found[stream]["outcome"])} for table, stream in streams.items()
        },
        **sync_metadata(result),
    }


def sync_metadata(result: SyncResult) -> dict[str, Any]:
    """The numbers of the whole sync, as `sync_runs` has them."""
    return {
        "sync": result.id,
        "mode": result.mode.value,
        "duration_seconds": result.duration_seconds or 0.0,
        "api_requests": result.api_requests,
    }


def headline(result: SyncResult) -> str:
    """One line on what came of the sync."""
    if result.status is Status.FAILED:
        return result.error_message or f"the sync failed ({result.error_code})"
    return (
        f"{result.status.value}: {result.rows_read} read, {result.rows_created} created, {result.rows_updated} updated,"
        f" {result.rows_unchanged} unchanged, {result.rows_deleted} deleted, {result.rows_failed} failed,"
        f" {result.api_requests} requests"
    )
