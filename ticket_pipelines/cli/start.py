"""How every command begins: settings read and checked, logs set up, the project opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ticket_pipelines.logs import configure_logs
from ticket_pipelines.settings import Settings, read_settings

if TYPE_CHECKING:
    from ticket_pipelines.project import Project


def start() -> Settings:
    """Reads the settings and sets the logs up.

    Raises:
        SettingsError: A setting is wrong or missing.
    """
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    return settings


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Project]:
    """The project of the environment (or of these settings), closed at the end of the block."""
    from ticket_pipelines.project import open_project

    with open_project(settings or start()) as project:
        yield project
