from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import dlt_sources

PACKAGE = Path(dlt_sources.__file__).parent


def loaded_by(code: str) -> set[str]:
    command = [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    return set(done.stdout.split())


def test_importing_the_registry_loads_neither_dlt_nor_dagster_nor_an_http_library() -> None:
    loaded = loaded_by("import dlt_sources; assert dlt_sources.VENDORS")
    assert not {"dlt", "dagster", "requests", "pyarrow"} & loaded


def test_opening_a_client_loads_neither_dlt_nor_dagster() -> None:
    loaded = loaded_by(
        "import dlt_sources; from dlt_sources.limits import MemoryBudgets; "
        "dlt_sources.VENDORS['zendesk'].open({'subdomain': 'acme'}, {'access_token': 'x'}, MemoryBudgets())"
    )
    assert "requests" in loaded
    assert not {"dlt", "dagster", "pyarrow"} & loaded


def test_sources_import_nothing_of_ours_and_read_no_environment() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            roots = {name.partition(".")[0] for name in names}
            assert not roots & {"dagster", "ticket_pipelines", "os"}, path
