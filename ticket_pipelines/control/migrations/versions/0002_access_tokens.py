"""Access tokens, shared by all processes that use a credential."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "access_tokens",
        sa.Column("credential", sa.String(64), nullable=False),
        sa.Column("token", sa.Text()),
        sa.Column("expires_at", sa.Float()),
        sa.Column("minting_until", sa.Float(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("credential"),
    )
