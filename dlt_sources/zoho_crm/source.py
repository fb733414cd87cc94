"""The plain dlt source of Zoho CRM: usable with dlt alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dlt
from dlt.extract import DltResource

from dlt_sources.limits import MemoryBudgets
from dlt_sources.resources import chosen, resource
from dlt_sources.zoho_crm.vendor import ZOHO_CRM


@dlt.source(name="zoho_crm", max_table_nesting=0)
def zoho_crm_source(
    data_center: str = "us",
    credentials: dict[str, str] = dlt.secrets.value,
    *,
    modules: Sequence[str] = (),
    base_url: str = "",
    accounts_url: str = "",
    streams: Sequence[str] = (),
) -> Sequence[DltResource]:
    """All modules of a Zoho CRM account, its users and fields, a resource each, merged by primary key.

    `dlt.pipeline("x", destination="duckdb").run(zoho_crm_source("eu", credentials={…}))`. The account is asked for its
    modules and fields when the source is made. The position of each resource stands in dlt's own state, so the next run
    goes on where this one ended. A module that the credentials may not read is left out with a line in dlt's log. A
    deleted record comes as a row with `$deletion_type`, the time, and nothing else.

    Args:
        data_center: us, eu, in, au, jp, ca, cn, sa, uk, ae or sg.
        credentials: `client_id`, `client_secret` and `refresh_token`.
        modules: API names of the modules to read; empty: all that can be read.
        base_url: Scheme and host that stand in for the data centre's API.
        accounts_url: Scheme and host that stand in for the data centre's accounts server.
        streams: Names of the streams to read; empty: all.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form, or a stream does not exist.
    """
    config: dict[str, Any] = {"data_center": data_center, "base_url": base_url, "accounts_url": accounts_url}
    if modules:
        config["modules"] = list(modules)
    client = ZOHO_CRM.open(config, credentials, MemoryBudgets())
    readable = (one for one in ZOHO_CRM.as_shown(client, streams).streams if not one.parent)
    return [resource(client, stream) for stream in chosen(readable, streams)]
