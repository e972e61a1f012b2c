"""Version 4: how a campaign dials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is new. A campaign that was dialed by a ratio before is dialed predictively from now on."""
    op.add_column(
        "campaigns",
        sa.Column("mode", sa.Text, server_default="predictive", nullable=False, comment="how it dials: Mode"),
    )
    op.execute("UPDATE schema_version SET version = 4")
