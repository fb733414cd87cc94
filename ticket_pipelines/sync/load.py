"""Loading a package: shape, map, set aside, check the lease, load, and cut in halves what the warehouse refuses.

Rows and position are committed together. What cannot be shaped, mapped or loaded is in the quarantine before the
position moves. While a refused package is cut in halves, the halves are loaded with the old position, so that it moves
with the last one only.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from dlt_sources.base import Stream, Vendor
from ticket_pipelines.errors import WarehouseRefusedError, WarehouseRejectedError, WarehouseUnavailableError
from ticket_pipelines.logs import topic
from ticket_pipelines.sync import quarantine
from ticket_pipelines.sync.children import with_children
from ticket_pipelines.sync.cursors import keep_copy
from ticket_pipelines.sync.derive import Retraction, derive, newest
from ticket_pipelines.sync.drift import Drift
from ticket_pipelines.sync.heads import Rejected
from ticket_pipelines.sync.lease import Lease
from ticket_pipelines.sync.package import Package
from ticket_pipelines.sync.position import Position
from ticket_pipelines.sync.progress import Progress
from ticket_pipelines.sync.settle import Outcome
from ticket_pipelines.sync.shape import Shaper, aligned
from ticket_pipelines.unified import StreamMapping
from ticket_pipelines.warehouse.base import DeskPipeline, Stored, Warehouse
from ticket_pipelines.warehouse.table import TableSpec

log = topic("sync")

T = TypeVar("T")

DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each further try when the warehouse is away."""

MOST_REFUSED = 300
"""Refused loads in a row after which it is not rows that are wrong. One bad row in a full package takes 14."""
MOST_REFUSED_OF_PACKAGE = 3_000
"""Refused loads of one package after which it is not single rows that are wrong."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the packages of a desk go.

    Attributes:
        vendor: The desk's vendor.
        desk: Key of the desk.
        account: The account that it reads.
        warehouse: The warehouse.
        pipeline: The desk's pipeline.
        control: The control database.
        cipher: Encrypts what is set aside.
        lease: The desk's lease.
        mappings: Unified mapping by stream.
        unified: Unified tables by name.
        progress: Is told of loads and waits.
        doubtful: Whether a load may have ended between two tables: what is derived of a record may stand without it.
        sleep: Waits; takes seconds.
    """

    vendor: Vendor
    desk: str
    account: str
    warehouse: Warehouse
    pipeline: DeskPipeline
    control: sa.Engine
    cipher: quarantine.Cipher
    lease: Lease
    mappings: Mapping[str, StreamMapping]
    unified: Mapping[str, TableSpec]
    progress: Progress
    doubtful: Callable[[], bool] = lambda: False
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class _Record:
    """What is known of a row on its way: what becomes of it, and what the vendor sent."""

    outcome: Outcome
    version: int
    payload: bytes | msgspec.Raw
    partial: bool


@dataclass(slots=True)
class _Batch:
    """Rows by stream on their way into the warehouse, and those that were set aside."""

    rows: dict[str, pa.Table]
    records: dict[str, dict[str, _Record]]
    rejected: list[Rejected] = field(default_factory=list)

    def reject(self, stream: str, key: str, stage: str, reason: str) -> Rejected:
        """Sets a row aside."""
        record = self.records[stream].pop(key)
        found = Rejected(stream, stage, reason, bytes(record.payload), key, record.version, record.partial)
        self.rejected.append(found)
        return found


class Loader:
    """Loads the packages of one desk, one after the other.

    Attributes:
        warnings: What the mappings could not map, counted.
        packages: Packages that were committed.
        drift: What was seen of the vendor's schema that was not so before.
        target: Where the packages go.
    """

    def __init__(self, target: Target, position: Position) -> None:
        self.warnings: Counter[str] = Counter()
        self.packages = 0
        self.drift = Drift(position.committed)
        self._copied = False
        self._doubtful: bool | None = None
        self.target = target
        self._position = position
        self._shapers: dict[str, Shaper] = {}
        self._mappings = with_children(target.vendor, target.mappings, self.shaper)

    def shaper(self, stream: Stream) -> Shaper:
        """The shaper of a stream, made at its first use."""
        if stream.name not in self._shapers:
            table = self.target.vendor.table(stream)
            self._shapers[stream.name] = Shaper(
                self.target.vendor,
                stream,
                self.target.desk,
                self._position.fields(stream.name),
                lambda: self.patiently(lambda: self.target.warehouse.columns(table)),
            )
        return self._shapers[stream.name]

    def stored(self, stream: Stream, ids: Sequence[str]) -> dict[str, Stored]:
        """What is stored of these ids."""
        return self.stored_of_all({stream.name: ids})[stream.name]

    def stored_of_all(self, asked: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Stored]]:
        """What is stored of these ids, by stream."""
        if not asked:
            return {}
        vendor, desk, warehouse = self.target.vendor, self.target.desk, self.target.warehouse
        tables = {name: vendor.table(vendor.stream(name)) for name in asked}

        def read() -> dict[str, dict[str, Stored]]:
            with warehouse.together():
                return {name: warehouse.stored(tables[name], desk, ids) for name, ids in asked.items()}

        return self.patiently(read)

    def unified(self, table: str, ids: Sequence[str]) -> dict[str, Stored]:
        """What is stored of these ids in a unified table; {} where there is no such table."""
        if table not in self.target.unified:
            return {}
        return self.patiently(lambda: self.target.warehouse.stored(table, self.target.desk, ids))

    def patiently(self, act: Callable[[], T]) -> T:
        """Does something that needs the warehouse; tries again, within bounds, while it is away.

        Raises:
            WarehouseUnavailableError: It stayed away, or refuses us.
        """
        for delay in DELAYS:
            try:
                return act()
            except WarehouseRefusedError:
                raise
            except WarehouseUnavailableError as error:
                log.warning("%s; trying again in %g s", str(error).partition("\n")[0], delay)
                self.target.progress.wait(delay, "the warehouse is away")
                self.target.sleep(delay)
        return act()

    def commit(self, package: Package) -> None:
        """Loads a settled package and moves the position; its counts are complete afterwards.

        Raises:
            LeaseLostError: The lease ended; nothing was loaded.
            WarehouseUnavailableError: The warehouse stayed away; the position is where it was.
            WarehouseRejectedError: The warehouse refuses so much that it cannot be the rows.
        """
        now = datetime.now(UTC)
        batch = self._shaped(package, now)
        tables, specs = self._tables(batch)
        snapshot = self._snapshot()
        self._save([*package.rejected, *batch.rejected], now)
        if tables or snapshot != self._position.committed:
            snapshot = self._position.stamped(snapshot, self.target.account)
            try:
                self._load(tables, specs, snapshot)
            except WarehouseRejectedError as error:
                log.warning("a package of desk %s is refused and cut in halves: %s", self.target.desk, error)
                tables.clear()
                self._load_halves(batch, now)
                self._load({}, {}, snapshot)
            self._position.commit(snapshot)
            self._copy(snapshot, now)
        elif not self._copied:
            # the copy may be of an earlier time or another warehouse, where one of the two databases was restored
            self._copy(snapshot, now)
        self.packages += 1
        self._count(package, batch)
        # dlt keeps an exception of its first load, and with it this frame: nothing in it may hold a package
        for held in (tables, batch.rows, batch.records, package.kept, package.prepared):
            held.clear()

    def _copy(self, snapshot: dict[str, Any], now: datetime) -> None:
        keep_copy(self.target.control, self.target.desk, self.target.warehouse.identity(), snapshot, now)
        self._copied = True

    def _shaped(self, package: Package, now: datetime) -> _Batch:
        batch = _Batch({}, {})
        for name in dict.fromkeys([*package.kept, *package.prepared]):
            shaper = self.shaper(self.target.vendor.stream(name))
            settled = list(package.kept.get(name, {}).values())
            rows, rejected = shaper.rows(settled, now)
            batch.rejected += rejected
            lost = {found.record_id for found in rejected}
            records = {
                one.id: _Record(one.outcome, one.version, one.raw, one.partial) for one in settled if one.id not in lost
            }
            prepared = package.prepared.get(name, [])
            for ready in prepared:
                for key, version in zip(ready.rows["id"].to_pylist(), ready.rows["version"].to_pylist(), strict=True):
                    records[key] = _Record(ready.outcomes[key], version, ready.payloads.get(key, b"{}"), partial=True)
            schema = shaper.layout.spec.arrow_schema()
            parts = [rows, *(ready.rows for ready in prepared)]
            batch.rows[name] = pa.concat_tables([aligned(part, schema) for part in parts])
            batch.records[name] = records
            self.drift.rows(name, batch.rows[name])
        return batch

    def _tables(self, batch: _Batch) -> tuple[dict[str, pa.Table], dict[str, TableSpec]]:
        """The tables to load for a batch; rows that cannot be mapped leave it."""
        derived = derive(self._mappings, batch.rows)
        for poison in derived.poison:
            batch.reject(poison.stream, poison.id, "map", poison.reason)
            batch.rows[poison.stream] = _without(batch.rows[poison.stream], poison.id)
        self.warnings += derived.warnings
        parts = {name: [rows] for name, rows in derived.tables.items()}
        for name, rows in self._retracted(batch, derived.tables):
            parts.setdefault(name, []).append(rows)
        tables = {name: newest(pa.concat_tables(found, promote_options="default")) for name, found in parts.items()}
        known = self._derived_specs()
        specs = {name: known[name] for name in tables}
        for name, rows in batch.rows.items():
            if rows.num_rows:
                spec = self._shapers[name].layout.spec
                tables[spec.name], specs[spec.name] = rows, spec
        return tables, specs

    def _retracted(self, batch: _Batch, given: Mapping[str, pa.Table]) -> list[tuple[str, pa.Table]]:
        target = self.target
        retraction = Retraction(target.warehouse, target.desk, self._derived_specs())
        found: list[tuple[str, pa.Table]] = []
        for name, rows in batch.rows.items():
            mapping = self._mappings.get(name)
            if mapping is None or not mapping.owns:
                continue
            records = batch.records[name].items()
            known = [key for key, record in records if record.outcome is not Outcome.CREATED]
            # what only repairs is new in its own table, but its unified rows may have come from another stream
            if len(known) < len(records) and (target.vendor.stream(name).on_demand or self._is_doubtful()):
                known = list(batch.records[name])
            owners = rows.filter(pc.is_in(rows["id"], pa.array(known, pa.string()))) if known else rows.slice(0, 0)
            found += self.patiently(lambda m=mapping, o=owners: retraction.rows(m, o, given)).items()  # type: ignore[misc]
        return found

    def reconsider(self) -> None:
        """Asks again whether a load may have ended between two tables."""
        self._doubtful = None

    def _is_doubtful(self) -> bool:
        if self._doubtful is None:
            self._doubtful = self.target.doubtful()
        return self._doubtful

    def _derived_specs(self) -> dict[str, TableSpec]:
        """The tables of what is derived from vendor rows: unified ones, and those of records inside of records."""
        streams = [stream for stream in self.target.vendor.streams if stream.parent]
        children = {self.target.vendor.table(stream): self.shaper(stream).layout.spec for stream in streams}
        return {**self.target.unified, **children}

    def _load(self, tables: Mapping[str, pa.Table], specs: Mapping[str, TableSpec], state: dict[str, Any]) -> None:
        def once() -> None:
            self.target.lease.check()
            self.target.pipeline.load(tables, specs, state)

        self.patiently(once)

    def _load_halves(self, batch: _Batch, now: datetime) -> None:
        """Loads what the warehouse takes of a refused batch, with the old position; sets aside the rows it refuses."""
        refused, in_all, warnings = 0, 0, Counter(self.warnings)
        waiting = _halves(batch.rows) or [batch.rows]
        while waiting:
            rows = waiting.pop()
            part = _Batch(rows, batch.records, batch.rejected)
            try:
                self._load(*self._tables(part), self._position.committed)
                refused = 0
                continue
            except WarehouseRejectedError as error:
                refused, in_all = refused + 1, in_all + 1
                too_many = refused > MOST_REFUSED or in_all > MOST_REFUSED_OF_PACKAGE
                if too_many or not any(table.num_rows for table in rows.values()):
                    raise
                reason = str(error).partition("\n")[0]
            halves = _halves(rows)
            if halves:
                waiting += halves
                continue
            stream, key = next((name, table["id"][0].as_py()) for name, table in rows.items() if table.num_rows)
            self._save([batch.reject(stream, key, "load", reason)], now)
        self.warnings = warnings

    def _snapshot(self) -> dict[str, Any]:
        for name, shaper in self._shapers.items():
            self.drift.learned(name, self._position.fields(name), shaper.learned)
            self._position.learn(name, shaper.learned)
        return self._position.snapshot()

    def _save(self, rejected: Sequence[Rejected], now: datetime) -> None:
        quarantine.save(self.target.control, self.target.cipher, self.target.desk, rejected, now)

    def _count(self, package: Package, batch: _Batch) -> None:
        loaded = 0
        for name, records in batch.records.items():
            counts = package.count(name)
            outcomes = Counter(record.outcome for record in records.values())
            counts.created += outcomes[Outcome.CREATED]
            counts.updated += outcomes[Outcome.UPDATED] + outcomes[Outcome.REVIVED]
            counts.deleted += outcomes[Outcome.DELETED]
            loaded += len(records)
        for rejected in (*package.rejected, *batch.rejected):
            package.count(rejected.stream).failed += 1
        versions = {name: {key: r.version for key, r in records.items()} for name, records in batch.records.items()}
        quarantine.clear(self.target.control, self.target.desk, versions)
        self.target.progress.loaded(loaded)


def _without(rows: pa.Table, key: str) -> pa.Table:
    return rows.filter(pc.not_equal(rows["id"], key))


def _halves(rows: Mapping[str, pa.Table]) -> list[dict[str, pa.Table]]:
    """The rows in two halves, across streams; [] for a single row."""
    total = sum(table.num_rows for table in rows.values())
    if total < 2:
        return []
    first: dict[str, pa.Table] = {}
    second: dict[str, pa.Table] = {}
    left = total // 2
    for name, table in rows.items():
        taken = min(left, table.num_rows)
        left -= taken
        first[name], second[name] = table.slice(0, taken), table.slice(taken)
    return [first, second]
