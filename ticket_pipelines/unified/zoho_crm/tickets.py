"""Cases and deals of Zoho CRM, both rows of `tickets`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.zoho_crm.streams import DELETIONS
from ticket_pipelines.unified import Mapped, labels
from ticket_pipelines.unified.columns import INTEGER, TEXT, constant, direct, front, unified_table
from ticket_pipelines.unified.labels import STATUSES, Statuses
from ticket_pipelines.unified.model import TICKETS
from ticket_pipelines.unified.zoho_crm.references import VENDOR, ids, tags

_COMMON: Mapping[str, str] = {
    "description": "description_text",
    "type": "type_raw",
    "created_time": "created_at",
    "modified_time": "updated_at",
    "custom_fields": "custom_fields",
}
CASE_NAMES: Mapping[str, str] = {
    **_COMMON,
    "case_number": "number",
    "subject": "subject",
    "status": "status_raw",
    "priority": "priority_raw",
    "case_reason": "category",
    "case_origin": "channel_raw",
}
DEAL_NAMES: Mapping[str, str] = {
    **_COMMON,
    "deal_name": "subject",
    "stage": "status_raw",
    "lead_source": "channel_raw",
    "amount": "amount",
    "currency": "currency",
    "probability": "probability",
    "closing_date": "close_date",
}
"""Column of the vendor table to the unified column with the same value."""

_LOOKUPS: Mapping[str, str] = {
    "owner": "assignee_id",
    "created_by": "submitter_id",
    "account_name": "account_id",
    "product_name": "product_id",
    "layout": "layout_id",
}


def cases(found: pa.Table, statuses: Statuses = STATUSES[VENDOR]) -> Mapped:
    """Rows of `zoho_crm_cases` into `tickets`."""
    warnings: Counter[str] = Counter()
    columns = _rows("case", found, CASE_NAMES, statuses, warnings)
    # who asks is named by one field or the other, by the age of the account
    columns["requester_id"] = pc.coalesce(ids(found, "contact_name", warnings), ids(found, "related_to", warnings))
    columns["is_escalated"] = pc.equal(columns["status"], "escalated")
    return Mapped({"tickets": unified_table(TICKETS, columns, found.num_rows)}, warnings)


def deals(found: pa.Table, statuses: Statuses = STATUSES[VENDOR]) -> Mapped:
    """Rows of `zoho_crm_deals` into `tickets`."""
    warnings: Counter[str] = Counter()
    columns = _rows("deal", found, DEAL_NAMES, statuses, warnings)
    columns["requester_id"] = ids(found, "contact_name", warnings)
    return Mapped({"tickets": unified_table(TICKETS, columns, found.num_rows)}, warnings)


def _rows(
    kind: str, found: pa.Table, names: Mapping[str, str], statuses: Statuses, warnings: Counter[str]
) -> dict[str, pa.Array]:
    plain = direct(found, TICKETS, names)
    base = front(found, VENDOR, DELETIONS, names)
    return {
        **base,
        **plain,
        **_labels(plain, base["deleted_at"], statuses, warnings),
        **{ours: ids(found, theirs, warnings) for theirs, ours in _LOOKUPS.items()},
        "record_type": constant(found, kind),
        "tags": tags(found, warnings),
        "system_updated_at": plain["updated_at"],
    }


def _labels(
    plain: Mapping[str, pa.Array], deleted_at: pa.Array, statuses: Statuses, warnings: Counter[str]
) -> dict[str, pa.Array]:
    for kind, known in (("status", statuses), ("priority", labels.PRIORITIES[VENDOR])):
        if f"{kind}_raw" in plain:
            for label, count in labels.unmapped(plain[f"{kind}_raw"], known).items():
                warnings[f"{kind} {label!r} is not mapped"] += count
    # a deletion is a flag and never a status
    living = pc.if_else(pc.is_null(deleted_at), plain["status_raw"], pa.scalar(None, TEXT))
    status = labels.each_distinct(living, partial(labels.status_of, statuses), TEXT)
    found = {
        "status": status,
        "status_category": labels.each_distinct(status, labels.category_of, TEXT),
        "type": labels.each_distinct(plain["type_raw"], partial(labels.type_of, VENDOR), TEXT),
        "channel": labels.each_distinct(plain["channel_raw"], partial(labels.channel_of, VENDOR), TEXT),
    }
    if "priority_raw" in plain:
        found["priority"] = labels.each_distinct(plain["priority_raw"], partial(labels.priority_of, VENDOR), TEXT)
        found["priority_rank"] = labels.each_distinct(found["priority"], labels.rank_of, INTEGER)
    return found
