"""The tables as they were before there were migrations: schema version 2.

A database of that time is marked as having had this one; nothing is run on it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER evidence_no_{action} BEFORE {action} ON evidence "
        "BEGIN SELECT RAISE(ABORT, 'the evidence is append-only'); END"
        for action in ("update", "delete")
    ]
    + [
        "CREATE TRIGGER evidence_no_replace BEFORE INSERT ON evidence "
        "WHEN EXISTS (SELECT 1 FROM evidence WHERE seq = NEW.seq) "
        "BEGIN SELECT RAISE(ABORT, 'the evidence is append-only'); END"
    ],
    "postgresql": [
        "CREATE FUNCTION evidence_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the evidence is append-only'; END $$",
        "CREATE TRIGGER evidence_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence "
        "FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_append_only()",
    ],
}


def upgrade() -> None:
    """Make the tables and their first rows."""
    _store()
    _campaigns()
    _contacts()
    _attempts()
    _lists()
    _evidence()
    op.execute("INSERT INTO schema_version (version) VALUES (2)")
    op.execute("INSERT INTO heartbeat (id, beats) VALUES (1, 0)")
    op.execute("INSERT INTO evidence_head (id, seq, hash) VALUES (1, 0, '" + "0" * 64 + "')")
    for statement in APPEND_ONLY.get(op.get_bind().dialect.name, ()):
        op.get_bind().exec_driver_sql(statement)


def _campaigns() -> None:
    """Campaigns, and who lifted their budgets."""
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("caller_number", sa.Text, nullable=False),
        sa.Column("dial_string", sa.Text, nullable=False),
        sa.Column("trunk", sa.Text, nullable=False),
        sa.Column("law", sa.Text, nullable=False),
        sa.Column("overdial", sa.Float, nullable=False),
        sa.Column("ring_timeout", sa.BigInteger, nullable=False),
        sa.Column("wrap_up", sa.BigInteger, nullable=False),
        sa.Column("calls_per_second", sa.Float, nullable=False),
        sa.Column("max_lines", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("retry_pauses", sa.JSON, nullable=False, comment="microseconds by outcome"),
        sa.Column("override_author", sa.Text),
        sa.Column("override_reason", sa.Text),
        sa.Column("caller_number_answers", sa.Boolean, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("hours", sa.Text, comment="as written, such as mon-fri 09:00-20:00; null: the law's"),
        sa.Column("segment_hours", sa.JSON, nullable=False, comment="hours as written, by segment"),
        sa.Column("opens_at", sa.BigInteger),
        sa.Column("closes_at", sa.BigInteger),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "overrides",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("campaign", sa.Text, sa.ForeignKey("campaigns.id"), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        comment="Append-only.",
    )


def _contacts() -> None:
    """Whom campaigns call."""
    op.create_table(
        "contacts",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("campaign", sa.Text, sa.ForeignKey("campaigns.id"), nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("operator_due", sa.Boolean, nullable=False),
        sa.Column("due_at", sa.BigInteger, comment="not to be called before; null: at once"),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("current_call", sa.Text, comment="the attempt under way"),
        sa.Column("last_outcome", sa.Text),
        sa.Column("person", sa.Text, nullable=False, comment="keyed hash of the number"),
        sa.Column("consent_basis", sa.Text, comment="why they may be called; null: the list does not say"),
        sa.Column("consent_source", sa.Text),
        sa.Column("consent_at", sa.BigInteger),
        sa.Column("segment", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("hours", sa.Text, comment="their own; null: none are known"),
        sa.Column("erased_at", sa.BigInteger, comment="when number, name and attributes were erased"),
        sa.UniqueConstraint("campaign", "number", name="contacts_campaign_number"),
    )
    op.create_index("contacts_due", "contacts", ["campaign", "status", "due_at", "id"])
    op.create_index("contacts_person", "contacts", ["person"])


def _attempts() -> None:
    """Calls."""
    op.create_table(
        "attempts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("campaign", sa.Text, sa.ForeignKey("campaigns.id"), nullable=False),
        sa.Column("contact", ROW_ID, sa.ForeignKey("contacts.id"), nullable=False),
        # Copied, not looked up later: evidence must not change when a campaign or a contact does.
        sa.Column("number", sa.Text, nullable=False, comment="empty once it was erased"),
        sa.Column("person", sa.Text, nullable=False, comment="keyed hash of the number"),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("caller_number", sa.Text, nullable=False),
        sa.Column("law", sa.Text, nullable=False),
        sa.Column(
            "controller", sa.Text, nullable=False, comment="which one placed it, and closes it after a crash"
        ),
        sa.Column(
            "override", sa.Boolean, nullable=False, comment="placed while the campaign's budget was lifted"
        ),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("covered", sa.Boolean, nullable=False),
        sa.Column("guaranteed", sa.Boolean, nullable=False),
        sa.Column("agent", sa.Text),
        sa.Column("waited", sa.Boolean, nullable=False),
        sa.Column(
            "started_at", sa.BigInteger, nullable=False, comment="when it was recorded, before dialing"
        ),
        sa.Column("admitted_at", sa.BigInteger),
        sa.Column("rang_at", sa.BigInteger),
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("noise_at", sa.BigInteger, comment="when Asterisk began the noise, by its clock"),
        sa.Column("bridged_at", sa.BigInteger),
        sa.Column("heard_at", sa.BigInteger, comment="from when on the callee heard an agent: a success"),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("ended_by", sa.Text),
        sa.Column("outcome", sa.Text, comment="null while it is under way"),
        sa.Column("answer_class", sa.Text, comment="AnswerClass of an answered call that is over"),
        sa.Column("answerer", sa.Text, comment="who picked up, as the agent said"),
        sa.Column("cause", sa.Integer, nullable=False),
        sa.Column("sip", sa.Integer),
    )
    op.create_index(
        "attempts_open",
        "attempts",
        ["contact"],
        unique=True,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_index("attempts_campaign", "attempts", ["campaign", "outcome"])
    op.create_index("attempts_person", "attempts", ["person"])


def _lists() -> None:
    """Who is not called."""
    op.create_table(
        "opt_outs",
        sa.Column("scope", sa.Text, primary_key=True, comment="*, caller:<caller>, campaign:<campaign>"),
        sa.Column("person", sa.Text, primary_key=True, comment="keyed hash of the number"),
        sa.Column("number", sa.Text, comment="null once it was erased"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        comment="The do-not-call lists.",
    )
    op.create_table(
        "register_checks",
        sa.Column("person", sa.Text, primary_key=True, comment="keyed hash of the number"),
        sa.Column("checked_at", sa.BigInteger, nullable=False, comment="when the register was asked"),
        sa.Column("opposed", sa.Boolean, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        comment="What the opposition register said last of each number.",
    )
    op.create_index("opt_outs_person", "opt_outs", ["person"])


def _evidence() -> None:
    """The evidence, which nobody changes."""
    op.create_table(
        "evidence",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False, comment="microseconds since 1970 UTC"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False, comment="keyed hash of the number"),
        sa.Column("body", sa.Text, nullable=False, comment="JSON, as it was hashed"),
        sa.Column("hash", sa.Text, nullable=False),
        comment="Append-only, each entry chained to the one before (controller/domain/evidence.py).",
    )
    op.create_table(
        "evidence_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        comment="One row: the end of the chain. Whoever appends takes hold of it first.",
    )
    op.create_index("evidence_person", "evidence", ["person"])
    op.create_index("evidence_call", "evidence", ["call"])
    op.create_index("evidence_campaign", "evidence", ["campaign", "kind"])


def _store() -> None:
    """What the store knows of itself."""
    op.create_table(
        "schema_version",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    )
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("beats", sa.BigInteger, nullable=False),
        comment="One row, written by every ping: only a write shows that the store takes writes.",
    )
    op.create_table(
        "store_facts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        comment="Facts about the store itself, such as the fingerprint of the number key.",
    )
