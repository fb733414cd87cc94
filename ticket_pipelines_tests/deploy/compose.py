"""Reads the compose file as Docker does: references to the environment are filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
REFERENCE = re.compile(r"\$\$|\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def references() -> set[str]:
    """Names that the file takes from the environment."""
    text = (DEPLOY / "compose.yaml").read_text()
    return {found["name"] for found in REFERENCE.finditer(text) if found["name"]}


def services(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The services, by name.

    Raises:
        KeyError: A value that the file requires is not given; names it.
    """

    def value(found: re.Match[str]) -> str:
        if not found["name"]:
            return "$"
        if found["kind"] == "-":
            return environ.get(found["name"]) or found["rest"]
        return environ[found["name"]]

    def filled(found: Any) -> Any:
        if isinstance(found, str):
            return REFERENCE.sub(value, found)
        if isinstance(found, list):
            return [filled(one) for one in found]
        return {name: filled(one) for name, one in found.items()} if isinstance(found, dict) else found

    found: dict[str, dict[str, Any]] = filled(yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"])
    return found
