"""What every warehouse engine can do. One engine is one file beside this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.table import TableSpec

SCHEMA = "helpdesk"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the warehouse holds of one row."""

    version: int
    content_hash: int | None
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Retirement:
    """What goes from a warehouse by age.

    Attributes:
        runs_before: Syncs that began earlier go.
        kept_runs: Ids of earlier ones that stay: the last of each desk.
        loads_before: dlt's notes of earlier loads go, save those that a restore needs.
    """

    runs_before: datetime
    kept_runs: tuple[str, ...]
    loads_before: datetime


class DeskPipeline(Protocol):
    """The dlt pipeline of one desk: rows and position are committed together."""

    def state(self) -> dict[str, Any]:
        """The position as the warehouse holds it ({} for a new desk)."""
        ...

    def load(self, tables: Mapping[str, pa.Table], specs: Mapping[str, TableSpec], state: dict[str, Any]) -> None:
        """Upserts the rows and commits the position with them, all or nothing per table, position last.

        Each (desk, id) stands at most once in a table. A stored row with a higher version stays. Tables and columns
        exist already (`Warehouse.ensure`).

        Raises:
            WarehouseRejectedError: The warehouse refuses some row; nothing wedges the next load.
            WarehouseUnavailableError: The warehouse is away, locked or full.
        """
        ...

    def close(self) -> None:
        """Removes the pipeline's working folder."""
        ...


class Warehouse(Protocol):
    """One warehouse, open. Thread-safe."""

    engine: str
    label: str
    """Address for messages, without a password."""

    def prepare(self, tables: Sequence[TableSpec], views: Mapping[str, str]) -> None:
        """Makes the schema, the tables and the views (name to SELECT) where they are missing or changed."""
        ...

    def identity(self) -> str:
        """The warehouse's own id, made at its first `prepare`; another one means another warehouse."""
        ...

    def ensure(self, *specs: TableSpec) -> None:
        """Creates tables or adds the columns that are missing, under the warehouse's lock. Cheap when nothing is."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """Reads by this thread within the `with` take one turn at the warehouse; nothing may be written meanwhile."""
        ...

    def columns(self, table: str) -> dict[str, Kind]:
        """The columns that a table really has, by name; {} where there is no table."""
        ...

    def stored(self, table: str, desk: str, ids: Sequence[str]) -> dict[str, Stored]:
        """What is stored of these ids (missing ones left out; {} where there is no table)."""
        ...

    def rows(
        self,
        table: str,
        desk: str,
        *,
        column: str | None = None,
        values: Sequence[str] = (),
        alive: bool = False,
        columns: Sequence[str] | None = None,
        batch: int = 10_000,
    ) -> Iterator[pa.Table]:
        """Rows of a desk as Arrow (types of `table.py`), in batches ordered by id.

        Args:
            table: Name of the table; an absent one gives no batch.
            desk: Key of the desk.
            column: Where given, only rows whose `column` is one of `values`.
            values: Values of that column, as text.
            alive: Only rows that are not deleted.
            columns: Chosen columns; None: all.
            batch: Rows a batch at most.
        """
        ...

    def pipeline(self, vendor: str, desk: str) -> DeskPipeline:
        """The desk's pipeline, its position restored from the warehouse."""
        ...

    def query(self, sql: str) -> pa.Table:
        """Runs SQL read-only, made so by the engine and not by looking at the text.

        Raises:
            UsageError: The SQL is wrong, or tries to write.
            WarehouseUnavailableError: No connection, or locked for over 30 s (names the holder).
        """
        ...

    def write_runs(self, runs: pa.Table) -> None:
        """Upserts rows of `sync_runs` by id."""
        ...

    def purge(self, vendor: str, desk: str) -> None:
        """Deletes all rows and the position of a desk."""
        ...

    def retire(self, what: Retirement) -> dict[str, int]:
        """Deletes what is too old of `sync_runs` and of dlt's notes; how many rows went, by table."""
        ...

    def close(self) -> None:
        """Frees connections."""
        ...
