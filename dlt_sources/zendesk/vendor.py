"""Zendesk as the registry knows it. Importing it loads no HTTP library: the client is imported when it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt_sources.base import Client, Vendor
from dlt_sources.limits import Budgets
from dlt_sources.oauth import SHARED, TokenStore
from dlt_sources.zendesk.config import CONFIG_KEYS, CREDENTIAL_FORMS, account, credentials_end, validate
from dlt_sources.zendesk.limits import ASSUMED
from dlt_sources.zendesk.streams import STREAMS


def _open(
    config: Mapping[str, Any], credentials: Mapping[str, str], budgets: Budgets, tokens: TokenStore = SHARED
) -> Client:
    from dlt_sources.zendesk.client import open_client

    return open_client(config, credentials, budgets, tokens=tokens)


ZENDESK = Vendor(
    name="zendesk",
    title="Zendesk",
    streams=STREAMS,
    schedule="*/15 * * * *",
    account=account,
    validate=validate,
    open=_open,
    config_keys=CONFIG_KEYS,
    credential_forms=CREDENTIAL_FORMS,
    credentials_end=credentials_end,
    numeric_ids=True,
    limits=tuple(ASSUMED.values()),
    clocks=("clock",),
)
