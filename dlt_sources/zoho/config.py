"""Configuration and credentials that a desk of any Zoho product has. No request is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt_sources.checks import bare_url, refuse_stray_characters
from dlt_sources.errors import ConfigurationError
from dlt_sources.zoho.centres import CENTRES, Centre

CONFIG_KEYS = {
    "data_center": f"Zoho's data centre of the account: {', '.join(CENTRES)}.",
    "base_url": "Scheme and host that stand in for the data centre's API.",
    "accounts_url": "Scheme and host that stand in for the data centre's accounts server.",
}
CREDENTIAL_FORMS = (("client_id", "client_secret", "refresh_token"),)


def centre(config: Mapping[str, Any]) -> Centre:
    """The data centre.

    Raises:
        ConfigurationError: There is none of that name.
    """
    name = config.get("data_center")
    found = CENTRES.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        raise ConfigurationError(
            f"data_center is missing or not one: write one of {', '.join(CENTRES)}, by the end of the address under "
            "which people open Zoho (com is us)."
        )
    return found


def accounts_address(config: Mapping[str, Any]) -> str:
    """Scheme and host of the accounts server; `accounts_url` beats the data centre."""
    return _stand_in(config, "accounts_url") or centre(config).accounts


def stand_in_address(config: Mapping[str, Any]) -> str | None:
    """Scheme and host that stand in for the API; None: it has its own."""
    return _stand_in(config, "base_url")


def check_credentials(credentials: Mapping[str, str]) -> None:
    """Checks the form of credentials.

    Raises:
        ConfigurationError: They are not exactly the three parts of a self client.
    """
    (form,) = CREDENTIAL_FORMS
    if set(credentials) != set(form):
        given = ", ".join(sorted(set(form) & set(credentials))) or "none of these"
        raise ConfigurationError(f"credentials have to be exactly {' and '.join(form)}. Given: {given}.")
    empty = [key for key in form if not isinstance(credentials[key], str) or not credentials[key].strip()]
    if empty:
        raise ConfigurationError(f"credentials: {' and '.join(empty)} is empty or no text.")
    refuse_stray_characters(credentials)


def _stand_in(config: Mapping[str, Any], key: str) -> str | None:
    value = config.get(key)
    return None if value in (None, "") else bare_url(value, key, "https://zoho.acme.com")
