"""An emulated Zoho Desk account: its API, tokens, credits, caps, errors and odd data.

Made from the contract, sections 1 and 2. Endpoints are listed in `endpoints`, settings in `settings`, operations of
`mutate` in `changes`, afflictions in `zoho.accounts`.
"""

from ticket_pipelines.sandbox.emulator import Vendor
from ticket_pipelines.sandbox.zoho_desk.access import LOGINS, config
from ticket_pipelines.sandbox.zoho_desk.service import ZohoDeskEmulator

ZOHO_DESK = Vendor(ZohoDeskEmulator, LOGINS, config)

__all__ = ["ZOHO_DESK", "ZohoDeskEmulator"]
