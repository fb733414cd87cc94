"""People, companies, departments and teams of Zoho Desk."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.zoho_desk.streams import people as streams
from ticket_pipelines.unified import Mapped
from ticket_pipelines.unified.columns import BOOLEAN, TEXT, column, constant, direct, front, unified_table
from ticket_pipelines.unified.model import ACCOUNTS, AGENTS, CONTACTS, GROUPS
from ticket_pipelines.unified.zoho_desk.parts import VENDOR, full_name

CONTACT_NAMES: Mapping[str, str] = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "phone": "phone",
    "mobile": "mobile",
    "account_id": "account_id",
    "type": "role",
    "cf": "custom_fields",
    "created_time": "created_at",
    "modified_time": "updated_at",
}
AGENT_NAMES: Mapping[str, str] = {
    "email_id": "email",
    "role_permission_type": "role",
    "role_id": "role_id",
    "lang_code": "locale",
    "time_zone": "time_zone",
}
AGENT_CONTACT_NAMES: Mapping[str, str] = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email_id": "email",
    "phone": "phone",
    "mobile": "mobile",
    "role_permission_type": "role",
    "lang_code": "locale",
    "time_zone": "time_zone",
}
ACCOUNT_NAMES: Mapping[str, str] = {
    "account_name": "name",
    "owner_id": "owner_id",
    "industry": "industry",
    "phone": "phone",
    "cf": "custom_fields",
    "created_time": "created_at",
    "modified_time": "updated_at",
}
_ADDRESS = ("street", "city", "state", "country")


def contacts(found: pa.Table) -> Mapped:
    """Rows of `zoho_desk_contacts` into `contacts`."""
    columns = {
        **front(found, VENDOR, streams.CONTACTS.deletions, CONTACT_NAMES),
        **direct(found, CONTACTS, CONTACT_NAMES),
        "name": _names(found),
    }
    return Mapped({"contacts": unified_table(CONTACTS, columns, found.num_rows)})


def agents(found: pa.Table) -> Mapped:
    """Rows of `zoho_desk_agents` into `agents` and `contacts`."""
    both = {"name": pc.coalesce(column(found, "name"), _names(found)), "is_active": _active(found)}
    staff = {
        **front(found, VENDOR, streams.AGENTS.deletions, AGENT_NAMES),
        **direct(found, AGENTS, AGENT_NAMES),
        **both,
        "is_light_agent": column(found, "is_light_agent", BOOLEAN),
        "group_ids": column(found, "associated_department_ids"),
    }
    people = {
        **front(found, VENDOR, streams.AGENTS.deletions, AGENT_CONTACT_NAMES),
        **direct(found, CONTACTS, AGENT_CONTACT_NAMES),
        **both,
    }
    tables = {
        "agents": unified_table(AGENTS, staff, found.num_rows),
        "contacts": unified_table(CONTACTS, people, found.num_rows),
    }
    return Mapped(tables)


def accounts(found: pa.Table) -> Mapped:
    """Rows of `zoho_desk_accounts` into `accounts`."""
    lines = zip(*(column(found, name).to_pylist() for name in _ADDRESS), strict=True)
    columns = {
        **front(found, VENDOR, streams.ACCOUNTS.deletions, ACCOUNT_NAMES),
        **direct(found, ACCOUNTS, ACCOUNT_NAMES),
        "address": pa.array([", ".join(part for part in row if part) or None for row in lines], TEXT),
    }
    return Mapped({"accounts": unified_table(ACCOUNTS, columns, found.num_rows)})


def departments(found: pa.Table) -> Mapped:
    """Rows of `zoho_desk_departments` into `groups`."""
    columns = {
        **front(found, VENDOR, streams.DEPARTMENTS.deletions, {"name": "name", "is_default": "is_default"}),
        "name": column(found, "name"),
        "kind": constant(found, "department"),
        "is_default": column(found, "is_default", BOOLEAN),
    }
    return Mapped({"groups": unified_table(GROUPS, columns, found.num_rows)})


def teams(found: pa.Table) -> Mapped:
    """Rows of `zoho_desk_teams` into `groups`."""
    names = {"name": "name", "department_id": "parent_id"}
    columns = {
        **front(found, VENDOR, streams.TEAMS.deletions, names),
        **direct(found, GROUPS, names),
        "kind": constant(found, "team"),
    }
    return Mapped({"groups": unified_table(GROUPS, columns, found.num_rows)})


def _names(found: pa.Table) -> pa.Array:
    parts = zip(column(found, "first_name").to_pylist(), column(found, "last_name").to_pylist(), strict=True)
    return pa.array([full_name(first, last) for first, last in parts], TEXT)


def _active(found: pa.Table) -> pa.Array:
    return pc.equal(pc.utf8_upper(column(found, "status")), "ACTIVE")
