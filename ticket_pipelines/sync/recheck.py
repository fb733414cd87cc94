"""Which stored records a sync asks for one by one, because the vendor does not tell of their deletion."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dlt_sources.base import Recheck, Stream
from ticket_pipelines.control.due import stream_due
from ticket_pipelines.sync.layout import vendor_spec
from ticket_pipelines.sync.load import Target
from ticket_pipelines.sync.position import Position
from ticket_pipelines.warehouse.naming import column_name

TOGETHER = 100
"""Records after which a round that is cut off need not ask again."""


def rounds(
    target: Target, position: Position, stream: Stream, recheck: Recheck, now: datetime
) -> Iterator[tuple[list[str], str]]:
    """Ids to ask for, in order, each time with where a round that is cut off goes on.

    The first time is always without ids: what the client itself found missing is asked for in every sync. A round
    begins a while after the first sync, which has just read everything, and then in the stream's own rhythm.

    Args:
        target: Where the rows are.
        position: The desk's position; is told when a round has ended.
        stream: The stream.
        recheck: Which of its records are asked for.
        now: When the sync asks.
    """
    name = f"{stream.name} recheck"
    yield [], position.rechecked(stream.name)
    before = position.refreshed(name)
    if before is not None and stream_due(recheck.every, before, now):
        ids = [key for key in _stored(target, stream, recheck) if key > position.rechecked(stream.name)]
        for start in range(0, len(ids), TOGETHER):
            part = ids[start : start + TOGETHER]
            yield part, part[-1]
        yield [], ""
    if before is None or stream_due(recheck.every, before, now):
        position.refresh(name, now)


def _stored(target: Target, stream: Stream, recheck: Recheck) -> list[str]:
    """Ids of the living records that are worth asking for, in order."""
    table, column = vendor_spec(target.vendor, stream).name, column_name(recheck.field)
    batches = target.warehouse.rows(
        table, target.desk, column=column, values=list(recheck.equals), alive=True, columns=["id", column]
    )
    return sorted(key for batch in batches for key in batch["id"].to_pylist())
