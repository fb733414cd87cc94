"""Leases: one holder at a time, over threads and processes; a killed holder frees the desk, a late one finds out."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ticket_pipelines.control.connection import open_control
from ticket_pipelines.control.database import leases
from ticket_pipelines.errors import DeskBusyError, LeaseLostError
from ticket_pipelines.sync.lease import Lease, acquire, hold, revoke
from ticket_pipelines.sync.progress import Quiet

ENDED = -1.0
"""A time to live that is over at once."""


@pytest.fixture(params=["sqlite", "postgres"])
def control(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    url = f"sqlite:///{tmp_path / 'control.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url").replace("postgresql:", "postgresql+psycopg2:")
    engine = open_control(url)
    yield engine
    engine.dispose()


def test_one_holder_at_a_time(control: sa.Engine) -> None:
    with hold(control, "acme", "first"), pytest.raises(DeskBusyError, match="by first since 20"):
        acquire(control, "acme", "second")


def test_desks_do_not_disturb_each_other(control: sa.Engine) -> None:
    with hold(control, "acme") as one, hold(control, "other") as two:
        one.check()
        two.check()


def test_the_token_rises_with_every_grant(control: sa.Engine) -> None:
    tokens = []
    for _ in range(3):
        with hold(control, "acme") as lease:
            tokens.append(lease.token)
    tokens.append(acquire(control, "acme", "killed", ttl=ENDED).token)
    tokens.append(acquire(control, "acme", "next").token)
    assert tokens == [1, 2, 3, 4, 5]


def test_an_ended_lease_never_comes_back(control: sa.Engine) -> None:
    late = acquire(control, "acme", "late", ttl=ENDED)
    assert not late.prolong()
    with pytest.raises(LeaseLostError, match="lost its lease"):
        late.check()


def test_a_late_holder_does_not_harm_the_next(control: sa.Engine) -> None:
    late = acquire(control, "acme", "late", ttl=ENDED)
    following = acquire(control, "acme", "following")
    late.release()
    with pytest.raises(LeaseLostError):
        late.check()
    following.check()
    with pytest.raises(DeskBusyError, match="by following"):
        acquire(control, "acme", "third")


def test_a_check_prolongs(control: sa.Engine) -> None:
    lease = acquire(control, "acme", "holder", ttl=60)
    soon = datetime.now(UTC) + timedelta(seconds=1)
    with control.begin() as connection:
        connection.execute(sa.update(leases).values(expires_at=soon))
    lease.check()
    with control.connect() as connection:
        assert connection.execute(sa.select(leases.c.expires_at)).scalar_one() > soon


def test_the_heartbeat_prolongs(control: sa.Engine) -> None:
    beaten = threading.Event()

    @sa.event.listens_for(control, "after_execute")
    def _after(*_call: object) -> None:
        if threading.current_thread() is not threading.main_thread():
            beaten.set()

    with hold(control, "acme", heartbeat=0.01):
        assert beaten.wait(30)


def test_a_revoked_lease_is_lost_to_its_holder_and_free_for_the_next(control: sa.Engine) -> None:
    hung = acquire(control, "acme", "hung")
    assert revoke(control, "other") is None
    assert revoke(control, "acme") == "hung"
    assert revoke(control, "acme") is None
    with pytest.raises(LeaseLostError):
        hung.check()
    following = acquire(control, "acme", "following")
    hung.release()
    following.check()
    assert following.token == hung.token + 1


def test_a_failure_gives_the_lease_back(control: sa.Engine) -> None:
    with suppress(RuntimeError), hold(control, "acme"):
        raise RuntimeError
    acquire(control, "acme", "next")


def test_advice_is_the_caller_s_own(control: sa.Engine) -> None:
    with hold(control, "acme", "first"):
        with pytest.raises(DeskBusyError, match=r"later\.$"), hold(control, "acme"):
            pass
        with pytest.raises(DeskBusyError, match=r"later\. Or wait\.$"), hold(control, "acme", advice="Or wait."):
            pass


def test_waiting_for_a_busy_desk(control: sa.Engine) -> None:
    first = acquire(control, "acme", "first")

    class Watcher(Quiet):
        def note(self, text: str) -> None:
            assert "by first" in text
            first.release()

    with hold(control, "acme", "second", wait=True, progress=Watcher()) as lease:
        assert lease.token == 2


def test_waiting_ends(control: sa.Engine) -> None:
    acquire(control, "acme", "first")
    with pytest.raises(DeskBusyError), hold(control, "acme", wait=0.01):
        pass


def test_of_many_threads_one_gets_it(control: sa.Engine) -> None:
    start = threading.Barrier(8)

    def attempt(number: int) -> Lease | None:
        start.wait()
        try:
            return acquire(control, "acme", f"thread {number}")
        except DeskBusyError:
            return None

    for _ in range(3):
        with ThreadPoolExecutor(8) as threads:
            granted = [lease for lease in threads.map(attempt, range(8)) if lease is not None]
        assert len(granted) == 1
        granted[0].release()


HOLDER = """
import sys
from ticket_pipelines.control.connection import open_control
from ticket_pipelines.sync.lease import hold
with hold(open_control(sys.argv[1]), "acme"):
    print("held", flush=True)
    sys.stdin.read()
"""


def held_elsewhere(control: sa.Engine) -> subprocess.Popen[str]:
    url = control.url.render_as_string(hide_password=False)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def expire(control: sa.Engine) -> None:
    with control.begin() as connection:
        connection.execute(sa.update(leases).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))


@pytest.fixture
def other_process(control: sa.Engine) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts a process that holds the desk; ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        started.append(held_elsewhere(control))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_killed_process_frees_the_desk_when_its_lease_ends(
    control: sa.Engine, other_process: Callable[[], subprocess.Popen[str]]
) -> None:
    holder = other_process()
    with pytest.raises(DeskBusyError, match=f"process {holder.pid}"):
        acquire(control, "acme", "me")
    holder.kill()
    holder.wait()
    with pytest.raises(DeskBusyError):
        acquire(control, "acme", "me")
    expire(control)
    assert acquire(control, "acme", "me").token == 2
