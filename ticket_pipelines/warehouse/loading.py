"""The dlt pipeline of a desk: rows and position in one load package.

    tables + position -> extract (our parquet files) -> normalize (hard links) -> load: upsert each table, then position

The position is dlt's source state. It counts once its package stands in `_dlt_loads`, which is written last: a load
that dies on the way leaves rows that the next load writes again, and the old position. A pipeline starts in an empty
folder with the position that the warehouse holds, so a worker has nothing of its own to lose; after a failed load it
starts so again, and the broken package is gone.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.common.schema import Schema
from dlt.extract import DltResource, DltSource

from dlt_sources.base import Kind
from ticket_pipelines.errors import TicketPipelinesError, WarehouseRejectedError
from ticket_pipelines.logs import topic
from ticket_pipelines.warehouse import dlt_settings, memory
from ticket_pipelines.warehouse.base import SCHEMA
from ticket_pipelines.warehouse.destination import Upserts
from ticket_pipelines.warehouse.failures import driver_errors, translate
from ticket_pipelines.warehouse.table import TableSpec
from ticket_pipelines.warehouse.workdir import WorkingFolder

log = topic("warehouse")

_OF_ROWS = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeError)

GROUP_ROWS = 1_250
"""Rows of a parquet row group: the unit in which a load takes memory."""

POSITION = "position"
"""Key of the position in the source's state."""


class DltDeskPipeline:
    """A desk's pipeline, open. Used by one thread, the holder of the desk's lease.

    Args:
        vendor: Name of the vendor; also of the dlt source.
        desk: Key of the desk.
        destination: dlt's destination of the warehouse.
        session: Opens what a load needs (a lock, a connection) for the time of one load.
        ensure: Makes tables or their missing columns.
        forget: Called after a failed load: what is known of the tables may be wrong.
        label: The warehouse's address for messages.
    """

    def __init__(
        self,
        vendor: str,
        desk: str,
        *,
        destination: Any,
        session: Callable[[], AbstractContextManager[None]],
        ensure: Callable[..., None],
        forget: Callable[[], None],
        label: str,
    ) -> None:
        self._vendor = vendor
        self._name = pipeline_name(vendor, desk)
        self._destination = destination
        self._session = session
        self._ensure = ensure
        self._forget = forget
        self._label = label
        self._folder: WorkingFolder | None = None
        self._pipeline: dlt.Pipeline | None = None
        memory.spend_sparingly()
        dlt_settings.borrowed.enter()
        self._closed = False
        try:
            self._opened()
        except BaseException:
            self.close()
            raise

    def state(self) -> dict[str, Any]:
        """The position as the warehouse holds it ({} for a new desk)."""
        sources: Mapping[str, Any] = self._opened()[0].state.get("sources", {})
        position: dict[str, Any] = sources.get(self._vendor, {}).get(POSITION, {})
        return copy.deepcopy(position)

    def load(self, tables: Mapping[str, pa.Table], specs: Mapping[str, TableSpec], state: dict[str, Any]) -> None:
        """Upserts the rows and commits the position with them; see `base.DeskPipeline`."""
        self._ensure(*(specs[name] for name in tables))
        pipeline, folder = self._opened()
        pipeline.activate()
        try:
            with dlt_settings.untraced(), TemporaryDirectory(dir=folder) as incoming:
                # a name of its own: ClickHouse takes equal rows of a file of the same name for a load sent twice
                load = uuid.uuid4().hex
                files = {name: Path(incoming) / f"{name}.{load}.parquet" for name in tables if tables[name].num_rows}
                for name, file in files.items():
                    _write(tables[name], file)
                self._destination.upserts = Upserts(
                    self._destination.writer, files, {name: tables[name].column_names for name in files}
                )
                pipeline.extract(self._source(tables, specs, state, files), loader_file_format="parquet")
                pipeline.normalize()
                with self._session():
                    pipeline.load(workers=1)
        except Exception as error:  # dlt wraps what drivers raise, in classes of its own that change
            self._drop()
            self._forget()
            raise self._translated(error) from None
        except BaseException:
            self._drop()
            raise
        finally:
            memory.give_back()

    def close(self) -> None:
        """Removes the pipeline's working folder."""
        if self._closed:
            return
        self._closed = True
        self._drop()
        dlt_settings.borrowed.leave()

    def _opened(self) -> tuple[dlt.Pipeline, Path]:
        """The pipeline and its folder, made empty and restored from the warehouse where there is none."""
        if self._pipeline is not None and self._folder is not None:
            return self._pipeline, self._folder.path
        self._folder = WorkingFolder()
        try:
            with dlt_settings.untraced(), self._session():
                pipeline = dlt.pipeline(
                    self._name,
                    pipelines_dir=str(self._folder.path),
                    destination=self._destination,
                    dataset_name=SCHEMA,
                )
                pipeline.sync_destination()
        except Exception as error:  # as in load
            self._drop()
            raise self._translated(error) from None
        self._pipeline = pipeline
        return pipeline, self._folder.path

    def _translated(self, error: Exception) -> Exception:
        """The error in our words. What neither a driver nor Arrow raised is no fault of a row, and sets none aside."""
        found = translate(error, self._label)
        if found is not None:
            return found
        about = f"The load of {self._name} into warehouse {self._label} failed"
        causes = [cause for cause in driver_errors(error) if isinstance(cause, _OF_ROWS)]
        if causes:
            return WarehouseRejectedError(f"{about}: {type(causes[0]).__name__}.")
        log.debug("%s", about, exc_info=error)
        last = list(driver_errors(error))[-1]
        return TicketPipelinesError(
            f"{about}: {type(last).__name__}, which is not about its rows. The position stays where it was; "
            "TICKETS_LOG_LEVEL=debug shows the trace."
        )

    def _drop(self) -> None:
        if self._pipeline is not None:
            if self._pipeline.is_active:
                self._pipeline.deactivate()
            self._pipeline = None
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def _source(
        self,
        tables: Mapping[str, pa.Table],
        specs: Mapping[str, TableSpec],
        state: dict[str, Any],
        files: Mapping[str, Path],
    ) -> DltSource:
        """One package as a dlt source: a resource a table, and one that moves the position."""
        position = json.loads(json.dumps(state))

        def move() -> Iterator[Any]:
            dlt.current.source_state()[POSITION] = position
            yield from ()

        resources = [_resource(name, tables[name], specs[name], file) for name, file in files.items()]
        moving: DltResource = dlt.resource(move, name=POSITION)
        return DltSource(Schema(self._vendor), self._vendor, [*resources, moving])


def pipeline_name(vendor: str, desk: str) -> str:
    """Name of a desk's pipeline."""
    return f"{vendor}__{desk}"


def _resource(name: str, rows: pa.Table, spec: TableSpec, file: Path) -> DltResource:
    """A table's file, which dlt takes into its package as it is."""
    given = dlt.mark.with_file_import(str(file), "parquet", rows.num_rows, hints=rows.schema.empty_table())
    resource: DltResource = dlt.resource(
        [given],
        name=name,
        write_disposition={"disposition": "merge", "strategy": "upsert"},
        primary_key=list(spec.key),
        columns={column.name: {"data_type": "json"} for column in spec.columns if column.kind is Kind.JSON},
    )
    return resource


def _write(rows: pa.Table, file: Path) -> None:
    """Writes a package's file. dlt's own writer codes and measures each column: twice the work, for one reader."""
    with pq.ParquetWriter(
        file, rows.schema, compression="none", use_dictionary=False, write_statistics=False, store_schema=False
    ) as writer:
        writer.write_table(rows, row_group_size=GROUP_ROWS)
