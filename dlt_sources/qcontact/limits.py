"""QContact's limits. None is documented: our own bound keeps several desks of a tenant from storming it.

It also carries to all processes until when a 429 closes the account.
"""

from __future__ import annotations

from dlt_sources.limits import Limit

ACCOUNT = Limit("account", 1_500)
SIGN_IN = Limit("sign_in", 1, 30.0)
"""One sign-in in half a minute, whoever needs it."""
