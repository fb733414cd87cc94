"""One installation, open: settings, control database, vault, desks and, when first asked for, the warehouse."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ticket_pipelines.control.connection import open_control
from ticket_pipelines.desks.credentials import KeyFile, Vault
from ticket_pipelines.desks.registry import Registry
from ticket_pipelines.logs import hide
from ticket_pipelines.settings import Settings, read_settings

if TYPE_CHECKING:
    from ticket_pipelines.warehouse.base import Warehouse


class Project:
    """One installation. Thread-safe; use it as a context manager, or `close` it.

    Attributes:
        settings: The settings it was opened with.
        control: The control database, migrated.
        vault: Encrypts and decrypts.
        desks: The registry.
    """

    def __init__(self, settings: Settings) -> None:
        hide(settings.secret_keys)
        self.settings = settings
        self.control: sa.Engine = open_control(settings.control_db)
        file = settings.control_file
        self.vault = Vault(
            KeyFile(file.with_suffix(".key")) if file and not settings.secret_keys else settings.secret_keys
        )
        self.desks = Registry(self.control, self.vault)
        self._warehouse: Warehouse | None = None
        self._opening = threading.Lock()

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse, opened and prepared at the first use.

        Raises:
            WarehouseUnavailableError: It cannot be reached.
        """
        with self._opening:
            if self._warehouse is None:
                self._warehouse = _prepared(self.settings)
            return self._warehouse

    def close(self) -> None:
        """Frees connections."""
        with self._opening:
            if self._warehouse is not None:
                self._warehouse.close()
                self._warehouse = None
        self.control.dispose()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_project(settings: Settings | Mapping[str, str] | None = None) -> Project:
    """Opens the installation of these settings (or of an environment; default: the process's own).

    Raises:
        SettingsError: A setting is wrong or missing.
        ControlUnavailableError: The control database cannot be opened.
    """
    return Project(settings if isinstance(settings, Settings) else read_settings(settings))


def _prepared(settings: Settings) -> Warehouse:
    # imported late: commands that need the control database alone start in a fraction of the time
    from ticket_pipelines.unified.job_history import job_views
    from ticket_pipelines.unified.model import TABLES
    from ticket_pipelines.unified.views import views
    from ticket_pipelines.warehouse import open_warehouse

    warehouse = open_warehouse(settings.warehouse, settings.home)
    try:
        warehouse.prepare(list(TABLES.values()), {**views(warehouse.engine), **job_views(warehouse.engine)})
    except BaseException:
        warehouse.close()
        raise
    return warehouse
