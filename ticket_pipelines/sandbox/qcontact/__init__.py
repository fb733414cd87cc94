"""An emulated QContact tenant: its cases, events and notes, sign-in, and the oddities of its API.

Made from the contract, section 2. Endpoints are listed in `endpoints`, settings in `settings`, operations of `mutate`
in `changes`, afflictions in `access`.
"""

from ticket_pipelines.sandbox.emulator import Vendor
from ticket_pipelines.sandbox.qcontact.access import LOGINS, config
from ticket_pipelines.sandbox.qcontact.service import QContactEmulator

QCONTACT = Vendor(QContactEmulator, LOGINS, config)

__all__ = ["QCONTACT", "QContactEmulator"]
