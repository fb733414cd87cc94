"""What is installed is what was chosen: every dependency is locked by version and hash, and nothing else comes in."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAME = re.compile(r"[A-Za-z0-9._-]+")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def entries() -> list[str]:
    """One locked package each: `name==version ; marker \\ --hash=…`."""
    joined = LOCK.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def locked() -> dict[str, set[str]]:
    """Versions by name; more than one where they differ between Python versions."""
    found: dict[str, set[str]] = {}
    for entry in entries():
        name, _, rest = entry.partition("==")
        found.setdefault(plain(name.partition("[")[0].strip()), set()).add(rest.split()[0])
    return found


def asked_for() -> dict[str, str]:
    """What the project names, with the bounds that it gives."""
    project = PROJECT["project"]
    # a group names others as tables
    grouped = [one for group in PROJECT["dependency-groups"].values() for one in group if isinstance(one, str)]
    every = [*project["dependencies"], *grouped]
    every += [one for extra in project["optional-dependencies"].values() for one in extra]
    found = {}
    for requirement in every:
        name = NAME.match(requirement)
        assert name
        found[plain(name.group())] = requirement
    return found


def test_every_entry_has_one_version_and_hashes_and_comes_from_the_index() -> None:
    assert len(entries()) > 100
    for entry in entries():
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9, _-]+\])?==[0-9][^\s;]*", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
        assert not re.search(r"://|\s@\s|--index|--extra-index|--find-links|--trusted-host|-e\s", entry), entry[:80]
    assert not re.search(r"^\s*--", re.sub(r"--hash=sha256:[0-9a-f]{64}", "", LOCK.replace("\\\n", " ")), re.MULTILINE)


def test_the_lock_covers_everything_that_the_project_asks_for() -> None:
    assert sorted(set(asked_for()) - set(locked())) == []


@pytest.mark.parametrize("requirement", asked_for().values(), ids=asked_for())
def test_each_dependency_has_a_bound_that_its_locked_version_keeps(requirement: str) -> None:
    from packaging.requirements import Requirement

    asked = Requirement(requirement)
    assert asked.specifier
    assert all(asked.specifier.contains(version) for version in locked()[plain(asked.name)])


def test_what_is_installed_is_what_is_locked() -> None:
    versions = {plain(found.metadata["Name"]): found.version for found in distributions()}
    differing = {
        name: versions[name] for name, allowed in locked().items() if versions.get(name, "") not in {*allowed, ""}
    }
    assert differing == {}


def test_setup_installs_by_hashes_alone() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "--require-hashes -r requirements.lock" in makefile
    assert "--no-deps --no-build-isolation --editable ." in makefile


def test_an_audit_that_cannot_be_done_is_never_green(tmp_path: Path) -> None:
    """A Python that can install nothing stands in for a machine without network."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    environ = {"PATH": "/usr/bin:/bin", "PYTHON": str(broken)}
    done = subprocess.run([ROOT / ".ci" / "audit"], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "AUDIT NOT DONE" in done.stderr
