"""Control databases on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ticket_pipelines.control.connection import open_control


@pytest.fixture(params=["sqlite", "postgres"])
def control_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty control database, once for each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'control.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url.replace("postgresql://", "postgresql+psycopg2://")


@pytest.fixture
def control(control_url: str) -> Iterator[sa.Engine]:
    """A control database, migrated."""
    engine = open_control(control_url)
    yield engine
    engine.dispose()
