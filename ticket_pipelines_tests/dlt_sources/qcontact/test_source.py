"""The plain dlt source, with dlt alone."""

from __future__ import annotations

from pathlib import Path

import dlt
import pytest

from dlt_sources.errors import ConfigurationError
from dlt_sources.qcontact import qcontact_source
from ticket_pipelines.sandbox.server import SandboxServer


def test_a_pipeline_of_dlt_alone_loads_and_goes_on(sandbox: SandboxServer, tmp_path: Path) -> None:
    account = sandbox.qcontact
    credentials = dict(account.logins["token"])
    pipeline = dlt.pipeline(
        "qc", pipelines_dir=str(tmp_path), destination=dlt.destinations.duckdb(str(tmp_path / "x.duckdb"))
    )
    streams = ("cases", "case_columns")

    pipeline.run(qcontact_source(account.url, credentials, streams=streams))
    key = account.control.mutate("create", title="New one")["id"]
    closed = next(case["id"] for case in account.control.records("cases") if case["fields"]["status"] == "Open")
    account.control.mutate("close", id=closed)
    pipeline.run(qcontact_source(account.url, credentials, streams=streams))

    with pipeline.sql_client() as client:
        rows = client.execute_sql("SELECT id, status FROM cases") or ()
    assert {int(row[0]) for row in rows} == {case["id"] for case in account.control.records("cases")}
    found = {str(row[0]): row[1] for row in rows}
    assert (found[key], found[str(closed)]) == ("New", "Closed")


def test_a_stream_that_the_tenant_lacks_is_refused(sandbox: SandboxServer) -> None:
    account = sandbox.qcontact
    with pytest.raises(ConfigurationError, match="kontakte"):
        qcontact_source(account.url, dict(account.logins["token"]), streams=["kontakte"])
