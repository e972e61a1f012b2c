"""Version 6: contacts that agents look at before they are called: for how long, and which they skipped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make what is new. Campaigns give agents a minute (in microseconds)."""
    op.add_column(
        "campaigns", sa.Column("preview_timeout", sa.BigInteger, server_default="60000000", nullable=False)
    )
    op.create_table(
        "skips",
        sa.Column("offer", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("contact", ROW_ID, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False, comment="one word; often empty"),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"]),
        sa.ForeignKeyConstraint(["contact"], ["contacts.id"]),
        sa.PrimaryKeyConstraint("offer"),
        comment="Contacts that agents looked at, in mode preview, and did not want called then.",
    )
    op.create_index("skips_contact", "skips", ["contact"])
    op.create_index("skips_campaign", "skips", ["campaign", "at"])
    op.execute("UPDATE schema_version SET version = 6")
