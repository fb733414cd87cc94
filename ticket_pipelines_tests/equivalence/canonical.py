"""The form in which rows of different engines are compared: what a value says, not how an engine writes it. Pure.

Numbers are numbers (1 is 1.0), times are instants in UTC, JSON is parsed and its keys are sorted. NULL is neither the
empty text nor JSON's null. The order of rows and the engines' names of types do not count; a column's kind does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dlt_sources.base import Kind

LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    "*": {"synced_at": "when the row was read: each warehouse reads it in a sync of its own"},
    "sync_runs": {
        "id": "a new one for each sync",
        "started_at": "our clock",
        "completed_at": "our clock",
        "duration_seconds": "our clock",
        "api_wait_seconds": "our clock",
        "details": "cursors of reference streams and of Zoho Desk hold our clock",
    },
}
"""Columns that differ between two syncs of the same records by what they are, by table; each with the reason."""

OURS = datetime(2026, 1, 1, tzinfo=UTC)
"""The emulated vendors' clocks stand before it, ours behind: a `deleted_at` after it is when we missed the record."""
WHEN_MISSED = ["@", "when it was missed"]


def rows(table: str, found: Sequence[Mapping[str, Any]], kinds: Mapping[str, Kind]) -> list[str]:
    """Rows as texts, equal where the rows are, in their own order.

    Args:
        table: Name of the table or view.
        found: Its rows.
        kinds: Kind of each of its columns.
    """
    left_out = {*LEFT_OUT["*"], *LEFT_OUT.get(table, {})}
    wanted = sorted(set(kinds) - left_out)
    return sorted(json.dumps({name: _value(name, row[name], kinds[name]) for name in wanted}) for row in found)


def digest(texts: Sequence[str]) -> str:
    """One hash of such rows."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _value(name: str, value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind is Kind.JSON:
        return ["json", _json(json.loads(value, parse_float=Decimal, parse_int=Decimal))]
    if kind is Kind.TIMESTAMP:
        return _instant(name, value)
    if kind is Kind.DATE:
        return ["@", value.isoformat()]
    if kind in (Kind.INTEGER, Kind.NUMBER):
        return _number(Decimal(repr(value)))
    return value


def _instant(name: str, value: datetime) -> list[str]:
    if value.tzinfo is None:
        raise ValueError(f"{name} has no time zone")
    at = value.astimezone(UTC)
    return WHEN_MISSED if name == "deleted_at" and at > OURS else ["@", at.isoformat()]


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {"object": [[name, _json(value[name])] for name in sorted(value)]}
    return value


def _number(value: Decimal) -> list[str]:
    if not value.is_finite():
        return ["#", str(value)]
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    short = text.rstrip("0")
    return ["#", f"{'-' * sign}{short}e{exponent + len(text) - len(short)}" if short else "0"]
