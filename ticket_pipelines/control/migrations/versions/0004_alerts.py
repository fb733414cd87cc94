"""Heartbeats, alerts, and what is kept of a desk beside its runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables and columns."""
    op.add_column("desks", sa.Column("credentials_end_at", sa.DateTime(timezone=True)))
    op.add_column("desks", sa.Column("rows_purged", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "alert_rules",
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("desk", sa.String(40), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("threshold", sa.Float()),
        sa.PrimaryKeyConstraint("rule", "desk"),
    )
    op.create_table(
        "alert_states",
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("desk", sa.String(40), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "desk"),
    )
    op.create_table(
        "alert_messages",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
