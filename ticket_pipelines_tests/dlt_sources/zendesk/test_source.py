from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import pytest

from dlt_sources.errors import ConfigurationError
from dlt_sources.zendesk import ZENDESK, zendesk_source
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted

TICKETS = "/api/v2/incremental/tickets/cursor"
FORBIDDEN = Reply({"error": {"title": "Forbidden", "message": "No"}}, 403)


def ticket(number: int, clock: int, subject: str) -> dict[str, Any]:
    fields = [{"id": 1, "value": "x"}]
    row = {"id": number, "generated_timestamp": clock, "subject": subject, "created_at": "2024-01-01T00:00:00Z"}
    return {**row, "custom_fields": fields, "fields": fields, "brand_new": {"a": 1}}


def tickets(*rows: dict[str, Any], after: str) -> Reply:
    return Reply({"tickets": rows, "after_cursor": after, "end_of_stream": True})


@pytest.fixture
def pipeline(tmp_path: Path) -> dlt.Pipeline:
    return dlt.pipeline(
        "alone",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.duckdb(str(tmp_path / "alone.duckdb")),
        dataset_name="helpdesk",
    )


def rows(pipeline: dlt.Pipeline, sql: str) -> list[tuple[Any, ...]]:
    with pipeline.sql_client() as client, client.execute_query(sql) as cursor:
        return list(cursor.fetchall())


def test_the_plain_source_merges_and_goes_on_where_it_ended(server: Scripted, pipeline: dlt.Pipeline) -> None:
    server.on(
        TICKETS,
        tickets(ticket(1, 100, "one"), ticket(2, 200, "two"), after="c1"),
        tickets(ticket(2, 300, "two, changed"), ticket(3, 300, "three"), after="c2"),
    )
    server.on("/api/v2/tags", Reply({"tags": [{"name": "vip", "count": 3}], "meta": {"has_more": False}}))
    server.on("/api/v2/slas/policies", FORBIDDEN)

    def run() -> None:
        source = zendesk_source(
            base_url=server.url,
            credentials={"access_token": "x"},
            streams=("tickets", "tags", "sla_policies"),
        )
        pipeline.run(source)

    run()
    run()
    assert rows(pipeline, "SELECT id, subject FROM tickets ORDER BY id") == [
        (1, "one"),
        (2, "two, changed"),
        (3, "three"),
    ]
    assert rows(pipeline, "SELECT name, count FROM tags") == [("vip", 3)]
    assert [query.get("cursor") for query in server.queries(TICKETS)] == [None, "c1"]
    columns = {name for (name,) in rows(pipeline, "SELECT column_name FROM information_schema.columns")}
    assert "fields" not in columns
    assert {"custom_fields", "brand_new"} <= columns


def test_the_plain_source_has_a_resource_for_each_stream() -> None:
    source = zendesk_source(subdomain="acme", credentials={"access_token": "x"})
    assert set(source.resources) == {stream.name for stream in ZENDESK.streams if not stream.on_demand}


def test_the_plain_source_refuses_wrong_values() -> None:
    with pytest.raises(ConfigurationError):
        zendesk_source(subdomain="acme.zendesk.com", credentials={"access_token": "x"})
    with pytest.raises(ConfigurationError, match="there is no comments"):
        zendesk_source(subdomain="acme", credentials={"access_token": "x"}, streams=("comments",))


def test_of_a_record_that_comes_twice_in_one_run_the_newer_copy_stays(server: Scripted, pipeline: dlt.Pipeline) -> None:
    first = Reply({"tickets": [ticket(1, 100, "old"), ticket(2, 200, "two")], "after_cursor": "c1"})
    server.on(TICKETS, Reply({**first.body, "end_of_stream": False}), tickets(ticket(1, 300, "new"), after="c2"))
    pipeline.run(zendesk_source(base_url=server.url, credentials={"access_token": "x"}, streams=("tickets",)))
    assert rows(pipeline, "SELECT id, subject FROM tickets ORDER BY id") == [(1, "new"), (2, "two")]
