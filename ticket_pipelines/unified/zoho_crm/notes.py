"""Notes of Zoho CRM: those of cases and deals are comments, and internal ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.zoho_crm.streams import DELETIONS
from ticket_pipelines.unified import Mapped
from ticket_pipelines.unified.columns import BOOLEAN, INSTANT, column, constant, direct, front, unified_table
from ticket_pipelines.unified.model import TICKET_COMMENTS
from ticket_pipelines.unified.zoho_crm.references import REFERENCES, VENDOR, ids

TICKET_MODULES = frozenset({"Cases", "Deals"})
NAMES: Mapping[str, str] = {"note_content": "body_text", "created_time": "created_at"}


def rows(found: pa.Table) -> Mapped:
    """Rows of `zoho_crm_notes` into `ticket_comments`."""
    warnings: Counter[str] = Counter()
    parents = REFERENCES.decode(found, "parent_id", warnings)
    modules = column(found, "se_module").to_pylist()
    of_ticket = [
        parent is not None and (parent.module_name or module) in TICKET_MODULES
        for parent, module in zip(parents, modules, strict=True)
    ]
    notes = found.filter(pa.array(of_ticket, BOOLEAN))
    created, modified = column(notes, "created_time", INSTANT), column(notes, "modified_time", INSTANT)
    columns = {
        **front(notes, VENDOR, DELETIONS, NAMES),
        **direct(notes, TICKET_COMMENTS, NAMES),
        "ticket_id": ids(notes, "parent_id", warnings),
        "kind": constant(notes, "note"),
        "direction": constant(notes, "internal"),
        "is_public": pa.repeat(pa.scalar(value=False), notes.num_rows),
        "author_id": pc.coalesce(ids(notes, "created_by", warnings), ids(notes, "owner", warnings)),
        "author_type": constant(notes, "agent"),
        "edited_at": pc.if_else(pc.greater(modified, created), modified, pa.scalar(None, INSTANT)),
    }
    return Mapped({"ticket_comments": unified_table(TICKET_COMMENTS, columns, notes.num_rows)}, warnings)
