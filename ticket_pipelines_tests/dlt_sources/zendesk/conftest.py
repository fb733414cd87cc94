"""Fixtures of the Zendesk tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dlt_sources.limits import MemoryBudgets
from dlt_sources.oauth import Tokens
from dlt_sources.zendesk.client import ZendeskClient, open_client
from ticket_pipelines_tests.dlt_sources.scripted import Scripted, Still
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import moving, opened, zendesk

__all__ = ["moving", "opened", "zendesk"]


@pytest.fixture
def client(server: Scripted, still: Still) -> Iterator[ZendeskClient]:
    """A client of the scripted server, with an access token."""
    opened = open_client(
        {"base_url": server.url},
        {"access_token": "the-token"},
        MemoryBudgets(still.clock.now),
        clock=still.clock,
        tokens=Tokens(),
    )
    yield opened
    opened.close()
