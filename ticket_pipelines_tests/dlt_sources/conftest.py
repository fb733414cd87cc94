"""Fixtures of the source tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ticket_pipelines_tests.dlt_sources.scripted import Scripted, Still, serving


@pytest.fixture
def server() -> Iterator[Scripted]:
    """A server that answers as the test says."""
    with serving() as scripted:
        yield scripted


@pytest.fixture
def still() -> Still:
    """A clock that only moves when somebody waits."""
    return Still()
