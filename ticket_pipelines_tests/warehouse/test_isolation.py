"""Working folders and dlt's settings: ours alone, and nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dlt
import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.workdir import WorkingFolder
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row

PROJECT = Path(__file__).parents[2]


def test_a_folder_of_a_dead_process_is_removed_and_one_of_a_living_is_not(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from ticket_pipelines.warehouse.workdir import WorkingFolder; "
        "folder = WorkingFolder(Path(sys.argv[1])); (folder.path / 'file').write_text('x'); "
        "print(folder.path); sys.stdout.flush(); os._exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    left = Path(done.stdout.strip())
    assert (left / "file").exists()
    first = WorkingFolder(tmp_path)
    assert not left.exists()
    second = WorkingFolder(tmp_path)
    assert first.path.is_dir()
    assert second.path.is_dir()
    for folder in (first, second):
        folder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_private(tmp_path: Path) -> None:
    folder = WorkingFolder(tmp_path / "below")
    assert folder.path.stat().st_mode & 0o077 == 0
    folder.close()


@pytest.mark.parametrize("warehouse_url", ["duckdb"], indirect=True)
def test_settings_of_the_user_neither_reach_a_load_nor_are_lost(
    warehouse_url: str,
    open_test_warehouse: Callable[[str], Warehouse],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text("[load]\nworkers = 'many'\n[schema]\nnaming = 'sql_ci_v1'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOAD__WORKERS", "nonsense")
    monkeypatch.setenv("SCHEMA__NAMING", "sql_ci_v1")
    monkeypatch.setenv("DESTINATION__CREDENTIALS", "duckdb:///elsewhere.duckdb")
    monkeypatch.setenv("PIPELINES__DATASET_NAME_LAYOUT", "their_%s")
    context = Container()[PluggableRunContext].context
    before = dict(os.environ)
    pipeline = open_test_warehouse(warehouse_url).pipeline("zendesk", "acme")
    pipeline.load({"zendesk_tickets": arrow([row("1")])}, {"zendesk_tickets": TICKETS}, {"n": 1})
    pipeline.close()
    assert Container()[PluggableRunContext].context is context
    assert dlt.config["load.workers"] == "nonsense"
    assert dict(os.environ) == before
    assert not (tmp_path / "elsewhere.duckdb").exists()


def test_reading_does_not_import_dlt(warehouse_url: str) -> None:
    script = (
        "import sys; from pathlib import Path; from ticket_pipelines.warehouse import open_warehouse; "
        "warehouse = open_warehouse(sys.argv[1], Path('.')); warehouse.prepare([], {}); "
        "warehouse.query('SELECT 1'); print('dlt' in sys.modules)"
    )
    command = [sys.executable, "-W", "error", "-c", script, warehouse_url]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
