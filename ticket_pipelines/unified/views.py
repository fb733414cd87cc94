"""The unified views: the same rows and types on every engine.

`ticket_details` is one row a ticket with names and labels, `ticket_field_values` one row per value of a custom field.
Every join is on the desk and the id, so that two desks with equal ids never cross. Deleted rows stay, with
`deleted_at`; a deleted person, group or field still gives its name.
"""

from __future__ import annotations

from ticket_pipelines.unified.details import details
from ticket_pipelines.unified.dialects import DIALECTS
from ticket_pipelines.unified.field_values import field_values


def views(dialect: str) -> dict[str, str]:
    """SELECT of each view by name; each needs all unified tables and no other view.

    Args:
        dialect: Name of the engine: duckdb or postgres.

    Raises:
        KeyError: There is no such dialect.
    """
    spelling = DIALECTS[dialect]
    return {"ticket_field_values": field_values(spelling), "ticket_details": details(spelling)}
