from __future__ import annotations

from typing import Any

import pytest

from dlt_sources.errors import ConfigurationError
from dlt_sources.zendesk import ZENDESK
from dlt_sources.zendesk.config import account, base_address, start_time

TOKEN = {"access_token": "x"}


@pytest.mark.parametrize(
    ("config", "address"),
    [
        ({"subdomain": "acme"}, "https://acme.zendesk.com"),
        ({"subdomain": "Acme-2"}, "https://acme-2.zendesk.com"),
        ({"subdomain": "acme", "base_url": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080"),
        ({"base_url": "https://help.acme.com/"}, "https://help.acme.com"),
        ({"base_url": "http://localhost:1"}, "http://localhost:1"),
        ({"base_url": "http://[::1]:1"}, "http://[::1]:1"),
    ],
)
def test_the_address_follows_from_the_configuration(config: dict[str, Any], address: str) -> None:
    ZENDESK.validate(config, TOKEN)
    assert base_address(config) == address
    assert account(config) == address.partition("://")[2]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "subdomain is missing"),
        ({"subdomain": "acme.zendesk.com"}, "only the part before"),
        ({"subdomain": "https://acme.zendesk.com"}, "only the part before"),
        ({"subdomain": 5}, "only the part before"),
        ({"subdomain": "a/../b"}, "only the part before"),
        ({"base_url": "acme.zendesk.com"}, "scheme and host alone"),
        ({"base_url": "https://acme.zendesk.com/agent"}, "scheme and host alone"),
        ({"base_url": "https://me:pw@acme.zendesk.com"}, "scheme and host alone"),
        ({"base_url": "https://acme.zendesk.com:99999"}, "scheme and host alone"),
        ({"base_url": "ftp://acme.zendesk.com"}, "scheme and host alone"),
        ({"base_url": "http://acme.zendesk.com"}, "write https"),
        ({"subdomain": "acme", "start_time": "last year"}, "start_time"),
        ({"subdomain": "acme", "start_time": 5}, "start_time"),
        ({"subdomain": "acme", "start_time": "2999-01-01"}, "in the past"),
        ({"subdomain": "acme", "max_requests_per_minute": 0}, "max_requests_per_minute"),
        ({"subdomain": "acme", "max_requests_per_minute": "many"}, "max_requests_per_minute"),
    ],
)
def test_a_wrong_configuration_says_what_to_write(config: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        ZENDESK.validate(config, TOKEN)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", 0),
        (None, 0),
        ("1970-01-02", 86_400),
        ("2024-01-01T00:00:00Z", 1_704_067_200),
        ("2024-01-01T02:00:00+02:00", 1_704_067_200),
        ("1960-01-01", 0),
    ],
)
def test_start_time_is_read_as_utc_unless_it_says_otherwise(value: str | None, seconds: int) -> None:
    assert start_time({"start_time": value}) == seconds


@pytest.mark.parametrize(
    "credentials",
    [{"client_id": "a", "client_secret": "b"}, {"access_token": "a"}, {"email": "a", "api_token": "b"}],
    ids=["oauth client", "access token", "api token"],
)
def test_each_form_of_credentials_is_taken(credentials: dict[str, str]) -> None:
    ZENDESK.validate({"subdomain": "acme"}, credentials)


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"client_id": "hush"},
        {"access_token": ""},
        {"access_token": "hush", "email": "hush"},
        {"password": "hush"},
        {"hush": "hush"},
    ],
)
def test_other_credentials_are_refused_without_being_shown(credentials: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="credentials") as raised:
        ZENDESK.validate({"subdomain": "acme"}, credentials)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "credentials",
    [
        {"access_token": "hush-hush\n"},
        {"access_token": "hush hush"},
        {"access_token": "hush-hüsh"},
        {"email": "a@b.test", "api_token": "hush\r\nhush"},
        {"client_id": " hush", "client_secret": "hush"},
    ],
)
def test_stray_characters_are_refused_before_a_header_quotes_them(credentials: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="credentials") as raised:
        ZENDESK.validate({"subdomain": "acme"}, credentials)
    assert "hush" not in str(raised.value)
