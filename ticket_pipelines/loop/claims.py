"""Claims: due desks with their leases.

A claim is the desk's lease and nothing else: whoever holds it syncs the desk, and one that is killed frees it when the
lease ends. The desk stays due until its sync has ended, so that nothing is lost in between.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import Instant, desks, leases
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registry import due_query
from ticket_pipelines.sync.lease import TTL, Lease, grant

_AT = sa.bindparam("at", type_=Instant)
_FREE = due_query(_AT).where(desks.c.key.not_in(sa.select(leases.c.desk).where(leases.c.expires_at >= _AT)))
# the locked row is read as it is now: a desk whose sync ended since the list was made is due no longer
_CLAIMED = _FREE.limit(sa.bindparam("most")).with_for_update(of=desks, skip_locked=True)


def claim_due(control: sa.Engine, holder: str, count: int, now: datetime, ttl: float = TTL) -> list[tuple[Desk, Lease]]:
    """Takes the leases of desks that are due and free, in the order in which they go.

    Args:
        control: The control database.
        holder: Who takes them, in words.
        count: At most so many.
        now: The time.
        ttl: Seconds for which a lease holds without a heartbeat.
    """
    claimed: list[tuple[Desk, Lease]] = []
    with control.begin() as connection:
        for row in connection.execute(_CLAIMED, {"at": now, "most": count}).mappings().all():
            desk = Desk(**row)
            token = grant(connection, desk.key, holder, now, ttl)
            if token is not None:
                claimed.append((desk, Lease(control, desk.key, token, ttl)))
    return claimed


def waiting(control: sa.Engine, now: datetime) -> list[Desk]:
    """The desks that are due and that nobody holds, longest waiting first. Takes nothing."""
    with reading(control) as connection:
        rows = connection.execute(_FREE, {"at": now}).mappings().all()
    return sorted((Desk(**row) for row in rows), key=lambda desk: desk.next_due_at or desk.created_at)
