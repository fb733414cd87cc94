"""Zoho's data centres: an account lives in one of them, and its refresh tokens work nowhere else (contract, section 1).

Zoho names the host of the CRM in its token answers (`api_domain`); Desk answers on its own host alone. Of `ae` and `sg`
the contract has no CRM host: there the answer's is the only one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Centre:
    """One data centre.

    Attributes:
        accounts: Address of the accounts server, which gives tokens.
        desk: Address of Zoho Desk.
        crm: Address of Zoho CRM's API; None: only the token answer says it.
    """

    accounts: str
    desk: str
    crm: str | None


def _by_domain(domain: str) -> Centre:
    return Centre(f"https://accounts.zoho.{domain}", f"https://desk.zoho.{domain}", f"https://www.zohoapis.{domain}")


CENTRES: Mapping[str, Centre] = {
    "us": _by_domain("com"),
    "eu": _by_domain("eu"),
    "in": _by_domain("in"),
    "au": _by_domain("com.au"),
    "jp": _by_domain("jp"),
    # accounts.zoho.ca does not exist, and the API has a third name
    "ca": Centre("https://accounts.zohocloud.ca", "https://desk.zohocloud.ca", "https://www.zohoapis.ca"),
    "cn": _by_domain("com.cn"),
    "sa": _by_domain("sa"),
    "uk": _by_domain("uk"),
    "ae": Centre("https://accounts.zoho.ae", "https://desk.zoho.ae", None),
    "sg": Centre("https://accounts.zoho.sg", "https://desk.zoho.sg", None),
}
"""Data centres by the name that a configuration gives (`data_center`)."""
