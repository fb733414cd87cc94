"""What we override of dlt still exists there, and dlt still calls it: a new release of dlt must pass this first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pytest
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.destination.client import JobClientBase, RunnableLoadJob
from dlt.common.destination.reference import Destination
from dlt.common.runtime.run_context import RunContext
from dlt.common.schema import Schema
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.postgres.postgres import PostgresClient
from dlt.destinations.job_client_impl import SqlJobClientBase, SqlJobClientWithStagingDataset
from dlt.destinations.sql_client import SqlClientBase

from ticket_pipelines.warehouse import destination, duckdb_destination, loading, postgres_destination
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.destination import UpsertJob, Upserts
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row

HOOKS: list[tuple[type[Any], str]] = [
    (SqlJobClientBase, "create_load_job"),
    (SqlJobClientBase, "complete_load"),
    (SqlJobClientBase, "update_stored_schema"),
    (SqlJobClientBase, "maybe_ddl_transaction"),
    (SqlJobClientWithStagingDataset, "should_load_data_to_staging_dataset"),
    (JobClientBase, "create_table_chain_completed_followup_jobs"),
    (RunnableLoadJob, "run"),
    (RunnableLoadJob, "load_table_name"),
    (Destination, "capabilities"),
    (Destination, "configuration"),
    (Destination, "client"),
    (Destination, "client_class"),
    (SqlClientBase, "open_connection"),
    (SqlClientBase, "close_connection"),
    (RunContext, "initial_providers"),
    (RunContext, "module"),
    (PluggableRunContext, "push_context"),
    (PluggableRunContext, "pop_context"),
    (PluggableRunContext, "reload"),
]


@pytest.mark.parametrize(("owner", "name"), HOOKS, ids=[f"{owner.__name__}.{name}" for owner, name in HOOKS])
def test_what_we_override_is_dlts(owner: type[Any], name: str) -> None:
    assert hasattr(owner, name)


@pytest.mark.parametrize("client", [duckdb_destination._Client, postgres_destination._Client])
def test_our_clients_come_before_dlts(client: type[Any]) -> None:
    order = client.__mro__
    assert order.index(destination.UpsertClientMixin) < min(
        order.index(dlts) for dlts in (DuckDbClient, PostgresClient) if dlts in order
    )


def test_dlt_calls_what_we_override(
    warehouse_url: str, open_test_warehouse: Callable[[str], Warehouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[str] = Counter()

    def count(owner: type[Any], name: str) -> None:
        original = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    for name in (
        "create_load_job",
        "should_load_data_to_staging_dataset",
        "create_table_chain_completed_followup_jobs",
        "complete_load",
        "update_stored_schema",
    ):
        count(destination.UpsertClientMixin, name)
    for name in ("capabilities", "configuration", "client"):
        count(destination.ResolvedOnceMixin, name)
    count(destination.UpsertJob, "run")
    locked = counted_transaction(calls)
    monkeypatch.setattr(postgres_destination._Client, "maybe_ddl_transaction", locked)

    warehouse = open_test_warehouse(warehouse_url)
    pipeline = warehouse.pipeline("zendesk", "acme")
    pipeline.load({"zendesk_tickets": arrow([row("1")])}, {"zendesk_tickets": TICKETS}, {"n": 1})
    pipeline.close()

    assert calls["run"] == calls["complete_load"] == 1
    assert calls["create_load_job"] == 2, "our table, and dlt's position"
    expected = {"should_load_data_to_staging_dataset", "create_table_chain_completed_followup_jobs", "client"}
    expected |= {"update_stored_schema", "capabilities", "configuration"}
    expected |= {"maybe_ddl_transaction"} if warehouse.engine == "postgres" else set()
    assert expected <= set(calls)


def counted_transaction(calls: Counter[str]) -> Any:
    original = postgres_destination._Client.maybe_ddl_transaction

    @contextmanager
    def counted(self: Any) -> Iterator[None]:
        calls["maybe_ddl_transaction"] += 1
        with original(self):
            yield

    return counted


def test_dlt_makes_nothing_beside_its_own_tables(
    warehouse_url: str, open_test_warehouse: Callable[[str], Warehouse]
) -> None:
    warehouse = open_test_warehouse(warehouse_url)
    pipeline = warehouse.pipeline("zendesk", "acme")
    pipeline.load({"zendesk_tickets": arrow([row("1")])}, {"zendesk_tickets": TICKETS}, {"n": 1})
    pipeline.close()
    engines_own = ("pg_catalog", "information_schema", "INFORMATION_SCHEMA", "system")
    found = warehouse.query(
        "SELECT table_schema AS s, table_name AS n FROM information_schema.tables "
        f"WHERE table_schema NOT IN {engines_own}"
    ).to_pylist()
    ours = {"zendesk_tickets", "_warehouse", "_dlt_loads", "_dlt_version", "_dlt_pipeline_state"}
    behind = {("helpdesk", "zendesk_tickets")} if warehouse.engine == "clickhouse" else set()
    schema = "helpdesk_storage" if behind else "helpdesk"
    assert {(each["s"], each["n"]) for each in found} == {(schema, name) for name in ours} | behind
    assert set(warehouse.columns("zendesk_tickets")) == set(TICKETS.kinds())


def test_pipelines_are_named_by_vendor_and_desk() -> None:
    assert loading.pipeline_name("zoho_desk", "acme") == "zoho_desk__acme"


def test_a_refused_file_wakes_the_load_that_waits_for_it() -> None:
    class Refusing:
        def upsert(self, table: str, parquet: Path, columns: Sequence[str]) -> None:
            raise RuntimeError(f"{table} {parquet.name} {columns}")

    file = Path("zendesk_tickets.parquet")
    upserts = Upserts(Refusing(), {"zendesk_tickets": file}, {"zendesk_tickets": ["id"]})
    job = UpsertJob("package/zendesk_tickets.1a2b3c.0.parquet", upserts)
    job.set_run_vars("1", Schema("zendesk"), {"name": "zendesk_tickets", "columns": {}})
    job._done_event = BoundedSemaphore()
    job._done_event.acquire()
    with pytest.raises(RuntimeError, match="zendesk_tickets"):
        job.run()
    assert job._done_event.acquire(blocking=False)
