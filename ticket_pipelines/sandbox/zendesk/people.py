"""Invented organizations, users and memberships."""

from __future__ import annotations

import random

from ticket_pipelines.sandbox.clock import iso
from ticket_pipelines.sandbox.zendesk import records
from ticket_pipelines.sandbox.zendesk.access import ADMIN_EMAIL, AGENT_EMAIL
from ticket_pipelines.sandbox.zendesk.reference import add
from ticket_pipelines.sandbox.zendesk.state import State
from ticket_pipelines.sandbox.zendesk.table import Record

_FIRST = ("Ada", "Bo", "Chidi", "Zoë", "Łukasz", "Ngozi", "Søren", "مريم", "דוד", "陳", "Oksana", "José")
_LAST = ("Okafor", "de Vries", "O'Neill", "Müller", "الحسن", "Kim", "Núñez", "García-López", "小林", "Smith")
_COMPANIES = ("Tulip", "Zażółć", "Nord", "شركة", "Café", "Acme", "Blue & Sons", "株式会社")
_DAY = 86_400


def fill(state: State, rng: random.Random, at: int, anchor: int, tickets: int) -> None:
    """Creates agents, organizations and end-users.

    Many end-users share one second, as after an import; some are suspended, soft-deleted or gone for good.

    Args:
        state: The account's data, with its groups.
        rng: Source of choices.
        at: When the account began, Unix seconds.
        anchor: Nothing is newer than this.
        tickets: How many tickets there will be.
    """
    _agents(state, at)
    groups = list(state.tables["groups"].rows)
    for number in range(max(4, tickets // 15)):
        _organization(state, number, rng.choice(groups), at + number * 3600)
    organizations = list(state.tables["organizations"].rows)
    imported = at + 30 * _DAY
    for number in range(max(12, tickets // 3)):
        organization = rng.choice(organizations) if number % 4 else None
        updated = imported if number % 3 == 0 else imported + number * 60
        _end_user(state, rng, number, organization, min(updated, anchor))


def _agents(state: State, at: int) -> None:
    groups = [group for group in state.tables["groups"].rows.values() if not group["deleted"]]
    people = (
        (ADMIN_EMAIL, "admin", "Ann Admin"),
        (AGENT_EMAIL, "agent", "Ben Agent"),
        ("cy@sandbox.example", "agent", "Cý 🧑‍💻"),
    )
    for email, role, name in people:
        record = records.user(
            state.take_id("user"),
            at,
            name,
            email=email,
            role=role,
            role_type=4 if role == "admin" else 0,
            moderator=True,
            ticket_restriction=None,
            restricted_agent=False,
            last_login_at=iso(at + _DAY),
            two_factor_auth_enabled=False,
            default_group_id=groups[0]["id"],
            report_csv=role == "admin",
        )
        state.tables["users"].put(record)
        for group in groups:
            default = group is groups[0]
            add(state, "group_memberships", at, user_id=record["id"], group_id=group["id"], default=default)


def _organization(state: State, number: int, group: int, at: int) -> None:
    name = f"{_COMPANIES[number % len(_COMPANIES)]} {number + 1}"
    record = records.organization(
        state.take_id("organization"),
        at,
        name,
        external_id=f"crm-{number}" if number % 2 else None,
        domain_names=[f"company{number}.example"],
        details="" if number % 3 else "VIP",
        group_id=group if number % 5 == 0 else None,
        tags=["vip"] if number % 3 == 0 else [],
        organization_fields={"region": "one" if number % 2 else None, "seats": number * 10, "plan": "Gold"},
    )
    if number % 4 == 3:
        record["deleted_at"] = record["updated_at"] = iso(at + _DAY)
    state.tables["organizations"].put(record)


def _end_user(state: State, rng: random.Random, number: int, organization: int | None, at: int) -> None:
    name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
    record = records.user(
        state.take_id("user"),
        at,
        name,
        email=f"customer{number}@company{number % 7}.example",
        phone=f"+3120555{number:04d}" if number % 5 == 0 else None,
        organization_id=organization,
        external_id=f"shop-{number}" if number % 6 == 0 else None,
        tags=["newsletter"] if number % 4 == 0 else [],
        suspended=number % 11 == 10,
        details="" if number % 2 else "Prefers e-mail",
        user_fields={
            "plan": "one" if number % 2 else None,
            "newsletter": number % 2 == 0,
            "customer_since": "2024-02-29",
        },
    )
    if number % 5 == 3:
        removed(record, at, permanently=number % 2 == 1)
    state.tables["users"].put(record)


def removed(record: Record, at: int, *, permanently: bool) -> None:
    """Marks a user as deleted (contract, section 5.9)."""
    record.update(active=False, permanently_deleted=permanently, email=None, phone=None, updated_at=iso(at))
    if permanently:
        record.update(name="Permanently deleted user", notes="", details="", user_fields={})
