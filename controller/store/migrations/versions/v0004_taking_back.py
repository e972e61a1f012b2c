"""Version 5: when a campaign may take a ringing call back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is new. Campaigns go on as before: no call is taken back before it has rung for 15 s."""
    column = sa.Column(
        "take_back_after", sa.BigInteger, server_default=str(15 * 1_000_000), comment="null: never"
    )
    op.add_column("campaigns", column)
    op.execute("UPDATE schema_version SET version = 5")
