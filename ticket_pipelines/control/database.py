"""The control database: desks, leases, runs, quarantine, budgets, alerts. SQLite beside the project, or Postgres.

The tables stand here as data; Alembic migrations (`migrations/`) bring a database to them. Times are stored as UTC
(naive in SQLite, aware on Postgres): read and write them through `Instant`, which takes and gives aware ones.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

metadata = sa.MetaData()


class Instant(TypeDecorator[datetime]):
    """A UTC instant on every database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Refuses naive times, gives UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time was given where an instant is needed")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Gives aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


desks = sa.Table(
    "desks",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("vendor", sa.String(40), nullable=False),
    sa.Column("account", sa.Text, nullable=False, doc="Vendor.account of the configuration; never changes"),
    sa.Column("config", sa.JSON, nullable=False),
    sa.Column("credentials", sa.Text, nullable=False, doc="encrypted JSON"),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("removed_at", Instant, doc="removed, but its rows are still in the warehouse"),
    sa.Column("next_due_at", Instant),
    sa.Column("last_checked_at", Instant, doc="last sync or idle probe"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0", doc="consecutive failures"),
    sa.Column("credentials_end_at", Instant, doc="when the credentials stop working, where that is known"),
    sa.Column("rows_purged", sa.BigInteger, nullable=False, server_default="0", doc="created by runs since purged"),
    sa.Column("priority", sa.Integer, nullable=False, server_default="50", doc="of due desks, the lowest goes first"),
    sa.Column("parked", sa.Text, doc="why it is not tried again until something changes; null: it is"),
    sa.Column("synced_whole_at", Instant, doc="last sync that left nothing out; null: the last one did"),
    sa.Column("changed_at", Instant, doc="last sync that changed rows"),
    sa.Column("reported_at", Instant, doc="when Dagster was last told of its rows"),
    sa.Column("reported_status", sa.String(20), doc="the outcome that Dagster was last told"),
    sa.Index("desks_by_due", "next_due_at"),
)

loops = sa.Table(
    "loops",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True, doc="of a loop in a Dagster run: the run's id"),
    sa.Column("holder", sa.Text, nullable=False, doc="which process it is, in words"),
    sa.Column("kind", sa.String(10), nullable=False, doc="batch, live or worker"),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("beat_at", Instant, nullable=False, doc="last sign of life"),
    sa.Column("ends_at", Instant, doc="when it hands over; null: it ends by itself"),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("desk", sa.String(40), primary_key=True),
    sa.Column("holder", sa.Text, nullable=False, doc="who holds it, in words: command, host, process"),
    sa.Column("token", sa.BigInteger, nullable=False, doc="fencing token, rises with every grant"),
    sa.Column("acquired_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
)

cursors = sa.Table(
    "cursors",
    metadata,
    sa.Column("desk", sa.String(40), primary_key=True),
    sa.Column("warehouse", sa.Text, nullable=False, doc="Warehouse.identity the position belongs to"),
    sa.Column("state", sa.JSON, nullable=False, doc="copy of the position, for probes; the warehouse holds the truth"),
    sa.Column("updated_at", Instant, nullable=False),
)

sync_runs = sa.Table(
    "sync_runs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("desk", sa.String(40), nullable=False),
    sa.Column("vendor", sa.String(40), nullable=False),
    sa.Column("direction", sa.String(10), nullable=False),
    sa.Column("mode", sa.String(20), nullable=False),
    sa.Column("trigger", sa.String(20), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("completed_at", Instant),
    sa.Column("duration_seconds", sa.Float),
    sa.Column("rows_read", sa.BigInteger, nullable=False),
    sa.Column("rows_created", sa.BigInteger, nullable=False),
    sa.Column("rows_updated", sa.BigInteger, nullable=False),
    sa.Column("rows_unchanged", sa.BigInteger, nullable=False),
    sa.Column("rows_deleted", sa.BigInteger, nullable=False),
    sa.Column("rows_failed", sa.BigInteger, nullable=False),
    sa.Column("success_rate", sa.Float),
    sa.Column("api_requests", sa.BigInteger, nullable=False),
    sa.Column("api_wait_seconds", sa.Float, nullable=False),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Column("dagster_run_id", sa.String(36)),
    sa.Column(
        "in_warehouse", sa.Boolean, nullable=False, server_default=sa.false(), doc="copied to the warehouse as it is"
    ),
    sa.Index("sync_runs_by_desk", "desk", "started_at"),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("desk", sa.String(40), nullable=False),
    sa.Column("stream", sa.String(63), nullable=False),
    sa.Column("record_id", sa.Text, doc="the vendor's id, where one could be read"),
    sa.Column("version", sa.BigInteger),
    sa.Column("stage", sa.String(10), nullable=False, doc="shape, map or load"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False, doc="encrypted record"),
    sa.Column("payload_hash", sa.String(32), nullable=False),
    sa.Column("partial", sa.Boolean, nullable=False, server_default=sa.false(), doc="the record lacks fields"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("first_seen_at", Instant, nullable=False),
    sa.Column("last_seen_at", Instant, nullable=False),
    sa.UniqueConstraint("desk", "stream", "payload_hash", name="quarantine_once"),
)

budgets = sa.Table(
    "budgets",
    metadata,
    sa.Column("account", sa.String(200), primary_key=True),
    sa.Column("limit_class", sa.String(63), primary_key=True),
    sa.Column("total", sa.Integer, doc="what the vendor announced; null: the contract's number"),
    sa.Column("taken", sa.JSON, nullable=False, doc="Unix times of the requests within the period"),
    sa.Column("closed_until", sa.Float, nullable=False, server_default="0", doc="Unix time"),
    sa.Column("remaining", sa.BigInteger, doc="what the vendor said is left, where it announces no total"),
    sa.Column("told_at", sa.Float, doc="Unix time at which it said so"),
)

access_tokens = sa.Table(
    "access_tokens",
    metadata,
    sa.Column("credential", sa.String(64), primary_key=True, doc="fingerprint of the credential"),
    sa.Column("token", sa.Text, doc="encrypted; null while none was minted, or after it was refused"),
    sa.Column("expires_at", sa.Float, doc="Unix time; null: the vendor names no end"),
    sa.Column("minting_until", sa.Float, nullable=False, server_default="0", doc="Unix time; later: somebody mints"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, doc="entries of a ticket are written in this order"),
    sa.Column("desk", sa.String(40), nullable=False),
    sa.Column("ticket", sa.Text, nullable=False, doc="the vendor's id"),
    sa.Column("operation", sa.String(20), nullable=False, doc="status, assignment, fields or note"),
    sa.Column("base_version", sa.BigInteger, doc="version of the stored row that the change was made on"),
    sa.Column("payload", sa.Text, nullable=False, doc="encrypted JSON: writeback.entry.Payload"),
    sa.Column("idempotency_key", sa.String(200), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("cause", sa.String(20), doc="why it is parked"),
    sa.Column("reason", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.UniqueConstraint("desk", "idempotency_key", name="outbox_once"),
    sa.Index("outbox_by_desk", "desk", "state"),
)

mirror_rows = sa.Table(
    "mirror_rows",
    metadata,
    sa.Column("desk", sa.String(40), primary_key=True),
    sa.Column("ticket", sa.String(200), primary_key=True, doc="the vendor's id"),
    sa.Column("seen", sa.Text, nullable=False, doc="encrypted JSON: the row and the vendor's values, when last seen"),
    sa.Column("updated_at", Instant, nullable=False),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("at", Instant, nullable=False),
)

alert_rules = sa.Table(
    "alert_rules",
    metadata,
    sa.Column("rule", sa.String(40), primary_key=True),
    sa.Column("desk", sa.String(40), primary_key=True, doc="empty: all desks"),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("threshold", sa.Float, doc="null: that of all desks, or the rule's own"),
)

alert_states = sa.Table(
    "alert_states",
    metadata,
    sa.Column("rule", sa.String(40), primary_key=True),
    sa.Column("desk", sa.String(40), primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, doc="what the message said when the condition started"),
)

alert_messages = sa.Table(
    "alert_messages",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(20), nullable=False),
    sa.Column("body", sa.JSON, nullable=False, doc="the message: text, rule, state, desks, at"),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False, doc="when it is sent, or tried again; a sender moves it on first"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.Text, doc="why the last attempt failed"),
)


def of_all() -> sa.ColumnElement[bool]:
    """Whether a sync was of all that its desk reads: not of chosen streams, records or times."""
    part = sa.func.coalesce(sync_runs.c.details["part"].as_boolean(), sa.false())
    return sa.and_(sync_runs.c.mode.in_(("incremental", "full")), sa.not_(part))
