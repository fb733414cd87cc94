"""The plain dlt source of Zoho Desk: usable with dlt alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dlt
from dlt.extract import DltResource

from dlt_sources.base import Stream
from dlt_sources.errors import LimitError
from dlt_sources.limits import MemoryBudgets
from dlt_sources.resources import Manner, chosen, resource
from dlt_sources.zoho_desk.streams import STREAMS
from dlt_sources.zoho_desk.vendor import ZOHO_DESK


def _is_whole(stream: Stream, record: Mapping[str, Any]) -> bool:
    return stream.name != "threads" or "content" in record


_MANNER = Manner(is_whole=_is_whole, ending=(LimitError,))


@dlt.source(name="zoho_desk", max_table_nesting=0)
def zoho_desk_source(
    data_center: str = "us",
    org_id: str = "",
    credentials: dict[str, str] = dlt.secrets.value,
    *,
    credit_reserve: int | None = None,
    base_url: str = "",
    accounts_url: str = "",
    streams: Sequence[str] = (),
) -> Sequence[DltResource]:
    """The streams of a Zoho Desk organization, a resource each, merged by primary key.

    `dlt.pipeline("x", destination="duckdb").run(zoho_desk_source("eu", "20069", credentials={…}))`. The position of
    each resource stands in dlt's own state, so the next run goes on where this one ended. A stream that the credentials
    may not read, and one that reaches the reserve of credits, is left off with a line in dlt's log.

    dlt replaces a row as a whole. So tickets come as the search shows them, without the details that only their own
    pages have, and a thread only when it is read with its content.

    Args:
        data_center: us, eu, in, au, jp, ca, cn, sa, uk, ae or sg.
        org_id: Id of the organization.
        credentials: `client_id`, `client_secret` and `refresh_token`.
        credit_reserve: Daily API credits that are left to others; None: the usual.
        base_url: Scheme and host that stand in for the data centre's API.
        accounts_url: Scheme and host that stand in for the data centre's accounts server.
        streams: Names of the streams to read; empty: all but those that cost a request a ticket and are optional.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form, or a stream does not exist.
    """
    wanted = chosen(STREAMS, streams)
    config: dict[str, Any] = {"data_center": data_center, "org_id": org_id, "details": False}
    config |= {"base_url": base_url, "accounts_url": accounts_url, "credit_reserve": credit_reserve}
    client = ZOHO_DESK.open(config, credentials, MemoryBudgets())
    return [resource(client, stream, _MANNER) for stream in wanted if streams or not stream.optional]
