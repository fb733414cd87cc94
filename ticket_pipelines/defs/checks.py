"""What is looked at after a sync, desk by desk: the specs of the checks, and their evaluation on the rows.

A failed check never fails a run: the rows are in, and the check says what is wrong with them.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import sqlalchemy as sa

from ticket_pipelines.defs.catalog import Catalog, unified_key, vendor_key
from ticket_pipelines.defs.matching import differences
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.sync.quarantine import waiting
from ticket_pipelines.sync.result import Status, SyncResult
from ticket_pipelines.warehouse.base import SCHEMA, Warehouse
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
from ticket_pipelines.warehouse.clickhouse_upkeep import WATCHED, active_parts

COMPLETE = "complete"
UNIQUE_KEY = "unique_key"
MATCHES_VENDOR = "matches_vendor"
STATUS_MAPPED = "status_mapped"
FEW_PARTS = "few_parts"
NOTHING_SET_ASIDE = "nothing_set_aside"

DESCRIPTIONS: Mapping[str, str] = {
    COMPLETE: "The last sync of the desk read and loaded everything it was asked for.",
    UNIQUE_KEY: "No two rows of the desk have the same id.",
    MATCHES_VENDOR: "Every unified row has its vendor row, at the same version, and every vendor row its unified rows.",
    STATUS_MAPPED: "Every ticket that is not deleted has a canonical status.",
    NOTHING_SET_ASIDE: "No record of the desk waits in the quarantine.",
    FEW_PARTS: f"No table of ClickHouse has {WATCHED} active parts or more; other engines have none.",
}

TICKETS = "tickets"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found at one desk.

    Attributes:
        key: The check.
        passed: Whether all is well.
        metadata: The numbers behind it.
        description: What is wrong, in words.
        severity: Warn, where the rows themselves are right.
    """

    key: dg.AssetCheckKey
    passed: bool
    metadata: Mapping[str, Any]
    description: str | None = None
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR

    def result(self) -> dg.AssetCheckResult:
        """For a step that the check is part of."""
        return dg.AssetCheckResult(
            passed=self.passed,
            asset_key=self.key.asset_key,
            check_name=self.key.name,
            metadata=self.metadata,
            severity=self.severity,
            description=self.description,
        )

    def event(self, desk: str) -> dg.AssetCheckEvaluation:
        """For a step that the check is not part of."""
        return dg.AssetCheckEvaluation(
            passed=self.passed,
            asset_key=self.key.asset_key,
            check_name=self.key.name,
            metadata=self.metadata,
            severity=self.severity,
            description=self.description,
            partition=desk,
        )


def complete_key(catalog: Catalog) -> dg.AssetCheckKey:
    """The check that says for the whole desk whether its last sync left something out."""
    return dg.AssetCheckKey(vendor_key(catalog.name, catalog.main.name), COMPLETE)


def row_checks(catalog: Catalog) -> list[dg.AssetCheckKey]:
    """The checks that look at the rows of a desk."""
    keys = [dg.AssetCheckKey(key, UNIQUE_KEY) for key in (*catalog.vendor_keys(), *catalog.unified_keys())]
    keys += [dg.AssetCheckKey(key, MATCHES_VENDOR) for key in catalog.unified_keys()]
    if TICKETS in catalog.feeds:
        keys.append(dg.AssetCheckKey(unified_key(catalog.name, TICKETS), STATUS_MAPPED))
    main = vendor_key(catalog.name, catalog.main.name)
    return [*keys, dg.AssetCheckKey(main, NOTHING_SET_ASIDE), dg.AssetCheckKey(main, FEW_PARTS)]


def check_specs(catalog: Catalog) -> list[dg.AssetCheckSpec]:
    """All checks of a vendor's assets, each per desk."""
    with warnings.catch_warnings():
        # partitions_def is what makes a check speak of one desk; Dagster calls it a preview
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            dg.AssetCheckSpec(
                key.name,
                asset=key.asset_key,
                description=DESCRIPTIONS[key.name],
                blocking=False,
                partitions_def=desks_of(catalog.name),
            )
            for key in (complete_key(catalog), *row_checks(catalog))
        ]


def completeness(catalog: Catalog, result: SyncResult, left_out: Mapping[str, str]) -> Finding:
    """Whether a sync left something out.

    Args:
        catalog: The vendor's tables.
        result: What came of the sync.
        left_out: Streams that did not come through, with the reason.
    """
    return Finding(
        complete_key(catalog),
        passed=result.status is Status.SUCCESS,
        metadata={
            "status": result.status.value,
            "rows_failed": result.rows_failed,
            "sync": result.id,
            **({"left_out": dict(left_out)} if left_out else {}),
        },
        description=result.error_message,
        severity=dg.AssetCheckSeverity.WARN,
    )


def look(
    catalog: Catalog, warehouse: Warehouse, control: sa.Engine, desk: str, wanted: Collection[dg.AssetCheckKey]
) -> Iterator[Finding]:
    """Runs those of the wanted checks that look at the rows of a desk, and at what was set aside of them.

    Raises:
        WarehouseUnavailableError: The rows cannot be read.
    """
    by_name = {name: [key.asset_key for key in wanted if key.name == name] for name in DESCRIPTIONS}
    yield from _unique(catalog, warehouse, desk, by_name[UNIQUE_KEY])
    yield from _matching(catalog, warehouse, desk, by_name[MATCHES_VENDOR])
    for asset in by_name[STATUS_MAPPED]:
        yield _status(warehouse, desk, asset)
    for asset in by_name[NOTHING_SET_ASIDE]:
        yield _set_aside(control, desk, asset)
    for asset in by_name[FEW_PARTS]:
        yield _parts(warehouse, asset)


def row_counts(catalog: Catalog, warehouse: Warehouse, desk: str, assets: Sequence[dg.AssetKey]) -> dict[str, int]:
    """Rows of one desk by table, deleted ones included; tables that do not exist yet are left out."""
    return {table: rows for table, (rows, _) in _counts(catalog, warehouse, desk, assets).items()}


def _counts(
    catalog: Catalog, warehouse: Warehouse, desk: str, assets: Sequence[dg.AssetKey]
) -> dict[str, tuple[int, int]]:
    """Rows and distinct ids of one desk by table, in one query."""
    tables = [table for table in map(catalog.table, assets) if warehouse.columns(table)]
    if not tables:
        return {}
    parts = [
        f"SELECT '{table}' AS name, count(*) AS found, count(DISTINCT id) AS ids"  # noqa: S608
        f" FROM {SCHEMA}.{table} WHERE {_of(desk)}"
        for table in tables
    ]
    rows = warehouse.query(" UNION ALL ".join(parts)).to_pylist()
    return {row["name"]: (int(row["found"]), int(row["ids"])) for row in rows}


def _unique(catalog: Catalog, warehouse: Warehouse, desk: str, assets: Sequence[dg.AssetKey]) -> Iterator[Finding]:
    counts = _counts(catalog, warehouse, desk, assets)
    for asset in assets:
        rows, ids = counts.get(catalog.table(asset), (0, 0))
        yield Finding(dg.AssetCheckKey(asset, UNIQUE_KEY), passed=rows == ids, metadata={"rows": rows, "ids": ids})


def _matching(catalog: Catalog, warehouse: Warehouse, desk: str, assets: Sequence[dg.AssetKey]) -> Iterator[Finding]:
    feeds = {table: catalog.feeds[table] for table in map(catalog.table, assets)}
    for table, found in differences(warehouse, catalog.vendor, desk, feeds):
        yield Finding(
            dg.AssetCheckKey(unified_key(catalog.name, table), MATCHES_VENDOR),
            passed=found.none,
            metadata={
                "rows": found.rows,
                "missing": found.missing,
                "other_version": found.other_version,
                "stray": found.stray,
                **({} if found.none else {"examples": list(found.examples)}),
            },
        )


def _status(warehouse: Warehouse, desk: str, asset: dg.AssetKey) -> Finding:
    found = warehouse.query(
        "SELECT status_raw AS label, count(*) AS found"  # noqa: S608
        f" FROM {SCHEMA}.{TICKETS} WHERE {_of(desk)}"
        " AND deleted_at IS NULL AND status IS NULL AND status_raw IS NOT NULL GROUP BY status_raw ORDER BY 2 DESC"
    ).to_pylist()
    return Finding(
        dg.AssetCheckKey(asset, STATUS_MAPPED),
        passed=not found,
        metadata={"unmapped": {row["label"]: int(row["found"]) for row in found[:50]}},
        severity=dg.AssetCheckSeverity.WARN,
    )


def _set_aside(control: sa.Engine, desk: str, asset: dg.AssetKey) -> Finding:
    """Counts by stream and reason, never what a record holds."""
    found = waiting(control, desk)
    reasons = Counter(f"{one.stream}, {one.stage}: {one.reason}" for one in found)
    told = f"`ticket-pipelines quarantine list --desk {desk}` shows them; `quarantine replay` tries them again."
    return Finding(
        dg.AssetCheckKey(asset, NOTHING_SET_ASIDE),
        passed=not found,
        metadata={"waiting": len(found), **({"reasons": dict(reasons.most_common(20))} if found else {})},
        severity=dg.AssetCheckSeverity.WARN,
        description=told if found else None,
    )


def _parts(warehouse: Warehouse, asset: dg.AssetKey) -> Finding:
    """Parts are of a table, whoever's rows they hold: the check speaks of all desks."""
    parts = active_parts(warehouse) if isinstance(warehouse, ClickHouseWarehouse) else {}
    many = {table: count for table, count in parts.items() if count >= WATCHED}
    told = "" if not many else "The server does not merge them: look into system.merges and the server's disk."
    return Finding(
        dg.AssetCheckKey(asset, FEW_PARTS),
        passed=not many,
        metadata={"most": max(parts.values(), default=0), "parts": parts},
        description=told or None,
        severity=dg.AssetCheckSeverity.WARN,
    )


def _of(desk: str) -> str:
    """The rows of one desk; keys of desks are made of letters that need no quoting."""
    return f"desk = '{desk}'"
