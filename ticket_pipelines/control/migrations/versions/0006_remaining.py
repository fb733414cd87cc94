"""Budgets: what the vendor said is left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns."""
    op.add_column("budgets", sa.Column("remaining", sa.BigInteger()))
    op.add_column("budgets", sa.Column("told_at", sa.Float()))
