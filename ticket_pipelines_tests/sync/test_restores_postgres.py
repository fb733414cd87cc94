"""The same on Postgres: warehouse and control database are two databases, each put back alone and together."""

from __future__ import annotations

import sys

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from dlt_sources import VENDORS
from ticket_pipelines.control.database import quarantine
from ticket_pipelines.project import open_project
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import SyncRequest
from ticket_pipelines_tests.fixtures.postgres import PostgresServer
from ticket_pipelines_tests.sync.paper import MAPPING_MODULE, OPENED, PAPER, Account, ticket


@pytest.mark.parametrize("parts", [("warehouse",), ("control",), ("warehouse", "control")], ids="+".join)
def test_the_next_sync_mends_what_was_put_back(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, parts: tuple[str, ...]
) -> None:
    monkeypatch.setitem(VENDORS, "paper", PAPER)
    monkeypatch.setitem(sys.modules, MAPPING_MODULE.__name__, MAPPING_MODULE)
    databases = {part: postgres_server.create_database() for part in ("warehouse", "control")}
    environ = {
        "TICKETS_WAREHOUSE": postgres_server.url(databases["warehouse"]),
        "TICKETS_CONTROL_DB": postgres_server.url(databases["control"]),
        "TICKETS_SECRET_KEY": Fernet.generate_key().decode(),
    }
    account = Account({"tickets": [ticket(1)]})
    monkeypatch.setitem(OPENED, "acme", account)

    def sync() -> tuple[list[str], list[str | None], int]:
        """The desk's tickets, the ids that are set aside, and how many runs the warehouse holds."""
        with open_project(environ) as project:
            sync_desk(project, "acme", SyncRequest(streams=("tickets",)))
            rows = project.warehouse.query("SELECT id FROM helpdesk.paper_tickets ORDER BY id")["id"].to_pylist()
            count = project.warehouse.query("SELECT id FROM helpdesk.sync_runs").num_rows
            with project.control.connect() as connection:
                return rows, list(connection.execute(sa.select(quarantine.c.record_id)).scalars()), count

    with open_project(environ) as project:
        project.desks.add("acme", "paper", {"account": "acme"}, {"token": "a-token-of-paper"})
    sync()
    for name in databases.values():
        postgres_server.execute(f"CREATE DATABASE {name}_backup TEMPLATE {name}")
    account.records["tickets"] += [ticket(2), ticket(3, subject="unmappable")]
    assert sync() == (["1", "2"], ["3"], 2)
    for part in parts:
        postgres_server.drop_database(databases[part])
        postgres_server.execute(f"CREATE DATABASE {databases[part]} TEMPLATE {databases[part]}_backup")

    # the run in between is in neither database where both were put back
    assert sync() == (["1", "2"], ["3"], 2 if len(parts) == 2 else 3)

    for name in databases.values():
        postgres_server.drop_database(name)
        postgres_server.drop_database(f"{name}_backup")
