"""Streams that only a desk's account knows: one asset for all of them, a table each."""

from __future__ import annotations

import pytest

from ticket_pipelines.control.status import runs
from ticket_pipelines.defs.launch import add_partition
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.defs.conftest import Daemon, checked, materialized, told

CUSTOM = "zoho_crm/custom_modules"


@pytest.fixture
def crm(project: Project, sandbox: SandboxServer) -> str:
    """A Zoho CRM desk with its partition."""
    account = sandbox.zoho_crm
    project.desks.add("crm", "zoho_crm", account.config, account.credentials)
    add_partition(project.settings, "zoho_crm", "crm")
    return "crm"


def test_all_custom_modules_are_one_asset_that_names_their_tables(daemon: Daemon, crm: str) -> None:
    result = daemon.run("zoho_crm_sync", crm)

    assert result.success
    emitted = materialized(result)
    tables = emitted[CUSTOM]["tables"]
    assert set(tables) == {
        "zoho_crm_wide_surveys",
        "zoho_crm_meter_readings",
        "zoho_crm_price_lists",
        "zoho_crm_order",
        "zoho_crm_custommodule12",
    }
    assert emitted[CUSTOM]["rows_created"] == sum(table["created"] for table in tables.values()) > 0
    assert {"zoho_crm/cases", "zoho_crm/users", "zoho_crm/fields", "helpdesk/zoho_crm/tickets"} <= set(emitted)
    complete = checked(result)["zoho_crm/cases:complete"]
    assert not complete.passed
    assert "payroll" in told(complete)["left_out"]


def test_the_asset_alone_syncs_custom_modules_alone(daemon: Daemon, crm: str) -> None:
    result = daemon.materialize(CUSTOM, desk=crm)

    assert result.success
    (run,) = runs(daemon.project.control, crm)
    streams = set(run.details["streams"])
    assert {"wide_surveys", "price_lists", "payroll"} <= streams
    assert streams.isdisjoint({"cases", "users", "fields"})
    assert set(materialized(result)) == {CUSTOM}


def test_a_standard_module_alone_asks_for_nothing_of_the_others(
    daemon: Daemon, crm: str, sandbox: SandboxServer
) -> None:
    result = daemon.materialize("zoho_crm/deals", desk=crm)

    assert result.success
    assert set(materialized(result)) == {"zoho_crm/deals", "helpdesk/zoho_crm/tickets"}
    described = [entry.query for entry in sandbox.zoho_crm.control.log() if entry.path.endswith("/settings/fields")]
    assert described == [{"module": "Deals"}]


def test_all_checks_of_rows_pass_after_a_full_sync(daemon: Daemon, crm: str) -> None:
    found = checked(daemon.run("zoho_crm_full_sync", crm))

    assert {"helpdesk/zoho_crm/tickets:matches_vendor", "helpdesk/zoho_crm/tickets:status_mapped"} <= set(found)
    assert {name for name, check in found.items() if not check.passed} == {"zoho_crm/cases:complete"}
