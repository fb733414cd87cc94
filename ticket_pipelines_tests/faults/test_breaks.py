"""Each guard is held by a test: a product without it fails one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ticket_pipelines_tests.faults.breaks import BREAKS, Break

ROOT = Path(__file__).parents[2]
COPIED = ("dlt_sources", "ticket_pipelines", "ticket_pipelines_tests", "docs", "pyproject.toml")
FAILED = 1
"""Exit status of pytest where tests failed; 2 and above: they did not run."""


@pytest.mark.parametrize("broken", BREAKS, ids=lambda each: each.guard)
def test_the_text_of_each_guard_stands_where_it_is_looked_for(broken: Break) -> None:
    assert (ROOT / broken.file).read_text().count(broken.before) == 1
    for test in broken.tests:
        assert (ROOT / "ticket_pipelines_tests" / test.partition("::")[0]).exists()


@pytest.mark.torture
@pytest.mark.parametrize("broken", BREAKS, ids=lambda each: each.guard)
def test_without_the_guard_a_test_fails(
    broken: Break, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    file = tmp_path / broken.file
    file.write_text(file.read_text().replace(broken.before, broken.after))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]
    tests = [str(tmp_path / "ticket_pipelines_tests" / test) for test in broken.tests]
    done = subprocess.run([*command, *tests], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == FAILED, done.stdout[-2000:]
    first = next(line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR")))
    record_property("torture", f"without the guard that {broken.guard}: {first.split(' - ')[0]}")
