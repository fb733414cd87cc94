"""Connections to a control database on Postgres: one that broke while it rested is replaced before it is used."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ticket_pipelines.control import connection as module
from ticket_pipelines.control.connection import open_control, reading

PID = sa.text("SELECT pg_backend_pid()")


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    opened = open_control(postgres_url.replace("postgresql://", "postgresql+psycopg2://"))
    yield opened
    opened.dispose()


def test_a_rested_connection_that_broke_is_replaced(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST", 0.0)
    with engine.begin() as connection:
        first = connection.execute(PID).scalar()
    other = sa.create_engine(engine.url)
    with other.begin() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": first})
    other.dispose()
    with engine.begin() as connection:
        second = connection.execute(PID).scalar()
    with engine.begin() as connection:
        assert connection.execute(PID).scalar() == second != first


def test_a_connection_for_reads_opens_no_transaction_and_one_for_writes_does(engine: sa.Engine) -> None:
    began = sa.text("SELECT now()")
    with reading(engine) as connection:
        assert connection.execute(began).scalar() != connection.execute(began).scalar()
    with engine.begin() as connection:
        assert connection.execute(began).scalar() == connection.execute(began).scalar()
