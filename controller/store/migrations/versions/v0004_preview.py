"""Version 5: how long an agent may look at a contact before it is called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is new: a minute, in microseconds."""
    op.add_column(
        "campaigns", sa.Column("preview_timeout", sa.BigInteger, server_default="60000000", nullable=False)
    )
    op.execute("UPDATE schema_version SET version = 5")
