"""Keys change while syncs run: nothing fails, nothing is left under a key that is gone."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import sqlalchemy as sa
from cryptography.fernet import Fernet

from ticket_pipelines.desks.credentials import ENCRYPTED
from ticket_pipelines.project import Project
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import Status, SyncRequest, SyncResult
from ticket_pipelines_tests.fixtures.project import MakeProject
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

ROUNDS = 4


def encrypted(project: Project) -> list[str]:
    """Every encrypted value of the control database."""
    with project.control.connect() as connection:
        return [
            str(value)
            for _, _, column in ENCRYPTED
            for value in connection.execute(sa.select(column).where(column.is_not(None))).scalars()
        ]


def test_keys_are_rotated_again_and_again_while_syncs_run(
    make_project: MakeProject, make_sandbox: MakeSandbox, home: Path
) -> None:
    """Each sync opens its installation anew, as a process of its own does, and meets tokens that have expired."""
    project, sandbox = make_project(), make_sandbox(tickets=5)
    account = sandbox.zendesk
    project.desks.add("acme", "zendesk", account.config, account.credentials)
    first_key = (home / "control.key").read_text().split()[0]
    results: list[SyncResult] = []
    failures: list[BaseException] = []

    def syncs() -> None:
        try:
            for _ in range(ROUNDS):
                account.control.fail("expire_tokens")
                results.append(sync_desk(make_project(), "acme", SyncRequest(streams=("groups",))))
        except BaseException as error:
            failures.append(error)

    working = threading.Thread(target=syncs)
    working.start()
    rotated = 0
    while working.is_alive() or rotated < 2:
        project.vault.rotate(project.control)
        rotated += 1
    working.join()

    assert failures == []
    assert [(one.status, one.error_message) for one in results] == [(Status.SUCCESS, None)] * ROUNDS
    project.vault.rotate(project.control)
    kept = (home / "control.key").read_text().split()
    assert len(kept) == 2
    assert first_key not in kept
    newest = Fernet(kept[0])
    assert encrypted(project)
    assert all(newest.decrypt(token) for token in encrypted(project))
    assert project.desks.credentials("acme") == account.credentials


def test_two_changes_within_one_tick_of_the_clock_are_both_seen(project: Project, home: Path) -> None:
    token = project.vault.encrypt(b"secret")
    # read once more: the file was made by the first use
    assert project.vault.decrypt(token) == b"secret"
    file = home / "control.key"
    before = file.stat()
    fresh, old = Fernet.generate_key().decode(), file.read_text().split()[0]
    other = home / "other"
    other.write_text(f"{fresh}\n{old}\n")
    other.replace(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert Fernet(fresh).decrypt(project.vault.encrypt(b"secret")) == b"secret"
    assert project.vault.decrypt(token) == b"secret"
