"""Zoho Desk's limits: daily credits and concurrent calls (contract, section 2.6).

There is no limit a minute. Our own bound keeps several desks of an organization from storming it, and carries until
when used-up credits close the account to all processes.
"""

from __future__ import annotations

from collections.abc import Mapping

from dlt_sources.limits import Limit

ACCOUNT = Limit("account", 600)
DOCS = "https://desk.zoho.com/DeskAPIDocument"

_REMAINING = "X-Rate-Limit-Remaining-v3"


class Credits:
    """The daily credits of an organization, as its last answer told them.

    Attributes:
        remaining: Credits left; None: not told yet.
    """

    def __init__(self) -> None:
        self.remaining: int | None = None

    def tell(self, headers: Mapping[str, str]) -> None:
        """Takes over what the headers of an answer say."""
        text = headers.get(_REMAINING, "").strip()
        if text.isdecimal():
            self.remaining = int(text)

    def spare(self, reserve: int) -> bool:
        """Whether more than a reserve is left; True while it is not known."""
        return self.remaining is None or self.remaining > reserve
