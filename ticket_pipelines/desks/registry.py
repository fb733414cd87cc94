"""The registry of desks in the control database. Safe when several processes use it at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import alert_rules, cursors, mirror_rows, outbox, quarantine, sync_runs
from ticket_pipelines.control.database import desks as table
from ticket_pipelines.control.due import next_due
from ticket_pipelines.control.ending import Ending, after
from ticket_pipelines.desks.credentials import Vault
from ticket_pipelines.desks.desk import Desk, check_key
from ticket_pipelines.desks.registration import (
    check_registration,
    credentials_end,
    find_vendor,
    secrets_of,
    vendor_credentials,
)
from ticket_pipelines.errors import UsageError
from ticket_pipelines.logs import hide, topic
from ticket_pipelines.sync.result import Status
from ticket_pipelines.writeback.keys import MIRROR_URL

log = topic("desks")

COLUMNS = [table.c[field.name] for field in fields(Desk)]
"""The columns that make a `Desk`."""


_IDLE = (
    sa.update(table)
    .where(table.c.key == sa.bindparam("of_key"), table.c.updated_at == sa.bindparam("seen_at"))
    .where(table.c.last_checked_at == sa.bindparam("checked_at"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("failures", "parked", "last_checked_at", "next_due_at")})
)
"""Writes an idle visit over a desk that nobody has changed, or synced, since it was seen."""


def due_query(now: datetime | sa.BindParameter[datetime]) -> sa.Select[Any]:
    """The desks that are due at a time, or at that of a parameter, in the order in which they go."""
    came = sa.or_(table.c.next_due_at.is_(None), table.c.next_due_at <= now)
    active = sa.and_(table.c.removed_at.is_(None), table.c.paused.is_(sa.false()), table.c.parked.is_(None))
    waiting_since = sa.func.coalesce(table.c.next_due_at, table.c.created_at)
    return sa.select(*COLUMNS).where(came, active).order_by(table.c.priority, waiting_since, table.c.key)


class Registry:
    """Desks and their credentials."""

    def __init__(
        self, control: sa.Engine, vault: Vault, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._control = control
        self._vault = vault
        self._now = now

    def get(self, key: str) -> Desk:
        """The desk of that key.

        Raises:
            UsageError: There is none, or it was removed.
        """
        desk = self.find(key)
        if desk is None:
            raise UsageError(f"there is no desk {key[:60]!r}; see `ticket-pipelines desks list`")
        if desk.removed_at is not None:
            raise UsageError(
                f"desk {key!r} was removed on {desk.removed_at:%Y-%m-%d}; its rows stay until"
                f" `ticket-pipelines desks remove {key} --purge`"
            )
        return desk

    def find(self, key: str) -> Desk | None:
        """The desk of that key, removed ones included."""
        with reading(self._control) as connection:
            row = connection.execute(sa.select(*COLUMNS).where(table.c.key == key)).mappings().first()
        return Desk(**row) if row else None

    def list(self, *, removed: bool = False) -> list[Desk]:
        """All desks by key; with `removed`, also those whose rows alone are left."""
        query = sa.select(*COLUMNS).order_by(table.c.key)
        with reading(self._control) as connection:
            rows = connection.execute(query if removed else query.where(table.c.removed_at.is_(None))).mappings().all()
        return [Desk(**row) for row in rows]

    def due(self, now: datetime) -> Sequence[Desk]:
        """The desks that are due, in the order in which they go: by priority, then longest waiting first."""
        with reading(self._control) as connection:
            rows = connection.execute(due_query(now)).mappings().all()
        return [Desk(**row) for row in rows]

    def credentials(self, key: str) -> dict[str, str]:
        """The desk's credentials at the vendor, decrypted; from then on no log line shows them.

        Raises:
            UsageError: There is no such desk.
            SettingsError: No key decrypts them.
        """
        return vendor_credentials(self.secrets(key))

    def mirror_url(self, key: str) -> str | None:
        """Address of the database with the desk's mirror; None where it has none."""
        return self.secrets(key).get(MIRROR_URL)

    def secrets(self, key: str) -> dict[str, str]:
        """All that was given as credentials, the address of the mirror too.

        Raises:
            UsageError: There is no such desk.
            SettingsError: No key decrypts them.
        """
        active = sa.and_(table.c.key == key, table.c.removed_at.is_(None))
        with reading(self._control) as connection:
            token = connection.execute(sa.select(table.c.credentials).where(active)).scalar()
        if token is None:
            self.get(key)
            raise UsageError(f"desk {key!r} was removed meanwhile")
        found: dict[str, str] = json.loads(self._vault.decrypt(token))
        hide(secrets_of(found))
        return found

    def add(self, key: str, vendor: str, config: Mapping[str, Any], credentials: Mapping[str, str]) -> Desk:
        """Registers a desk; it is due at once.

        Raises:
            UsageError: Key, vendor, configuration or credentials cannot work, or the key is taken.
        """
        check_key(key)
        hide(secrets_of(credentials))
        checked = check_registration(find_vendor(vendor), config, credentials)
        now = self._now()
        row = {
            "key": key,
            "vendor": vendor,
            "account": checked.account,
            "config": dict(checked.config),
            "credentials": self._encrypted(credentials),
            "credentials_end_at": credentials_end(find_vendor(vendor), credentials),
            "schedule": checked.schedule,
            "timezone": checked.timezone,
            "paused": False,
            "priority": checked.priority,
            "created_at": now,
            "updated_at": now,
            "next_due_at": now,
        }
        try:
            with self._control.begin() as connection:
                connection.execute(sa.insert(table).values(row))
        except IntegrityError:
            self._refuse_taken(key)
        log.debug("desk %s added: %s %s", key, vendor, checked.account)
        return self.get(key)

    def update(
        self, key: str, config: Mapping[str, Any] | None = None, credentials: Mapping[str, str] | None = None
    ) -> Desk:
        """Changes keys of the configuration (null takes one away), the credentials, or both.

        The account must stay the same.

        Raises:
            UsageError: There is no such desk, something cannot work, or it would be another account.
        """
        desk = self.get(key)
        vendor = find_vendor(desk.vendor)
        given = {key: value for key, value in {**configuration(desk), **(config or {})}.items() if value is not None}
        used = self.secrets(key) if credentials is None else credentials
        hide(secrets_of(used))
        checked = check_registration(vendor, given, used)
        if checked.account != desk.account:
            raise UsageError(
                f"desk {key!r} is the account {desk.account}; its configuration cannot point at {checked.account}."
                "\nAdd a desk of another key for that account."
            )
        values: dict[str, Any] = {"config": dict(checked.config), "priority": checked.priority}
        if credentials is not None:
            values["credentials"] = self._encrypted(credentials)
            values["credentials_end_at"] = credentials_end(vendor, credentials)
        if (checked.schedule, checked.timezone) != (desk.schedule, desk.timezone):
            values |= {"schedule": checked.schedule, "timezone": checked.timezone}
            values["next_due_at"] = next_due(checked.schedule, checked.timezone, self._now())
        if desk.parked is not None:
            values |= self._tried_again()
        self._write(key, values)
        log.debug("desk %s updated", key)
        return self.get(key)

    def pause(self, key: str) -> Desk:
        """Stops scheduled syncs of a desk; one by hand still works."""
        self.get(key)
        self._write(key, {"paused": True})
        return self.get(key)

    def resume(self, key: str) -> Desk:
        """Lets scheduled syncs of a desk go on, from its next due time; one that was parked is due at once."""
        desk = self.get(key)
        due = {"next_due_at": next_due(desk.schedule, desk.timezone, self._now())}
        self._write(key, {"paused": False, **(due if desk.parked is None else self._tried_again())})
        return self.get(key)

    def try_again(self, key: str) -> Desk:
        """Forgets a desk's failures: it is due at once, whatever kept it back. One that is paused stays so."""
        self.get(key)
        self._write(key, self._tried_again())
        return self.get(key)

    def remove(self, key: str) -> Desk:
        """Ends a desk: no sync any more, its credentials forgotten, its rows kept in the warehouse."""
        desk = self.get(key)
        now = self._now()
        forgotten = self._encrypted({})
        self._write(key, {"removed_at": now, "credentials": forgotten, "next_due_at": None})
        log.debug("desk %s removed", key)
        return replace(desk, removed_at=now, next_due_at=None)

    def purge(self, key: str) -> None:
        """Forgets a desk and all that the control database holds of it; its key is free again.

        The caller holds the desk's lease and has deleted the rows in the warehouse. The lease's row stays: its token
        goes on rising, so that a sync that slept through all this never takes the next desk of that key for its own.
        """
        with self._control.begin() as connection:
            for other in (alert_rules, cursors, mirror_rows, outbox, quarantine, sync_runs):
                connection.execute(sa.delete(other).where(other.c.desk == key))
            connection.execute(sa.delete(table).where(table.c.key == key))
        log.debug("desk %s purged", key)

    def ended(self, key: str, ending: Ending) -> None:
        """Records how a sync or an idle visit ended: due time, failures in a row, parking."""
        with self._control.begin() as connection:
            self._ended(connection, key, ending)

    def idle(self, desk: Desk, at: datetime, give_back: Callable[[sa.Connection], bool]) -> None:
        """Records an idle visit and gives the lease back, in one transaction.

        Args:
            desk: The desk, as it was when its lease was taken.
            at: When the visit ended.
            give_back: Gives the lease back; False: it had ended, so that the visit counts for nothing.
        """
        ending = Ending(Status.SKIPPED, at)
        with self._control.connect() as connection, connection.begin() as transaction:
            values = {f"new_{name}": value for name, value in after(desk, ending).items()}
            as_seen = {"of_key": desk.key, "seen_at": desk.updated_at, "checked_at": desk.last_checked_at}
            if connection.execute(_IDLE, {**values, **as_seen}).rowcount != 1:
                self._ended(connection, desk.key, ending)
            # the desk first, then its lease, as a claim locks them: else the two could wait for each other
            if not give_back(connection):
                transaction.rollback()

    def _ended(self, connection: sa.Connection, key: str, ending: Ending) -> None:
        query = sa.select(*COLUMNS).where(table.c.key == key, table.c.removed_at.is_(None)).with_for_update()
        row = connection.execute(query).mappings().first()
        if row and (values := after(Desk(**row), ending)):
            connection.execute(sa.update(table).where(table.c.key == key).values(**values))

    def postpone(self, desk: Desk, until: datetime) -> None:
        """Makes a due desk due later, unless its due time has been changed since."""
        seen = table.c.next_due_at == desk.next_due_at if desk.next_due_at else table.c.next_due_at.is_(None)
        put_off = sa.update(table).where(table.c.key == desk.key, table.c.parked.is_(None), seen)
        with self._control.begin() as connection:
            connection.execute(put_off.values(next_due_at=until))

    def reported(self, key: str, status: Status, at: datetime | None) -> None:
        """Takes note of the outcome that Dagster was told of a desk, and up to when its rows (None: as before)."""
        rows = {} if at is None else {"reported_at": at}
        told = sa.update(table).where(table.c.key == key)
        with self._control.begin() as connection:
            connection.execute(told.values(reported_status=status.value, **rows))

    def _tried_again(self) -> dict[str, Any]:
        """What a parked desk becomes when somebody changed something."""
        return {"parked": None, "failures": 0, "next_due_at": self._now()}

    def _encrypted(self, credentials: Mapping[str, str]) -> str:
        return self._vault.encrypt(json.dumps(dict(credentials)).encode())

    def _refuse_taken(self, key: str) -> None:
        taken = self.get(key)
        raise UsageError(
            f"desk {key!r} exists already ({taken.vendor}, {taken.account});"
            f" change it with `ticket-pipelines desks update {key}`"
        ) from None

    def _write(self, key: str, values: Mapping[str, Any]) -> None:
        with self._control.begin() as connection:
            connection.execute(sa.update(table).where(table.c.key == key).values(**values, updated_at=self._now()))


def configuration(desk: Desk) -> dict[str, Any]:
    """The configuration as a user would write it: with schedule and time zone."""
    return {**desk.config, "schedule": desk.schedule, "timezone": desk.timezone}
