"""Which errors of a driver mean "later" and which "never"; the errors are raised by a real server."""

from __future__ import annotations

import errno

import duckdb
import psycopg2
import pytest
from adbc_driver_postgresql import dbapi as adbc_postgres

from ticket_pipelines.errors import (
    TicketPipelinesError,
    WarehouseRefusedError,
    WarehouseRejectedError,
    WarehouseUnavailableError,
)
from ticket_pipelines.warehouse.failures import translate

LATER = ("08006", "40P01", "53100", "53200", "53300", "55P03", "57014", "57P01", "58030", "25006")
ONCE_MENDED = ("28P01", "3D000", "42501")
NEVER = ("22P02", "22003", "22P05", "23502", "23505", "42804", "2BP01")


def raising(state: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'secret row' USING ERRCODE = '{state}', DETAIL = 'a detail'; END $$"


@pytest.mark.parametrize("state", [*LATER, *ONCE_MENDED, *NEVER])
def test_a_state_of_postgres_means_the_same_through_both_drivers(postgres_url: str, state: str) -> None:
    meanings = {WarehouseUnavailableError: LATER, WarehouseRefusedError: ONCE_MENDED, WarehouseRejectedError: NEVER}
    (expected,) = (error for error, states in meanings.items() if state in states)
    errors: list[Exception] = []
    for connect in (psycopg2.connect, adbc_postgres.connect):
        connection = connect(postgres_url)
        try:
            with connection.cursor() as cursor, pytest.raises(Exception, match="secret row") as caught:
                cursor.execute(raising(state))
            errors.append(caught.value)
        finally:
            connection.close()
    for error in errors:
        translated = translate(error, "postgresql://host/name")
        assert type(translated) is expected
        assert "a detail" not in str(translated)
        assert "postgresql://host/name" in str(translated)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 'x'::INT", WarehouseRejectedError),
        ("SELECT '{'::JSON", WarehouseRejectedError),
        ("SELECT * FROM missing", WarehouseUnavailableError),
        ("ATTACH '/nowhere/x.duckdb'", WarehouseUnavailableError),
    ],
)
def test_errors_of_duckdb(sql: str, expected: type[TicketPipelinesError]) -> None:
    with duckdb.connect() as connection, pytest.raises(duckdb.Error) as caught:
        connection.execute(sql)
    assert type(translate(caught.value, "duckdb:///x")) is expected


def test_a_full_disk_below_dlt_is_found_in_the_chain() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/dev/shm/x")
    wrapped = RuntimeError("step failed")
    wrapped.__cause__ = full
    assert isinstance(translate(wrapped, "duckdb:///x"), WarehouseUnavailableError)


def test_an_error_of_ours_stays_itself_and_other_errors_are_nobodys() -> None:
    ours = WarehouseUnavailableError("held")
    wrapped = RuntimeError("step failed")
    wrapped.__context__ = ours
    assert translate(wrapped, "duckdb:///x") is ours
    assert translate(ValueError("no"), "duckdb:///x") is None
