"""Zoho CRM's limits and the words for them (contract, sections 3.1 and 3.2).

Credits are counted over a rolling day; what is left is said in a header only once half of them is gone. No rate is
documented: requests go one after the other, and the account's budget is there to be closed when Zoho says so.
"""

from __future__ import annotations

from dlt_sources.limits import Limit

ACCOUNT = "account"

REQUESTS = Limit(ACCOUNT, 1_000)
"""A bound that a single reader does not reach."""

DOWNLOADS = Limit("download", 10)
"""Results of bulk reads: 10 a minute."""

CREDITS_PAUSE = 3_600.0
"""Seconds after which credits of a rolling day may be there again; Zoho does not say when."""

DOCS = "https://www.zoho.com/crm/developer/docs/api/v8"
