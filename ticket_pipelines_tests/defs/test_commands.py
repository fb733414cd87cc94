"""The bare dagster commands of docs/ci.md, run as they stand there, with no credential in the environment."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from ticket_pipelines.control.status import runs
from ticket_pipelines.defs.launch import instance_of
from ticket_pipelines.project import Project

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "ci.md").read_text()


def documented(start: str) -> str:
    """The command of the page that starts so: in a block of its own, or in the text."""
    found = [part for part in PAGE.replace("`", "\n").splitlines() if part.startswith(start)]
    assert found, start
    return found[0]


def run(command: str, environ: dict[str, str], cwd: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    program, *arguments = shlex.split(command)
    assert program == "dagster"
    path = {"PATH": os.environ["PATH"]}
    whole = [sys.executable, "-m", "dagster", *arguments]
    return subprocess.run(whole, env={**path, **environ}, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("start", ["dagster definitions validate -m", "dagster definitions validate -w"])
def test_definitions_validate_in_an_empty_environment(start: str, tmp_path: Path) -> None:
    done = run(documented(start), {"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr


def test_materializing_a_partition_brings_the_rows_in(project: Project, acme: str, tmp_path: Path) -> None:
    home = project.settings.home
    environ = {"HOME": str(tmp_path), "TICKETS_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
    command = documented("dagster asset materialize").replace("support_eu", acme)
    done = run(command, environ, tmp_path)
    assert done.returncode == 0, done.stderr
    (sync,) = runs(project.control, acme)
    with instance_of(project.settings) as instance:
        recorded = instance.get_run_by_id(sync.dagster_run_id or "")
    assert recorded
    assert recorded.status is dg.DagsterRunStatus.SUCCESS
    for table in ("zendesk_tickets", "tickets", "contacts"):
        found = project.warehouse.query(f"SELECT count(*) AS n FROM helpdesk.{table} WHERE desk = '{acme}'")
        assert found["n"][0].as_py() > 0, table


def test_a_partition_that_is_no_desk_fails(project: Project, tmp_path: Path) -> None:
    home = project.settings.home
    environ = {"HOME": str(tmp_path), "TICKETS_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
    with instance_of(project.settings):
        done = run(documented("dagster asset materialize"), environ, tmp_path)
    assert done.returncode != 0
    assert "support_eu" in done.stderr
