"""Tables in ClickHouse are merged where it pays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg

from ticket_pipelines.definitions import defs
from ticket_pipelines.defs.catalog import catalogs, vendor_key
from ticket_pipelines.defs.checks import FEW_PARTS, look
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.project import Project
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
from ticket_pipelines_tests.fixtures.project import MakeProject


def optimized(project: Project, **config: Any) -> dict[str, Any]:
    """Metadata of a run of the job."""
    done = defs.resolve_job_def("clickhouse_optimize").execute_in_process(
        run_config={"ops": {"optimize_tables": {"config": config}}},
        resources={"tickets": Tickets(project.settings)},
    )
    (output,) = [event.step_output_data for event in done.all_node_events if event.is_successful_output]
    return {name: value.value for name, value in output.metadata.items()}


def filled(project: Project, versions: range) -> ClickHouseWarehouse:
    """A table with a part for each version of one row."""
    warehouse = project.warehouse
    assert isinstance(warehouse, ClickHouseWarehouse)
    with warehouse.connections.taken(wait=30) as client:
        client.command("SYSTEM STOP MERGES helpdesk_storage.groups")
        for version in versions:
            client.command(f"INSERT INTO helpdesk_storage.groups (desk, id, version) VALUES ('a', '1', {version})")
    return warehouse


def test_the_optimize_job_tells_each_table_before_and_after(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(f"chdb:///{tmp_path / 'warehouse'}")
    warehouse = filled(project, range(3))
    with warehouse.connections.taken(wait=30) as client:
        client.command("SYSTEM START MERGES helpdesk_storage.groups")
    told = optimized(project, tables=["groups"], rows=1)
    assert told["merged"] == 1
    assert told["groups"]["reason"] == "67% of its rows are superseded"
    assert (told["groups"]["after"]["parts"], told["groups"]["after"]["superseded"]) == (1, 0)


def test_the_optimize_job_has_nothing_to_do_elsewhere(project: Project) -> None:
    assert optimized(project) == {"merged": 0}


def test_a_table_of_many_parts_fails_its_check(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(f"chdb:///{tmp_path / 'warehouse'}")
    zendesk = next(catalog for catalog in catalogs() if catalog.name == "zendesk")
    key = dg.AssetCheckKey(vendor_key("zendesk", zendesk.main.name), FEW_PARTS)
    warehouse = filled(project, range(99))
    (few,) = look(zendesk, warehouse, project.control, "a", [key])
    assert few.passed
    (many,) = look(zendesk, filled(project, range(99, 100)), project.control, "a", [key])
    assert not many.passed
    assert many.metadata["most"] == many.metadata["parts"]["groups"] == 100
