"""Names for columns that people make of fields, for all vendors."""

from __future__ import annotations

import re
import unicodedata

from ticket_pipelines.warehouse.naming import MAX_BYTES


def alias(entity: str, vendor_id: str, name: str | None) -> str:
    """A name for a column: readable, and unique in the desk since it ends with the entity's id of the field.

    Made of the field's own record alone, so that two fields with one title never depend on each other.
    """
    ascii_name = unicodedata.normalize("NFKD", name or "").encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", ascii_name.lower()).strip("_")
    room = MAX_BYTES - len(entity) - len(vendor_id) - 2
    middle = words[: max(room - 1, 0)].strip("_")
    return "_".join(part for part in (entity, middle, vendor_id) if part)
