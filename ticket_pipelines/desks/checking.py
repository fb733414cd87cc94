"""Proves a desk's credentials at the vendor."""

from __future__ import annotations

from contextlib import closing

from dlt_sources.base import Access
from ticket_pipelines.control.budgets import ControlBudgets
from ticket_pipelines.control.tokens import ControlTokens
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.project import Project


def check_desk(project: Project, key: str) -> list[Access]:
    """Asks the vendor what the desk's credentials may read; only its chosen streams are told.

    Raises:
        UsageError: There is no such desk.
        CredentialsError: The vendor refuses the credentials.
        ConfigurationError: The address is not one of this vendor's accounts.
        TransientError: The vendor does not answer now.
    """
    desk = project.desks.get(key)
    vendor = find_vendor(desk.vendor)
    credentials = project.desks.credentials(key)
    budgets, tokens = ControlBudgets(project.control), ControlTokens(project.control, project.vault)
    with closing(vendor.open(desk.config, credentials, budgets, tokens)) as client:
        found = client.check()
    return [access for access in found if not desk.streams or access.stream in desk.streams]
