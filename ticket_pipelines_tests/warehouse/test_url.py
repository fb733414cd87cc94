from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ticket_pipelines.errors import UsageError
from ticket_pipelines.warehouse import open_warehouse
from ticket_pipelines.warehouse.url import duckdb_path, postgres_address


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("postgresql://ann:s3cret@db.example:5433/desk?sslmode=require", "postgresql://ann@db.example:5433/desk"),
        ("postgres://db.example/desk", "postgresql://db.example/desk"),
        ("postgresql://ann:s%40cret@[::1]:5433/desk", "postgresql://ann@[::1]:5433/desk"),
        ("postgresql:///desk?host=/var/run/postgresql&password=s3cret", "postgresql:///desk"),
    ],
)
def test_a_postgres_label_has_no_password(url: str, label: str) -> None:
    assert postgres_address(url).label == label


def test_the_users_options_reach_libpq_and_time_outs_can_be_set() -> None:
    dsn = postgres_address("postgresql://h/d?sslmode=disable&connect_timeout=3&options=-c%20work_mem%3D1MB").dsn
    assert dsn.startswith("postgresql://h/d?sslmode=disable&connect_timeout=3&options=-c%20work_mem%3D1MB")
    assert "connect_timeout=10" in postgres_address("postgresql://h/d").dsn


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:s3cret@host:port/d", "postgresql://u:s3cret%zz@h/d", "postgresql://u:s3cret@h/d?what=1"],
    ids=["port", "escape", "option"],
)
def test_a_malformed_url_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        postgres_address(url)
    assert "s3cret" not in str(caught.value)


def test_duckdb_paths_are_relative_with_three_slashes_and_absolute_with_four() -> None:
    assert duckdb_path("duckdb:///data/x.duckdb") == Path("data/x.duckdb")
    assert duckdb_path("duckdb:////data/x.duckdb") == Path("/data/x.duckdb")


@pytest.mark.parametrize(
    "url", ["duckdb://", "duckdb:///", "duckdb://host/x.duckdb", "duckdb:////data/helpdesk.duckdb"]
)
def test_a_duckdb_url_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        duckdb_path(url)


@pytest.mark.parametrize("url", ["clickhouse://u:s3cret@h:8123/", "chdb:///x"])
def test_clickhouse_opens_without_a_connection_or_its_password_shown(url: str, tmp_path: Path) -> None:
    warehouse = open_warehouse(url, tmp_path)
    assert warehouse.engine == "clickhouse"
    assert "s3cret" not in warehouse.label


def test_an_engine_that_is_not_installed_is_named_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "chdb", None)
    with pytest.raises(UsageError, match=r"pip install 'ticket-pipelines\[chdb\]'"):
        open_warehouse("chdb:///x", tmp_path)


@pytest.mark.parametrize("url", ["", "mysql://u:s3cret@h/d", "warehouse.duckdb"])
def test_an_unknown_warehouse_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"duckdb:///") as caught:
        open_warehouse(url, tmp_path)
    assert "s3cret" not in str(caught.value)
