"""Budgets: how many requests an account may still make, per limit class, shared by all that use the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Budgets(Protocol):
    """Where the requests of an account are counted: in memory for a source run alone, else in the control database."""

    def reserve(self, account: str, limit: str, total: int, period: float) -> float:
        """Takes one request from a budget.

        Args:
            account: `Vendor.account` of the configuration.
            limit: Limit class, for example `incremental`.
            total: Requests allowed per period, unless the vendor announced another total.
            period: Seconds.

        Returns:
            Seconds to wait before the caller may ask again; 0.0 when the request is taken.
        """
        ...

    def observe(
        self, account: str, limit: str, *, total: int | None, remaining: int | None, resets_in: float | None
    ) -> None:
        """Takes over what the vendor's headers announce."""
        ...

    def close_until(self, account: str, limit: str, until: float) -> None:
        """Closes a budget until a Unix time (a 429 with Retry-After)."""
        ...


Announced = Mapping[str, int]
