"""QContact as the registry knows it. Importing it loads no HTTP library: the client is imported when it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlt_sources.base import Client, Discovery, Stream, Vendor
from dlt_sources.limits import Budgets
from dlt_sources.oauth import SHARED, TokenStore
from dlt_sources.qcontact.config import CONFIG_KEYS, CREDENTIAL_FORMS, DEAD, INSTEAD, account, validate
from dlt_sources.qcontact.streams import OTHER_ENTITIES, STREAMS


def _open(
    config: Mapping[str, Any], credentials: Mapping[str, str], budgets: Budgets, tokens: TokenStore = SHARED, /
) -> Client:
    from dlt_sources.qcontact.client import open_client

    return open_client(config, credentials, budgets, tokens)


def _streams(client: Client, wanted: Sequence[str]) -> tuple[Stream, ...]:  # noqa: ARG001
    from dlt_sources.qcontact.client import QContactClient

    if not isinstance(client, QContactClient):
        raise TypeError("a client of another vendor")
    return client.streams()


QCONTACT = Vendor(
    name="qcontact",
    title="QContact",
    streams=STREAMS,
    schedule="0 */6 * * *",
    # nothing but the lists themselves shows what changed
    whole_every=0,
    account=account,
    validate=validate,
    open=_open,
    config_keys=CONFIG_KEYS,
    credential_forms=CREDENTIAL_FORMS,
    discovery=Discovery(
        streams=_streams,
        group=OTHER_ENTITIES,
        doc=(
            "The further entities that a desk's configuration names, a table `qcontact_<entity>s` each. Its metadata "
            "has the numbers of each table."
        ),
    ),
    numeric_ids=True,
    retired=dict.fromkeys(DEAD, INSTEAD),
)
"""A QContact tenant, open for reading."""
