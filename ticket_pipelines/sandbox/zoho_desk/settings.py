"""Settings of the emulated Zoho Desk account: edition, caps, and forms in which the contract's sources differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ticket_pipelines.sandbox.zoho.accounts import AccountsSettings
from ticket_pipelines.sandbox.zoho_desk.errors import ERRORS

EDITIONS: Mapping[str, tuple[int, int]] = {
    "free": (5_000, 5),
    "express": (25_000, 10),
    "standard": (50_000, 10),
    "professional": (75_000, 15),
    "enterprise": (100_000, 25),
}
"""Daily credits and concurrent calls, without what each agent adds (contract, section 2.6)."""


@dataclass(frozen=True, slots=True)
class Settings(AccountsSettings):
    """What can be chosen about the account, besides its accounts server.

    Attributes:
        edition: One of `EDITIONS`.
        credits: Credits a day; None: what the edition has.
        concurrency: Calls at once; None: what the edition has.
        search_from_max: Highest `from` of a search: 999, 1999 or 4999 (section 0, fact 4).
        archived_from_max: Highest `from` of archived tickets.
        search_lag: Seconds for which a search misses what was changed.
        from_base: Number of the first row in a list: 0 or 1.
        page_limits: Largest page of a stream where it differs from the usual (section 0, fact 5).
        unavailable: Streams that are refused, with the code: `{"fields": "LICENSE_ACCESS_LIMITED"}`.
        scope_mismatch_status: 403, or 404 as some modules answer.
        replies_bump: False when a reply leaves `modifiedTime` alone (section 2.7).
        history_path: `History`, `history` or `both`.
        trashed_detail: True when a trashed ticket is shown with `isTrashed`, False when it is a 404.
        recycle_bin: True when `/recycleBin` exists.
        list_sorts_modified: False when the list refuses `sortBy=-modifiedTime`.
        text_booleans: True when `isDeleted`, `isFollowing` and `isEndUser` are text.
        epoch_times: True when times are milliseconds instead of text.
    """

    edition: str = "enterprise"
    credits: int | None = None
    concurrency: int | None = None
    search_from_max: int = 999
    archived_from_max: int = 4_999
    search_lag: int = 0
    from_base: int = 0
    page_limits: Mapping[str, int] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    scope_mismatch_status: int = 403
    replies_bump: bool = True
    history_path: str = "History"
    trashed_detail: bool = False
    recycle_bin: bool = False
    list_sorts_modified: bool = True
    text_booleans: bool = False
    epoch_times: bool = False

    def __post_init__(self) -> None:
        if self.edition not in EDITIONS:
            raise ValueError(f"unknown edition {self.edition!r}; one of: {', '.join(EDITIONS)}")
        if self.history_path not in ("History", "history", "both"):
            raise ValueError("history_path is History, history or both")
        if unknown := set(self.unavailable.values()) - set(ERRORS):
            raise ValueError(f"unknown codes {sorted(unknown)}; some of: {', '.join(ERRORS)}")

    @property
    def credits_total(self) -> int:
        """Credits a day."""
        return EDITIONS[self.edition][0] if self.credits is None else self.credits

    @property
    def concurrency_total(self) -> int:
        """Calls at once."""
        return EDITIONS[self.edition][1] if self.concurrency is None else self.concurrency

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with some changed.

        Raises:
            ValueError: An unknown setting or value.
        """
        try:
            return replace(self, **changes)
        except TypeError as error:
            raise ValueError(f"unknown setting: {error}") from error
