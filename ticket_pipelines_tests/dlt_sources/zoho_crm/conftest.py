"""Fixtures of the Zoho CRM tests."""

from __future__ import annotations

from ticket_pipelines_tests.dlt_sources.zoho_crm.emulated import crm, moving, opened

__all__ = ["crm", "moving", "opened"]
