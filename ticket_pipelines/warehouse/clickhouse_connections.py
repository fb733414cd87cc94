"""Clients of a ClickHouse server, or of the engine in this process (chDB); the same library, the same calls.

chDB opens a folder for one process at a time, and one folder a process. Opening costs little, but each time leaves a
few threads behind for good, so the engine stays open while this process uses it, and is let go as soon as another one
waits for its turn (`locking.py`): many small uses open it once, and nobody waits longer than one use takes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from ticket_pipelines.errors import UsageError
from ticket_pipelines.warehouse.base import SCHEMA
from ticket_pipelines.warehouse.locking import held, is_wanted
from ticket_pipelines.warehouse.url import ClickHouseAddress

SETTINGS: dict[str, Any] = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    # one part an insert, its rows in order: a load is seen whole, and of equal versions the last one counts
    "max_insert_threads": 1,
    "input_format_parquet_preserve_order": 1,
    # NULL in a key or version is a mistake and not '' or 0
    "input_format_null_as_default": 0,
    "min_insert_block_size_rows": 10_000_000,
    "min_insert_block_size_bytes": 0,
    # a package holds a key once: there is nothing to replace within it
    "optimize_on_insert": 0,
    # conditions on the key are met before rows are put together: a quarter of the cost of reading chosen ids
    "optimize_move_to_prewhere_if_final": 1,
    "distributed_foreground_insert": 1,
    "max_query_size": 16 * 2**20,
    # a new part is there for the next read, whichever replica answers it
    "select_sequential_consistency": 1,
}
"""Settings of every client that loads; stated, since servers and releases differ in their own."""
EMBEDDED = {**SETTINGS, "max_threads": 2}
KEPT = 4
POLL_SECONDS = 0.05


class Connections(Protocol):
    """Where clients come from."""

    def taken(self, *, wait: float) -> AbstractContextManager[Client]:
        """A client for the time of the `with`; `wait` are the seconds to wait for an engine that is in use."""
        ...

    def asking(self, *, wait: float) -> AbstractContextManager[Client]:
        """A client of its own that cannot write (`readonly=1`)."""
        ...

    def close(self) -> None:
        """Frees them."""
        ...


class ServerConnections:
    """One client of a server: it is thread-safe without sessions, and keeps connections of its own."""

    def __init__(self, address: ClickHouseAddress) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._client: Client | None = None

    def _connect(self, **settings: Any) -> Client:
        at = self._address
        return clickhouse_connect.get_client(
            host=at.host,
            port=at.port,
            username=at.user,
            password=at.password,
            secure=at.secure,
            verify=at.verify,
            ca_cert=at.ca_cert,
            connect_timeout=at.connect_timeout,
            send_receive_timeout=at.send_receive_timeout,
            autogenerate_session_id=False,
            form_encode_query_params=True,
            client_name="ticket-pipelines",
            settings=settings,
        )

    @contextmanager
    def taken(self, *, wait: float) -> Iterator[Client]:
        """The client."""
        del wait
        with self._lock:
            if self._client is None:
                self._client = self._connect(**SETTINGS)
            client = self._client
        yield client

    @contextmanager
    def asking(self, *, wait: float) -> Iterator[Client]:
        """A client that cannot write."""
        del wait
        client = self._connect(readonly=1)
        try:
            yield _at_home(client)
        finally:
            client.close()

    def close(self) -> None:
        """Closes the client."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None


def _at_home(client: Client) -> Client:
    """Names without a database are ours, where it is there; the server's default one shows files in chDB."""
    if client.query(f"SELECT name FROM system.databases WHERE name = '{SCHEMA}'").result_rows:
        client.database = SCHEMA
    return client


class EmbeddedConnections:
    """Clients of chDB on one folder."""

    def __init__(self, path: Path) -> None:
        self._engine = _engine(path)

    @contextmanager
    def taken(self, *, wait: float) -> Iterator[Client]:
        """An idle client, or a new one."""
        with self._engine.used(wait):
            client = self._engine.client()
            try:
                yield client
            except BaseException:
                # the engine closes with its last client
                client.close()
                raise
            self._engine.keep(client)

    @contextmanager
    def asking(self, *, wait: float) -> Iterator[Client]:
        """A client that cannot write; settings are a handle's own in chDB."""
        with self._engine.used(wait):
            client = self._engine.connect(readonly=1)
            try:
                yield _at_home(client)
            finally:
                client.close()

    def close(self) -> None:
        """Lets the engine go, unless another warehouse of this process uses it."""
        self._engine.leave()


class _Engine:
    """The engine on one folder, open while it is used here and nobody else waits for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.RLock()
        self._users = 0
        self._held: ExitStack | None = None
        self._idle: list[Client] = []

    @contextmanager
    def used(self, wait: float) -> Iterator[None]:
        """The engine is open within the `with`."""
        with self._guard:
            if self._held is None:
                self._enter(wait)
            self._users += 1
        try:
            yield
        finally:
            with self._guard:
                self._users -= 1
                self._yield_turn()

    def connect(self, **settings: Any) -> Client:
        """A new client of the open engine."""
        return clickhouse_connect.get_client(interface="chdb", path=str(self.path), settings=settings)

    def client(self) -> Client:
        """An idle client, or a new one."""
        with self._guard:
            return self._idle.pop() if self._idle else self.connect(**EMBEDDED)

    def keep(self, client: Client) -> None:
        """Takes a client back; one whose use failed is not given back."""
        with self._guard:
            if len(self._idle) < KEPT:
                self._idle.append(client)
                return
        client.close()

    def leave(self) -> None:
        """Closes the engine if it is not in use."""
        with self._guard:
            if self._held is None or self._users:
                return
            held, self._held = self._held, None
            held.close()

    def _enter(self, wait: float) -> None:
        for other in list(_engines.values()):
            if other is not self:
                other.leave()
                if other._held is not None:
                    raise UsageError(f"chDB has {other.path} open in this process: use one folder a process.")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(held(self.path, wait))
            stack.callback(self._close_clients)
            self._idle.append(self.connect(**EMBEDDED))
            self._held = stack.pop_all()
        threading.Thread(target=self._watch, args=(self._held,), name="chdb-turn", daemon=True).start()

    def _close_clients(self) -> None:
        idle, self._idle = self._idle, []
        for client in idle:
            # the engine closes with its last client; an error of a broken one says nothing more
            with suppress(ClickHouseError):
                client.close()

    def _watch(self, turn: ExitStack) -> None:
        """Lets the engine go when it idles and another process waits."""
        pause = threading.Event()
        while not pause.wait(POLL_SECONDS):
            with self._guard:
                if self._held is not turn:
                    return
                self._yield_turn()

    def _yield_turn(self) -> None:
        if not self._users and self._held is not None and is_wanted(self.path):
            self.leave()


_engines: dict[Path, _Engine] = {}
_engines_lock = threading.Lock()


def _engine(path: Path) -> _Engine:
    with _engines_lock:
        return _engines.setdefault(path, _Engine(path))
