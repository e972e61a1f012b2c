"""Version 7: of which segment a call was, and the way to a campaign's latest calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is new. Of calls before this nobody knows the segment: it stays null."""
    op.add_column(
        "attempts",
        sa.Column("segment", sa.Text, comment="that it was dialed from, or its contact's; null: not known"),
    )
    op.create_index("attempts_recent", "attempts", ["campaign", "admitted_at", "id"])
    op.execute("UPDATE schema_version SET version = 7")
