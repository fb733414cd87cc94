"""An emulated Zoho CRM account: its modules, tokens, credits, caps, bulk reads, errors and odd data.

Made from the contract, sections 1 and 3. Endpoints are listed in `endpoints`, modules in `modules`, settings in
`settings`, operations of `mutate` in `changes`, afflictions in `zoho.accounts`. There is no COQL.
"""

from ticket_pipelines.sandbox.emulator import Vendor
from ticket_pipelines.sandbox.zoho_crm.access import LOGINS, config
from ticket_pipelines.sandbox.zoho_crm.service import ZohoCrmEmulator

ZOHO_CRM = Vendor(ZohoCrmEmulator, LOGINS, config)

__all__ = ["ZOHO_CRM", "ZohoCrmEmulator"]
