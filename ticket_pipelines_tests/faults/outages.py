"""What goes wrong on our own side: from some page of a sync on, until the sync has ended."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ticket_pipelines.project import Project
from ticket_pipelines.warehouse.locking import held

PATIENCE = 0.05
"""Seconds that a sync waits for a warehouse that is held by others."""
LITTLE = 65_536
"""Bytes that each file may have on a disk that is full: what is written behind them fails."""


@dataclass(frozen=True)
class Outage:
    """One of them.

    Attributes:
        name: Its name.
        strike: Begins it in an installation, and ends it.
    """

    name: str
    strike: Callable[[Project], AbstractContextManager[None]]


@contextmanager
def _away(project: Project) -> Iterator[None]:
    """Somebody else has the warehouse, longer than anybody waits."""
    with pytest.MonkeyPatch.context() as patch, held(_warehouse(project), 30.0):
        patch.setattr(project.warehouse, "_reader_wait", PATIENCE)
        patch.setattr(project.warehouse, "_writer_wait", PATIENCE)
        yield


@contextmanager
def _locked(project: Project) -> Iterator[None]:
    """Somebody else writes to the control database, longer than anybody waits."""
    file = project.settings.control_file
    assert file is not None
    with closing(sqlite3.connect(file, timeout=30.0, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


@contextmanager
def _full(_project: Project) -> Iterator[None]:
    """No file grows, nor is written to behind its beginning; Python ignores the signal that comes with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LITTLE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _warehouse(project: Project) -> Path:
    path = project.warehouse.path  # type: ignore[attr-defined]
    assert isinstance(path, Path)
    return path


OUTAGES = (
    Outage("warehouse down", _away),
    Outage("control database locked", _locked),
    Outage("disk full", _full),
)
