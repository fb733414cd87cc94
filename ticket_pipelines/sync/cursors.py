"""The control database's copy of a desk's position, for probes; the warehouse holds the truth."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import cursors as table

_COPY = sa.select(table.c.state).where(
    table.c.desk == sa.bindparam("of_desk"), table.c.warehouse == sa.bindparam("in_warehouse")
)


def keep_copy(control: sa.Engine, desk: str, warehouse: str, state: dict[str, Any], now: datetime) -> None:
    """Writes the copy. The caller holds the desk's lease.

    Args:
        control: The control database.
        desk: Key of the desk.
        warehouse: Id of the warehouse that holds this position.
        state: The position as it was committed.
        now: When that was.
    """
    values = {"warehouse": warehouse, "state": state, "updated_at": now}
    with control.begin() as connection:
        if not connection.execute(sa.update(table).where(table.c.desk == desk).values(**values)).rowcount:
            connection.execute(sa.insert(table).values(desk=desk, **values))


def read_copy(control: sa.Engine, desk: str, warehouse: str) -> dict[str, Any]:
    """The copy of a desk's position in this warehouse; {} where there is none."""
    with reading(control) as connection:
        found: dict[str, Any] | None = connection.execute(_COPY, {"of_desk": desk, "in_warehouse": warehouse}).scalar()
    return found or {}
