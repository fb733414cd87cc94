"""Logins with what they were granted (contract, section 3)."""

from __future__ import annotations

from ticket_pipelines.sandbox.zoho.accounts import logins

PRODUCT = "crm"
MODULES = "ZohoCRM.modules"
SETTINGS_MODULES = ("ZohoCRM.settings.READ", "ZohoCRM.settings.modules.READ")
SETTINGS_FIELDS = ("ZohoCRM.settings.READ", "ZohoCRM.settings.fields.READ")
RECYCLE_BIN = ("ZohoCRM.settings.READ", "ZohoCRM.settings.recycle_bin.READ")
USERS = ("ZohoCRM.users.READ",)
BULK = ("ZohoCRM.bulk.READ",)
ORG = ("ZohoCRM.org.READ",)
_COMMON = ("ZohoCRM.settings.modules.READ", "ZohoCRM.settings.fields.READ")
SCOPES = (
    f"{MODULES}.READ",
    *_COMMON,
    "ZohoCRM.settings.recycle_bin.READ",
    *USERS,
    *BULK,
    *ORG,
)
CONSENTS = {
    "oauth": SCOPES,
    "without_bulk": tuple(scope for scope in SCOPES if scope not in BULK),
    "contacts_only": (f"{MODULES}.Contacts.READ", *_COMMON),
}
LOGINS = logins(PRODUCT, CONSENTS)
"""`oauth` may read all; `without_bulk` lacks one scope, `contacts_only` reads one module."""


def of_module(name: str) -> tuple[str, ...]:
    """Scopes of which one lets a module be read."""
    return f"{MODULES}.READ", f"{MODULES}.{name}.READ"


def config(url: str) -> dict[str, str]:
    """Desk configuration that leads to an address."""
    return {"data_center": "us", "base_url": url, "accounts_url": url}
