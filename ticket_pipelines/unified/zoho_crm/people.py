"""People and companies of Zoho CRM.

Contacts and leads are rows of `contacts`, told apart by `role`; a user is a row of `agents`, and of `contacts` with the
same id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.zoho_crm.streams import DELETIONS
from ticket_pipelines.unified import Mapped
from ticket_pipelines.unified.columns import TEXT, column, constant, direct, front, unified_table
from ticket_pipelines.unified.model import ACCOUNTS, AGENTS, CONTACTS
from ticket_pipelines.unified.zoho_crm.references import REFERENCES, VENDOR, ids, tags

PERSON_NAMES: Mapping[str, str] = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "phone": "phone",
    "mobile": "mobile",
    "custom_fields": "custom_fields",
    "created_time": "created_at",
    "modified_time": "updated_at",
}
USER_NAMES: Mapping[str, str] = {
    "full_name": "name",
    "email": "email",
    "locale": "locale",
    "time_zone": "time_zone",
}
USER_CONTACT_NAMES: Mapping[str, str] = {
    **USER_NAMES,
    "first_name": "first_name",
    "last_name": "last_name",
    "phone": "phone",
    "mobile": "mobile",
    "created_time": "created_at",
    "modified_time": "updated_at",
}
ACCOUNT_NAMES: Mapping[str, str] = {
    "account_name": "name",
    "industry": "industry",
    "phone": "phone",
    "custom_fields": "custom_fields",
    "created_time": "created_at",
    "modified_time": "updated_at",
}
_ADDRESS = ("billing_street", "billing_city", "billing_state", "billing_code", "billing_country")


def contacts(found: pa.Table) -> Mapped:
    """Rows of `zoho_crm_contacts` into `contacts`."""
    return _people("contact", found)


def leads(found: pa.Table) -> Mapped:
    """Rows of `zoho_crm_leads` into `contacts`."""
    return _people("lead", found)


def accounts(found: pa.Table) -> Mapped:
    """Rows of `zoho_crm_accounts` into `accounts`."""
    warnings: Counter[str] = Counter()
    columns = {
        **front(found, VENDOR, DELETIONS, ACCOUNT_NAMES),
        **direct(found, ACCOUNTS, ACCOUNT_NAMES),
        "owner_id": ids(found, "owner", warnings),
        "parent_id": ids(found, "parent_account", warnings),
        "address": _address(found),
        "tags": tags(found, warnings),
    }
    return Mapped({"accounts": unified_table(ACCOUNTS, columns, found.num_rows)}, warnings)


def users(found: pa.Table) -> Mapped:
    """Rows of `zoho_crm_users` into `agents` and `contacts`."""
    warnings: Counter[str] = Counter()
    roles = [role.name if role else None for role in REFERENCES.decode(found, "role", warnings)]
    status = column(found, "status")
    both = {"role": pa.array(roles, TEXT), "is_active": pc.equal(status, "active")}
    agents = {
        **front(found, VENDOR, (), USER_NAMES),
        **direct(found, AGENTS, USER_NAMES),
        **both,
        "role_id": ids(found, "role", warnings),
    }
    people = {
        **front(found, VENDOR, (), USER_CONTACT_NAMES),
        **direct(found, CONTACTS, USER_CONTACT_NAMES),
        **both,
    }
    tables = {
        "agents": unified_table(AGENTS, agents, found.num_rows),
        "contacts": unified_table(CONTACTS, people, found.num_rows),
    }
    return Mapped(tables, warnings)


def _people(role: str, found: pa.Table) -> Mapped:
    warnings: Counter[str] = Counter()
    columns = {
        **front(found, VENDOR, DELETIONS, PERSON_NAMES),
        **direct(found, CONTACTS, PERSON_NAMES),
        "name": _name(found),
        "role": constant(found, role),
        "account_id": ids(found, "account_name", warnings),
        "tags": tags(found, warnings),
    }
    return Mapped({"contacts": unified_table(CONTACTS, columns, found.num_rows)}, warnings)


def _name(found: pa.Table) -> pa.Array:
    """The full name; made of its parts where the account does not have the field."""
    parts = zip(column(found, "first_name").to_pylist(), column(found, "last_name").to_pylist(), strict=True)
    made = [" ".join(part for part in pair if part) or None for pair in parts]
    return pc.coalesce(column(found, "full_name"), pa.array(made, TEXT))


def _address(found: pa.Table) -> pa.Array:
    lines = zip(*(column(found, name).to_pylist() for name in _ADDRESS), strict=True)
    return pa.array([", ".join(part for part in row if part) or None for row in lines], TEXT)
