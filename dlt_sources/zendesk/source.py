"""The plain dlt source of Zendesk: usable with dlt alone."""

from __future__ import annotations

from collections.abc import Sequence

import dlt
from dlt.extract import DltResource

from dlt_sources.limits import MemoryBudgets
from dlt_sources.resources import chosen, resource
from dlt_sources.zendesk.streams import STREAMS
from dlt_sources.zendesk.vendor import ZENDESK


@dlt.source(name="zendesk", max_table_nesting=0)
def zendesk_source(
    subdomain: str = "",
    credentials: dict[str, str] = dlt.secrets.value,
    *,
    base_url: str = "",
    start_time: str = "",
    streams: Sequence[str] = (),
) -> Sequence[DltResource]:
    """All streams of a Zendesk account, a resource each, merged by primary key.

    `dlt.pipeline("x", destination="duckdb").run(zendesk_source(subdomain="acme", credentials={…}))`. The position of
    each resource stands in dlt's own state, so the next run goes on where this one ended. One client, and so one
    budget, serves all resources; a stream that the account's plan or the credentials' role lacks is left out with a
    line in dlt's log.

    Args:
        subdomain: The part before .zendesk.com of the account's address.
        credentials: `client_id` and `client_secret`, or `access_token`, or `email` and `api_token`.
        base_url: Scheme and host that stand in for the account's own.
        start_time: ISO 8601; the first run starts there.
        streams: Names of the streams to read; empty: all.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form, or a stream does not exist.
    """
    wanted = chosen((stream for stream in STREAMS if not stream.on_demand), streams)
    config = {"subdomain": subdomain, "base_url": base_url, "start_time": start_time}
    client = ZENDESK.open(config, credentials, MemoryBudgets())
    return [resource(client, stream) for stream in wanted]
