"""Checks of configuration and credentials that all vendors share. No request is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from dlt_sources.address import is_host, is_loopback
from dlt_sources.errors import ConfigurationError


def bare_url(value: Any, key: str, example: str) -> str:
    """An address that stands in for the vendor's own: scheme and host alone.

    Args:
        value: What the configuration says.
        key: Its key.
        example: An address of the right form.

    Raises:
        ConfigurationError: It is none, or would send credentials in the open.
    """
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        host, bare = parts.hostname or "", parts.port != 0
    except ValueError:
        host, bare, parts = "", False, urlsplit("")
    bare = bare and parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not (bare and is_host(host) and parts.scheme in ("https", "http")):
        raise ConfigurationError(
            f"{key} is not a scheme and host alone: write for example {example}, without path, query or user name."
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"{key} is plain http, which would send the credentials in the open: write https "
            "(http is for addresses of this machine only)."
        )
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(':')}"


def whole_number(config: Mapping[str, Any], key: str, least: int) -> int | None:
    """A whole number of the configuration; None where it is not given.

    Raises:
        ConfigurationError: It is no whole number, or less than `least`.
    """
    value = config.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(f"{key} is not a whole number of at least {least}.")
    return value


def ceiling(config: Mapping[str, Any]) -> int | None:
    """The user's own limit, in requests a minute."""
    return whole_number(config, "max_requests_per_minute", 1)


def refuse_stray_characters(credentials: Mapping[str, str]) -> None:
    """Refuses credentials with a character too many.

    What sends a header with such a character fails with a message that quotes the whole header.

    Raises:
        ConfigurationError: Names the key, never the value.
    """
    for key, value in credentials.items():
        if value != value.strip() or not value.isprintable():
            raise ConfigurationError(f"credentials: {key} has a space, line break or control character too many.")
