"""Emulated Zoho accounts, opened with a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.sandbox.zoho_asking import NOW, Open, Zoho, crm, desk


@pytest.fixture
def open_desk(make_sandbox: Callable[..., SandboxServer]) -> Open:
    """Starts a Zoho Desk account at noon, whose clock stands; takes its settings."""

    def start(tickets: int = 40, login: str = "oauth", same_second: int | None = None, **settings: Any) -> Zoho:
        options = {"tickets": tickets, "same_second": same_second, "now": NOW, "frozen": True}
        return desk(make_sandbox(**options, zoho_desk=settings).zoho_desk, login)

    return start


@pytest.fixture
def open_crm(make_sandbox: Callable[..., SandboxServer]) -> Open:
    """Starts a Zoho CRM account at noon, whose clock stands; takes its settings."""

    def start(tickets: int = 40, login: str = "oauth", same_second: int | None = None, **settings: Any) -> Zoho:
        options = {"tickets": tickets, "same_second": same_second, "now": NOW, "frozen": True}
        return crm(make_sandbox(**options, zoho_crm=settings).zoho_crm, login)

    return start


@pytest.fixture
def desk_account(open_desk: Open) -> Zoho:
    return open_desk()


@pytest.fixture
def crm_account(open_crm: Open) -> Zoho:
    return open_crm()
