"""Loads the shared fixtures (one thing a file in `fixtures/`), and orders tests and workers."""

from __future__ import annotations

from collections.abc import Generator

import pytest

pytest_plugins = [
    "ticket_pipelines_tests.fixtures.sandbox",
    "ticket_pipelines_tests.fixtures.postgres",
    "ticket_pipelines_tests.fixtures.clickhouse",
    "ticket_pipelines_tests.fixtures.warehouse",
    "ticket_pipelines_tests.fixtures.project",
    "ticket_pipelines_tests.fixtures.control",
    "ticket_pipelines_tests.fixtures.redis",
    "ticket_pipelines_tests.fixtures.pains",
    "ticket_pipelines_tests.fixtures.torture",
]


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Half as many workers again as cores: a fifth of a worker's time is waiting for servers and processes."""
    cores = yield
    return cores + cores // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests go first."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
