"""Finds that the warehouse or the control database was put back from a backup, and makes the next sync mend it.

Each commit numbers the desk's position, in the warehouse and in the control database's copy. Where the two differ, one
of them is older than the other:

    warehouse older          its position is as old as its rows: the sync reads on from there. The copies of `sync_runs`
                             that went with it are written again, and no other desk's copy stands for a probe.
    control database older   (or killed right after a commit) what was set aside since is gone from the quarantine, and
                             the warehouse's position is past it: the sync goes back to where the copy stands. Rows that
                             are stored already are found unchanged; what cannot be stored is set aside again.

A position of another account than the desk's is refused: its rows are not this desk's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from dlt_sources.base import Vendor
from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import cursors, sync_runs
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.errors import UsageError
from ticket_pipelines.logs import topic
from ticket_pipelines.sync import quarantine
from ticket_pipelines.sync.position import STAMP, number
from ticket_pipelines.warehouse.base import Warehouse

log = topic("sync")

NONE = ""
"""Identity of no warehouse."""


class Restored(StrEnum):
    """What was put back."""

    NOTHING = "nothing"
    WAREHOUSE = "warehouse"
    CONTROL = "control database"


@dataclass(frozen=True, slots=True)
class Copy:
    """The control database's copy of a position.

    Attributes:
        warehouse: Identity of the warehouse that it belongs to.
        state: The position.
    """

    warehouse: str
    state: Mapping[str, Any]


def compare(state: Mapping[str, Any], copy: Copy | None, identity: str) -> Restored:
    """What was put back, by the position that the warehouse holds and the copy of it."""
    if copy is None:
        return Restored.CONTROL if state else Restored.NOTHING
    if copy.warehouse != identity:
        return Restored.WAREHOUSE
    stored, copied = number(state), number(copy.state)
    if stored == copied:
        return Restored.NOTHING
    return Restored.CONTROL if stored > copied else Restored.WAREHOUSE


def go_back(state: Mapping[str, Any], copy: Copy | None) -> dict[str, Any]:
    """The position as the copy has it, its number included: until it is committed anew, the two go on to differ.

    The columns that fields were given stay.
    """
    older = dict(copy.state) if copy else {}
    return older | ({"fields": state["fields"]} if "fields" in state else {})


def mended(
    control: sa.Engine, warehouse: Warehouse, vendor: Vendor, desk: Desk, state: dict[str, Any]
) -> dict[str, Any]:
    """The position from which a sync goes on. The caller holds the desk's lease.

    Args:
        control: The control database.
        warehouse: The warehouse.
        vendor: The desk's vendor.
        desk: The desk.
        state: The position that the warehouse holds.

    Raises:
        UsageError: It is of another account.
    """
    of = state.get(STAMP, {}).get("account", desk.account)
    if of != desk.account:
        raise UsageError(
            f"the warehouse holds rows of desk {desk.key!r} that come from the account {of}, not {desk.account}.\n"
            "Register this account under another key; `desks remove --purge` deletes the rows."
        )
    copy = _read(control, desk.key)
    found = compare(state, copy, warehouse.identity())
    if found is Restored.NOTHING:
        return state
    quarantine.clear_stored(control, warehouse, vendor.name, desk.key)
    if found is Restored.WAREHOUSE:
        log.info("desk %s: the warehouse is another one, or older than at the last sync; it is caught up", desk.key)
        _write_runs_again(control, desk.key)
        _disown_copies(control)
        return state
    log.info("desk %s: the control database lags behind the warehouse; what came since is read again", desk.key)
    return go_back(state, copy)


def _read(control: sa.Engine, desk: str) -> Copy | None:
    query = sa.select(cursors.c.warehouse, cursors.c.state).where(cursors.c.desk == desk)
    with reading(control) as connection:
        row = connection.execute(query).first()
    return Copy(row.warehouse, row.state) if row else None


def _write_runs_again(control: sa.Engine, desk: str) -> None:
    with control.begin() as connection:
        connection.execute(sa.update(sync_runs).where(sync_runs.c.desk == desk).values(in_warehouse=False))


def _disown_copies(control: sa.Engine) -> None:
    """Makes every desk's copy one of no warehouse: a probe by it would find nothing new where rows are missing."""
    with control.begin() as connection:
        connection.execute(sa.update(cursors).values(warehouse=NONE))
