"""The control database: migrations, first starts at the same time, errors in words."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ticket_pipelines.control.connection import open_control, reading
from ticket_pipelines.control.database import cursors, metadata
from ticket_pipelines.control.migrate import HEAD, revision
from ticket_pipelines.errors import ControlUnavailableError

OPEN = "import sys; from ticket_pipelines.control.connection import open_control; open_control(sys.argv[1])"


def test_migrations_make_exactly_the_tables_of_the_metadata(control: sa.Engine) -> None:
    with control.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    assert revision(control) == HEAD


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "ticket_pipelines.control:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_opening_again_changes_nothing_and_does_not_load_alembic(control_url: str, control: sa.Engine) -> None:
    assert revision(control) == HEAD
    code = f"{OPEN}; assert 'alembic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, control_url], check=True)


def test_processes_that_start_at_once_all_find_the_database_ready(control_url: str) -> None:
    starting = [subprocess.Popen([sys.executable, "-c", OPEN, control_url]) for _ in range(6)]
    assert [process.wait(60) for process in starting] == [0] * 6
    engine = open_control(control_url)
    assert revision(engine) == HEAD
    engine.dispose()


def test_sqlite_keeps_a_write_ahead_log(tmp_path: Path) -> None:
    engine = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


def test_read_then_write_in_many_threads_loses_nothing(control: sa.Engine) -> None:
    """A counter in one row: on SQLite a deferred transaction would fail with 'database is locked'."""
    row = {"desk": "a", "warehouse": "w", "updated_at": datetime.now(UTC)}
    with control.begin() as connection:
        connection.execute(sa.insert(cursors).values(**row, state={"n": 0}))

    def count() -> None:
        for _ in range(10):
            with control.begin() as connection:
                n = connection.execute(sa.select(cursors.c.state).with_for_update()).scalar_one()["n"]
                connection.execute(sa.update(cursors).values(state={"n": n + 1}))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(control) as connection:
        assert connection.execute(sa.select(cursors.c.state)).scalar_one() == {"n": 40}


def test_an_instant_comes_back_as_it_went_in_and_a_naive_one_is_refused(control: sa.Engine) -> None:
    moment = datetime.fromisoformat("2026-03-08T02:30:00.123456+05:30")
    row = {"desk": "a", "warehouse": "w", "state": {}}
    with control.begin() as connection:
        connection.execute(sa.insert(cursors).values(**row, updated_at=moment))
    with reading(control) as connection:
        found = connection.execute(sa.select(cursors.c.updated_at)).scalar_one()
    assert found == moment
    assert found.tzinfo is UTC
    with pytest.raises(sa.exc.StatementError, match="naive"), control.begin() as connection:
        connection.execute(sa.update(cursors).values(updated_at=datetime(2026, 1, 1)))


def test_a_server_that_is_away_is_said_in_words_without_the_password() -> None:
    with pytest.raises(ControlUnavailableError) as caught:
        open_control("postgresql+psycopg2://user:s3cret@127.0.0.1:1/tickets")
    assert "127.0.0.1:1/tickets cannot be opened" in str(caught.value)
    assert "TICKETS_CONTROL_DB" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_no_database_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_text("this is not a database, and longer than a header would be " * 20)
    with pytest.raises(ControlUnavailableError, match="not a database"):
        open_control(f"sqlite:///{tmp_path / 'control.db'}")
