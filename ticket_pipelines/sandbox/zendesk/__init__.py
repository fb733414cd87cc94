"""An emulated Zendesk account: its API, authentication, limits, errors, export delay and odd data."""

from ticket_pipelines.sandbox.zendesk.service import ZendeskEmulator

__all__ = ["ZendeskEmulator"]
