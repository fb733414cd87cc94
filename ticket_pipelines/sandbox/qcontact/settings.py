"""Settings of the emulated QContact tenant: what the contract leaves open, and what tenants may differ in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

STATUS_LABELS: Mapping[str, str] = {
    "Open": "Open",
    "Assigned": "Assigned",
    "InProgress": "In Progress",
    "Escalated": "Escalated",
    "InReview": "In Review",
    "Reviewed": "Reviewed",
    "Pending Company Response": "Pending Company Response",
    "Solved": "Solved",
}
"""What a status is called when it is read, by the token that a write must use (section 3); no other can be written."""
_EVENT_BODIES = ("list", "results")
_LIST_ORDERS = ("id", "updated")


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be chosen about the tenant.

    Attributes:
        most_items: Rows of the largest page; more that are asked for become so many.
        list_order: `id` (newest first) or `updated` (last changed first, so that pages shift while they are read).
        events_page: Events of a page.
        events_body: `list` or `results`: the array itself, or under that key.
        no_events_status: Status for a case without events: 200, 404 or 400.
        detail_updated_at: True where a case's own record has `updated_at`.
        tokens_in_body: True where a sign-in gives its tokens in the body and not in headers.
        token_seconds: Life of the tokens of a sign-in.
        rotates: True where each answer brings a new access token; the old one lives for `rotation_grace` seconds more.
        rotation_grace: See `rotates`.
        requests_total: Requests in a period, then 429; None: no limit (none is documented).
        requests_period: Seconds of that period.
        retry_after: True where a 429 says how long to wait.
        bad_status: What a status that cannot be written gets: `refuse` (422), or `ignore` (200, nothing changes).
        entity_types: True where the schema endpoint exists (section 2.2: unproven).
    """

    most_items: int = 100
    list_order: str = "id"
    events_page: int = 25
    events_body: str = "list"
    no_events_status: int = 200
    detail_updated_at: bool = True
    tokens_in_body: bool = False
    token_seconds: int = 14 * 86_400
    rotates: bool = False
    rotation_grace: int = 5
    requests_total: int | None = None
    requests_period: int = 60
    retry_after: bool = True
    bad_status: str = "refuse"
    entity_types: bool = False

    def __post_init__(self) -> None:
        if self.list_order not in _LIST_ORDERS or self.events_body not in _EVENT_BODIES:
            raise ValueError(f"list_order is one of {_LIST_ORDERS}, events_body one of {_EVENT_BODIES}")
        if self.no_events_status not in (200, 400, 404) or self.bad_status not in ("refuse", "ignore"):
            raise ValueError("no_events_status is 200, 400 or 404, bad_status is refuse or ignore")

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with some changed.

        Raises:
            ValueError: An unknown setting or value.
        """
        try:
            return replace(self, **changes)
        except TypeError as error:
            raise ValueError(f"unknown setting: {error}") from error
