from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ticket_pipelines.unified import mappings
from ticket_pipelines_tests.unified.vendor_rows import Record, mapped, rows_of

PERSON: Record = {
    "id": 11,
    "name": "Ana",
    "email": "ana@example.com",
    "phone": "+1",
    "organization_id": 4,
    "external_id": "",
    "role": "end-user",
    "locale": "en-US",
    "time_zone": "Osaka",
    "iana_time_zone": "Asia/Tokyo",
    "active": True,
    "suspended": False,
    "tags": ["vip"],
    "user_fields": {"plan": "gold"},
    "created_at": "2026-01-01T10:00:00Z",
    "updated_at": "2026-01-02T10:00:00Z",
}


def contact(**fields: Any) -> Record:
    (row,) = rows_of(mapped("users", {**PERSON, **fields}), "contacts")
    return row


def test_everybody_is_a_contact() -> None:
    row = contact()
    assert {name: value for name, value in row.items() if value is not None} == {
        "desk": "acme",
        "id": "11",
        "version": 1_000,
        "synced_at": row["synced_at"],
        "vendor": "zendesk",
        "name": "Ana",
        "email": "ana@example.com",
        "phone": "+1",
        "account_id": "4",
        "external_id": "",
        "role": "end-user",
        "locale": "en-US",
        "time_zone": "Asia/Tokyo",
        "is_active": True,
        "is_suspended": False,
        "tags": '["vip"]',
        "custom_fields": '{"plan": "gold"}',
        "created_at": datetime(2026, 1, 1, 10, tzinfo=UTC),
        "updated_at": datetime(2026, 1, 2, 10, tzinfo=UTC),
    }


@pytest.mark.parametrize(("role", "is_agent"), [("agent", True), ("admin", True), ("end-user", False), (None, False)])
def test_agents_and_admins_are_agents_too(role: str | None, is_agent: bool) -> None:
    found = mapped("users", {**PERSON, "role": role})
    assert len(rows_of(found, "contacts")) == 1
    assert [row["id"] for row in rows_of(found, "agents")] == (["11"] if is_agent else [])


def test_a_demoted_agent_is_given_no_longer_and_the_mapping_owns_the_row() -> None:
    mapping = mappings("zendesk")["users"]
    assert mapping.owns == {"agents": "id"}


@pytest.mark.parametrize(("role_type", "light"), [(1, True), (4, False), (None, None)])
def test_a_light_agent_is_one_where_zendesk_says_so(role_type: int | None, light: bool | None) -> None:
    (row,) = rows_of(mapped("users", {**PERSON, "role": "agent", "role_type": role_type}), "agents")
    assert row["is_light_agent"] is light


def test_a_time_zone_without_an_iana_name_stays_as_it_is() -> None:
    assert contact(iana_time_zone=None)["time_zone"] == "Osaka"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [({"active": False}, "soft"), ({"active": False, "permanently_deleted": True}, "permanent"), ({}, "swept")],
)
def test_a_deleted_person_says_how(fields: Record, kind: str) -> None:
    (row,) = rows_of(mapped("users", {**PERSON, **fields}, deleted=True), "contacts")
    assert row["deletion_kind"] == kind


def test_an_organization_is_an_account() -> None:
    company = {
        "id": 4,
        "name": "Rebels",
        "domain_names": ["hoth.com"],
        "external_id": None,
        "tags": [],
        "organization_fields": {"seats": 5},
        "created_at": "2026-01-01T10:00:00Z",
        "deleted_at": "2026-01-03T10:00:00Z",
    }
    (row,) = rows_of(mapped("organizations", company, deleted=True), "accounts")
    assert (row["id"], row["name"], row["domains"]) == ("4", "Rebels", '["hoth.com"]')
    assert (row["tags"], row["custom_fields"], row["deletion_kind"]) == ("[]", '{"seats": 5}', "soft")


@pytest.mark.parametrize(("is_public", "is_private"), [(True, False), (False, True), (None, None)])
def test_a_group_is_private_where_zendesk_says_it_is_not_public(
    is_public: bool | None, is_private: bool | None
) -> None:
    group = {"id": 5, "name": "Support", "is_public": is_public, "default": True, "deleted": False}
    (row,) = rows_of(mapped("groups", group), "groups")
    assert (row["name"], row["kind"], row["is_default"], row["is_private"]) == ("Support", "group", True, is_private)
