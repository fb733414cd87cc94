"""Settings of the emulated Zoho CRM account: edition, caps, and forms in which the contract's sources differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ticket_pipelines.sandbox.zoho.accounts import AccountsSettings
from ticket_pipelines.sandbox.zoho_crm.errors import ERRORS

EDITIONS: Mapping[str, tuple[int, int]] = {
    "free": (5_000, 5),
    "standard": (50_000, 10),
    "professional": (50_000, 15),
    "enterprise": (50_000, 20),
    "ultimate": (50_000, 25),
}
"""Credits in 24 hours and concurrent calls, without what each user adds (contract, section 3.2)."""
BULK_STATES = ("ADDED", "QUEUED", "IN PROGRESS", "COMPLETED", "FAILURE")


@dataclass(frozen=True, slots=True)
class Settings(AccountsSettings):
    """What can be chosen about the account, besides its accounts server.

    Attributes:
        edition: One of `EDITIONS`.
        credits: Credits in 24 hours; None: what the edition has.
        concurrency: Calls at once; None: what the edition has.
        sub_concurrency: Calls at once of those that search or sort.
        rows: How many rows modules have, where that does not follow from the number of tickets.
        hidden: Fields that the user may not see, by module: nothing tells of them.
        unavailable: Modules that are refused, with the code: `{"Leads": "NO_PERMISSION"}`.
        utc_offset: The organization's zone, which all times carry.
        per_page: Rows of the largest page.
        page_cap: Last page that can be had by its number.
        token_cap: Rows that can be had by page tokens.
        page_token_seconds: Life of a page token.
        search_cap: Rows that a search gives.
        not_modified_status: What an `If-Modified-Since` without changes gets: 304 or 204 (section 4).
        bulk_rows: Rows of a bulk read job.
        bulk_states: States of a job, one more each time that it is asked for; the last one stays.
        bulk_downloads: Downloads of results in a minute.
    """

    edition: str = "enterprise"
    credits: int | None = None
    concurrency: int | None = None
    sub_concurrency: int = 10
    rows: Mapping[str, int] = field(default_factory=dict)
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    utc_offset: str = "+05:30"
    per_page: int = 200
    page_cap: int = 10
    token_cap: int = 100_000
    page_token_seconds: int = 86_400
    search_cap: int = 2_000
    not_modified_status: int = 304
    bulk_rows: int = 200_000
    bulk_states: tuple[str, ...] = ("ADDED", "IN PROGRESS", "COMPLETED")
    bulk_downloads: int = 10

    def __post_init__(self) -> None:
        if self.edition not in EDITIONS:
            raise ValueError(f"unknown edition {self.edition!r}; one of: {', '.join(EDITIONS)}")
        if unknown := set(self.unavailable.values()) - set(ERRORS):
            raise ValueError(f"unknown codes {sorted(unknown)}; some of: {', '.join(ERRORS)}")
        if not self.bulk_states or set(self.bulk_states) - set(BULK_STATES):
            raise ValueError(f"bulk_states are of: {', '.join(BULK_STATES)}")

    @property
    def credits_total(self) -> int:
        """Credits in 24 hours."""
        return EDITIONS[self.edition][0] if self.credits is None else self.credits

    @property
    def concurrency_total(self) -> int:
        """Calls at once."""
        return EDITIONS[self.edition][1] if self.concurrency is None else self.concurrency

    @property
    def offset_seconds(self) -> int:
        """The organization's zone in seconds east of UTC."""
        sign = -1 if self.utc_offset.startswith("-") else 1
        hours, minutes = self.utc_offset[1:].split(":")
        return sign * (int(hours) * 3600 + int(minutes) * 60)

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with some changed.

        Raises:
            ValueError: An unknown setting or value.
        """
        try:
            return replace(self, **changes)
        except TypeError as error:
            raise ValueError(f"unknown setting: {error}") from error
