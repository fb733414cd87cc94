"""What a sync came to, from what came of its streams: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ticket_pipelines.logs import redact
from ticket_pipelines.sync.result import SET_ASIDE, Outcomes, Status, StreamResult

_WHOLE = frozenset({"success", "unavailable", "not_due"})
_COUNTED = frozenset({None, SET_ASIDE})
"""Reasons of which the count says more."""
_SOME = frozenset({"success", "partial", "stopped"})


def verdict(outcomes: Outcomes) -> tuple[Status, tuple[str, str] | None]:
    """Status of a sync that came to its end, with code and message of what was left out.

    A stream that the account's plan does not have costs nothing; one that failed, or a record that was set aside,
    makes the sync partial; only where nothing came through at all, it failed.
    """
    results = outcomes.streams
    failed = outcomes.counts().failed
    if not failed and all(result.outcome in _WHOLE for result in results.values()):
        return Status.SUCCESS, None
    code = outcomes.failures[0][1].code if outcomes.failures else "rows_failed" if failed else _code(outcomes)
    said = [f"{name}: {r.reason}" for name, r in results.items() if r.outcome in ("failed", "stopped")]
    if failed:
        said.append(f"{failed} records were set aside in the quarantine")
    partial = [(name, r.reason) for name, r in results.items() if r.outcome == "partial" and r.reason not in _COUNTED]
    # each stream says the same of ids that none of them has
    said += [str(partial[0][1])] if outcomes.missing else [f"{name}: {reason}" for name, reason in partial]
    came = any(result.outcome in _SOME or result.counts.read for result in results.values())
    return (Status.PARTIAL if came else Status.FAILED), (code, redact("; ".join(said)))


def _code(outcomes: Outcomes) -> str:
    return "not_found" if outcomes.missing else "list_incomplete"


def details(
    outcomes: Outcomes, warnings: Mapping[str, int], drift: Sequence[str] = (), *, whole: bool = True
) -> dict[str, Any]:
    """The details of a sync, ready for JSON: per stream its cursors, pages, rows, outcome and reason.

    `part` stands there where it was not of all that its desk reads, `resumed` where it went on with an interrupted one.
    """
    found: dict[str, Any] = {"streams": {name: _stream(result) for name, result in outcomes.streams.items()}}
    if not whole:
        found["part"] = True
    if outcomes.resumed:
        found["resumed"] = True
    if warnings:
        found["warnings"] = dict(warnings)
    if drift:
        found["drift"] = list(drift)
    if outcomes.cleaned:
        found["cleaned"] = outcomes.cleaned
    return found


def _stream(result: StreamResult) -> dict[str, Any]:
    return {
        "cursor_before": result.cursor_before,
        "cursor_after": result.cursor_after,
        "pages": result.pages,
        "rows": asdict(result.counts),
        "outcome": result.outcome,
        "reason": redact(result.reason) if result.reason else None,
    }
