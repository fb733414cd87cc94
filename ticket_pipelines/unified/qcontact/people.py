"""People and teams of QContact: those that cases and events name, and those of the entities Contact and User."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from dlt_sources.qcontact.streams import DELETIONS
from ticket_pipelines.unified import Mapped
from ticket_pipelines.unified.columns import (
    INSTANT,
    INTEGER,
    TEXT,
    child_table,
    column,
    constant,
    direct,
    front,
    unified_table,
)
from ticket_pipelines.unified.model import AGENTS, CONTACTS, GROUPS
from ticket_pipelines.warehouse.table import TableSpec

VENDOR = "qcontact"
CONTACT_NAMES: Mapping[str, str] = {
    "label": "name",
    "email": "email",
    "telephone": "phone",
    "custom_fields": "custom_fields",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
USER_NAMES: Mapping[str, str] = {"label": "name", "email": "email"}
_USERS = ("assigned_to", "created_by")

Person = tuple[int, dict[str, Any]]
"""Position of the row that names somebody, and what it says."""


def contacts(found: pa.Table) -> Mapped:
    """Rows of `qcontact_contacts` into `contacts`."""
    columns = {**front(found, VENDOR, DELETIONS, CONTACT_NAMES), **direct(found, CONTACTS, CONTACT_NAMES)}
    return Mapped({"contacts": unified_table(CONTACTS, columns, found.num_rows)})


def users(found: pa.Table) -> Mapped:
    """Rows of `qcontact_users` into `agents` and `contacts`."""
    base, both = front(found, VENDOR, DELETIONS, USER_NAMES), {"role": constant(found, "user")}
    tables = {
        spec.name: unified_table(spec, {**base, **direct(found, spec, USER_NAMES), **both}, found.num_rows)
        for spec in (AGENTS, CONTACTS)
    }
    return Mapped(tables)


def named_people(cases: pa.Table, base: Mapping[str, pa.Array]) -> dict[str, pa.Table]:
    """Contacts, agents and groups that cases name, each once, as the case that was read last names them.

    Args:
        cases: Rows of `qcontact_cases`.
        base: Columns that rows take from their case.
    """
    names = ["contact_id", "contact_label", "email", "telephone", "team_id", "team_label"]
    names += [f"{user}_{part}" for user in _USERS for part in ("id", "label")]
    texts = {name: column(cases, name).to_pylist() for name in names}
    read = column(cases, "synced_at", INSTANT).cast(INTEGER).to_pylist()
    order = sorted(range(cases.num_rows), key=lambda place: read[place] or 0)
    staff = [
        (place, {"id": texts[f"{user}_id"][place], "name": texts[f"{user}_label"][place], "email": None})
        for place in order
        for user in _USERS
    ]
    customers = [
        (
            place,
            {
                "id": texts["contact_id"][place],
                "name": texts["contact_label"][place],
                # a case without an address says nothing of the contact's
                "email": texts["email"][place] or None,
                "phone": texts["telephone"][place] or None,
            },
        )
        for place in order
    ]
    teams = [
        (place, {"id": texts["team_id"][place], "name": texts["team_label"][place], "kind": "team"}) for place in order
    ]
    return {
        "contacts": named(CONTACTS, base, [*((place, {**one, "phone": None}) for place, one in staff), *customers]),
        "agents": named(AGENTS, base, staff),
        "groups": named(GROUPS, base, teams),
    }


def named(spec: TableSpec, base: Mapping[str, pa.Array], people: Iterable[Person]) -> pa.Table:
    """Rows of those whom other rows name: each once, the last one counts, below every row of their own.

    Args:
        spec: The unified table.
        base: Columns that rows take from the one that names them.
        people: Who is named, and where; one without an id is nobody.
    """
    count = len(base["id"])
    lowest = {
        **base,
        "version": pa.repeat(pa.scalar(0, INTEGER), count),
        "deleted_at": pa.nulls(count, INSTANT),
        "deletion_kind": pa.nulls(count, TEXT),
        "unparsed": pa.nulls(count, TEXT),
    }
    found = {person["id"]: (place, person) for place, person in people if person["id"]}
    return child_table(spec, lowest, [place for place, _ in found.values()], [person for _, person in found.values()])
