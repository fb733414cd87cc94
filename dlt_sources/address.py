"""What an address says before anything is sent to it."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """True for an address of this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
