"""The plain dlt source of QContact: usable with dlt alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dlt
from dlt.extract import DltResource

from dlt_sources.limits import MemoryBudgets
from dlt_sources.qcontact.config import CASE
from dlt_sources.qcontact.vendor import QCONTACT
from dlt_sources.resources import chosen, resource


@dlt.source(name="qcontact", max_table_nesting=0)
def qcontact_source(
    tenant_url: str = "",
    credentials: dict[str, str] = dlt.secrets.value,
    *,
    entities: Sequence[str] = (CASE,),
    filters: Sequence[dict[str, Any]] = (),
    streams: Sequence[str] = (),
) -> Sequence[DltResource]:
    """The cases of a QContact tenant, their events and columns, and further entities; a resource each, merged by key.

    `dlt.pipeline("x", destination="duckdb").run(qcontact_source("https://TENANT.qcontact.com", credentials={…}))`. The
    position of each resource stands in dlt's own state, so the next run reads what changed. A stream that the user may
    not read is left out with a line in dlt's log. A deleted record comes as a row with `$gone` and nothing else.

    Args:
        tenant_url: Scheme and host of the tenant.
        credentials: `email` and `password`, or `uid`, `access_token` and `client`.
        entities: Names of the entities to read.
        filters: Filters of the lists, as QContact takes them.
        streams: Names of the streams to read; empty: all.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form, or a stream does not exist.
    """
    config: dict[str, Any] = {"tenant_url": tenant_url, "entities": list(entities), "filters": list(filters)}
    client = QCONTACT.open(config, credentials, MemoryBudgets())
    readable = QCONTACT.as_shown(client, streams).streams
    return [resource(client, stream) for stream in chosen(readable, streams)]
