"""What a desk is, and which names it may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ticket_pipelines.errors import UsageError

KEY_RULE = "2 to 40 of a-z, 0-9 and _, a letter first, no double underscore (for example 'support_eu')"

_KEY = re.compile(r"[a-z][a-z0-9_]{1,39}")


@dataclass(frozen=True, slots=True)
class Desk:
    """One desk, without its credentials (`Registry.credentials`).

    Attributes:
        key: Its name, unique over all vendors; never changes.
        vendor: Name of its vendor.
        account: The account it reads, as `Vendor.account` names it; never changes.
        config: The vendor's configuration, with `streams`, `max_requests_per_minute` and `status_map` where given.
        schedule: Cron, or `every 30s`.
        timezone: IANA name in which the cron is meant.
        paused: Not synced by schedule.
        created_at: When it was registered.
        updated_at: When its registration last changed.
        removed_at: When it was removed; its rows are still in the warehouse.
        next_due_at: When a scheduled sync is due.
        last_checked_at: End of the last sync or idle visit.
        failures: Failed syncs in a row.
        priority: Of due desks, the lowest goes first.
        parked: Why it is not tried again until something changes; None: it is.
        synced_whole_at: End of the last sync that left nothing out; None: the last one did.
        changed_at: End of the last sync that changed rows.
        reported_at: When Dagster was last told of its rows.
        reported_status: The outcome that Dagster was last told.
    """

    key: str
    vendor: str
    account: str
    config: Mapping[str, Any]
    schedule: str
    timezone: str
    paused: bool
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None
    next_due_at: datetime | None
    last_checked_at: datetime | None
    failures: int
    priority: int
    parked: str | None
    synced_whole_at: datetime | None
    changed_at: datetime | None
    reported_at: datetime | None
    reported_status: str | None

    @property
    def resting(self) -> bool:
        """Whether its schedule does not count: paused by somebody, or parked after a permanent failure."""
        return self.paused or self.parked is not None

    @property
    def streams(self) -> tuple[str, ...]:
        """Names of the streams that it reads; empty: all."""
        return tuple(self.config.get("streams") or ())


def check_key(key: str) -> None:
    """Refuses a key that breaks the rule.

    Raises:
        UsageError: It does.
    """
    if not _KEY.fullmatch(key) or "__" in key:
        raise UsageError(f"desk key {key[:60]!r} is not allowed: write {KEY_RULE}")
