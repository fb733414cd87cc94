"""One user of a DuckDB file at a time, across threads and processes.

DuckDB lets one process write to a file and refuses all others with "Could not set lock". So each load and each read
takes the lock file beside the database for as long as it has the file open, which is short, and others wait. The holder
writes down who it is, so that who waits in vain can say for whom. A killed holder's lock is freed by the system.

Who waits first takes a second lock, the queue: one waits for the file, the others for the queue, and a reader that
asks again and again cannot keep a load out.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ticket_pipelines.errors import WarehouseUnavailableError

POLL_SECONDS = 0.02


def holder() -> str:
    """This process in words: its command without arguments (they may hold secrets), its id, the time."""
    command = Path(sys.argv[0] or sys.executable).name
    return f"{command} (process {os.getpid()}, since {datetime.now(UTC):%H:%M:%S} UTC)"


@contextmanager
def held(database: Path, wait: float) -> Iterator[None]:
    """Holds the lock of a database file.

    Args:
        database: The DuckDB file; beside it stand `<name>.lock`, `<name>.queue` and `<name>.holder`.
        wait: Seconds to wait for whoever has it.

    Raises:
        WarehouseUnavailableError: It is still held then; says by whom.
    """
    note = database.with_name(f"{database.name}.holder")
    queue, lock = _file_lock(database, "queue"), _file_lock(database, "lock")
    deadline = time.monotonic() + wait
    try:
        with queue.acquire(timeout=wait):
            lock.acquire(timeout=max(0.0, deadline - time.monotonic()))
    except Timeout:
        raise WarehouseUnavailableError(busy(database, wait, read_note(note))) from None
    try:
        note.write_text(holder())
        yield
    finally:
        with suppress(OSError):
            note.unlink()
        lock.release()


def is_wanted(database: Path) -> bool:
    """Whether somebody waits for the lock that the caller holds."""
    queue = _file_lock(database, "queue")
    try:
        with queue.acquire(timeout=0):
            return False
    except Timeout:
        return True


def _file_lock(database: Path, name: str) -> FileLock:
    # held by whoever took it, in whichever thread it is given back
    return FileLock(database.with_name(f"{database.name}.{name}"), poll_interval=POLL_SECONDS, thread_local=False)


def read_note(note: Path) -> str:
    """Who holds the lock, as far as it is known."""
    try:
        return note.read_text().strip() or "another process"
    except OSError:
        return "another process"


def busy(database: Path, wait: float, by: str) -> str:
    """Message about a database that stayed held."""
    return f"Warehouse {database} has been in use by {by} for over {wait:g} seconds; try again when it is done."
