"""One op a vendor: one sync of one desk, which emits all of the vendor's assets, or the chosen ones.

Chosen vendor tables are synced, and the unified rows made of them come in the same load packages. Unified assets whose
vendor tables are not chosen are made again from the warehouse, without a request to the vendor.
"""

# no `from __future__ import annotations`: Dagster reads the annotations of an op's parameters as they are

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from dlt_sources.errors import SourceError
from ticket_pipelines.defs import report
from ticket_pipelines.defs.catalog import Catalog, Plan, unified_key, vendor_key
from ticket_pipelines.defs.checks import check_specs, complete_key, completeness, look, row_counts
from ticket_pipelines.defs.config import SyncConfig
from ticket_pipelines.defs.failures import failure_of, step_failure
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.errors import DeskBusyError, TicketPipelinesError
from ticket_pipelines.loop.news import is_untold
from ticket_pipelines.project import Project
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.rebuild import rebuild_desk
from ticket_pipelines.sync.result import Mode, Status, SyncResult, Trigger

Emitted = dg.MaterializeResult[Any] | dg.AssetCheckResult

RETRY_RUN_TAG = "dagster/retry_on_asset_or_op_failure"


def op_name(catalog: Catalog) -> str:
    """Name of the op, under which run configuration stands."""
    return f"{catalog.name}_desk"


def desk_assets(catalog: Catalog) -> dg.AssetsDefinition:
    """All assets of a vendor, partitioned by its desks."""

    @dg.multi_asset(
        name=op_name(catalog),
        description=f"One sync of one {catalog.vendor.title} desk.",
        specs=catalog.specs(),
        check_specs=check_specs(catalog),
        partitions_def=desks_of(catalog.name),
        can_subset=True,
    )
    def desk(
        context: dg.AssetExecutionContext, config: SyncConfig, tickets: dg.ResourceParam[Tickets]
    ) -> Iterator[Emitted]:
        try:
            with tickets.open() as project:
                yield from _DeskStep(catalog, context, config, tickets, project).run()
        except (TicketPipelinesError, SourceError) as error:
            raise failure_of(error, scheduled=config.trigger == Trigger.SCHEDULE) from error

    return desk


@dataclass(frozen=True)
class _DeskStep:
    catalog: Catalog
    context: dg.AssetExecutionContext
    config: SyncConfig
    tickets: Tickets
    project: Project

    @property
    def key(self) -> str:
        return str(self.context.partition_key)

    @property
    def scheduled(self) -> bool:
        return self.config.trigger == Trigger.SCHEDULE

    def run(self) -> Iterator[Emitted]:
        plan = self.catalog.plan(self.context.selected_asset_keys, self.config.streams)
        result = self._sync(plan) if plan.sync else None
        if result is not None:
            yield from self._synced(result)
        if plan.rebuild:
            yield from self._rebuilt(plan)
        checks = self.context.selected_asset_check_keys
        for finding in look(self.catalog, self.project.warehouse, self.project.control, self.key, checks):
            yield finding.result()

    def _sync(self, plan: Plan) -> SyncResult | None:
        """One sync; None where a scheduled one found the desk being synced already."""
        mode = self.context.run.tags.get(report.MODE_TAG, Mode.INCREMENTAL.value)
        request = self.config.request(mode, plan.streams, self.context.run.run_id)
        before = self.project.desks.find(self.key)
        try:
            result = sync_desk(self.project, self.key, request, self.tickets.progress)
        except DeskBusyError as error:
            if not self.scheduled:
                raise
            self.context.log.info(str(error))
            self._tag({report.STATUS_TAG: Status.SKIPPED.value})
            return None
        self._tag({report.STATUS_TAG: result.status.value})
        # what loops changed and did not tell yet is still to be told
        up_to = None if before and is_untold(before) else result.completed_at
        self.project.desks.reported(self.key, result.status, up_to)
        return result

    def _synced(self, result: SyncResult) -> Iterator[Emitted]:
        """Materializations of what came in; then the failure, if it was one."""
        if result.status is Status.FAILED:
            self._tag({RETRY_RUN_TAG: "false"})
        if result.status is Status.SKIPPED:
            self.context.log.info(report.headline(result))
            return
        said, loaded = report.left_out(result), report.loaded(result)
        for stream, reason in said.items():
            self.context.log.warning(f"{stream}: {reason}")
        self.context.log.info(report.headline(result))
        if loaded:
            yield from self._materialized(result, loaded)
        yield from self._complete(result, said)
        if result.status is Status.FAILED:
            raise step_failure(report.headline(result), result.error_code, scheduled=self.scheduled)

    def _materialized(self, result: SyncResult, loaded: list[str]) -> Iterator[Emitted]:
        assets: dict[str, list[str]] = {}
        for stream in loaded:
            assets.setdefault(self.catalog.vendor.asset(stream), []).append(stream)
        about: dict[dg.AssetKey, dict[str, Any]] = {
            vendor_key(self.catalog.name, asset): self._metadata(result, asset, streams)
            for asset, streams in assets.items()
        }
        about |= {
            unified_key(self.catalog.name, table): report.sync_metadata(result) for table in self.catalog.fed_by(loaded)
        }
        rows = row_counts(self.catalog, self.project.warehouse, self.key, list(about))
        for asset, metadata in about.items():
            yield from self._emitted(asset, {**metadata, **_rows(rows, self.catalog.table(asset))})

    def _metadata(self, result: SyncResult, asset: str, streams: Sequence[str]) -> dict[str, Any]:
        if asset in streams:
            return report.stream_metadata(result, asset)
        return report.group_metadata(result, {f"{self.catalog.name}_{stream}": stream for stream in streams})

    def _emitted(self, asset: dg.AssetKey, metadata: Mapping[str, Any]) -> Iterator[Emitted]:
        """A chosen asset is a result of the step; unified rows that came along are told as an event."""
        if asset in self.context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=asset, metadata=metadata)
        else:
            self.context.log_event(dg.AssetMaterialization(asset, partition=self.key, metadata=metadata))

    def _complete(self, result: SyncResult, said: Mapping[str, str]) -> Iterator[Emitted]:
        """The check of the whole desk; a choice of assets without it tells of what failed all the same."""
        found = completeness(self.catalog, result, said)
        if complete_key(self.catalog) in self.context.selected_asset_check_keys:
            yield found.result()
        elif not found.passed:
            self.context.log_event(found.event(self.key))

    def _rebuilt(self, plan: Plan) -> Iterator[Emitted]:
        done = rebuild_desk(self.project, self.key, plan.rebuild, self.tickets.progress, wait=self.config.wait)
        for stream, count in done.failed.items():
            self.context.log.warning(f"{count} rows of {stream} could not be mapped; nothing is marked as deleted")
        assets = [unified_key(self.catalog.name, table) for table in plan.rebuild]
        rows = row_counts(self.catalog, self.project.warehouse, self.key, assets)
        for asset in assets:
            yield dg.MaterializeResult(
                asset_key=asset,
                metadata={
                    "mode": "rebuild",
                    "rows_written": done.rows[asset.path[-1]],
                    "rows_failed": done.failed.total(),
                    **_rows(rows, self.catalog.table(asset)),
                },
            )

    def _tag(self, tags: Mapping[str, str]) -> None:
        self.context.instance.add_run_tags(self.context.run.run_id, tags)


def _rows(counts: Mapping[str, int], table: str) -> dict[str, int]:
    return {"dagster/partition_row_count": counts[table]} if table in counts else {}
