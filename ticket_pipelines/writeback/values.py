"""What a value is at the vendor, and when two of them are the same. Pure functions.

Statuses are read as labels (`In Progress`) and written as tokens (`InProgress`), which the vendor takes letter by
letter or not at all: a word that has no token is never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ticket_pipelines.unified.labels import category_of, normal, status_of, statuses_of
from ticket_pipelines.writeback.entry import STATUS_FIELD

TOKENS: Mapping[str, Mapping[str, str]] = {
    "qcontact": {
        "new": "Open",
        "open": "Open",
        "assigned": "Assigned",
        "in_progress": "InProgress",
        "escalated": "Escalated",
        "on_hold": "Pending Company Response",
        "solved": "Solved",
        "closed": "Solved",
    },
}
"""Vendor to its token of each canonical status; pending and cancelled have none."""

EXACT: Mapping[str, frozenset[str]] = {
    "qcontact": frozenset({*TOKENS["qcontact"].values(), "InReview", "Reviewed"}),
}
"""Vendor to all tokens that it takes."""


def token_of(vendor: str, word: Any, own: Mapping[str, str]) -> str | None:
    """The token of a status.

    Args:
        vendor: Name of the vendor.
        word: A token, a canonical status, or a word of the user's own.
        own: Tokens by the user's own words, from the desk's configuration; they go before ours.

    Returns:
        None where there is none.
    """
    text = str(word)
    if text in own:
        return own[text]
    if text in own.values() or text in EXACT[vendor]:
        return text
    return TOKENS[vendor].get(text)


def same(field: str, one: Any, other: Any) -> bool:
    """Whether two values of a field mean the same to the vendor."""
    return plain(field, one) == plain(field, other)


def plain(field: str, value: Any) -> str | None:
    """A value as it is compared: no difference between 7 and "7", null and empty, a status's label and its token."""
    if value is None or value == "":
        return None
    if field == STATUS_FIELD:
        return normal(str(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return str(value).replace("\r\n", "\n").strip()


def ends(vendor: str, label: Any, labels: Mapping[str, str]) -> bool:
    """Whether a status ends the case: solved, closed or cancelled.

    Args:
        vendor: Name of the vendor.
        label: The status as it is read or written.
        labels: The desk's own map of labels to canonical statuses.
    """
    if label is None:
        return False
    return category_of(status_of(statuses_of(vendor, labels), str(label))) == "closed"
