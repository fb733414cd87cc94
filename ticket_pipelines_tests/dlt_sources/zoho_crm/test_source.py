"""The plain dlt source, with dlt alone."""

from __future__ import annotations

from pathlib import Path

import dlt
import pytest

from dlt_sources.errors import ConfigurationError
from dlt_sources.zoho_crm import zoho_crm_source
from ticket_pipelines.sandbox.server import SandboxServer


def test_a_pipeline_of_dlt_alone_loads_goes_on_and_leaves_out_what_it_may_not_read(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    account = sandbox.zoho_crm
    pipeline = dlt.pipeline(
        "crm", pipelines_dir=str(tmp_path), destination=dlt.destinations.duckdb(str(tmp_path / "x.duckdb"))
    )
    addresses = {"base_url": account.url, "accounts_url": account.url}
    streams = ("contacts", "payroll", "users")

    pipeline.run(zoho_crm_source("us", account.credentials, streams=streams, **addresses))
    key = account.control.mutate("create", module="Contacts", Last_Name="Newman")["id"]
    pipeline.run(zoho_crm_source("us", account.credentials, streams=streams, **addresses))

    with pipeline.sql_client() as client:
        alive = client.execute_sql("SELECT id, last_name FROM contacts WHERE _deletion_type IS NULL")
    assert {row[0] for row in alive or ()} == {record["id"] for record in account.control.records("Contacts")}
    assert (key, "Newman") in [tuple(row) for row in alive or ()]


def test_a_stream_that_the_account_lacks_is_refused(sandbox: SandboxServer) -> None:
    account = sandbox.zoho_crm
    with pytest.raises(ConfigurationError, match="kontakte"):
        zoho_crm_source("us", account.credentials, streams=["kontakte"], base_url=account.url, accounts_url=account.url)
