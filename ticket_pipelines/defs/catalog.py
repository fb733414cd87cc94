"""Which asset is which table, and what it is made of: read from the vendors and the unified model, kept nowhere twice.

```text
[vendor, stream]  ->  ["helpdesk", vendor, table]  ->  ["helpdesk", table]  ->  ["helpdesk", view]
the vendor table      the unified rows of it           all vendors' rows        names joined to ids
```
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import dagster as dg

from dlt_sources import VENDORS
from dlt_sources.base import Discovery, Refresh, Stream, Vendor
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.sync.layout import vendor_spec
from ticket_pipelines.unified import mappings
from ticket_pipelines.unified.model import TABLES
from ticket_pipelines.unified.views import views
from ticket_pipelines.warehouse.base import SCHEMA
from ticket_pipelines.warehouse.table import TableSpec

UNIFIED_GROUP = "helpdesk"


def vendor_key(vendor: str, stream: str) -> dg.AssetKey:
    """Asset of a vendor table."""
    return dg.AssetKey([vendor, stream])


def unified_key(vendor: str, table: str) -> dg.AssetKey:
    """Asset of the rows of a unified table that were made of one vendor's."""
    return dg.AssetKey([SCHEMA, vendor, table])


def whole_key(table: str) -> dg.AssetKey:
    """Asset of a whole unified table or view."""
    return dg.AssetKey([SCHEMA, table])


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for a choice of assets.

    Attributes:
        sync: Whether to sync.
        streams: Streams to sync, in reading order; empty: all those of the desk.
        rebuild: Unified tables to make again from the vendor tables.
    """

    sync: bool
    streams: tuple[str, ...]
    rebuild: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """The tables of one vendor.

    Attributes:
        vendor: The vendor.
        feeds: Unified table to the streams that it is made of.
    """

    vendor: Vendor
    feeds: Mapping[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """Name of the vendor."""
        return self.vendor.name

    @property
    def main(self) -> Stream:
        """The stream whose asset speaks for the desk."""
        return self.vendor.streams[0]

    def vendor_keys(self) -> list[dg.AssetKey]:
        """Assets of all vendor tables that every account may have."""
        return [vendor_key(self.name, stream.name) for stream in self.vendor.streams]

    def group_keys(self) -> list[dg.AssetKey]:
        """The asset of all vendor tables that only an account knows; [] where there are none."""
        return [vendor_key(self.name, self.vendor.discovery.group)] if self.vendor.discovery else []

    def unified_keys(self) -> list[dg.AssetKey]:
        """Assets of all unified rows of this vendor."""
        return [unified_key(self.name, table) for table in self.feeds]

    def table(self, key: dg.AssetKey) -> str:
        """Name of the table behind one of these assets; that of a group of tables is none."""
        if key in self.unified_keys():
            return key.path[-1]
        if key in self.group_keys():
            return f"{self.name}_{key.path[-1]}"
        return self.vendor.table(self.vendor.stream(key.path[-1]))

    def reference_streams(self) -> tuple[str, ...]:
        """The streams that are read whole each time."""
        return tuple(stream.name for stream in self.vendor.streams if stream.refresh is Refresh.SNAPSHOT)

    def fed_by(self, streams: Collection[str]) -> list[str]:
        """The unified tables that these streams feed."""
        return [table for table, feeds in self.feeds.items() if not set(feeds).isdisjoint(streams)]

    def plan(self, chosen: Collection[dg.AssetKey], streams: Collection[str]) -> Plan:
        """What to sync and what to rebuild.

        Args:
            chosen: The assets to materialize.
            streams: A narrower choice of streams; empty: those of the chosen assets.
        """
        assets = [*self.vendor_keys(), *self.group_keys()]
        wanted = {key.path[-1] for key in assets if key in chosen}
        fresh = self.fed_by(wanted)
        everything = not streams and len(wanted) == len(assets)
        on_demand = {stream.name for stream in self.vendor.streams if stream.on_demand}
        read_alone = tuple(key.path[-1] for key in assets if key.path[-1] in wanted - on_demand)
        return Plan(
            sync=bool(wanted),
            streams=tuple(streams) or (() if everything else read_alone or tuple(wanted)),
            rebuild=tuple(t for t in self.feeds if unified_key(self.name, t) in chosen and t not in fresh),
        )

    def specs(self) -> list[dg.AssetSpec]:
        """All assets that one sync of a desk emits."""
        groups = [self._group_asset(self.vendor.discovery)] if self.vendor.discovery else []
        return [*map(self._vendor_asset, self.vendor.streams), *groups, *map(self._unified_asset, self.feeds)]

    def _vendor_asset(self, stream: Stream) -> dg.AssetSpec:
        spec = vendor_spec(self.vendor, stream)
        doc = f"{stream.doc}\n\nNeeds: {stream.plan}." if stream.plan else stream.doc
        return dg.AssetSpec(
            vendor_key(self.name, stream.name),
            description=f"{doc}\n\n[{self.vendor.title}: {stream.name}]({stream.url})",
            metadata={**table_metadata(spec), "refresh": stream.refresh.value},
            group_name=self.name,
            kinds={"dlt", "table"},
            partitions_def=desks_of(self.name),
            skippable=True,
        )

    def _group_asset(self, discovery: Discovery) -> dg.AssetSpec:
        return dg.AssetSpec(
            vendor_key(self.name, discovery.group),
            description=discovery.doc,
            group_name=self.name,
            kinds={"dlt", "table"},
            partitions_def=desks_of(self.name),
            skippable=True,
        )

    def _unified_asset(self, table: str) -> dg.AssetSpec:
        return dg.AssetSpec(
            unified_key(self.name, table),
            deps=[vendor_key(self.name, stream) for stream in self.feeds[table]],
            description=(
                f"{TABLES[table].doc}\n\nThe rows of `{SCHEMA}.{table}` that were made of {self.vendor.title}'s."
                " Materialized alone, they are made again from the vendor tables, without a request to the vendor."
            ),
            metadata=table_metadata(TABLES[table]),
            group_name=UNIFIED_GROUP,
            kinds={"python", "table"},
            partitions_def=desks_of(self.name),
            skippable=True,
        )


@cache
def catalogs() -> tuple[Catalog, ...]:
    """One catalog a vendor."""
    return tuple(Catalog(vendor, _feeds(vendor)) for vendor in VENDORS.values())


def whole_tables() -> list[dg.AssetSpec]:
    """The unified tables over all vendors and the views on them: external, since no op writes them as a whole."""
    tables = [_whole_table(name, [c for c in catalogs() if name in c.feeds]) for name in TABLES]
    return [*tables, *(_view(name, select) for name, select in views("duckdb").items())]


def table_metadata(spec: TableSpec) -> dict[str, Any]:
    """Name and columns of a table, as Dagster shows them."""
    columns = [
        dg.TableColumn(
            name=column.name,
            type=column.kind.value,
            description=column.meaning or None,
            constraints=dg.TableColumnConstraints(nullable=column.name not in spec.key),
        )
        for column in spec.columns
    ]
    return {
        "dagster/table_name": f"{SCHEMA}.{spec.name}",
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=columns)),
    }


def _feeds(vendor: Vendor) -> dict[str, tuple[str, ...]]:
    """Unified table to the streams that feed it, found by mapping no rows at all."""
    made = {
        stream: set(mapping.rows(vendor_spec(vendor, vendor.stream(stream)).arrow_schema().empty_table()).tables)
        for stream, mapping in mappings(vendor.name).items()
    }
    streams = [stream.name for stream in vendor.streams]
    feeds = {table: tuple(name for name in streams if table in made.get(name, ())) for table in TABLES}
    return {table: names for table, names in feeds.items() if names}


def _whole_table(name: str, sources: Iterable[Catalog]) -> dg.AssetSpec:
    return dg.AssetSpec(
        whole_key(name),
        deps=[unified_key(catalog.name, name) for catalog in sources],
        description=TABLES[name].doc,
        metadata=table_metadata(TABLES[name]),
        group_name=UNIFIED_GROUP,
        kinds={"table"},
    )


def _view(name: str, select: str) -> dg.AssetSpec:
    read = sorted(set(re.findall(rf"\b{SCHEMA}\.(\w+)", select)) & set(TABLES))
    return dg.AssetSpec(
        whole_key(name),
        deps=[whole_key(table) for table in read],
        description=f"View over {', '.join(read)}.",
        metadata={"dagster/table_name": f"{SCHEMA}.{name}"},
        group_name=UNIFIED_GROUP,
        kinds={"view"},
    )
