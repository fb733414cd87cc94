"""The lease of a desk: the right to sync it now, for whoever asks, over threads, processes and machines.

A row in the control database names the holder, when its right ends, and a fencing token that rises with every grant. A
heartbeat in a thread of its own prolongs it; a killed holder stops doing so, and the desk is free after `TTL` seconds.
A holder that slept past the end finds out at the next `check`, before it loads anything.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ticket_pipelines.control.connection import name_of, reading
from ticket_pipelines.control.database import leases as table
from ticket_pipelines.errors import DeskBusyError, LeaseLostError
from ticket_pipelines.logs import topic
from ticket_pipelines.sync.progress import Progress, quiet

log = topic("sync")

TTL = 60.0
"""Seconds for which a grant, or a heartbeat, holds."""

HEARTBEAT = 15.0
"""Seconds between heartbeats."""

_POLL = 0.5


_RELEASE = (
    sa.update(table)
    .where(table.c.desk == sa.bindparam("of_desk"), table.c.token == sa.bindparam("of_token"))
    .where(table.c.expires_at >= sa.bindparam("now"))
    .values(expires_at=sa.bindparam("over"))
)


@dataclass(frozen=True, slots=True)
class Lease:
    """A granted lease.

    Attributes:
        control: The control database.
        desk: Key of the desk.
        token: The fencing token of this grant.
        ttl: Seconds for which a heartbeat holds.
    """

    control: sa.Engine
    desk: str
    token: int
    ttl: float = TTL

    def check(self) -> None:
        """Proves that the lease still holds, and prolongs it. To be called before each load.

        Raises:
            LeaseLostError: It ended; somebody else may have it.
        """
        if not self.prolong():
            raise LeaseLostError(
                f"the sync of desk {self.desk!r} was stopped or asleep for over {self.ttl:g} s and lost its lease;"
                " nothing more is loaded.\nThe next sync goes on from the last package that was committed."
            )

    def prolong(self) -> bool:
        """One heartbeat. False where the lease has ended: an ended lease never comes back."""
        now = datetime.now(UTC)
        alive = sa.update(table).where(
            table.c.desk == self.desk, table.c.token == self.token, table.c.expires_at >= now
        )
        with self.control.begin() as connection:
            return connection.execute(alive.values(expires_at=now + timedelta(seconds=self.ttl))).rowcount == 1

    def release(self) -> None:
        """Gives the lease back. The row stays, so that the token goes on rising."""
        with self.control.begin() as connection:
            self.release_with(connection)

    def release_with(self, connection: sa.Connection) -> bool:
        """Gives the lease back in a transaction that records what came of holding it; False: it had ended before."""
        now = datetime.now(UTC)
        mine = {"of_desk": self.desk, "of_token": self.token, "now": now, "over": now - timedelta(seconds=1)}
        return connection.execute(_RELEASE, mine).rowcount == 1


def acquire(control: sa.Engine, desk: str, holder: str, ttl: float = TTL) -> Lease:
    """Takes the lease of a desk.

    Args:
        control: The control database.
        desk: Key of the desk.
        holder: Who takes it, in words.
        ttl: Seconds for which it holds without a heartbeat.

    Raises:
        DeskBusyError: Somebody holds it; names the holder and since when.
    """
    with control.begin() as connection:
        token = grant(connection, desk, holder, datetime.now(UTC), ttl)
    if token is None:
        raise _busy(control, desk)
    return Lease(control, desk, token, ttl)


def grant(connection: sa.Connection, desk: str, holder: str, now: datetime, ttl: float = TTL) -> int | None:
    """Gives the lease of a desk to a holder, if nobody has it.

    Returns:
        The fencing token; None: somebody holds the lease.
    """
    values = {
        "desk": desk,
        "token": 1,
        "holder": holder,
        "acquired_at": now,
        "expires_at": now + timedelta(seconds=ttl),
    }
    found = connection.execute(_granting(connection.dialect.name), values).scalar()
    return None if found is None else int(found)


@cache
def _granting(dialect: str) -> sa.Executable:
    """Makes a desk's first lease, or the next one where the last has ended."""
    first = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
    given = first.excluded
    next_one = {"token": table.c.token + 1, **{name: given[name] for name in ("holder", "acquired_at", "expires_at")}}
    ended = table.c.expires_at < given.acquired_at
    taken = first.on_conflict_do_update(index_elements=[table.c.desk], set_=next_one, where=ended)
    return taken.returning(table.c.token)


def revoke(control: sa.Engine, desk: str) -> str | None:
    """Ends the lease of a desk, whoever has it: a holder that still lives loads nothing more (`Lease.check`).

    Returns:
        Who held it, in words; None: nobody.
    """
    now = datetime.now(UTC)
    held = sa.and_(table.c.desk == desk, table.c.expires_at >= now)
    with control.begin() as connection:
        holder: str | None = connection.execute(sa.select(table.c.holder).where(held)).scalar()
        connection.execute(sa.update(table).where(held).values(expires_at=now - timedelta(seconds=1)))
    return holder


@contextmanager
def hold(
    control: sa.Engine,
    desk: str,
    holder: str | None = None,
    *,
    wait: bool | float = False,
    ttl: float = TTL,
    heartbeat: float = HEARTBEAT,
    progress: Progress = quiet,
    advice: str = "",
) -> Iterator[Lease]:
    """Holds the lease of a desk for the block, with a heartbeat.

    Args:
        control: The control database.
        desk: Key of the desk.
        holder: Who takes it, in words; None: this command, host and process.
        wait: Wait for a desk that is busy: True without end, a number for that many seconds.
        ttl: Seconds for which it holds without a heartbeat.
        heartbeat: Seconds between heartbeats.
        progress: Is told of a wait.
        advice: What else the caller offers where the desk is busy, as a sentence.

    Raises:
        DeskBusyError: Somebody holds it (still).
    """
    try:
        lease = _patiently(lambda: acquire(control, desk, holder or this_process(), ttl), wait, progress)
    except DeskBusyError as busy:
        raise DeskBusyError(f"{busy} {advice}".strip()) from None
    with kept(lease, heartbeat):
        yield lease


@dataclass(slots=True)
class Kept:
    """A lease that is kept alive.

    Attributes:
        given_back: It was given back with a record of its own; nothing is left to do at the end.
    """

    given_back: bool = False


@contextmanager
def kept(lease: Lease, heartbeat: float = HEARTBEAT) -> Iterator[Kept]:
    """Keeps a granted lease alive for the block, and gives it back at its end."""
    done = threading.Event()
    beats = threading.Thread(target=_beat, args=(lease, done, heartbeat), name=f"lease of {lease.desk}", daemon=True)
    beats.start()
    held = Kept()
    try:
        yield held
    finally:
        done.set()
        beats.join()
        if not held.given_back:
            lease.release()


def this_process() -> str:
    """This process in words: command, host and process id."""
    command = Path(sys.argv[0]).name or "python"
    return f"{command} on {socket.gethostname()}, process {os.getpid()}"


def _patiently(take: Callable[[], Lease], wait: bool | float, progress: Progress) -> Lease:
    deadline = time.monotonic() + (float("inf") if wait is True else float(wait))
    told = False
    while True:
        try:
            return take()
        except DeskBusyError as busy:
            if time.monotonic() >= deadline:
                raise
            if not told:
                progress.note(str(busy).partition("\n")[0])
                told = True
            time.sleep(_POLL)


def _beat(lease: Lease, done: threading.Event, interval: float) -> None:
    while not done.wait(interval):
        try:
            if not lease.prolong():
                return
        except (DBAPIError, PoolTimeoutError) as error:
            # the next beat may come through; if none does in time, check() says so
            log.warning("heartbeat of desk %s failed: %s", lease.desk, name_of(error))


def _busy(control: sa.Engine, desk: str) -> DeskBusyError:
    query = sa.select(table.c.holder, table.c.acquired_at).where(table.c.desk == desk)
    with reading(control) as connection:
        row = connection.execute(query).first()
    who = f"by {row.holder} since {row.acquired_at:%Y-%m-%d %H:%M:%S} UTC" if row else "by another process"
    return DeskBusyError(f"desk {desk!r} is being synced {who}.\nTry again later.")
