"""The points at which a process can be killed: calls of what reads, shapes, loads, commits and records.

They are counted by phase, over all threads: the n-th call of a phase is the same place in every run.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

PHASES: Mapping[str, tuple[str, ...]] = {
    "extract": (
        "dlt_sources.http",
        "ticket_pipelines.control.budgets",
        "ticket_pipelines.control.tokens",
        "ticket_pipelines.sync.heads",
        "ticket_pipelines.sync.reading",
    ),
    "shape": (
        "ticket_pipelines.sync.derive",
        "ticket_pipelines.sync.drift",
        "ticket_pipelines.sync.package",
        "ticket_pipelines.sync.shape",
        "ticket_pipelines.sync.stored_rows",
    ),
    "load": ("ticket_pipelines.sync.load", "ticket_pipelines.warehouse.loading"),
    "commit": (
        "dlt.destinations.job_client_impl",
        "dlt.load.load",
        "ticket_pipelines.sync.cursors",
        "ticket_pipelines.sync.position",
        "ticket_pipelines.sync.quarantine",
        "ticket_pipelines.sync.restores",
    ),
    "record": (
        "ticket_pipelines.desks.registry",
        "ticket_pipelines.sync.engine",
        "ticket_pipelines.sync.lease",
        "ticket_pipelines.sync.runs",
    ),
    "engine": (
        "ticket_pipelines.warehouse.clickhouse",
        "ticket_pipelines.warehouse.clickhouse_connections",
        "ticket_pipelines.warehouse.clickhouse_destination",
        "ticket_pipelines.warehouse.clickhouse_parts",
        "ticket_pipelines.warehouse.clickhouse_tables",
        "ticket_pipelines.warehouse.destination",
        "ticket_pipelines.warehouse.duckdb",
        "ticket_pipelines.warehouse.duckdb_destination",
        "ticket_pipelines.warehouse.locking",
        "ticket_pipelines.warehouse.postgres",
        "ticket_pipelines.warehouse.postgres_destination",
    ),
}
"""Modules whose functions and methods are points, by phase; "engine" is the part of load and commit that each engine
does in its own way."""

MODULES = tuple(name for names in PHASES.values() for name in names)
OURS = ("dlt_sources", "ticket_pipelines")


@dataclass(frozen=True)
class Point:
    """A place in a sync.

    Attributes:
        phase: One of `PHASES`.
        number: The n-th call of that phase, from 1.
    """

    phase: str
    number: int


class Points:
    """Counts points, and kills the process at the chosen one."""

    def __init__(self, last: Point | None) -> None:
        self.passed: Counter[str] = Counter()
        self._last = last

    def watch(self) -> None:
        """Makes points of the calls of all modules."""
        for phase, names in PHASES.items():
            for name in names:
                self._watch(phase, importlib.import_module(name))

    def _watch(self, phase: str, module: ModuleType) -> None:
        for name, found in list(vars(module).items()):
            if getattr(found, "__module__", None) != module.__name__:
                continue
            if isinstance(found, FunctionType):
                _replace(name, found, self._counted(phase, found))
            elif isinstance(found, type):
                for method_name, method in list(vars(found).items()):
                    if isinstance(method, FunctionType) and not method_name.startswith("__"):
                        setattr(found, method_name, self._counted(phase, method))

    def _counted(self, phase: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.passed[phase] += 1
            if self._last is not None and self._last == Point(phase, self.passed[phase]):
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counted


def _replace(name: str, before: FunctionType, after: Callable[..., Any]) -> None:
    """Puts a function in another one's place wherever it was imported by its name."""
    for module in list(sys.modules.values()):
        if module.__name__.startswith(OURS) and vars(module).get(name) is before:
            setattr(module, name, after)
