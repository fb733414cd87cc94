"""People, organizations and groups of Zendesk.

Everybody is a row of `contacts`; an agent or admin is a row of `agents` too, with the same id. Custom fields of people
and organizations are keyed by the field's key.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.zendesk.streams import people as streams
from ticket_pipelines.unified import Mapped
from ticket_pipelines.unified.columns import BOOLEAN, INTEGER, column, constant, direct, front, unified_table
from ticket_pipelines.unified.model import ACCOUNTS, AGENTS, CONTACTS, GROUPS

VENDOR = "zendesk"
CONTACT_NAMES: Mapping[str, str] = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "organization_id": "account_id",
    "external_id": "external_id",
    "role": "role",
    "locale": "locale",
    "active": "is_active",
    "suspended": "is_suspended",
    "tags": "tags",
    "user_fields": "custom_fields",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
AGENT_NAMES: Mapping[str, str] = {
    "name": "name",
    "email": "email",
    "role": "role",
    "custom_role_id": "role_id",
    "active": "is_active",
    "locale": "locale",
    "last_login_at": "last_login_at",
}
ACCOUNT_NAMES: Mapping[str, str] = {
    "name": "name",
    "domain_names": "domains",
    "external_id": "external_id",
    "tags": "tags",
    "organization_fields": "custom_fields",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
GROUP_NAMES: Mapping[str, str] = {"name": "name", "default": "is_default"}

AGENT_ROLES = ("agent", "admin")
LIGHT_AGENT = 1
"""`role_type` of a light agent."""


def users(people: pa.Table) -> Mapped:
    """Rows of `zendesk_users` into `contacts` (everybody) and `agents`."""
    contacts = {
        **front(people, VENDOR, streams.USERS.deletions, CONTACT_NAMES),
        **direct(people, CONTACTS, CONTACT_NAMES),
        "time_zone": _time_zone(people),
    }
    staff = people.filter(pc.is_in(column(people, "role"), value_set=pa.array(AGENT_ROLES)))
    agents = {
        **front(staff, VENDOR, streams.USERS.deletions, AGENT_NAMES),
        **direct(staff, AGENTS, AGENT_NAMES),
        "is_light_agent": pc.equal(column(staff, "role_type", INTEGER), LIGHT_AGENT),
        "time_zone": _time_zone(staff),
    }
    return Mapped(
        {
            "contacts": unified_table(CONTACTS, contacts, people.num_rows),
            "agents": unified_table(AGENTS, agents, staff.num_rows),
        }
    )


def organizations(companies: pa.Table) -> Mapped:
    """Rows of `zendesk_organizations` into `accounts`."""
    columns = {
        **front(companies, VENDOR, streams.ORGANIZATIONS.deletions, ACCOUNT_NAMES),
        **direct(companies, ACCOUNTS, ACCOUNT_NAMES),
    }
    return Mapped({"accounts": unified_table(ACCOUNTS, columns, companies.num_rows)})


def groups(teams: pa.Table) -> Mapped:
    """Rows of `zendesk_groups` into `groups`."""
    columns = {
        **front(teams, VENDOR, streams.GROUPS.deletions, GROUP_NAMES),
        **direct(teams, GROUPS, GROUP_NAMES),
        "kind": constant(teams, "group"),
        "is_private": pc.invert(column(teams, "is_public", BOOLEAN)),
    }
    return Mapped({"groups": unified_table(GROUPS, columns, teams.num_rows)})


def _time_zone(people: pa.Table) -> pa.Array:
    # Zendesk's own names are those of Ruby on Rails, which no database knows
    return pc.coalesce(column(people, "iana_time_zone"), column(people, "time_zone"))
