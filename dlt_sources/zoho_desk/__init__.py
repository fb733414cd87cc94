"""Zoho Desk: tickets and all that belongs to them, read through searches by time.

Flow: `vendor.py` (what the registry knows) -> `client.py` (check, pages, by_ids, vanished, probe) -> `tickets.py`,
`children.py`, `lists.py` (kinds of streams) -> `feed.py` (which tickets changed) -> `search.py`, `windows.py` (searches
that give only so many rows) -> `reader.py` (one page, within limits) -> `dlt_sources.http`. `source.py` wraps the
client as a plain dlt source.

Traps, each with its answer here (contract, section 0):

- The list of tickets has no `modifiedTime` and no filter by it; only the search has.
- `fields=` replaces the list's own fields.
- A search gives 1,000 rows, or more, or fewer: windows halve, and the numbers are learned from the refusals.
- Sizes of pages differ: learned from the refusals as well.
- An empty list is a 204 without a body.
- Nothing lists trashed tickets: they are asked for, one by one, now and then.
- Archived tickets leave list and search.
- A refused token comes with status 200 (`dlt_sources.zoho.auth`).
- Numbers, booleans and times come in several forms (`bodies.py`).
- Credits are counted a day and shared with everybody: what is read ticket by ticket leaves a reserve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlt_sources.zoho_desk.vendor import ZOHO_DESK

if TYPE_CHECKING:
    from dlt_sources.zoho_desk.source import zoho_desk_source

__all__ = ["ZOHO_DESK", "zoho_desk_source"]


def __getattr__(name: str) -> Any:
    # dlt takes over a second to import; only those who ask for the plain source pay for it
    if name == "zoho_desk_source":
        from dlt_sources.zoho_desk.source import zoho_desk_source

        return zoho_desk_source
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
