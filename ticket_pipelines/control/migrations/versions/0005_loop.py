"""The loop: priority, parking, what Dagster was told of a desk; loops and their signs of life."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns and the table."""
    for column in (
        sa.Column("priority", sa.Integer(), server_default="50", nullable=False),
        sa.Column("parked", sa.Text()),
        sa.Column("synced_whole_at", sa.DateTime(timezone=True)),
        sa.Column("changed_at", sa.DateTime(timezone=True)),
        sa.Column("reported_at", sa.DateTime(timezone=True)),
        sa.Column("reported_status", sa.String(20)),
    ):
        op.add_column("desks", column)
    op.create_index("desks_by_due", "desks", ["next_due_at"], unique=False)
    op.create_table(
        "loops",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id"),
    )
