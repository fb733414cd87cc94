"""Resets a desk that is stuck: nobody syncs it any more, nothing keeps it from being tried, its position stays."""

from __future__ import annotations

from datetime import UTC, datetime

from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.project import Project
from ticket_pipelines.sync.lease import revoke
from ticket_pipelines.sync.runs import close_killed


def reset_desk(project: Project, key: str) -> tuple[Desk, str | None]:
    """Frees a desk from whoever syncs it, forgets its failures, and makes it due at once; one that is paused stays so.

    A sync that hung and comes to life again finds its lease gone before it loads anything.

    Returns:
        The desk, and who held its lease, in words; None: nobody.

    Raises:
        UsageError: There is no such desk.
    """
    project.desks.get(key)
    # a sync that takes the freed desk at once began later
    now = datetime.now(UTC)
    holder = revoke(project.control, key)
    close_killed(project.control, key, now)
    return project.desks.try_again(key), holder
