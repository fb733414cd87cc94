"""The views `sync_job_history` and `qcontact_sync_log`: QContact's syncs and pushes as the FibreFlow job recorded them.

They are there for the queries that people have, and are shown in the default schema, too.

A run is a sync or a push; its rows stand for the old job's tickets. `qcontact_sync_log` has a row per change that was
written or set aside, and one per run, whose type is `full_sync`. It holds no case: those stand in `qcontact_cases`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ticket_pipelines.warehouse.base import SCHEMA

JOB_HISTORY, SYNC_LOG = "sync_job_history", "qcontact_sync_log"

_VENDOR = "qcontact"


@dataclass(frozen=True, slots=True)
class Spelling:
    """What an engine spells in its own way; `{0}` stands for an argument.

    Attributes:
        object: Function that builds an object of names and values.
        array: Function that builds a list.
        json: Name of the JSON type.
        elements: Table function: elements of a list as (value).
    """

    object: str
    array: str
    json: str
    elements: str


SPELLINGS: Mapping[str, Spelling] = {
    "postgres": Spelling(
        object="jsonb_build_object",
        array="jsonb_build_array",
        json="jsonb",
        elements="jsonb_array_elements(CASE WHEN jsonb_typeof({0}) = 'array' THEN {0} END)",
    ),
    "duckdb": Spelling(
        object="json_object",
        array="json_array",
        json="JSON",
        elements="json_each(CASE WHEN json_type({0}) = 'ARRAY' THEN {0} END)",
    ),
}


def job_views(engine: str) -> dict[str, str]:
    """SELECT of each view by name; none for an engine that does not have them.

    Args:
        engine: `Warehouse.engine`.
    """
    spelling = SPELLINGS.get(engine)
    return {} if spelling is None else {JOB_HISTORY: _history(spelling), SYNC_LOG: _log(spelling)}


def _history(spelling: Spelling) -> str:
    counted = ",\n    ".join(
        f"CASE WHEN run.direction = '{direction}' THEN {count} ELSE 0 END AS {direction}_{name}"
        for direction in ("inbound", "outbound")
        for name, count in _COUNTS.items()
    )
    totals = ",\n    ".join(f"{count} AS total_{name}" for name, count in _COUNTS.items())
    return f"""
SELECT CAST(run.id AS uuid) AS id,
    run.started_at, run.completed_at, CAST(run.duration_seconds AS numeric(10, 2)) AS duration_seconds, run.status,
    {totals},
    CAST(run.success_rate AS numeric(5, 4)) AS success_rate,
    {counted},
    run.error_message, run.error_code,
    {_options(spelling)} AS sync_options,
    {_result(spelling)} AS sync_result,
    run.started_at AS created_at
FROM {SCHEMA}.sync_runs AS run
WHERE {_CHOSEN}
""".strip()


def _log(spelling: Spelling) -> str:
    entries = spelling.elements.format("(run.details -> 'entries')")
    return f"""
SELECT CAST(md5(run.id || ':' || (item.value ->> 'entry')) AS uuid) AS id,
    item.value ->> 'ticket' AS ticket_id,
    item.value ->> 'ticket' AS qcontact_ticket_id,
    run.direction AS sync_direction,
    CASE item.value ->> 'operation' WHEN 'status' THEN 'status_update' WHEN 'note' THEN 'note_add'
        WHEN 'fields' THEN 'field_update' ELSE item.value ->> 'operation' END AS sync_type,
    item.value -> 'request' AS request_payload,
    {spelling.object}('outcome', item.value -> 'outcome', 'reason', item.value -> 'reason') AS response_payload,
    CASE WHEN item.value ->> 'outcome' IN ('parked', 'waiting') THEN 'failed' ELSE 'success' END AS status,
    CASE WHEN item.value ->> 'outcome' IN ('parked', 'waiting') THEN item.value ->> 'reason' END AS error_message,
    CAST(item.value ->> 'at' AS timestamp with time zone) AS synced_at
FROM {SCHEMA}.sync_runs AS run, {entries} AS item
WHERE {_CHOSEN}
UNION ALL
SELECT CAST(run.id AS uuid), NULL, NULL, run.direction, 'full_sync',
    {_options(spelling)}, {_result(spelling)},
    run.status, run.error_message, run.completed_at
FROM {SCHEMA}.sync_runs AS run
WHERE {_CHOSEN}
""".strip()


_CHOSEN = f"run.vendor = '{_VENDOR}' AND run.status <> 'skipped'"
"""A desk that was paused or busy was no run of the old job."""

_COUNTS = {
    "processed": "run.rows_read",
    "success": "(run.rows_read - run.rows_failed)",
    "failed": "run.rows_failed",
}


def _options(spelling: Spelling) -> str:
    return f"{spelling.object}('desk', run.desk, 'mode', run.mode, 'trigger', run.trigger)"


def _result(spelling: Spelling) -> str:
    told = f"{spelling.array}({spelling.object}('code', run.error_code, 'message', run.error_message))"
    none = f"CAST('[]' AS {spelling.json})"
    errors = f"coalesce(run.details -> 'errors', CASE WHEN run.error_message IS NULL THEN {none} ELSE {told} END)"
    return f"{spelling.object}('job_id', run.id, 'status', run.status, 'errors', {errors})"
