from __future__ import annotations

from typing import Any

import pytest

from dlt_sources.errors import ConfigurationError
from dlt_sources.zoho.centres import CENTRES
from dlt_sources.zoho.config import accounts_address
from dlt_sources.zoho_desk import ZOHO_DESK
from dlt_sources.zoho_desk.config import account, base_address

CREDENTIALS = {"client_id": "a", "client_secret": "b", "refresh_token": "c"}
EU = {"data_center": "eu", "org_id": "20069"}


@pytest.mark.parametrize(
    ("centre", "accounts", "desk", "crm"),
    [
        ("us", "accounts.zoho.com", "desk.zoho.com", "www.zohoapis.com"),
        ("eu", "accounts.zoho.eu", "desk.zoho.eu", "www.zohoapis.eu"),
        ("in", "accounts.zoho.in", "desk.zoho.in", "www.zohoapis.in"),
        ("au", "accounts.zoho.com.au", "desk.zoho.com.au", "www.zohoapis.com.au"),
        ("jp", "accounts.zoho.jp", "desk.zoho.jp", "www.zohoapis.jp"),
        ("ca", "accounts.zohocloud.ca", "desk.zohocloud.ca", "www.zohoapis.ca"),
        ("cn", "accounts.zoho.com.cn", "desk.zoho.com.cn", "www.zohoapis.com.cn"),
        ("sa", "accounts.zoho.sa", "desk.zoho.sa", "www.zohoapis.sa"),
        ("uk", "accounts.zoho.uk", "desk.zoho.uk", "www.zohoapis.uk"),
        ("ae", "accounts.zoho.ae", "desk.zoho.ae", None),
        ("sg", "accounts.zoho.sg", "desk.zoho.sg", None),
    ],
)
def test_every_data_center_has_its_hosts(centre: str, accounts: str, desk: str, crm: str | None) -> None:
    config = {"data_center": centre, "org_id": 20069}
    ZOHO_DESK.validate(config, CREDENTIALS)
    assert accounts_address(config) == f"https://{accounts}"
    assert base_address(config) == f"https://{desk}"
    assert CENTRES[centre].crm == (None if crm is None else f"https://{crm}")
    assert account(config) == f"{desk}/20069"
    assert len(CENTRES) == 11


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "data_center is missing"),
        ({**EU, "data_center": "mars"}, "data_center"),
        ({"data_center": "eu"}, "org_id is missing"),
        ({**EU, "org_id": "acme"}, "org_id"),
        ({**EU, "org_id": True}, "org_id"),
        ({**EU, "base_url": "http://desk.acme.com"}, "base_url is plain http"),
        ({**EU, "accounts_url": "accounts.acme.com"}, "accounts_url is not a scheme and host"),
        ({**EU, "credit_reserve": -1}, "credit_reserve"),
        ({**EU, "search_rows": 0}, "search_rows"),
        ({**EU, "page_size": "many"}, "page_size"),
        ({**EU, "details": "yes"}, "details"),
        ({**EU, "max_requests_per_minute": 0}, "max_requests_per_minute"),
    ],
)
def test_a_wrong_configuration_says_what_to_write(config: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        ZOHO_DESK.validate(config, CREDENTIALS)


@pytest.mark.parametrize(
    ("credentials", "says"),
    [
        ({"client_id": "a", "client_secret": "b"}, "refresh_token"),
        ({**CREDENTIALS, "code": "x"}, "exactly"),
        ({**CREDENTIALS, "refresh_token": " "}, "refresh_token is empty"),
        ({**CREDENTIALS, "client_secret": "b\n"}, "client_secret has a space"),
    ],
)
def test_wrong_credentials_say_which_keys_are_needed(credentials: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        ZOHO_DESK.validate(EU, credentials)
