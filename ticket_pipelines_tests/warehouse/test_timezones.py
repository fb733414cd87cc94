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
warehouse = open_warehouse(sys.argv[1], Path("."))
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
"""


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_an_instant_is_the_same_in_every_zone(warehouse_url: str, zone: str) -> None:
    environment = {**os.environ, "TZ": zone, "PGTZ": zone}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, warehouse_url],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    # ClickHouse writes no offset: the column's type says UTC
    offset = "" if warehouse_url.startswith(("chdb", "clickhouse")) else "+00"
    assert done.stdout == f"2026-03-08T06:30:00.123456+00:00 2026-03-08 06:30:00.123456{offset} 2026-01-31 1\n"
