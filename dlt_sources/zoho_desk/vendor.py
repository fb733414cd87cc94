"""Zoho Desk as the registry knows it. Importing it loads no HTTP library: the client is imported when it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt_sources.base import Client, Vendor
from dlt_sources.limits import CREDITS, Budgets
from dlt_sources.oauth import SHARED, TokenStore
from dlt_sources.zoho.config import CREDENTIAL_FORMS
from dlt_sources.zoho_desk.config import CONFIG_KEYS, account, validate
from dlt_sources.zoho_desk.streams import STREAMS


def _open(
    config: Mapping[str, Any], credentials: Mapping[str, str], budgets: Budgets, tokens: TokenStore = SHARED
) -> Client:
    from dlt_sources.zoho_desk.client import open_client

    return open_client(config, credentials, budgets, tokens=tokens)


ZOHO_DESK = Vendor(
    name="zoho_desk",
    title="Zoho Desk",
    streams=STREAMS,
    schedule="*/10 * * * *",
    account=account,
    validate=validate,
    open=_open,
    config_keys=CONFIG_KEYS,
    credential_forms=CREDENTIAL_FORMS,
    numeric_ids=True,
    # an answer of a contact may leave the time of change that the probe asks for alone
    whole_every=600,
    limits=(CREDITS,),
    clocks=("created",),
)
