"""Configuration of Zoho CRM desks. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from dlt_sources.errors import ConfigurationError
from dlt_sources.zoho_crm.config import account, address, chosen_modules, validate

CREDENTIALS = {"client_id": "c", "client_secret": "s", "refresh_token": "r"}


@pytest.mark.parametrize(
    ("config", "announced", "found"),
    [
        ({"data_center": "eu"}, None, "https://www.zohoapis.eu"),
        ({"data_center": "us"}, "https://www.zohoapis.com", "https://www.zohoapis.com"),
        ({"data_center": "sg"}, "https://www.zohoapis.sg", "https://www.zohoapis.sg"),
        (
            {"data_center": "eu", "base_url": "https://proxy.acme.com"},
            "https://www.zohoapis.eu",
            "https://proxy.acme.com",
        ),
    ],
)
def test_the_address_is_the_stand_in_s_else_the_token_s_else_the_data_centre_s(
    config: dict[str, Any], announced: str | None, found: str
) -> None:
    assert address(config, announced) == found


def test_an_address_in_the_open_is_refused_whoever_says_it() -> None:
    with pytest.raises(ConfigurationError, match="api_domain"):
        address({"data_center": "eu"}, "http://www.zohoapis.eu")


def test_the_account_is_known_without_a_token() -> None:
    assert account({"data_center": "ae"}) == "www.zohoapis.ae"


@pytest.mark.parametrize("modules", ["Contacts", [], [1], [""]])
def test_modules_are_a_list_of_names(modules: Any) -> None:
    with pytest.raises(ConfigurationError, match="modules"):
        validate({"data_center": "eu", "modules": modules}, CREDENTIALS)
    assert chosen_modules({"modules": ["Contacts"]}) == {"Contacts"}
    assert chosen_modules({}) == frozenset()
