"""What both engines read in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from ticket_pipelines.warehouse.base import Stored
from ticket_pipelines.warehouse.catalog import Relation
from ticket_pipelines.warehouse.table import ARROW, CONTENT_HASH


def hash_column(relation: Relation) -> str:
    """The content hash of a table that has one."""
    return CONTENT_HASH.name if CONTENT_HASH.name in relation.columns else "NULL"


def stored_rows(rows: Iterable[tuple[str, int, int | None, datetime | None]]) -> dict[str, Stored]:
    """Rows of id, version, content hash, deletion as `Stored` by id."""
    return {
        row_id: Stored(version, content_hash, deleted_at and deleted_at.astimezone(UTC))
        for row_id, version, content_hash, deleted_at in rows
    }


def batches(
    read: Callable[[str], pa.Table], wanted: Sequence[str], relation: Relation, batch: int
) -> Iterator[pa.Table]:
    """Reads batch after batch, each going on behind the last id of the one before.

    Nothing is held between two batches: the reader may load into the same warehouse meanwhile.

    Args:
        read: Gives the rows behind an id, in the order of their ids; its last column is the id.
        wanted: Columns to give.
        relation: The table's columns.
        batch: Rows that `read` gives at most; fewer means the end.
    """
    schema = pa.schema([pa.field(name, ARROW[relation.columns[name].kind]) for name in wanted])
    after = ""
    while True:
        found = read(after)
        if found.num_rows:
            after = _last(found.column(found.num_columns - 1))
            yield found.select(list(range(len(wanted)))).cast(schema)
        if found.num_rows < batch:
            return


def _last(ids: Any) -> str:
    return str(ids[-1].as_py())
