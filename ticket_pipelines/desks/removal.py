"""Deletes what is left of a desk."""

from __future__ import annotations

from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.project import Project
from ticket_pipelines.sync.lease import hold


def purge_desk(project: Project, desk: Desk) -> None:
    """Deletes a desk's rows in the warehouse, then its registration; its key is free again.

    A failure in between leaves the desk removed: the same call finishes the work.

    Raises:
        DeskBusyError: A sync of it still runs.
        WarehouseUnavailableError: The warehouse cannot be written.
    """
    with hold(project.control, desk.key):
        project.warehouse.purge(desk.vendor, desk.key)
        project.desks.purge(desk.key)
