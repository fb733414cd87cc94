"""The unified tables of a desk, derived again from its vendor tables, without an API call.

The rows go through the same mappings as in a sync, in batches, under the desk's lease; the position stays where it is.
Afterwards, unified rows that no vendor row gives any more are marked as deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from dlt_sources.base import Vendor
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.errors import UsageError, WarehouseRejectedError
from ticket_pipelines.logs import topic
from ticket_pipelines.project import Project
from ticket_pipelines.sync.derive import deleted, derive, newest
from ticket_pipelines.sync.lease import Lease, hold
from ticket_pipelines.sync.progress import Progress, quiet
from ticket_pipelines.sync.shape import aligned
from ticket_pipelines.unified import StreamMapping, mappings
from ticket_pipelines.unified.model import TABLES
from ticket_pipelines.warehouse.base import DeskPipeline, Warehouse

log = topic("sync")

BATCH = 10_000
NAMED = 0
"""Version of a row that only another record names: below that of every row of its own."""


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did.

    Attributes:
        rows: Unified rows written, by table.
        retracted: Rows marked as deleted since no vendor row gives them, by table.
        failed: Vendor rows that could not be mapped, by stream; where there are any, nothing is marked as deleted.
        warnings: What the mappings could not map, counted.
    """

    rows: Counter[str] = field(default_factory=Counter)
    retracted: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)


def rebuild_desk(
    project: Project, key: str, tables: Collection[str] = (), progress: Progress = quiet, wait: bool = False
) -> Rebuilt:
    """Derives the unified rows of a desk again.

    Args:
        project: The installation.
        key: Key of the desk.
        tables: Chosen unified tables; empty: all.
        progress: Is told what goes on.
        wait: Wait for a desk that is being synced, instead of refusing.

    Raises:
        UsageError: There is no such desk or table.
        DeskBusyError: A sync of it runs.
        WarehouseUnavailableError: The warehouse is away.
    """
    desk = project.desks.get(key)
    vendor = find_vendor(desk.vendor)
    if unknown := sorted(set(tables) - set(TABLES)):
        raise UsageError(f"there is no unified table {unknown[0][:60]!r}; there are {', '.join(TABLES)}")
    chosen = set(tables) or set(TABLES)
    warehouse = project.warehouse
    with (
        hold(project.control, desk.key, wait=wait, progress=progress) as lease,
        closing(warehouse.pipeline(desk.vendor, desk.key)) as pipeline,
    ):
        work = _Rebuild(warehouse, pipeline, lease, vendor, desk.key, chosen, progress)
        for stream, mapping in mappings(desk.vendor, desk.config).items():
            work.derive(stream, mapping)
        work.load_named()
        if work.done.failed:
            log.warning("desk %s: rows could not be mapped, so none is marked as deleted", desk.key)
        else:
            work.retract()
        return work.done


class _Rebuild:
    def __init__(
        self,
        warehouse: Warehouse,
        pipeline: DeskPipeline,
        lease: Lease,
        vendor: Vendor,
        desk: str,
        chosen: Collection[str],
        progress: Progress,
    ) -> None:
        self.done = Rebuilt()
        self._warehouse, self._pipeline, self._lease, self._progress = warehouse, pipeline, lease, progress
        self._vendor, self._desk, self._chosen = vendor, desk, chosen
        self._state = pipeline.state()
        # 8 bytes a row, where the ids themselves would take a hundred
        self._given: dict[str, list[np.ndarray[tuple[int], np.dtype[np.uint64]]]] = {}
        self._named: dict[str, list[pa.Table]] = {}

    def derive(self, stream: str, mapping: StreamMapping) -> None:
        """Derives and loads what one stream gives."""
        table = self._vendor.table(self._vendor.stream(stream))
        for batch in self._warehouse.rows(table, self._desk, batch=BATCH):
            derived = derive({stream: mapping}, {stream: batch})
            self.done.warnings += derived.warnings
            if derived.poison:
                self.done.failed[stream] += len(derived.poison)
            found = {name: rows for name, rows in derived.tables.items() if name in self._chosen}
            for name, rows in found.items():
                self._given.setdefault(name, []).append(_digests(rows))
                self.done.rows[name] += rows.num_rows
            self._load({name: self._own(name, rows) for name, rows in found.items()})
            self._progress.loaded(batch.num_rows)

    def load_named(self) -> None:
        """Loads those whom other rows name, as the row says that was read last, whatever the order of the batches."""
        self._load({name: _once(parts) for name, parts in self._named.items()})

    def _own(self, name: str, rows: pa.Table) -> pa.Table:
        """The rows of a record of their own; keeps the others."""
        only_named = pc.equal(rows["version"], NAMED)
        if pc.any(only_named).as_py():
            parts = self._named.setdefault(name, [])
            parts.append(rows.filter(only_named))
            if sum(part.num_rows for part in parts[1:]) > max(BATCH, parts[0].num_rows):
                parts[:] = [_once(parts)]
        return rows.filter(pc.invert(only_named))

    def retract(self) -> None:
        """Marks the alive rows as deleted that nothing gave, but for those whom a record named once.

        Nobody says of such a person that they are deleted, in a sync neither.
        """
        for name in self._chosen:
            given = np.unique(np.concatenate(self._given.pop(name))) if name in self._given else _NONE
            for batch in self._warehouse.rows(name, self._desk, alive=True, batch=BATCH):
                gone = ~np.isin(_digests(batch), given) & (batch["version"].to_numpy() != NAMED)
                rows = aligned(batch.filter(pa.array(gone)), TABLES[name].arrow_schema())
                if rows.num_rows:
                    moments = pc.multiply(rows["version"], 1000).cast(pa.timestamp("us", "UTC"))
                    self._load({name: deleted(rows, rows["version"], moments, rows["synced_at"])})
                    self.done.retracted[name] += rows.num_rows

    def _load(self, tables: Mapping[str, pa.Table]) -> None:
        tables = {name: rows for name, rows in tables.items() if rows.num_rows}
        if not tables:
            return
        self._lease.check()
        try:
            self._pipeline.load(tables, {name: TABLES[name] for name in tables}, self._state)
        except WarehouseRejectedError as error:
            raise WarehouseRejectedError(f"rebuild of desk {self._desk!r} stopped: {error}") from error


def _once(parts: Sequence[pa.Table]) -> pa.Table:
    return newest(pa.concat_tables(parts, promote_options="default"))


_NONE: np.ndarray[tuple[int], np.dtype[np.uint64]] = np.empty(0, np.uint64)


def _digests(rows: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.fromiter(
        (xxhash.xxh3_64_intdigest(key.encode()) for key in rows["id"].to_pylist()), np.uint64, rows.num_rows
    )
