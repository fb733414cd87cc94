"""Settings: defaults, absolute paths, and one line for every wrong value."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from ticket_pipelines.errors import SettingsError
from ticket_pipelines.settings import read_settings

# always the same: it stands in the names of tests, which several processes compare
KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
POSTGRES = "postgresql://user:pass-word@db.example:5432/tickets"


def test_everything_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings({})
    home = tmp_path / ".tickets"
    assert settings.home == home
    assert settings.warehouse == f"duckdb:///{home}/warehouse.duckdb"
    assert settings.control_db == f"sqlite:///{home}/control.db"
    assert settings.control_file == home / "control.db"
    assert settings.dagster_home == home / "dagster"
    assert (settings.log_level, settings.log_format, settings.secret_keys) == ("info", "text", ())


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("duckdb:///data/w.duckdb", "duckdb:///{cwd}/data/w.duckdb"),
        ("duckdb:////var/w.duckdb", "duckdb:////var/w.duckdb"),
        ("postgresql://u:p@h/d?sslmode=require", "postgresql://u:p@h/d?sslmode=require"),
        ("postgres://u:p@h/d", "postgresql://u:p@h/d"),
    ],
    ids=["relative", "absolute", "postgres", "postgres-alias"],
)
def test_warehouse_urls_become_absolute(
    given: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings({"TICKETS_WAREHOUSE": given}).warehouse == meant.format(cwd=tmp_path)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_control_database_on_postgres_always_takes_the_driver_that_is_installed(scheme: str) -> None:
    settings = read_settings({"TICKETS_CONTROL_DB": f"{scheme}://u:p@h/d", "TICKETS_SECRET_KEY": KEY})
    assert settings.control_db == "postgresql+psycopg2://u:p@h/d"
    assert settings.control_file is None


def test_an_empty_value_counts_as_unset() -> None:
    assert read_settings({"TICKETS_LOG_LEVEL": "", "TICKETS_WAREHOUSE": " "}).log_level == "info"


def test_several_keys_are_taken_in_order() -> None:
    other = Fernet.generate_key().decode()
    assert read_settings({"TICKETS_SECRET_KEY": f"{KEY}, {other},"}).secret_keys == (KEY, other)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TICKETS_WAREHOUSE", "oracle://u:s3cret@h/d", "no warehouse engine 'oracle'"),
        ("TICKETS_WAREHOUSE", "warehouse.duckdb", "not a URL"),
        ("TICKETS_WAREHOUSE", "duckdb:///", "names no file"),
        ("TICKETS_WAREHOUSE", "duckdb:///w.duckdb?access_mode=s3cret", "takes no options"),
        ("TICKETS_WAREHOUSE", "postgresql://u:s3cret@host", "names no database"),
        ("TICKETS_WAREHOUSE", "postgresql://u:s3cret@host:port/d", "host or port is malformed"),
        ("TICKETS_CONTROL_DB", "mysql://u:s3cret@h/d", "no control database on 'mysql'"),
        ("TICKETS_CONTROL_DB", "sqlite://", "names no file"),
        ("TICKETS_CONTROL_DB", "postgresql://u:s3cret@h/d", "TICKETS_SECRET_KEY: missing"),
        ("TICKETS_SECRET_KEY", "s3cret", "key 1 of 1 is not a Fernet key"),
        ("TICKETS_SECRET_KEY", f"{KEY},s3cret", "key 2 of 2 is not a Fernet key"),
        ("TICKETS_LOG_LEVEL", "loud", "'loud' is not known; write one of debug, info, warning, error"),
        ("TICKETS_LOG_FORMAT", "xml", "'xml' is not known; write one of text, json"),
        ("TICKETS_HOME", __file__, "is a file"),
        ("TICKETS_ALERT_WEBHOOK", "http://hooks.example/s3cret", "only https"),
        ("TICKETS_ALERT_WEBHOOK", "hooks.example", "not a URL"),
        ("TICKETS_ALERT_SLACK", "http://hooks.example/s3cret", "only https"),
        ("TICKETS_ALERT_TEAMS", "ftp://hooks.example/s3cret", "only https"),
        ("TICKETS_ALERT_EMAIL", "https://mail.example", "not the address of a mail server"),
        ("TICKETS_ALERT_EMAIL", "smtp://u:s3cret@mail.example/?from=a@b.org", "at least one 'to'"),
        ("TICKETS_ALERT_EMAIL", "smtp://u:s3cret@mail.example/?from=a&to=c@d.org", "e-mail addresses"),
        ("TICKETS_KEEP_RUNS_DAYS", "never", "'never' is no number of days"),
        ("TICKETS_KEEP_LOADS_DAYS", "0.5", "write one from 1"),
        ("TICKETS_KEEP_DAGSTER_DAYS", "nan", "is no number of days"),
    ],
)
def test_a_wrong_value_gives_one_line_that_names_the_variable(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    message = str(caught.value)
    assert says in message
    assert "TICKETS_" in message
    assert "\n" not in message
    assert "s3cret" not in message
    assert caught.value.exit_status == 2


def test_no_secret_in_repr() -> None:
    settings = read_settings({"TICKETS_CONTROL_DB": POSTGRES, "TICKETS_WAREHOUSE": POSTGRES, "TICKETS_SECRET_KEY": KEY})
    assert "pass-word" not in repr(settings)
    assert KEY not in repr(settings)


def test_importing_the_package_reads_no_environment_and_loads_nothing_heavy() -> None:
    """An environment that raises when it is read stands in for the real one."""
    code = """
import os, sys
class Trap(dict):
    def __getitem__(self, name):
        if str(name).startswith("TICKETS_"): raise AssertionError(name)
        return super().__getitem__(name)
    def get(self, name, default=None):
        if str(name).startswith("TICKETS_"): raise AssertionError(name)
        return super().get(name, default)
os.environ = Trap(os.environ)
import ticket_pipelines, ticket_pipelines.settings
assert not {"dagster", "dlt", "pandas", "pyarrow", "sqlalchemy"} & set(sys.modules), sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
