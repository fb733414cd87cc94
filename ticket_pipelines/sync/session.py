"""A desk, open: its account for reading, and its pipeline for loading from where the last commit left it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from dlt_sources.base import Client, OnWait, Vendor
from ticket_pipelines.control.budgets import ControlBudgets
from ticket_pipelines.control.tokens import ControlTokens
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.project import Project
from ticket_pipelines.sync import runs
from ticket_pipelines.sync.lease import Lease
from ticket_pipelines.sync.load import Loader, Target
from ticket_pipelines.sync.position import Position, number
from ticket_pipelines.sync.progress import Progress
from ticket_pipelines.sync.restores import mended
from ticket_pipelines.unified import mappings
from ticket_pipelines.unified.model import TABLES


@contextmanager
def connected(project: Project, desk: Desk, vendor: Vendor, on_wait: OnWait) -> Iterator[Client]:
    """Opens a desk's account; makes no request.

    Args:
        project: The installation.
        desk: The desk.
        vendor: Its vendor.
        on_wait: Is called before each wait for a limit.
    """
    credentials = project.desks.credentials(desk.key)
    budgets, tokens = ControlBudgets(project.control), ControlTokens(project.control, project.vault)
    with closing(vendor.open(desk.config, credentials, budgets, tokens)) as client:
        client.on_wait = on_wait
        yield client


@contextmanager
def opened(
    project: Project,
    desk: Desk,
    vendor: Vendor,
    lease: Lease,
    progress: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[Loader, Position]]:
    """Opens a desk for loading.

    Args:
        project: The installation.
        desk: The desk.
        vendor: Its vendor, as its account shows it.
        lease: Its lease.
        progress: Is told of loads and waits.
        sleep: Waits so many seconds for a warehouse that is away.

    Raises:
        UsageError: The warehouse holds rows of another account under this key.
        WarehouseUnavailableError: The warehouse is away.
    """
    warehouse = project.warehouse
    with closing(warehouse.pipeline(vendor.name, desk.key)) as pipeline:
        state = pipeline.state()
        begun = mended(project.control, warehouse, vendor, desk, state)
        position = Position(begun, number(state))
        target = Target(
            vendor=vendor,
            desk=desk.key,
            account=desk.account,
            warehouse=warehouse,
            pipeline=pipeline,
            control=project.control,
            cipher=project.vault,
            lease=lease,
            mappings=mappings(vendor.name, desk.config),
            unified=TABLES,
            progress=progress,
            doubtful=lambda: runs.unfinished(project.control, desk.key),
            sleep=sleep,
        )
        yield Loader(target, position), position
