"""Deletes from Dagster's storage in bulk: the one place that touches its tables.

Dagster's own `delete_run` takes one run at a time, leaves a file per run behind on SQLite and never looks at whether a
run holds the latest materialization of a partition. The tables are those of Dagster's SQL storages (SQLite, Postgres);
on a storage of another kind nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa

events = sa.table(
    "event_logs",
    *map(sa.column, ("id", "run_id", "dagster_event_type", "asset_key", "partition")),
    sa.column("timestamp", sa.DateTime),
)
tags = sa.table("asset_event_tags", sa.column("event_id"))
checks = sa.table(
    "asset_check_executions",
    *map(sa.column, ("id", "asset_key", "check_name", "partition")),
    sa.column("create_timestamp", sa.DateTime),
)
runs = sa.table("runs", sa.column("run_id"))
run_tags = sa.table("run_tags", sa.column("run_id"))

KEPT_TYPES = tuple(
    kind.value
    for kind in (
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        # a partition shows as failed by what was planned in a run that failed
        dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        dg.DagsterEventType.ASSET_OBSERVATION,
    )
)
"""Events of which the newest of each asset and partition stays."""
AT_ONCE = 500
MOST = 50_000
"""Ids that are held at once: a storage that was never purged has millions."""


def can_delete(instance: dg.DagsterInstance) -> bool:
    """Whether the storage is one of those that this module knows."""
    return hasattr(instance.event_log_storage, "index_connection") and hasattr(instance.run_storage, "connect")


def runs_of_newest(instance: dg.DagsterInstance) -> frozenset[str]:
    """Ids of the runs that hold the newest event of some asset and partition."""
    newest = (
        sa.select(sa.func.max(events.c.id))
        .where(events.c.asset_key.is_not(None), events.c.dagster_event_type.in_(KEPT_TYPES))
        .group_by(events.c.asset_key, events.c.dagster_event_type, events.c.partition)
    )
    with _events(instance).index_connection() as connection:
        found = connection.execute(sa.select(events.c.run_id).where(events.c.id.in_(newest)).distinct())
        return frozenset(run_id for (run_id,) in found if run_id)


def delete_runs(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Deletes runs with all that was kept of them; the runs themselves last, so that what is broken off goes on."""
    for some in _batches(run_ids):
        with _events(instance).index_connection() as connection:
            ids = sa.select(events.c.id).where(events.c.run_id.in_(some), events.c.dagster_event_type.in_(KEPT_TYPES))
            connection.execute(sa.delete(tags).where(tags.c.event_id.in_(ids)))
            connection.execute(sa.delete(events).where(events.c.run_id.in_(some)))
        _delete_files(instance, some)
        with _runs(instance).connect() as connection:
            for table in (run_tags, runs):
                connection.execute(sa.delete(table).where(table.c.run_id.in_(some)))


def delete_superseded(instance: dg.DagsterInstance, before: datetime) -> int:
    """Deletes old events of assets that have a newer one of their kind, asset and partition, whatever run they are of.

    One run syncs many desks: it may hold the newest event of one of them, and superseded ones of a thousand others.
    """
    newer = events.alias()
    same = sa.and_(
        newer.c.asset_key == events.c.asset_key,
        newer.c.dagster_event_type == events.c.dagster_event_type,
        newer.c.id > events.c.id,
    )
    count = 0
    # two statements, since an index finds a partition but not "the same partition, or none in both"
    for partition in (
        sa.and_(events.c.partition.is_not(None), newer.c.partition == events.c.partition),
        sa.and_(events.c.partition.is_(None), newer.c.partition.is_(None)),
    ):
        old = sa.select(events.c.id).where(
            events.c.asset_key.is_not(None),
            events.c.dagster_event_type.in_(KEPT_TYPES),
            events.c.timestamp < _naive(before),
            sa.exists().where(same, partition),
        )
        for some in _found(instance, old):
            with _events(instance).index_connection() as connection:
                connection.execute(sa.delete(tags).where(tags.c.event_id.in_(some)))
                count += connection.execute(sa.delete(events).where(events.c.id.in_(some))).rowcount
    return count


def delete_old_checks(instance: dg.DagsterInstance, before: datetime) -> int:
    """Deletes old evaluations of asset checks that have a newer one of their check and partition."""
    newer = checks.alias()
    same = sa.and_(
        newer.c.asset_key == checks.c.asset_key,
        newer.c.check_name == checks.c.check_name,
        sa.func.coalesce(newer.c.partition, "") == sa.func.coalesce(checks.c.partition, ""),
        newer.c.id > checks.c.id,
    )
    old = sa.select(checks.c.id).where(checks.c.create_timestamp < _naive(before), sa.exists().where(same))
    count = 0
    for some in _found(instance, old):
        with _events(instance).index_connection() as connection:
            count += connection.execute(sa.delete(checks).where(checks.c.id.in_(some))).rowcount
    return count


def _delete_files(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """What stands on disk: what the run printed, and on SQLite its own event log."""
    storage = _events(instance)
    for run_id in run_ids:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        # on SQLite alone
        if hasattr(storage, "path_for_shard"):
            file = Path(storage.path_for_shard(run_id))
            for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
                with suppress(FileNotFoundError):
                    file.with_name(name).unlink()


def _found(instance: dg.DagsterInstance, query: sa.Select[Any]) -> Iterator[Sequence[int]]:
    """Ids that a query finds, in batches; asked again until it finds none, since the caller deletes them meanwhile."""
    while True:
        with _events(instance).index_connection() as connection:
            ids = list(connection.execute(query.limit(MOST)).scalars())
        yield from _batches(ids)
        if len(ids) < MOST:
            return


def _events(instance: dg.DagsterInstance) -> Any:
    return instance.event_log_storage


def _runs(instance: dg.DagsterInstance) -> Any:
    return instance.run_storage


def _naive(moment: datetime) -> datetime:
    """As Dagster stores it: UTC without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
