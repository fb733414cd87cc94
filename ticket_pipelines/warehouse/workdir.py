"""Working folders of dlt: fresh for each pipeline, in memory where there is room, gone when closed.

A killed process leaves its folder behind. Each folder has a lock file beside it that its process holds for as long as
it lives; the next process that makes a folder removes those that nobody holds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own, mode 0700, is made below it
ROOM = 1 << 30
"""Bytes that must be free in memory: a load package and what others need there."""


def root() -> Path:
    """The folder that holds all working folders of this user."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    base = MEMORY if _roomy(MEMORY) else Path(tempfile.gettempdir())
    return base / f"ticket-pipelines-{user}"


def _roomy(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= ROOM


class WorkingFolder:
    """One folder, held until closed."""

    def __init__(self, below: Path | None = None) -> None:
        below = below or root()
        below.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_abandoned(below)
        name = uuid.uuid4().hex
        self._lock = FileLock(below / f"{name}.lock", thread_local=False)
        self._lock.acquire()
        self.path = below / name
        self.path.mkdir(mode=0o700)

    def close(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)


def remove_abandoned(below: Path) -> None:
    """Removes folders whose process is gone."""
    for held in below.glob("*.lock"):
        lock = FileLock(held)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        shutil.rmtree(held.with_suffix(""), ignore_errors=True)
        lock.release()
        held.unlink(missing_ok=True)
