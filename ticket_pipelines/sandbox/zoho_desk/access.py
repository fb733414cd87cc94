"""Who may read: the organization, and logins with what they were granted (contract, section 2.1)."""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sandbox.zoho.accounts import logins

PRODUCT = "desk"
ORG_ID = "641203987"
SCOPES = (
    "Desk.tickets.READ",
    "Desk.search.READ",
    "Desk.contacts.READ",
    "Desk.accounts.READ",
    "Desk.agents.READ",
    "Desk.departments.READ",
    "Desk.fields.READ",
    "Desk.basic.READ",
    "Desk.settings.READ",
)
CONSENTS = {
    "oauth": SCOPES,
    "without_search": tuple(scope for scope in SCOPES if scope != "Desk.search.READ"),
    "tickets_only": ("Desk.tickets.READ",),
}
LOGINS = logins(PRODUCT, CONSENTS)
"""`oauth` may read all; `without_search` lacks one scope, `tickets_only` all but one."""


def config(url: str) -> dict[str, Any]:
    """Desk configuration that leads to an address."""
    return {"data_center": "us", "org_id": ORG_ID, "base_url": url, "accounts_url": url}
