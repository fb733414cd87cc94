"""The plain dlt source of Zoho CRM: usable with dlt alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dlt
import msgspec
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource

from dlt_sources.base import Client, Kind, Refresh, Stream
from dlt_sources.errors import AccessError, ConfigurationError, UnavailableError
from dlt_sources.limits import MemoryBudgets
from dlt_sources.zoho_crm.vendor import ZOHO_CRM

_TYPES: dict[Kind, str] = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double",
    Kind.BOOLEAN: "bool",
    Kind.TIMESTAMP: "timestamp",
    Kind.DATE: "date",
    Kind.JSON: "json",
}


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
    readable = {one.name: one for one in ZOHO_CRM.as_shown(client, streams).streams if not one.parent}
    if unknown := sorted(set(streams) - set(readable)):
        raise ConfigurationError(f"streams: there is no {', '.join(unknown)}; the streams are {', '.join(readable)}.")
    return [_resource(client, stream) for name, stream in readable.items() if not streams or name in streams]


def _resource(client: Client, stream: Stream) -> DltResource:
    columns: list[TColumnSchema] = [
        {"name": column.name, "data_type": _TYPES[column.kind], "description": column.meaning}  # type: ignore[typeddict-item]
        for column in stream.columns
    ]
    for column in columns:
        # a record that changes, or is deleted, while it is read comes twice; dlt would keep any one of the two
        if column["name"] == stream.clock:
            column["dedup_sort"] = "desc"
    return dlt.resource(
        _rows(client, stream),
        name=stream.name,
        primary_key=stream.key,
        write_disposition="merge",
        columns=columns,
    )


def _rows(client: Client, stream: Stream) -> Callable[[], Iterator[list[dict[str, Any]]]]:
    def rows() -> Iterator[list[dict[str, Any]]]:
        state = dlt.current.resource_state()
        position = {} if stream.refresh is Refresh.SNAPSHOT else state.get("position", {})
        try:
            for page in client.pages(stream, position):
                records = [msgspec.json.decode(record, type=dict[str, Any]) for record in page.records]
                for record in records:
                    for name in stream.ignored:
                        record.pop(name, None)
                yield records
                state["position"] = page.state
        except (AccessError, UnavailableError) as error:
            dlt.common.logger.warning(str(error))

    return rows
