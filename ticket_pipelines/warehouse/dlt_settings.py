"""dlt's settings while one of our pipelines is open: fixed here, nothing read from files or the environment.

dlt looks for its settings in the environment, in `.dlt/` of the current folder and in the home folder. A stray
`LOAD__WORKERS` or `config.toml` there must not change what a sync does. dlt keeps one run context a process, so ours
stands in for it only as long as a pipeline of ours is open; then the one that was there comes back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers.doc import BaseDocProvider
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.configuration.utils import get_resolved_traces
from dlt.common.runtime.run_context import RunContext

SETTINGS: dict[str, Any] = {
    "runtime": {"dlthub_telemetry": False, "log_level": "CRITICAL", "intercept_signals": False},
    "pipelines": {"enable_runtime_trace": False},
    "providers": {"enable_airflow_secrets": False},
    "schema": {"naming": "direct"},
    "extract": {"workers": 1, "max_parallel_items": 1},
    "normalize": {"workers": 1, "parquet_normalizer": {"add_dlt_load_id": False}},
    "load": {"workers": 1, "raise_on_max_retries": 1, "delete_completed_jobs": True},
}


class _FixedProvider(BaseDocProvider):
    """Gives `SETTINGS` and nothing else."""

    @property
    def name(self) -> str:
        return "ticket-pipelines"

    @property
    def supports_secrets(self) -> bool:
        return True

    @property
    def is_writable(self) -> bool:
        return False


class _FixedContext(RunContext):
    """A run context with fixed settings and no module of the user's."""

    def initial_providers(self) -> list[ConfigProvider]:
        return [_FixedProvider(SETTINGS)]

    @property
    def module(self) -> ModuleType | None:
        return None


class _Borrowed:
    """Counts the open pipelines of this process, and swaps dlt's run context with the first and the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._cookie = ""

    def enter(self) -> None:
        with self._lock:
            if self._open == 0:
                context = Container()[PluggableRunContext]
                self._cookie = context.push_context()
                context.reload(_FixedContext("."))
            self._open += 1

    def leave(self) -> None:
        with self._lock:
            self._open -= 1
            if self._open == 0:
                Container()[PluggableRunContext].pop_context(self._cookie)


@contextmanager
def untraced() -> Iterator[None]:
    """Runs the block without dlt's log of the settings that it looked up.

    The log grows as long as the process lives, and through the errors of settings that were not found it keeps the
    frames of each lookup: for a load, the package's rows.
    """
    traces = get_resolved_traces()
    before, traces.logging_enabled = traces.logging_enabled, False
    try:
        yield
    finally:
        traces.logging_enabled = before


borrowed = _Borrowed()
