"""The one way in which an op comes to the project: opened when it runs, never when code is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from ticket_pipelines.project import Project, open_project
from ticket_pipelines.settings import Settings, read_settings
from ticket_pipelines.sync.progress import Progress, quiet


@dataclass(frozen=True, slots=True)
class Tickets:
    """Opens the project inside an op.

    Attributes:
        settings: Settings of the command that runs the job in its process; None: those of the environment.
        progress: Who watches the sync.
    """

    settings: Settings | None = None
    progress: Progress = quiet

    def open(self) -> Project:
        """The project, to be used as a context manager.

        Raises:
            SettingsError: A variable of the environment is wrong or missing.
        """
        return open_project(self.read())

    def read(self) -> Settings:
        """The settings.

        Raises:
            SettingsError: A variable of the environment is wrong.
        """
        return self.settings or read_settings()
