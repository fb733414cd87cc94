"""What goes from a warehouse by age: copies of old sync runs, and dlt's notes of loads that no restore needs.

A restore reads the newest position of a pipeline whose load stands in `_dlt_loads`, and the newest schema: those stay,
however old they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from ticket_pipelines.warehouse.base import Retirement
from ticket_pipelines.warehouse.catalog import Catalog, qualified
from ticket_pipelines.warehouse.purging import LOADS, STATE
from ticket_pipelines.warehouse.runs import SYNC_RUNS

VERSION = "_dlt_version"


def newest_states(state: str, loads: str) -> str:
    """SQL of the loads that brought the valid position of each pipeline."""
    return (
        f"SELECT max(s._dlt_load_id) FROM {state} AS s JOIN {loads} AS l ON l.load_id = s._dlt_load_id "
        "WHERE l.status = 0 GROUP BY s.pipeline_name"
    )


def newest_schemas(version: str) -> str:
    """SQL of the hashes of the newest schema of each name."""
    return (
        f"SELECT v.version_hash FROM {version} AS v "
        f"JOIN (SELECT schema_name, max(inserted_at) AS newest FROM {version} GROUP BY schema_name) AS n "
        "ON n.schema_name = v.schema_name AND n.newest = v.inserted_at"
    )


def retire_statements(catalog: Catalog, what: Retirement) -> list[tuple[str, str, Sequence[object]]]:
    """Table, statement (with `?` for parameters) and parameters, in the order in which they are to run."""
    statements: list[tuple[str, str, Sequence[object]]] = []
    if SYNC_RUNS.name in catalog:
        kept = f" AND id NOT IN ({', '.join('?' * len(what.kept_runs))})" if what.kept_runs else ""
        sql = f"DELETE FROM {qualified(SYNC_RUNS.name)} WHERE started_at < ?{kept}"
        statements.append((SYNC_RUNS.name, sql, (what.runs_before, *what.kept_runs)))
    before = (what.loads_before,)
    if STATE in catalog and LOADS in catalog:
        state, loads = qualified(STATE), qualified(LOADS)
        newest = newest_states(state, loads)
        # loads last: a position is valid by its load
        old = f"DELETE FROM {state} WHERE created_at < ? AND _dlt_load_id NOT IN ({newest})"
        unused = f"DELETE FROM {loads} WHERE inserted_at < ? AND load_id NOT IN (SELECT _dlt_load_id FROM {state})"
        statements += [(STATE, old, before), (LOADS, unused, before)]
    if VERSION in catalog:
        version = qualified(VERSION)
        old = f"DELETE FROM {version} WHERE inserted_at < ? AND version_hash NOT IN ({newest_schemas(version)})"
        statements.append((VERSION, old, before))
    return statements
