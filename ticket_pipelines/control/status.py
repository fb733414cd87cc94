"""What the control database knows of desks and syncs; costs no request and no warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ticket_pipelines.control.backfill import Backfill, backfill
from ticket_pipelines.control.budgets import Left, left
from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import cursors, leases, of_all, sync_runs
from ticket_pipelines.control.database import desks as desk_table
from ticket_pipelines.control.due import lateness
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.sync.result import Direction, Mode, Status, SyncResult, Trigger

_SHOWN = ("started_at", "status", "rows_created", "rows_updated", "duration_seconds", "error_message")
_RUN_COLUMNS = [column for column in sync_runs.c if column.name != "in_warehouse"]


@dataclass(frozen=True, slots=True)
class DeskStatus:
    """How one desk is doing.

    Attributes:
        desk: Key of the desk.
        vendor: Its vendor.
        paused: Not synced by schedule.
        running: Who syncs it now, in words; None: nobody.
        last_run_at: Start of the last sync.
        last_status: How it ended (running: it has not).
        last_error: Why it failed or was partial.
        last_success_at: End of the last sync of all that it reads that succeeded.
        data_as_of: Everything that the vendor showed until then is in the warehouse.
        late_seconds: Time past its due time; 0 while it is paused or not due.
        consecutive_failures: Failed syncs in a row.
        rows: Vendor rows that its syncs created.
        next_due_at: When a scheduled sync is due; None: paused or parked.
        parked: Why it is not tried again until something changes; None: it is.
        rows_today: Vendor rows that its syncs created since midnight UTC.
        errors_today: Syncs that failed since midnight UTC.
        last_runs: Its last three syncs, newest first: when, how they ended, rows created and updated, seconds.
        budget: What its account has left, by limit class; other desks of the account share it.
        backfill: The full sync or backfill that is under way, or was cut off; None: there is none.
    """

    desk: str
    vendor: str
    paused: bool
    running: str | None
    last_run_at: datetime | None
    last_status: Status | None
    last_error: str | None
    last_success_at: datetime | None
    data_as_of: datetime | None
    late_seconds: float
    consecutive_failures: int
    rows: int
    next_due_at: datetime | None
    parked: str | None
    rows_today: int
    errors_today: int
    last_runs: tuple[Mapping[str, Any], ...]
    budget: tuple[Left, ...]
    backfill: Backfill | None


def runs(
    control: sa.Engine,
    desk: str | None = None,
    limit: int = 50,
    *,
    direction: Direction | None = None,
    dagster_run_id: str | None = None,
) -> list[SyncResult]:
    """Syncs and pushes, newest first; only those of a desk, a direction or a Dagster run where one is named."""
    query = sa.select(*_RUN_COLUMNS).order_by(sync_runs.c.started_at.desc(), sync_runs.c.id.desc()).limit(limit)
    if desk is not None:
        query = query.where(sync_runs.c.desk == desk)
    if direction is not None:
        query = query.where(sync_runs.c.direction == direction)
    if dagster_run_id is not None:
        query = query.where(sync_runs.c.dagster_run_id == dagster_run_id)
    with reading(control) as connection:
        return [_result(dict(row)) for row in connection.execute(query).mappings()]


def runs_since(control: sa.Engine, desk: str, since: datetime) -> list[SyncResult]:
    """Scheduled syncs of a desk that ended after a time, oldest first."""
    ended = sa.and_(sync_runs.c.completed_at > since, sync_runs.c.trigger == Trigger.SCHEDULE.value)
    read = sa.and_(sync_runs.c.desk == desk, sync_runs.c.direction == Direction.INBOUND)
    query = sa.select(*_RUN_COLUMNS).where(read, ended).order_by(sync_runs.c.started_at)
    with reading(control) as connection:
        return [_result(dict(row)) for row in connection.execute(query).mappings()]


def status(control: sa.Engine, desks: Iterable[Desk], now: datetime) -> list[DeskStatus]:
    """How these desks are doing, in their order."""
    desks = list(desks)
    with reading(control) as connection:
        # a push brings nothing in
        read = sync_runs.c.direction == Direction.INBOUND
        last = _newest(connection, read, sync_runs.c.started_at)
        good = _newest(
            connection, sa.and_(read, sync_runs.c.status == Status.SUCCESS, of_all()), sync_runs.c.started_at
        )
        created = sa.func.sum(sync_runs.c.rows_created)
        summed = sa.select(sync_runs.c.desk, created).where(read).group_by(sync_runs.c.desk)
        rows = {row[0]: row[1] for row in connection.execute(summed)}
        counted = sa.select(desk_table.c.key, desk_table.c.rows_purged)
        purged: dict[str, int] = {row[0]: row[1] for row in connection.execute(counted)}
        today = {row["desk"]: dict(row) for row in connection.execute(_today(now)).mappings()}
        latest = _last_three(connection)
        held = sa.select(leases.c.desk, leases.c.holder).where(leases.c.expires_at > now)
        holders = {row[0]: row[1] for row in connection.execute(held)}
        budgets = _budgets(connection, desks, now)
        walks = _walks(connection, {desk.key: desk.vendor for desk in desks}, now)
    return [
        replace(
            _status(
                desk,
                last.get(desk.key),
                good.get(desk.key),
                int(rows.get(desk.key) or 0) + purged.get(desk.key, 0),
                holders.get(desk.key),
                now,
            ),
            rows_today=int(today.get(desk.key, {}).get("rows") or 0),
            errors_today=int(today.get(desk.key, {}).get("errors") or 0),
            last_runs=tuple(latest.get(desk.key, ())),
            budget=budgets[desk.key],
            backfill=walks.get(desk.key),
        )
        for desk in desks
    ]


def _budgets(connection: sa.Connection, desks: Sequence[Desk], now: datetime) -> dict[str, tuple[Left, ...]]:
    """What the account of each desk has left."""
    found: dict[str, tuple[Left, ...]] = {}
    for vendor in {desk.vendor for desk in desks}:
        accounts = {desk.key: desk.account for desk in desks if desk.vendor == vendor}
        told = left(connection, set(accounts.values()), find_vendor(vendor).limits, now.timestamp())
        found |= {key: tuple(told[account]) for key, account in accounts.items()}
    return found


def _walks(connection: sa.Connection, vendors: Mapping[str, str], now: datetime) -> dict[str, Backfill | None]:
    """What is under way at each desk."""
    copies = connection.execute(sa.select(cursors.c.desk, cursors.c.state, cursors.c.updated_at))
    return {
        row.desk: backfill(row.state, find_vendor(vendors[row.desk]).clocks, row.updated_at, now)
        for row in copies
        if row.desk in vendors
    }


def _today(now: datetime) -> sa.Select[Any]:
    """Rows created and syncs failed since midnight UTC, by desk."""
    failed = sa.case((sync_runs.c.status == Status.FAILED.value, 1), else_=0)
    summed = (sa.func.sum(sync_runs.c.rows_created).label("rows"), sa.func.sum(failed).label("errors"))
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    read = sa.and_(sync_runs.c.started_at >= midnight, sync_runs.c.direction == Direction.INBOUND)
    return sa.select(sync_runs.c.desk, *summed).where(read).group_by(sync_runs.c.desk)


def _last_three(connection: sa.Connection) -> dict[str, list[Mapping[str, Any]]]:
    """The newest three syncs of each desk, newest first."""
    newest = (sync_runs.c.started_at.desc(), sync_runs.c.id.desc())
    rank = sa.func.row_number().over(partition_by=sync_runs.c.desk, order_by=newest)
    columns = (*(sync_runs.c[name] for name in ("desk", *_SHOWN)), rank.label("rank"))
    ranked = sa.select(*columns).where(sync_runs.c.direction == Direction.INBOUND).subquery()
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in connection.execute(sa.select(ranked).where(ranked.c.rank <= 3).order_by(ranked.c.rank)).mappings():
        found.setdefault(row["desk"], []).append({name: row[name] for name in _SHOWN})
    return found


def _newest(
    connection: sa.Connection, condition: sa.ColumnElement[bool], clock: sa.Column[Any]
) -> dict[str, Mapping[str, Any]]:
    """The newest run of each desk that fulfils the condition."""
    rank = sa.func.row_number().over(partition_by=sync_runs.c.desk, order_by=(clock.desc(), sync_runs.c.id.desc()))
    chosen = [sync_runs.c[name] for name in ("desk", "status", "started_at", "completed_at", "error_message")]
    ranked = sa.select(*chosen, rank.label("rank")).where(condition).subquery()
    found = connection.execute(sa.select(ranked).where(ranked.c.rank == 1)).mappings()
    return {row["desk"]: dict(row) for row in found}


def _status(
    desk: Desk,
    last: Mapping[str, Any] | None,
    good: Mapping[str, Any] | None,
    rows: int,
    holder: str | None,
    now: datetime,
) -> DeskStatus:
    return DeskStatus(
        desk=desk.key,
        vendor=desk.vendor,
        paused=desk.paused,
        running=holder,
        last_run_at=last["started_at"] if last else None,
        last_status=Status(last["status"]) if last else None,
        last_error=last["error_message"] if last else None,
        last_success_at=good["completed_at"] if good else None,
        # a sync shows what was there when it began; an idle visit since then moves the time on
        data_as_of=_as_of(desk, good),
        late_seconds=lateness(desk.next_due_at, paused=desk.resting, now=now),
        consecutive_failures=desk.failures,
        rows=rows,
        next_due_at=None if desk.resting else desk.next_due_at,
        parked=desk.parked,
        rows_today=0,
        errors_today=0,
        last_runs=(),
        budget=(),
        backfill=None,
    )


def _as_of(desk: Desk, good: Mapping[str, Any] | None) -> datetime | None:
    if good is None:
        return None
    started: datetime = good["started_at"]
    checked = desk.last_checked_at
    idle_since = desk.synced_whole_at is not None and desk.failures == 0
    if idle_since and checked is not None and good["completed_at"] is not None and checked > good["completed_at"]:
        return checked
    return started


def _result(row: Mapping[str, Any]) -> SyncResult:
    typed = {"mode": Mode(row["mode"]), "trigger": Trigger(row["trigger"]), "status": Status(row["status"])}
    return SyncResult(**{**row, **typed})
