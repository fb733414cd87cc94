"""An emulated Zendesk account: its API, authentication, limits, errors, export delay and odd data."""

from ticket_pipelines.sandbox.emulator import Vendor
from ticket_pipelines.sandbox.zendesk.access import CREDENTIALS
from ticket_pipelines.sandbox.zendesk.service import ZendeskEmulator

ZENDESK = Vendor(ZendeskEmulator, CREDENTIALS, lambda url: {"base_url": url})

__all__ = ["ZENDESK", "ZendeskEmulator"]
