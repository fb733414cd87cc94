"""The borders between the packages, read from the source text: who may import what, and who reads the environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("dlt_sources", "ticket_pipelines")


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Absolute names of all modules that a file imports, those inside functions too."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def offenders(paths: list[Path], *forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imported(path)
        if any(below(name, package) for package in forbidden)
    ]


def is_dagster(name: str) -> bool:
    return name.split(".")[0].startswith("dagster")


def test_sources_know_nothing_of_us_or_dagster() -> None:
    assert offenders(modules("dlt_sources"), "ticket_pipelines", "dagster") == []


def test_only_defs_and_definitions_import_dagster() -> None:
    allowed = {ROOT / "ticket_pipelines" / "definitions.py", *modules("ticket_pipelines/defs")}
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(*PACKAGES)
        if path not in allowed
        for name in imported(path)
        if is_dagster(name)
    ]
    assert found == []


def test_sandbox_imports_nothing_of_the_product() -> None:
    product = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("ticket_pipelines/sandbox")
        for name in imported(path)
        if below(name, "dlt_sources")
        or (
            below(name, "ticket_pipelines")
            and not below(name, "ticket_pipelines.sandbox")
            and name != "ticket_pipelines"
        )
    ]
    assert product == []


def test_no_internals_of_dagster_are_imported_but_for_the_one_call() -> None:
    allowed = ROOT / "ticket_pipelines" / "defs" / "planned.py"
    paths = [path for path in modules(*PACKAGES) if path != allowed]
    assert offenders(paths, "dagster._core", "dagster._utils", "dagster._cli") == []


def reads_environment(path: Path) -> bool:
    names = {"environ", "environb", "getenv"}
    return any(
        (isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os" and node.attr in names)
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and names & {alias.name for alias in node.names})
        for node in ast.walk(ast.parse(path.read_text()))
    )


ENVIRONMENT_READERS = {
    "ticket_pipelines/settings.py": "the one module that reads settings",
    "ticket_pipelines/defs/launch.py": "Dagster takes its home from the environment only",
}


def test_the_environment_is_read_in_one_place() -> None:
    readers = {str(path.relative_to(ROOT)) for path in modules(*PACKAGES) if reads_environment(path)}
    assert readers <= set(ENVIRONMENT_READERS)


@pytest.mark.parametrize(
    "path", modules(*PACKAGES, "ticket_pipelines_tests", "bench"), ids=lambda p: str(p.relative_to(ROOT))
)
def test_files_stay_readable(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
