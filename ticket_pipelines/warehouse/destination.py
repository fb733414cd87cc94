"""What our dlt destinations have in common: one job that upserts a parquet file, and nothing else on our tables.

dlt's own merge loads into a staging dataset that has to be made, emptied and kept apart for each desk, and merges from
there. Our jobs read the package's files and upsert each in one transaction (`Writer.upsert`), so no half table is ever
seen, nothing is left behind by a crash, and desks share nothing. dlt keeps what it does well: the package, the schema
history, the position, `_dlt_loads`.

Everything overridden here is a public method of dlt's job client or destination, and one private event is set;
`test_dlt_hooks.py` proves that dlt still calls each.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from dlt.common.destination.capabilities import DestinationCapabilitiesContext
from dlt.common.destination.client import (
    DestinationClientConfiguration,
    FollowupJobRequest,
    HasFollowupJobs,
    LoadJob,
    RunnableLoadJob,
)
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.pipeline import current_pipeline
from dlt.common.schema import Schema
from dlt.common.storages.load_package import LoadJobInfo


class Writer(Protocol):
    """The side of a warehouse that a load job writes through."""

    def upsert(self, table: str, parquet: Path, columns: Sequence[str]) -> None:
        """Upserts these columns of the file's rows into the table in one transaction."""
        ...


class Upserts:
    """The files of one load, upserted in the order in which they are given: what is derived stands before its origin.

    dlt starts its jobs in the order in which the working folder's file system lists them, which is any. A load that
    dies in between would leave an origin without what is derived of it; and as an origin that stands is not written
    again, for good.

    Args:
        writer: Writes them.
        files: Parquet file of each table.
        columns: Columns that each file gives.
    """

    def __init__(self, writer: Writer, files: Mapping[str, Path], columns: Mapping[str, Sequence[str]]) -> None:
        self._writer = writer
        self._left = dict(files)
        self._columns = columns

    def up_to(self, table: str) -> None:
        """Upserts the table and what has to stand before it, unless it was."""
        if table not in self._columns:
            raise KeyError(table)
        while table in self._left:
            name, file = next(iter(self._left.items()))
            self._writer.upsert(name, file, self._columns[name])
            del self._left[name]


class UpsertJob(RunnableLoadJob, HasFollowupJobs):
    """dlt's job of one table of a load: upserts it in its turn."""

    def __init__(self, file_path: str, upserts: Upserts) -> None:
        super().__init__(file_path)
        self._upserts = upserts

    def run(self) -> None:
        """Called by dlt, in its worker."""
        try:
            self._upserts.up_to(self.load_table_name)
        except Exception:
            # dlt wakes its loop for a job that ended, not for one to be tried again: that would cost a second each time
            with suppress(ValueError, AttributeError):
                self._done_event.release()
            raise


class UpsertClientMixin:
    """Put before a job client of dlt's: sends our tables' files through `Writer.upsert`."""

    upserts: Upserts

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """Our job for our tables; dlt's own for its tables."""
        if is_ours(table):
            return UpsertJob(file_path, self.upserts)
        job: LoadJob = super().create_load_job(table, file_path, load_id, restore)  # type: ignore[misc]
        return job

    def update_stored_schema(
        self, only_tables: Iterable[str] | None = None, expected_update: Any = None, force: bool = False
    ) -> Any:
        """Makes dlt's own tables; ours are made by `Warehouse.ensure` alone, with their key."""
        del only_tables
        names = self.schema.dlt_table_names()  # type: ignore[attr-defined]
        return super().update_stored_schema(names, expected_update, force)  # type: ignore[misc]

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:  # noqa: ARG002 - dlt's signature
        """Never: the job merges by itself."""
        return False

    def create_table_chain_completed_followup_jobs(
        self,
        table_chain: Sequence[PreparedTableSchema],
        completed_table_chain_jobs: Sequence[LoadJobInfo] | None = None,
    ) -> list[FollowupJobRequest]:
        """None for our tables."""
        if is_ours(table_chain[0]):
            return []
        jobs: list[FollowupJobRequest] = super().create_table_chain_completed_followup_jobs(  # type: ignore[misc]
            table_chain, completed_table_chain_jobs
        )
        return jobs

    def complete_load(self, load_id: str) -> None:
        """Marks the package as loaded, which makes its position the valid one; drops the positions before it.

        A desk that is read every minute would otherwise leave half a million rows a year, and each restore reads them.
        A package whose position did not change brings none: the last one before stays.
        """
        super().complete_load(load_id)  # type: ignore[misc]
        self.drop_superseded()

    def drop_superseded(self) -> None:
        """Drops the positions before the valid one."""
        client: Any = self
        name = current_pipeline().pipeline_name
        state = client.sql_client.make_qualified_table_name(client.schema.state_table_name)
        loads = client.sql_client.make_qualified_table_name(client.schema.loads_table_name)
        superseded = (
            f"SELECT old._dlt_load_id FROM {state} AS old "
            f"JOIN {state} AS new ON new.pipeline_name = old.pipeline_name AND new._dlt_load_id > old._dlt_load_id "
            f"JOIN {loads} AS done ON done.load_id = new._dlt_load_id AND done.status = 0 "
            "WHERE old.pipeline_name = %s"
        )
        found = client.sql_client.execute_sql(superseded, name)
        for (old,) in found or ():
            for table, column in ((state, "_dlt_load_id"), (loads, "load_id")):
                client.sql_client.execute_sql(f"DELETE FROM {table} WHERE {column} = %s", old)


def is_ours(table: PreparedTableSchema) -> bool:
    """Whether a table is one of the desks' and not dlt's."""
    return not str(table["name"]).startswith("_dlt")


class ResolvedOnceMixin:
    """Put before a destination of dlt's: resolves configuration and capabilities once.

    dlt resolves them some forty times a load, a third of a small load's time. All parameters are given explicitly, so
    the answer cannot change.
    """

    writer: Writer
    upserts: Upserts
    """Set for each load."""

    def capabilities(
        self, config: DestinationClientConfiguration | None = None, naming: Any = None
    ) -> DestinationCapabilitiesContext:
        """As dlt's, remembered for each naming convention."""
        key = (config is None, type(naming).__name__, getattr(naming, "max_length", None))
        known: dict[Any, DestinationCapabilitiesContext] = self.__dict__.setdefault("_known_capabilities", {})
        if key not in known:
            known[key] = super().capabilities(config, naming)  # type: ignore[misc]
        return copy.copy(known[key])

    def configuration(
        self, initial_config: DestinationClientConfiguration, accept_partial: bool = False
    ) -> DestinationClientConfiguration:
        """As dlt's, remembered for each initial configuration."""
        if accept_partial:
            partial: DestinationClientConfiguration = super().configuration(initial_config, accept_partial)  # type: ignore[misc]
            return partial
        given: Iterable[tuple[str, Any]] = dict(initial_config or {}).items()
        key = repr(sorted((name, str(value)) for name, value in given if name != "credentials"))
        known: dict[str, DestinationClientConfiguration] = self.__dict__.setdefault("_known_configurations", {})
        if key not in known:
            known[key] = super().configuration(initial_config, accept_partial)  # type: ignore[misc]
            # a part that is not configured left an error in it, and that the frames of whoever asked: a package's rows
            known[key].__exception__ = None  # type: ignore[assignment]
        return known[key].copy()

    def client(self, schema: Schema, initial_config: DestinationClientConfiguration | None = None) -> Any:
        """As dlt's, with what its jobs upsert."""
        client = super().client(schema, initial_config)  # type: ignore[misc]
        client.upserts = self.upserts
        return client
