"""Fixtures of the Zoho Desk tests."""

from ticket_pipelines_tests.dlt_sources.zoho_desk.emulated import moving, opened, organization

__all__ = ["moving", "opened", "organization"]
