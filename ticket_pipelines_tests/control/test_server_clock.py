"""The server's clock as this machine tells it: asked anew after a while, and after a sleep."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ticket_pipelines.control.server_clock import HOLDS, ServerClock


@pytest.fixture
def clock(postgres_url: str) -> Iterator[ServerClock]:
    engine = sa.create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.connect() as connection:
        yield ServerClock(connection)
    engine.dispose()


@pytest.mark.parametrize(
    ("steady", "wall", "doubtful"),
    [(0.0, 0.0, False), (HOLDS + 1, HOLDS + 1, True), (0.0, 30.0, True), (0.0, -30.0, True)],
    ids=["at once", "after a while", "after a sleep", "a clock that is set back"],
)
def test_when_the_server_is_asked_anew(
    clock: ServerClock, monkeypatch: pytest.MonkeyPatch, steady: float, wall: float, doubtful: bool
) -> None:
    at = time.monotonic(), time.time()
    monkeypatch.setattr(time, "monotonic", lambda: at[0] + steady)
    monkeypatch.setattr(time, "time", lambda: at[1] + wall)
    assert clock.is_doubtful() is doubtful
