"""A registry on each control database, and desks that need no vendor."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from ticket_pipelines.control.database import desks as table
from ticket_pipelines.control.ending import Ending
from ticket_pipelines.desks.credentials import Vault
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registry import Registry
from ticket_pipelines.loop.visit import Visit
from ticket_pipelines.sync.lease import Lease
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.fixtures.project import OAUTH


@pytest.fixture
def desks(control: sa.Engine) -> Registry:
    return Registry(control, Vault((Fernet.generate_key().decode(),)))


def add(desks: Registry, *keys: str, **config: object) -> None:
    for key in keys:
        desks.add(key, "zendesk", {"subdomain": key, "schedule": "every 30s", **config}, OAUTH)


def due_since(control: sa.Engine, key: str, moment: datetime) -> None:
    with control.begin() as connection:
        connection.execute(sa.update(table).where(table.c.key == key).values(next_due_at=moment))


@dataclass
class Clock:
    """A clock that moves when somebody waits."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Visits:
    """Stands where syncs stand: records who was visited and when, and how that ended."""

    desks: Registry
    clock: Clock = field(default_factory=Clock)
    made: list[tuple[str, datetime]] = field(default_factory=list)

    def __call__(self, desk: Desk, lease: Lease) -> Visit:
        self.made.append((desk.key, self.clock()))
        self.desks.ended(desk.key, Ending(Status.SUCCESS, self.clock()))
        lease.release()
        return Visit(desk, Status.SUCCESS)

    def keys(self) -> list[str]:
        return [key for key, _ in self.made]
