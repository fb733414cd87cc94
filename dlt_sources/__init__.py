"""Sources of helpdesk data, one folder a vendor, usable without the rest of this project.

Importing this package loads neither dlt nor Dagster.
"""

from __future__ import annotations

from dlt_sources.base import Vendor
from dlt_sources.qcontact.vendor import QCONTACT
from dlt_sources.zendesk.vendor import ZENDESK
from dlt_sources.zoho_crm.vendor import ZOHO_CRM
from dlt_sources.zoho_desk.vendor import ZOHO_DESK

VENDORS: dict[str, Vendor] = {
    ZENDESK.name: ZENDESK,
    ZOHO_DESK.name: ZOHO_DESK,
    ZOHO_CRM.name: ZOHO_CRM,
    QCONTACT.name: QCONTACT,
}
"""All vendors by name."""
