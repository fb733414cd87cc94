"""What is deleted when a desk is purged."""

from __future__ import annotations

from ticket_pipelines.warehouse.catalog import Catalog, Relation, qualified
from ticket_pipelines.warehouse.runs import SYNC_RUNS
from ticket_pipelines.warehouse.table import COMMON

STATE, LOADS = "_dlt_pipeline_state", "_dlt_loads"


def purge_statements(catalog: Catalog, vendor: str, desk: str) -> list[tuple[str, tuple[str, ...]]]:
    """Statements (with `?` for parameters) that delete a desk's rows, its runs and its position.

    Args:
        catalog: What stands in the warehouse.
        vendor: The desk's vendor.
        desk: Key of the desk.
    """
    statements: list[tuple[str, tuple[str, ...]]] = [
        (f"DELETE FROM {qualified(name)} WHERE desk = ?", (desk,))
        for name, relation in catalog.items()
        if name == SYNC_RUNS.name or holds_rows(relation)
    ]
    if STATE in catalog and LOADS in catalog:
        pipeline = (f"{vendor}__{desk}",)
        loads = f"SELECT _dlt_load_id FROM {qualified(STATE)} WHERE pipeline_name = ?"
        statements += [
            (f"DELETE FROM {qualified(LOADS)} WHERE load_id IN ({loads})", pipeline),
            (f"DELETE FROM {qualified(STATE)} WHERE pipeline_name = ?", pipeline),
        ]
    return statements


def holds_rows(relation: Relation) -> bool:
    """Whether it is a vendor or unified table; what users made beside ours is not touched."""
    return not relation.is_view and all(column.name in relation.columns for column in COMMON)
