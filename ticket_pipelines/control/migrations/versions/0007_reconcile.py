"""The quarantine says whether a record is a part, so that it is tried again as one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("quarantine", sa.Column("partial", sa.Boolean(), server_default=sa.false(), nullable=False))
