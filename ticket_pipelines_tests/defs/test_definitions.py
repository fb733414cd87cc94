"""The code location: loads in an empty environment, and shows what interfaces promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg

from dlt_sources import VENDORS
from ticket_pipelines.definitions import defs
from ticket_pipelines.unified.model import TABLES

GRAPH = defs.resolve_asset_graph()

UNIFIED = [
    "accounts",
    "agents",
    "attachments",
    "contacts",
    "groups",
    "record_links",
    "ticket_comments",
    "ticket_events",
    "ticket_fields",
    "tickets",
]


def asset(*path: str) -> dg.AssetKey:
    return dg.AssetKey(path)


def test_loads_in_an_empty_environment_and_leaves_nothing_behind(tmp_path: Path) -> None:
    code = "from ticket_pipelines.definitions import defs; defs.resolve_all_job_defs()"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env={}, cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(tmp_path.iterdir()) == []


def test_vendor_tables_are_assets_of_their_streams() -> None:
    keys = {key for key in GRAPH.get_all_asset_keys() if key.path[0] == "zendesk"}
    assert keys == {asset("zendesk", stream.name) for stream in VENDORS["zendesk"].streams}
    assert asset("zendesk", "tickets") in keys


def test_unified_rows_are_assets_of_their_vendor_and_whole_tables_are_external() -> None:
    rows = {key for key in GRAPH.get_all_asset_keys() if key.path[:2] == ["helpdesk", "zendesk"]}
    assert rows == {asset("helpdesk", "zendesk", table) for table in UNIFIED}
    whole = {
        key.path[1]: GRAPH.get(key)
        for key in GRAPH.get_all_asset_keys()
        if len(key.path) == 2 and key.path[0] == "helpdesk"
    }
    assert set(whole) == {*TABLES, "ticket_details", "ticket_field_values"}
    assert not any(node.is_materializable for node in whole.values())


def test_assets_are_partitioned_by_the_desks_of_their_vendor() -> None:
    nodes = [GRAPH.get(key) for key in GRAPH.get_all_asset_keys() if "zendesk" in key.path]
    definitions = {
        node.partitions_def.name for node in nodes if isinstance(node.partitions_def, dg.DynamicPartitionsDefinition)
    }
    assert definitions == {"zendesk_desks"}
    assert all(node.partitions_def for node in nodes)


def test_one_op_emits_all_of_a_vendor() -> None:
    nodes = {
        asset.node_def.name
        for asset in defs.assets or []
        if isinstance(asset, dg.AssetsDefinition) and asset.is_executable
    }
    assert nodes == {*(f"{vendor}_desk" for vendor in VENDORS), "qcontact_push"}


def test_lineage_follows_the_mappings() -> None:
    def parents(*path: str) -> set[str]:
        return {key.to_user_string() for key in GRAPH.get(asset(*path)).parent_keys}

    assert parents("helpdesk", "zendesk", "tickets") == {"zendesk/tickets"}
    assert parents("helpdesk", "zendesk", "ticket_comments") == {"zendesk/ticket_events", "zendesk/ticket_comments"}
    assert parents("qcontact", "outbound") == {"qcontact/cases"}
    assert parents("helpdesk", "tickets") == {f"helpdesk/{vendor}/tickets" for vendor in VENDORS}
    assert {"helpdesk/tickets", "helpdesk/contacts"} <= parents("helpdesk", "ticket_details")


def test_assets_say_what_they_are() -> None:
    groups = {asset(vendor.name, vendor.discovery.group) for vendor in VENDORS.values() if vendor.discovery}
    assert groups == {asset("zoho_crm", "custom_modules"), asset("qcontact", "other_entities")}
    for key in GRAPH.get_all_asset_keys():
        node = GRAPH.get(key)
        assert node.description, key
        # what only an account knows is many tables: each materialization names them; a push makes none
        assert (
            key in groups
            or key.path[-1] == "outbound"
            or str(node.metadata["dagster/table_name"]).startswith("helpdesk.")
        ), key
    schema = GRAPH.get(asset("helpdesk", "zendesk", "tickets")).metadata["dagster/column_schema"]
    columns = {column.name: column for column in schema.schema.columns}
    assert columns["id"].type == "text"
    assert columns["id"].constraints.nullable is False
    assert columns["status"].description


def test_jobs_schedules_and_sensors_keep_their_names() -> None:
    jobs = ("sync", "full_sync", "backfill", "rebuild", "checks", "daily", "reconcile", "replay")
    assert {job.name for job in defs.resolve_all_job_defs()} - {"__ASSET_JOB"} == {
        *(f"{vendor}_{job}" for vendor in VENDORS for job in jobs),
        "qcontact_outbound",
        "sync_due_desks",
        *(f"{verb}_desk" for verb in ("pause", "reset", "resume", "schedule")),
        "maintenance",
        "clickhouse_optimize",
    }
    assert {schedule.name for schedule in defs.schedules or []} == {
        *(f"{vendor}_{schedule}" for vendor in VENDORS for schedule in ("daily", "reconcile")),
        "qcontact_outbound",
        "maintenance",
        "clickhouse_optimize",
    }
    assert {sensor.name for sensor in defs.sensors or []} == {"alerts", "desk_partitions", "due_desks", "live_sync"}


def test_no_check_stops_a_run() -> None:
    checks = [GRAPH.get(key) for key in GRAPH.asset_check_keys]
    assert checks
    assert not any(check.blocking for check in checks)
