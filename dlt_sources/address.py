"""What an address says before anything is sent to it.

A vendor sends addresses: of a next page, of a redirect. Credentials follow them only where scheme, host and port are
the configured ones; what two parsers could read in two ways is refused.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urljoin, urlsplit

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.IGNORECASE)
"""Names as they are asked for; one in another script is written in its `xn--` form."""


class StrangeAddressError(ValueError):
    """An address that leads elsewhere, or is none.

    Attributes:
        host: Where it leads; "" where that cannot be read.
    """

    def __init__(self, host: str = "") -> None:
        super().__init__(host)
        self.host = host


def is_loopback(host: str) -> bool:
    """True for an address of this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_host(host: str) -> bool:
    """True for a name or an IP address that can be asked."""
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return len(host) <= 253 and _NAME.fullmatch(host) is not None


def below(base: str, given: str, at: str = "") -> str:
    """The whole address of what a vendor or we ourselves name, proved to lie on the base's scheme, host and port.

    Args:
        base: Scheme, host and port of the account.
        given: A path that starts with a slash, or a whole address.
        at: The address that a redirect comes from; `given` may then be relative to it, and `//host` is another host.

    Raises:
        StrangeAddressError: It leads elsewhere (another scheme or port, a user name before the host), or is none.
    """
    try:
        url = urljoin(at, given) if at else f"{base}{given}" if given.startswith("/") else given
        ours, theirs = urlsplit(base), urlsplit(url)
        host = theirs.hostname or ""
    except ValueError:
        raise StrangeAddressError from None
    if _place(theirs) != _place(ours):
        raise StrangeAddressError(host)
    # as it was read here, so that nobody reads it otherwise
    return theirs.geturl()


def _place(parts: SplitResult) -> tuple[str, str]:
    """Scheme, and what stands before the path, without a port that the scheme means anyway."""
    netloc = parts.netloc.lower()
    return parts.scheme, netloc.removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))


def shown(base: str, given: str) -> str:
    """Host and path of an address for messages: no query, no user name; only the base's host where it is no address."""
    try:
        parts = urlsplit(f"{base}{given}" if given.startswith("/") else given)
    except ValueError:
        return urlsplit(base).netloc
    path = "".join(letter for letter in parts.path if letter.isprintable())
    return f"{parts.netloc.rpartition('@')[2]}{path}"
