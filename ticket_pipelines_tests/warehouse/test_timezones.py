"""An instant stays the same whatever the host's time zone, on the way in and out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ticket_pipelines.warehouse import open_warehouse
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row

at = datetime(2026, 3, 8, 6, 30, 0, 123456, tzinfo=UTC)
for url in sys.argv[1:]:
    warehouse = open_warehouse(url, Path("."))
    for count in (1, 300):
        pipeline = warehouse.pipeline("zendesk", f"desk_{count}")
        rows = arrow([row(str(n), desk=f"desk_{count}", synced_at=at, deleted_at=at) for n in range(count)])
        pipeline.load({"zendesk_tickets": rows}, {"zendesk_tickets": TICKETS}, {})
        pipeline.close()
    for desk in ("desk_1", "desk_300"):
        assert next(warehouse.rows("zendesk_tickets", desk))["synced_at"][0].as_py() == at
        assert warehouse.stored("zendesk_tickets", desk, ["0"])["0"].deleted_at == at
    found = warehouse.query("SELECT DISTINCT synced_at AS at, CAST(synced_at AS text) AS text, due_on "
                            "FROM helpdesk.zendesk_tickets").to_pylist()
    print(found[0]["at"].isoformat(), found[0]["text"], found[0]["due_on"], len(found))
    warehouse.close()
"""


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_an_instant_is_the_same_in_every_zone(
    postgres_url: str, clickhouse_url: str, tmp_path: Path, zone: str
) -> None:
    embedded = [f"duckdb:///{tmp_path / 'warehouse.duckdb'}", f"chdb:///{tmp_path / 'warehouse'}"]
    environment = {**os.environ, "TZ": zone, "PGTZ": zone}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, *embedded, postgres_url, clickhouse_url],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    text = "2026-03-08 06:30:00.123456"
    # ClickHouse writes no offset: the column's type says UTC
    assert done.stdout.splitlines() == [
        f"2026-03-08T06:30:00.123456+00:00 {text}{offset} 2026-01-31 1" for offset in ("+00", "", "+00", "")
    ]
