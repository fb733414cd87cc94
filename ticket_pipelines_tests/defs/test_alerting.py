"""The sensor ticks, and passes the daemons' heartbeats on."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime

import dagster as dg
from dagster._daemon.types import DaemonHeartbeat

from ticket_pipelines.control import heartbeat
from ticket_pipelines.control.ending import Ending
from ticket_pipelines.definitions import defs
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.defs.conftest import Daemon
from ticket_pipelines_tests.fixtures.project import OAUTH, Cli


def test_the_sensor_tells_once_and_starts_nothing(daemon: Daemon) -> None:
    daemon.project.desks.add("acme", "zendesk", {"subdomain": "acme"}, OAUTH)
    daemon.project.desks.ended("acme", Ending(Status.FAILED, datetime.now(UTC)))
    first, second = daemon.evaluate("alerts"), daemon.evaluate("alerts")
    assert (first.skip_message, second.skip_message) == (
        "sync_failed started for acme",
        "Nothing started or ended.",
    )
    assert first.run_requests == []


def test_a_probe_sees_the_daemons_without_dagster(daemon: Daemon, cli: Cli) -> None:
    at = time.time()
    for kind in ("SENSOR", "SCHEDULER"):
        daemon.instance.add_daemon_heartbeat(DaemonHeartbeat(at, kind, "some", []))
    daemon.evaluate("alerts")
    beats = heartbeat.lasts(daemon.project.control, heartbeat.DAEMON)
    assert set(beats) == {"sensor", "scheduler"}
    assert abs(beats["sensor"].timestamp() - at) < 1e-3
    found = cli("health", "--require", "dagster_daemons", "--json").json
    assert found["parts"]["dagster_daemons"]["status"] == "ok"
    code = "import sys, ticket_pipelines.control.health, ticket_pipelines.alerts.tick; print('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


def test_the_sensor_is_on_by_default() -> None:
    assert defs.resolve_sensor_def("alerts").default_status is dg.DefaultSensorStatus.RUNNING
