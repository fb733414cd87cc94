"""The documentation says what the code does: commands, settings, tables, vendors, and the README's own lines."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from dlt_sources import VENDORS
from ticket_pipelines import settings
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = runpy.run_path(str(DOCS / "build.py"))["PAGES"]
PROMISED = (
    *("demo", "sandbox", "sync", "status", "runs", "rebuild", "reconcile", "worker", "health", "query"),
    *(f"desks {verb}" for verb in ("add", "list", "show", "update", "pause", "resume", "remove", "check", "apply")),
    *("alerts test", "keys rotate", "push"),
    *(f"quarantine {verb}" for verb in ("list", "replay")),
    *(f"outbox {verb}" for verb in ("add", "list", "retry", "cancel")),
)
SETUP = ("make ", "export ", "source ")


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("command", PROMISED)
def test_every_promised_command_exists_and_is_documented(command: str) -> None:
    assert f"## ticket-pipelines {command}\n" in (DOCS / "cli.md").read_text()


def test_every_setting_is_documented() -> None:
    read = set(re.findall(r"\b(?:TICKETS|DAGSTER)_[A-Z_]+\b", Path(settings.__file__).read_text()))
    assert read == set(re.findall(r"^\| `([A-Z_]+)`", (DOCS / "settings.md").read_text(), re.MULTILINE))


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_vendor_has_a_page_that_names_its_streams_and_configuration(vendor: str) -> None:
    page = (DOCS / f"{vendor}.md").read_text()
    assert [name for name in VENDORS[vendor].config_keys if f"`{name}`" not in page] == []
    assert [stream.name for stream in VENDORS[vendor].streams if not re.search(rf"\b{stream.name}\b", page)] == []


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def readme_commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith(SETUP)]


@pytest.mark.long
def test_readme_commands_run(tmp_path: Path, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(tickets=20)
    (tmp_path / "zendesk.json").write_text(json.dumps(sandbox.zendesk.credentials))
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TICKETS_HOME": str(tmp_path / "home"),
    }
    commands = readme_commands()
    assert any("desks add" in command for command in commands)
    for command in commands:
        line = command.replace('{"subdomain": "acme"}', json.dumps(sandbox.zendesk.config))
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
