"""Zoho CRM: every module of an account, its users, and the fields of its modules.

Flow: `vendor.py` (what the registry knows) -> `client.py` (check, streams, pages, by_ids) -> `account.py` (what the
account says of itself) -> `metadata.py` (streams and columns that follow) -> `walks.py` (lists) or `bulk.py` (files)
-> `values.py` (one form for a record, whichever way it came) -> `reader.py` (one answer) -> `dlt_sources.http`.
`source.py` wraps the client as a plain dlt source.

Traps, each with its answer here:

- A list without `fields` fails, and takes 50 names: further fields are read by the ids of the page.
- Pages go by number up to 2,000 rows, by token up to 100,000; behind that a walk goes on from the time it reached.
- A page token is bound to its query and ends: the walk starts again where it stood, and no row comes twice.
- An empty answer is a 204 or a 304, with no body.
- 401 is an expired token, or a scope that no other token would have: the body's code says which.
- 429 is the day's credits, or too many requests at once: only the message says which.
- Converted leads are left out unless they are asked for.
- A bulk read gives no subform and no file, of a lookup only the id, and nothing of encrypted fields: a module that has
  such fields is read by its list, however long it is.
- Deleted records leave the list; `/deleted` has them, and what is restored may come back with its old time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlt_sources.zoho_crm.vendor import ZOHO_CRM

if TYPE_CHECKING:
    from dlt_sources.zoho_crm.source import zoho_crm_source

__all__ = ["ZOHO_CRM", "zoho_crm_source"]


def __getattr__(name: str) -> Any:
    # dlt takes over a second to import; only those who ask for the plain source pay for it
    if name == "zoho_crm_source":
        from dlt_sources.zoho_crm.source import zoho_crm_source

        return zoho_crm_source
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
