"""What Dagster is told of the desks that a loop visits: each on its own partition, never more often than `news` says.

From within a Dagster run these are the run's events; from a worker they are events without a run. Dagster shows a
partition as failed only where a run that meant to materialize it ended as a failure: `planned` says so for the desks
that failed last, and the run then fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from ticket_pipelines.defs import report
from ticket_pipelines.defs.catalog import Catalog, catalogs, unified_key, vendor_key
from ticket_pipelines.defs.checks import completeness
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.logs import topic
from ticket_pipelines.loop import news
from ticket_pipelines.loop.news import News
from ticket_pipelines.loop.visit import Visit
from ticket_pipelines.project import Project
from ticket_pipelines.sync.result import Status

log = topic("loop")

Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation
CHANGES = ("created", "updated", "deleted")


@dataclass
class Teller:
    """Tells Dagster of visits; called from one thread.

    Attributes:
        project: The installation.
        instance: Dagster's instance.
        tell: Takes an event.
        every: Time between two tellings of a desk where only rows changed.
        failed: Desks whose last visit failed, with the reason.
    """

    project: Project
    instance: dg.DagsterInstance
    tell: Callable[[Event], None]
    every: timedelta = news.EVERY
    failed: dict[str, Visit] = field(default_factory=dict)

    def __call__(self, visit: Visit) -> None:
        """Tells of a visit if that is due; keeps who failed."""
        if visit.status is Status.FAILED:
            self.failed[visit.desk.key] = visit
        elif visit.status is not Status.SKIPPED:
            self.failed.pop(visit.desk.key, None)
        desk = self.project.desks.find(visit.desk.key) if visit.status is not Status.SKIPPED else visit.desk
        now = datetime.now(UTC)
        catalog = known().get(visit.desk.vendor)
        if desk is None or catalog is None or not news.is_due(desk, visit, now, self.every):
            return
        found = news.gather(self.project.control, desk, visit)
        self._add_partition(catalog, desk.key)
        for event in events(catalog, found):
            self.tell(event)
        self.project.desks.reported(desk.key, found.status, now)

    def _add_partition(self, catalog: Catalog, key: str) -> None:
        """A desk that is younger than the last look of the sensor has no partition yet."""
        name = desks_of(catalog.name).name or ""
        if not self.instance.has_dynamic_partition(name, key):
            self.instance.add_dynamic_partitions(name, [key])


def known() -> dict[str, Catalog]:
    """The catalogs by vendor."""
    return {catalog.name: catalog for catalog in catalogs()}


def events(catalog: Catalog, found: News) -> Iterator[Event]:
    """The events that tell of a desk.

    A sync that came through materializes the vendor's main asset and those whose rows changed; one that failed is
    observed, with the reason. The check of completeness goes with both.
    """
    main, key, result = vendor_key(catalog.name, catalog.main.name), found.desk.key, found.result
    if found.status is Status.FAILED:
        reason: dict[str, Any] = {
            "status": found.status.value,
            "error": found.error or "failed",
            "failures": found.desk.failures,
        }
        yield dg.AssetObservation(main, partition=key, metadata=reason)
    elif result is not None:
        for asset, metadata in _materialized(catalog, found).items():
            yield dg.AssetMaterialization(asset, partition=key, metadata={**metadata, "syncs": found.syncs})
    if result is not None:
        yield completeness(catalog, result, report.left_out(result)).event(key)


def _materialized(catalog: Catalog, found: News) -> dict[dg.AssetKey, dict[str, Any]]:
    result = found.result
    assert result is not None  # noqa: S101  (the caller looked)
    loaded = report.outcomes(result)
    changed = [name for name, one in loaded.items() if any(one["rows"][kind] for kind in CHANGES)]
    assets: dict[str, list[str]] = {}
    for stream in changed:
        assets.setdefault(catalog.vendor.asset(stream), []).append(stream)
    told: dict[dg.AssetKey, dict[str, Any]] = {
        vendor_key(catalog.name, asset): report.stream_metadata(result, asset)
        if asset in streams
        else report.group_metadata(result, {f"{catalog.name}_{stream}": stream for stream in streams})
        for asset, streams in assets.items()
    }
    told |= {unified_key(catalog.name, table): report.sync_metadata(result) for table in catalog.fed_by(changed)}
    main = catalog.main.name
    about_main = report.stream_metadata(result, main) if main in loaded else report.sync_metadata(result)
    return {vendor_key(catalog.name, main): about_main, **told}
