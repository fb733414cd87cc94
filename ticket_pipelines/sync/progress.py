"""What a sync tells whoever watches it, while it goes on."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Somebody who watches one sync. Called from the thread that syncs; must not raise."""

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:
        """A page came: its rows, all rows of the sync so far, and the requests made so far."""
        ...

    def wait(self, seconds: float, why: str) -> None:
        """The sync waits that long, for a limit of the vendor or for another holder of the desk."""
        ...

    def loaded(self, rows: int) -> None:
        """A package is committed, with that many vendor rows."""
        ...

    def note(self, text: str) -> None:
        """Something that a person should know."""
        ...


class Quiet:
    """Nobody watches."""

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:
        """Ignored."""

    def wait(self, seconds: float, why: str) -> None:
        """Ignored."""

    def loaded(self, rows: int) -> None:
        """Ignored."""

    def note(self, text: str) -> None:
        """Ignored."""


quiet = Quiet()
