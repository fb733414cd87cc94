"""Zoho CRM as the registry knows it. Importing it loads no HTTP library: the client is imported when it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlt_sources.base import Client, Discovery, Stream, Vendor
from dlt_sources.limits import CREDITS, Budgets
from dlt_sources.oauth import SHARED, TokenStore
from dlt_sources.zoho_crm.config import CONFIG_KEYS, CREDENTIAL_FORMS, account, validate
from dlt_sources.zoho_crm.streams import CUSTOM_MODULES, STREAMS


def _open(
    config: Mapping[str, Any], credentials: Mapping[str, str], budgets: Budgets, tokens: TokenStore = SHARED, /
) -> Client:
    from dlt_sources.zoho_crm.client import open_client

    return open_client(config, credentials, budgets, tokens)


def _streams(client: Client, wanted: Sequence[str]) -> tuple[Stream, ...]:
    from dlt_sources.zoho_crm.client import ZohoCrmClient

    if not isinstance(client, ZohoCrmClient):
        raise TypeError("a client of another vendor")
    return client.streams(wanted)


ZOHO_CRM = Vendor(
    name="zoho_crm",
    title="Zoho CRM",
    streams=STREAMS,
    schedule="0 * * * *",
    # no one request shows what changed in all modules
    whole_every=0,
    limits=(CREDITS,),
    clocks=("clock",),
    account=account,
    validate=validate,
    open=_open,
    config_keys=CONFIG_KEYS,
    credential_forms=CREDENTIAL_FORMS,
    discovery=Discovery(
        streams=_streams,
        group=CUSTOM_MODULES,
        doc=(
            "The modules that a company made, a table `zoho_crm_<module>` each, known once a desk's account was asked. "
            "Its metadata has the numbers of each table."
        ),
    ),
)
