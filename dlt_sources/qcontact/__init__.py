"""QContact: cases and what happened to them, read through the tenant's entity API.

Flow: `vendor.py` (what the registry knows) -> `client.py` (check, streams, pages, by_ids) -> `cases.py` (records),
`events.py` (what happened to them) -> `marks.py`, `feed.py` (which changed) -> `records.py` (one flat record) ->
`reader.py` (one answer, within limits) -> `auth.py` (sign-in, tokens) -> `dlt_sources.http`. `source.py` wraps the
client as a plain dlt source.

Traps, each with its answer here:

- The list has no time of change and no filter by one: it is walked whole each time, and a hash of each row says whether
  a record changed; what the list does not show is found since records that are not closed are always read.
- `view=all` gives no rows, `not_equals` an internal error: neither is ever sent.
- The number of all rows is `pagination.count`; pages shift while they are read, so a walk that is short is repeated.
- A record that a walk did not show may be out of scope (a filter, a right): it is called deleted only after it was
  asked for.
- Names of linked records stand in `relationships` alone.
- Sign-in gives its tokens in headers, and any answer may bring a new one.
- Events come as an array or below `results`, in pages of unknown size; none may be a 404 or a 400.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlt_sources.qcontact.vendor import QCONTACT

if TYPE_CHECKING:
    from dlt_sources.qcontact.source import qcontact_source

__all__ = ["QCONTACT", "qcontact_source"]


def __getattr__(name: str) -> Any:
    # dlt takes over a second to import; only those who ask for the plain source pay for it
    if name == "qcontact_source":
        from dlt_sources.qcontact.source import qcontact_source

        return qcontact_source
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
