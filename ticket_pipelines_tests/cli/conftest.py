"""Desks that lead to a sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.fixtures.project import Cli

AddDesk = Callable[..., None]


@pytest.fixture
def add_desk(cli: Cli, sandbox: SandboxServer, tmp_path: Path) -> AddDesk:
    """Registers a desk on the sandbox through the command line: `add_desk(key, config={…}, credentials={…})`."""

    def add(
        key: str = "acme",
        config: Mapping[str, object] | None = None,
        credentials: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        file = tmp_path / f"{key}.json"
        file.write_text(json.dumps(credentials or sandbox.zendesk.credentials))
        given = json.dumps({**sandbox.zendesk.config, **(config or {})})
        done = cli("desks", "add", key, "--vendor", "zendesk", "--config", given, "--credentials", f"@{file}", env=env)
        assert done.exit_status == 0, done.stderr

    return add
