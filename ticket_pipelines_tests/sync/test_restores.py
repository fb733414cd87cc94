"""Warehouse, control database and keys are put back from backups, each alone and together; the next syncs mend all.

At the backup the desk had some rows and one record set aside. Since then there came more rows, the first record was
mended, others were set aside, keys were rotated, a desk was added. Whatever is put back, after a sync the warehouse
holds what the vendor holds, the quarantine what cannot be stored, and `sync_runs` of the warehouse what the control
database has.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dlt_sources import VENDORS
from dlt_sources.errors import ConnectionFailedError
from ticket_pipelines.control.database import cursors, quarantine, sync_runs
from ticket_pipelines.errors import SettingsError, UsageError
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.settings import read_settings
from ticket_pipelines.sync.cursors import keep_copy
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.position import STAMP, Position
from ticket_pipelines.sync.restores import NONE, Copy, Restored, compare, go_back
from ticket_pipelines.sync.result import Status, SyncRequest, SyncResult
from ticket_pipelines_tests.sync.paper import MAPPING_MODULE, OPENED, PAPER, Account, ticket

PARTS = {"warehouse": "warehouse.duckdb*", "control": "control.db*", "keys": "control.key"}
CHOICES = [chosen for size in (1, 2, 3) for chosen in combinations(PARTS, size)]
TOKEN = {"token": "a-token-of-paper"}


@dataclass(frozen=True)
class Installation:
    """An embedded installation, opened anew for each step, as commands do."""

    home: Path
    account: Account

    def open(self) -> Project:
        return open_project(read_settings({"TICKETS_HOME": str(self.home)}))

    def sync(self, key: str = "acme") -> SyncResult:
        with self.open() as project:
            return sync_desk(project, key, SyncRequest(streams=("tickets",)))

    def put_back(self, backup: Path, parts: tuple[str, ...]) -> None:
        for part in parts:
            for now in self.home.glob(PARTS[part]):
                now.unlink()
            for then in backup.glob(PARTS[part]):
                shutil.copy2(then, self.home)

    def ids(self, key: str = "acme") -> set[str]:
        """The desk's tickets in the warehouse, at the version that the vendor has."""
        truth = {str(one["id"]): one["clock"] * 1000 for one in self.account.records["tickets"]}
        with self.open() as project:
            sql = f"SELECT id, version FROM helpdesk.paper_tickets WHERE desk = '{key}'"
            rows = project.warehouse.query(sql).to_pylist()
        assert len(rows) == len({row["id"] for row in rows})
        return {row["id"] for row in rows if row["version"] == truth[row["id"]]}

    def set_aside(self) -> set[str]:
        with self.open() as project, project.control.connect() as connection:
            return set(connection.execute(sa.select(quarantine.c.record_id)).scalars())

    def missing_runs(self) -> set[str]:
        """Runs of the control database that the warehouse does not hold."""
        with self.open() as project:
            there = set(project.warehouse.query("SELECT id FROM helpdesk.sync_runs")["id"].to_pylist())
            with project.control.connect() as connection:
                return set(connection.execute(sa.select(sync_runs.c.id)).scalars()) - there


def bad(number: int, clock: int = 1_700_000_000) -> dict[str, Any]:
    return ticket(number, clock, subject="unmappable")


@dataclass(frozen=True)
class Life:
    """What an installation was at the backup, and what it is now; made once, copied for each test."""

    then: Path
    now: Path
    records: list[dict[str, Any]]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    root = tmp_path_factory.mktemp("life")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(VENDORS, "paper", PAPER)
        patch.setitem(sys.modules, MAPPING_MODULE.__name__, MAPPING_MODULE)
        account = OPENED["acme"] = Account({"tickets": [ticket(1), ticket(2), bad(3)]})
        made = Installation(root / "now", account)
        with made.open() as project:
            project.desks.add("acme", "paper", {"account": "acme"}, TOKEN)
        made.sync()
        assert made.set_aside() == {"3"}
        shutil.copytree(made.home, root / "then")
        later = 1_700_000_100
        account.records["tickets"] += [ticket(2, later), ticket(3, later), ticket(4), bad(5)]
        made.sync()
        account.records["tickets"] += [ticket(6), bad(7)]
        made.sync()
        with made.open() as project:
            project.vault.rotate(project.control)
        assert (made.ids(), made.set_aside()) == ({"1", "2", "3", "4", "6"}, {"5", "7"})
        yield Life(root / "then", root / "now", account.records["tickets"])
    OPENED.clear()


@pytest.fixture
def backup(life: Life) -> Path:
    """The folder of the backup."""
    return life.then


@pytest.fixture
def installed(life: Life, home: Path) -> Installation:
    """The installation as it is now."""
    shutil.copytree(life.now, home)
    OPENED["acme"] = Account({"tickets": list(life.records)})
    return Installation(home, OPENED["acme"])


@pytest.mark.parametrize("parts", CHOICES, ids=lambda parts: "+".join(parts))
def test_the_next_sync_mends_what_was_put_back(installed: Installation, backup: Path, parts: tuple[str, ...]) -> None:
    installed.put_back(backup, parts)
    if "keys" in parts and "control" not in parts:
        # a key that is older than what it is to decrypt: nothing but the key, or new credentials, helps
        with pytest.raises(SettingsError, match="lacks the key"):
            installed.sync()
        with installed.open() as project:
            project.desks.update("acme", credentials=TOKEN)
    installed.account.records["tickets"].append(ticket(8))

    result = installed.sync()

    assert installed.ids() == {"1", "2", "3", "4", "6", "8"}
    assert installed.set_aside() == {"5", "7"}
    assert installed.missing_runs() == set()
    assert result.rows_failed == (2 if {"warehouse", "control"} & set(parts) else 0)
    assert installed.sync().rows_read == 0


def test_an_older_warehouse_is_not_probed_by_what_other_desks_remember(installed: Installation, backup: Path) -> None:
    def owner(key: str) -> str | None:
        with installed.open() as project, project.control.connect() as connection:
            return connection.execute(sa.select(cursors.c.warehouse).where(cursors.c.desk == key)).scalar()

    with installed.open() as project:
        identity = project.warehouse.identity()
        keep_copy(project.control, "globex", identity, {"streams": {"tickets": {"seen": 9}}}, datetime.now(UTC))
    installed.sync()
    assert owner("globex") == identity
    installed.put_back(backup, ("warehouse",))
    installed.sync()
    assert (owner("acme"), owner("globex")) == (identity, NONE)


def test_nothing_that_changed_at_the_vendor_is_needed_to_mend(installed: Installation, backup: Path) -> None:
    installed.put_back(backup, ("control",))
    assert installed.sync().rows_unchanged == 4
    assert installed.set_aside() == {"5", "7"}
    assert installed.sync().rows_read == 0


def test_a_control_database_that_forgot_a_desk(installed: Installation, backup: Path) -> None:
    """It is registered again under its key: the rows that are there stay, and what was set aside comes back."""
    (installed.home / "control.db").unlink()
    installed.put_back(backup, ("keys",))
    with installed.open() as project:
        project.desks.add("acme", "paper", {"account": "acme"}, TOKEN)
    assert installed.sync().status is Status.PARTIAL
    assert (installed.ids(), installed.set_aside()) == ({"1", "2", "3", "4", "6"}, {"5", "7"})
    assert installed.missing_runs() == set()


def test_rows_of_two_accounts_never_mix_under_one_key(installed: Installation) -> None:
    (installed.home / "control.db").unlink()
    OPENED["other"] = Account({"tickets": [ticket(99)]})
    with installed.open() as project:
        project.desks.add("acme", "paper", {"account": "other"}, TOKEN)
    with pytest.raises(UsageError, match="come from the account acme, not other"):
        installed.sync()
    assert "99" not in installed.ids()


def test_a_warehouse_that_is_another_one_is_filled_from_the_start(installed: Installation) -> None:
    for file in installed.home.glob(PARTS["warehouse"]):
        file.unlink()
    installed.sync()
    assert (installed.ids(), installed.set_aside()) == ({"1", "2", "3", "4", "6"}, {"5", "7"})
    assert installed.missing_runs() == set()


def stamped(loads: int, **parts: Any) -> dict[str, Any]:
    return {STAMP: {"loads": loads, "account": "a"}, **parts}


@pytest.mark.parametrize(
    ("state", "copy", "found"),
    [
        ({}, None, Restored.NOTHING),
        (stamped(1), None, Restored.CONTROL),
        (stamped(2), Copy("w", stamped(2)), Restored.NOTHING),
        (stamped(3), Copy("w", stamped(2)), Restored.CONTROL),
        (stamped(1), Copy("w", stamped(2)), Restored.WAREHOUSE),
        ({}, Copy("w", stamped(2)), Restored.WAREHOUSE),
        (stamped(2), Copy("another", stamped(2)), Restored.WAREHOUSE),
        ({"streams": {}}, Copy("w", {"streams": {}}), Restored.NOTHING),
    ],
)
def test_what_was_put_back(state: dict[str, Any], copy: Copy | None, found: Restored) -> None:
    assert compare(state, copy, "w") is found


def test_going_back_keeps_the_columns_and_lasts_until_it_is_committed() -> None:
    newer = stamped(9, streams={"tickets": {"seen": 9}}, fields={"tickets": {"a": "a"}}, full={"tickets": {}})
    older = Copy("w", stamped(2, streams={"tickets": {"seen": 2}}))
    gone_back = go_back(newer, older)
    assert gone_back == stamped(2, streams={"tickets": {"seen": 2}}, fields={"tickets": {"a": "a"}})
    assert go_back(newer, None) == {"fields": {"tickets": {"a": "a"}}}
    # a copy that is written before anything was committed hides nothing
    position = Position(gone_back, 9)
    assert compare(newer, Copy("w", position.snapshot()), "w") is Restored.CONTROL
    position.commit(position.stamped(position.snapshot(), "a"))
    assert position.snapshot()[STAMP]["loads"] == 10


def test_a_mending_that_is_cut_off_goes_on(installed: Installation, backup: Path) -> None:
    installed.put_back(backup, ("control",))
    installed.account.failures["tickets", 0] = ConnectionFailedError("nobody answers")
    assert installed.sync().status is Status.FAILED
    installed.sync()
    assert installed.set_aside() == {"5", "7"}
