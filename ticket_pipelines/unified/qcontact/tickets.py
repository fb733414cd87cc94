"""Cases of QContact, and the people and teams that they name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

import pyarrow as pa

from dlt_sources.qcontact.streams import DELETIONS
from ticket_pipelines.unified import Mapped, labels
from ticket_pipelines.unified.columns import INTEGER, TEXT, Members, column, constant, direct, front, unified_table
from ticket_pipelines.unified.labels import STATUSES, Statuses
from ticket_pipelines.unified.model import TICKETS
from ticket_pipelines.unified.qcontact.people import VENDOR, named_people

NAMES: Mapping[str, str] = {
    "description": "description_text",
    "status": "status_raw",
    "priority": "priority_raw",
    "source": "channel_raw",
    "team_id": "team_id",
    "assigned_to_id": "assignee_id",
    "contact_id": "requester_id",
    "created_by_id": "submitter_id",
    "address": "location_address",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "custom_fields": "custom_fields",
}
"""Column of the vendor table to the unified column with the same value."""
LOCATION = "c__dr_location"
"""Custom field that names the place of an installation."""

_PARTS = re.compile(r"\s*(?:::|\|)\s*")
_REFERENCE = re.compile(r"\bFT\d+\s*$")
_CUSTOM: Members[dict[str, Any]] = Members(dict[str, Any])


def rows(cases: pa.Table, statuses: Statuses = STATUSES[VENDOR]) -> Mapped:
    """Rows of `qcontact_cases` into `tickets`, `contacts`, `agents` and `groups`.

    Args:
        cases: Rows of the vendor table.
        statuses: Canonical status by label, as `labels.statuses_of` gives them.
    """
    warnings: Counter[str] = Counter()
    base = front(cases, VENDOR, DELETIONS, NAMES)
    plain = direct(cases, TICKETS, NAMES)
    categories = [split(text) for text in column(cases, "category").to_pylist()]
    numbers, subjects = _titles(cases)
    main = pa.array([one for one, _ in categories], TEXT)
    custom = _CUSTOM.decode(cases, "custom_fields", warnings)
    columns = {
        **base,
        **plain,
        "record_type": constant(cases, "case"),
        "number": numbers,
        "subject": subjects,
        "category": main,
        "subcategory": pa.array([one for _, one in categories], TEXT),
        "type_raw": main,
        "type": labels.each_distinct(main, partial(labels.type_of, VENDOR), TEXT),
        **_labels(plain, base["deleted_at"], statuses, warnings),
        "location_ref": pa.array([_text(one.get(LOCATION)) if one else None for one in custom], TEXT),
        "system_updated_at": plain["updated_at"],
    }
    tables = {"tickets": unified_table(TICKETS, columns, cases.num_rows), **named_people(cases, base)}
    return Mapped(tables, warnings)


def split(text: str | None) -> tuple[str | None, str | None]:
    """Category and subcategory of one text ("Connectivity::ONT/Gizzu")."""
    if not text:
        return text, None
    first, *rest = _PARTS.split(text.strip(), maxsplit=1)
    return first or None, (rest[0] or None) if rest else None


def titled(label: str | None, reference: str | None) -> tuple[str | None, str | None]:
    """Number and title of a case ("Connection Issue FT499061"); one that is called by its number has no title."""
    if label is None:
        return reference, None
    found = _REFERENCE.search(label)
    number = reference or (found[0].strip() if found else None)
    title = label.strip().removesuffix(number or "").strip()
    return number, title or None


def _titles(cases: pa.Table) -> tuple[pa.Array, pa.Array]:
    pairs = zip(column(cases, "label").to_pylist(), column(cases, "reference").to_pylist(), strict=True)
    found = [titled(label, reference) for label, reference in pairs]
    return pa.array([number for number, _ in found], TEXT), pa.array([title for _, title in found], TEXT)


def _labels(
    plain: Mapping[str, pa.Array], deleted_at: pa.Array, statuses: Statuses, warnings: Counter[str]
) -> dict[str, pa.Array]:
    found: list[str | None] = []
    for label, deleted in zip(plain["status_raw"].to_pylist(), deleted_at.is_valid().to_pylist(), strict=True):
        # a deletion is a flag and never a status
        status = None if deleted else labels.status_of(statuses, label)
        if status is None and label is not None and not deleted:
            warnings[f"status {label!r} is not mapped"] += 1
        found.append(status)
    for label, count in labels.unmapped(plain["priority_raw"], labels.PRIORITIES[VENDOR]).items():
        warnings[f"priority {label!r} is not mapped"] += count
    status = pa.array(found, TEXT)
    priority = labels.each_distinct(plain["priority_raw"], partial(labels.priority_of, VENDOR), TEXT)
    return {
        "status": status,
        "status_category": labels.each_distinct(status, labels.category_of, TEXT),
        "is_escalated": pa.array([None if one is None else one == "escalated" for one in found], pa.bool_()),
        "priority": priority,
        "priority_rank": labels.each_distinct(priority, labels.rank_of, INTEGER),
        "channel": labels.each_distinct(plain["channel_raw"], partial(labels.channel_of, VENDOR), TEXT),
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
