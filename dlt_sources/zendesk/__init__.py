"""Zendesk Support: tickets and all that belongs to them, read through the incremental exports.

Flow: `vendor.py` (what the registry knows) -> `client.py` (check, pages, by_ids, probe) -> `exports.py` and `lists.py`
(pagination families) -> `reader.py` (one page, within limits) -> `dlt_sources.http`. `source.py` wraps the client as a
plain dlt source.

Traps, each with its answer here:

- `updated_at` does not move when a system change closes a ticket: `generated_timestamp` is the clock.
- `support_type_scope` defaults to human agents, so that tickets of AI agents would be missing: always `all`.
- Deleted tickets come as status `deleted`, and again, scrubbed, a month later.
- `metric_sets` come inside each ticket as `metric_set`, null once it is deleted.
- Lists leave out archived tickets; exports do not.
- Exports withhold the newest minute and refuse a start within it: the start is at least 61 seconds old.
- All exports of an account share 10 requests a minute.
- A page can hold more than 1,000 rows where many share a second, and the rows at its border come again.
- `GET /users/me` answers 200 to wrong credentials, as an anonymous user without an id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlt_sources.zendesk.vendor import ZENDESK

if TYPE_CHECKING:
    from dlt_sources.zendesk.source import zendesk_source

__all__ = ["ZENDESK", "zendesk_source"]


def __getattr__(name: str) -> Any:
    # dlt takes over a second to import; only those who ask for the plain source pay for it
    if name == "zendesk_source":
        from dlt_sources.zendesk.source import zendesk_source

        return zendesk_source
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
