"""The table `sync_runs`: one row per sync, a copy of what the control database records."""

from __future__ import annotations

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.table import TableColumn, TableSpec

SYNC_RUNS = TableSpec(
    name="sync_runs",
    doc="One row per sync: what was asked, what came of it. The control database holds the truth; this is a copy.",
    columns=(
        TableColumn("id", Kind.TEXT, "Id of the sync."),
        TableColumn("desk", Kind.TEXT, "Key of the desk."),
        TableColumn("vendor", Kind.TEXT, "Vendor of the desk."),
        TableColumn("direction", Kind.TEXT, "inbound (vendor to warehouse) or outbound."),
        TableColumn("mode", Kind.TEXT, "incremental, full, backfill, replay, repair or push."),
        TableColumn("trigger", Kind.TEXT, "schedule, manual, api or webhook."),
        TableColumn("status", Kind.TEXT, "running, success, partial, failed or skipped."),
        TableColumn("started_at", Kind.TIMESTAMP, "When the sync began."),
        TableColumn("completed_at", Kind.TIMESTAMP, "When it ended; null while it runs."),
        TableColumn("duration_seconds", Kind.NUMBER, "Time from start to end."),
        TableColumn("rows_read", Kind.INTEGER, "Vendor rows read."),
        TableColumn("rows_created", Kind.INTEGER, "Vendor rows that were not stored before."),
        TableColumn("rows_updated", Kind.INTEGER, "Vendor rows that replaced a stored one."),
        TableColumn("rows_unchanged", Kind.INTEGER, "Vendor rows that were stored already."),
        TableColumn("rows_deleted", Kind.INTEGER, "Vendor rows that became deleted."),
        TableColumn("rows_failed", Kind.INTEGER, "Vendor rows that were set aside in the quarantine."),
        TableColumn("success_rate", Kind.NUMBER, "0 to 1; null when nothing was read."),
        TableColumn("api_requests", Kind.INTEGER, "Requests sent to the vendor."),
        TableColumn("api_wait_seconds", Kind.NUMBER, "Time spent waiting for the vendor's limits."),
        TableColumn("error_code", Kind.TEXT, "What went wrong, as a word."),
        TableColumn("error_message", Kind.TEXT, "What went wrong, in a sentence."),
        TableColumn("details", Kind.JSON, "Per stream: cursor before and after, pages, rows, outcome, reason."),
        TableColumn("dagster_run_id", Kind.TEXT, "The Dagster run that drove the sync, if one did."),
    ),
    key=("id",),
)
