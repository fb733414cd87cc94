"""Clients that are kept open between probes: a new one costs a decryption, a token and a handshake each time."""

from __future__ import annotations

import resource
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from dlt_sources.base import Client
from ticket_pipelines.control.budgets import ControlBudgets
from ticket_pipelines.control.tokens import ControlTokens
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.project import Project

MOST = 5_000
"""Clients that are kept at most, some 100 kB each."""


def room() -> int:
    """Clients that may be kept: each holds a connection, hence one of the files that the process may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else min(MOST, files // 2)


class Clients:
    """Clients by desk, for several threads; who has one has it alone."""

    def __init__(self, project: Project, most: int | None = None) -> None:
        self._project = project
        self._most = room() if most is None else most
        self._budgets = ControlBudgets(project.control)
        self._tokens = ControlTokens(project.control, project.vault)
        self._kept: OrderedDict[str, tuple[datetime, Client]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def client(self, desk: Desk) -> Iterator[Client]:
        """The client of a desk for the block, kept afterwards unless it failed.

        The caller holds the desk's lease. A desk that was changed since gets a new one.

        Raises:
            SourceError: It cannot be opened.
        """
        client = self._taken(desk) or self._opened(desk)
        try:
            yield client
        except BaseException:
            client.close()
            raise
        self._keep(desk, client)

    def close(self) -> None:
        """Closes all that are kept."""
        with self._lock:
            kept, self._kept = self._kept, OrderedDict()
        for _, client in kept.values():
            client.close()

    def _taken(self, desk: Desk) -> Client | None:
        with self._lock:
            made, client = self._kept.pop(desk.key, (None, None))
        if client is not None and made != desk.updated_at:
            client.close()
            return None
        return client

    def _opened(self, desk: Desk) -> Client:
        credentials = self._project.desks.credentials(desk.key)
        return find_vendor(desk.vendor).open(desk.config, credentials, self._budgets, self._tokens)

    def _keep(self, desk: Desk, client: Client) -> None:
        with self._lock:
            self._kept[desk.key] = (desk.updated_at, client)
            oldest = self._kept.popitem(last=False)[1][1] if len(self._kept) > self._most else None
        if oldest is not None:
            oldest.close()
