"""The vault: key file, keys from the environment, rotation while others work."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from ticket_pipelines.control.database import desks
from ticket_pipelines.desks.credentials import KeyFile, Vault
from ticket_pipelines.errors import SettingsError, UsageError
from ticket_pipelines.project import Project
from ticket_pipelines_tests.fixtures.project import OAUTH, MakeProject


def keys(count: int) -> tuple[str, ...]:
    return tuple(Fernet.generate_key().decode() for _ in range(count))


def stored(project: Project) -> str:
    with project.control.connect() as connection:
        token: str = connection.execute(sa.select(desks.c.credentials)).scalar_one()
        return token


def test_the_key_file_is_made_at_the_first_use_for_its_owner_alone(project: Project, home: Path) -> None:
    file = home / "control.key"
    assert not file.exists()
    assert project.vault.decrypt(project.vault.encrypt(b"secret")) == b"secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_processes_that_make_the_key_file_at_once_agree_on_one_key(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ticket_pipelines.desks.credentials import KeyFile;"
        "print(KeyFile(Path(sys.argv[1])).keys()[0])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "control.key")]
    making = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert len({process.communicate(timeout=60)[0] for process in making}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["control.key"]


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    old, new = keys(2)
    token = Vault((old,)).encrypt(b"secret")
    both = Vault((new, old))
    assert both.decrypt(token) == b"secret"
    assert Vault((new,)).decrypt(both.encrypt(b"secret")) == b"secret"


def test_a_missing_key_is_said_with_its_place(tmp_path: Path) -> None:
    token = Vault(keys(1)).encrypt(b"secret")
    with pytest.raises(SettingsError, match="TICKETS_SECRET_KEY lacks the key"):
        Vault(keys(1)).decrypt(token)
    with pytest.raises(SettingsError, match=r"control\.key lacks the key"):
        Vault(KeyFile(tmp_path / "control.key")).decrypt(token)


@pytest.mark.parametrize("content", ["", "not a key\n"], ids=["empty", "damaged"])
def test_a_key_file_that_is_damaged_is_said_and_not_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / "control.key"
    file.write_text(content)
    with pytest.raises(SettingsError, match="put its backup back"):
        Vault(KeyFile(file)).encrypt(b"secret")
    assert file.read_text() == content


def test_rotation_makes_a_new_key_and_encrypts_anew_while_another_process_works(
    make_project: MakeProject, home: Path
) -> None:
    project, other = make_project(), make_project()
    project.desks.add("acme", "zendesk", {"subdomain": "acme"}, OAUTH)
    before, first_key = stored(project), (home / "control.key").read_text().split()[0]
    assert other.desks.credentials("acme") == OAUTH

    assert project.vault.rotate(project.control) == 1

    after = stored(project)
    kept = (home / "control.key").read_text().split()
    assert after != before
    assert kept[1:] == [first_key]
    assert Fernet(kept[0]).decrypt(after)
    assert other.desks.credentials("acme") == OAUTH
    assert other.vault.rotate(other.control) == 1
    assert first_key not in (home / "control.key").read_text()
    assert project.desks.credentials("acme") == OAUTH


def test_a_rotation_that_cannot_read_a_value_changes_nothing(make_project: MakeProject, home: Path) -> None:
    project = make_project()
    project.desks.add("acme", "zendesk", {"subdomain": "acme"}, OAUTH)
    held = stored(project)
    (home / "control.key").write_text(keys(1)[0])
    kept = (home / "control.key").read_text()
    with pytest.raises(SettingsError, match="lacks the key"):
        make_project().vault.rotate(project.control)
    assert (stored(project), (home / "control.key").read_text()) == (held, kept)


def test_rotation_with_keys_from_the_environment_uses_the_first(make_project: MakeProject) -> None:
    old, new = keys(2)
    make_project(TICKETS_SECRET_KEY=old).desks.add("acme", "zendesk", {"subdomain": "acme"}, OAUTH)
    rotating = make_project(TICKETS_SECRET_KEY=f"{new},{old}")
    assert rotating.vault.rotate(rotating.control) == 1
    assert make_project(TICKETS_SECRET_KEY=new).desks.credentials("acme") == OAUTH


def test_rotation_with_one_key_from_the_environment_says_what_to_do(make_project: MakeProject) -> None:
    project = make_project(TICKETS_SECRET_KEY=keys(1)[0])
    with pytest.raises(UsageError, match="put a new key in front"):
        project.vault.rotate(project.control)


def test_credentials_are_nowhere_in_the_files(project: Project, home: Path) -> None:
    project.desks.add("acme", "zendesk", {"subdomain": "acme"}, OAUTH)
    contents = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert contents
    assert not any(OAUTH["client_secret"].encode() in content for content in contents)
