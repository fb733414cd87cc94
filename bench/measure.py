"""CPU, wall and peak memory of a command as a process tree, and the CPU that a server spent for it meanwhile.

CPU of the command is what the kernel charges to it and to all children it waited for (`wait4`). CPU of the server is
the difference of its own tree's counters before and after (`/proc`); children that have ended are in their parent's
counters once it has reaped them, so the second reading waits a moment. Peak memory is the largest sum of resident
memory over the command's tree, sampled twenty times a second, or the kernel's own high-water mark of its first process
if that is larger. Linux only.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

ROOT = Path(__file__).parents[1]
"""Commands run here, where `bench` can be imported."""
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SAMPLE_SECONDS = 0.05
REAP_SECONDS = 0.5
"""A Postgres backend ends a little after its client; its CPU counts once the postmaster has reaped it."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What one command cost.

    Attributes:
        wall: Seconds from start to end.
        client: CPU seconds of the command and its children, user and system.
        server: CPU seconds of the database server's processes meanwhile; 0 for an embedded engine.
        peak: Largest resident memory of the command's tree, bytes.
    """

    wall: float
    client: float
    server: float
    peak: int

    @property
    def total(self) -> float:
        """CPU seconds of client and server."""
        return self.client + self.server


class CommandFailedError(RuntimeError):
    """A measured command ended with an error; the message holds the end of its output."""


def _stat(pid: int) -> list[str] | None:
    """The fields of `/proc/<pid>/stat` from the third on; None once the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2 :].split()


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 -- a Path for each of hundreds of entries, 20 times a second, costs
        if entry.isdigit() and (fields := _stat(int(entry))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, []))
    return found


def cpu_of_tree(root: int) -> float:
    """CPU seconds that a process tree has spent so far, its ended and reaped children included."""
    # utime, stime, cutime, cstime are fields 14 to 17 of the file
    fields = [found for pid in tree(root) if (found := _stat(pid)) is not None]
    return sum(int(tick) for one in fields for tick in one[11:15]) / TICKS


def memory_of_tree(root: int) -> int:
    """Resident memory of a process tree now, bytes."""
    return sum(int(found[21]) for pid in tree(root) if (found := _stat(pid)) is not None) * PAGE_BYTES


def _high_water(pid: int) -> int:
    """The most memory that a process has had resident since it started its program, bytes; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    _, found, rest = status.partition("VmHWM:")
    return int(rest.split(None, 1)[0]) * 1024 if found else 0


def _watch_memory(pid: int, ended: threading.Event, peak: list[int]) -> None:
    while not ended.wait(SAMPLE_SECONDS):
        peak[0] = max(peak[0], memory_of_tree(pid), _high_water(pid))


def measure(
    command: Sequence[str | Path], *, log: Path, server: int | None = None, environment: Mapping[str, str] | None = None
) -> Measure:
    """Runs a command to its end and says what it cost.

    Args:
        command: Program and arguments.
        log: File for its output.
        server: First process of the database server, if there is one.
        environment: Additions to the environment.

    Raises:
        CommandFailedError: The command ended with an error.
    """
    full_environment = os.environ | dict(environment or {})
    before = cpu_of_tree(server) if server else 0.0
    peak, ended = [0], threading.Event()
    with log.open("wb") as output:
        started = perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=output, env=full_environment, cwd=ROOT)
        watcher = threading.Thread(target=_watch_memory, args=(process.pid, ended, peak))
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - started
        ended.set()
        watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise CommandFailedError(f"{command[0]} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
    if server:
        sleep(REAP_SECONDS)
    spent = cpu_of_tree(server) - before if server else 0.0
    return Measure(wall, usage.ru_utime + usage.ru_stime, spent, peak[0])
