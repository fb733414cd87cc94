"""Configuration of a Zoho CRM desk: what may stand there, and what it means. No request is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from dlt_sources.checks import bare_url, ceiling
from dlt_sources.errors import ConfigurationError
from dlt_sources.zoho.config import CONFIG_KEYS as ZOHO_KEYS
from dlt_sources.zoho.config import CREDENTIAL_FORMS, accounts_address, centre, check_credentials, stand_in_address

__all__ = ["CONFIG_KEYS", "CREDENTIAL_FORMS", "account", "accounts_address", "address", "chosen_modules", "validate"]

CONFIG_KEYS = {
    **ZOHO_KEYS,
    "modules": 'API names of the modules to read, for example ["Contacts", "Deals"]. Without it: all that can be read.',
}


def validate(config: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
    """Checks the form of configuration and credentials.

    Raises:
        ConfigurationError: Says which value is wrong and what to write instead.
    """
    account(config)
    accounts_address(config)
    chosen_modules(config)
    ceiling(config)
    check_credentials(credentials)


def account(config: Mapping[str, Any]) -> str:
    """Name of the account: the host of its API. The organisation behind it is known to the credentials alone."""
    return urlsplit(address(config)).netloc.lower()


def address(config: Mapping[str, Any], announced: str | None = None) -> str:
    """Scheme and host of the API: `base_url`, else what came with the token, else the data centre's.

    Args:
        config: The desk's configuration.
        announced: `api_domain` of the token's answer (contract, section 1).

    Raises:
        ConfigurationError: The data centre has no such API, or what came with the token is no address.
    """
    place = centre(config)
    stand_in = stand_in_address(config)
    if stand_in is not None:
        return stand_in
    if announced:
        return bare_url(announced, "the api_domain that came with the token", "https://www.zohoapis.com")
    # before there is a token, the name of the account has to be known
    return place.crm or f"https://www.zohoapis.{str(config['data_center']).lower()}"


def chosen_modules(config: Mapping[str, Any]) -> frozenset[str]:
    """API names of the modules to read; empty: all."""
    names = config.get("modules")
    if names is None:
        return frozenset()
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise ConfigurationError(
            'modules is not a list of API names: write for example ["Contacts", "Deals"], or leave it out for all.'
        )
    return frozenset(names)
