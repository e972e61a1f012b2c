"""The tables of leads, follow-ups, intake and webhooks; see schema for what they share with the others."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.schema import ExecutableDDLElement

from controller.store.schema import Duration, Instant, RowId, metadata

stage_changes = Table(
    "stage_changes",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("contact", RowId, nullable=False, comment="may be gone: an import can be undone"),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("before", Integer, nullable=False),
    Column("after", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    comment="Stages that a person set. Append-only.",
)
Index("stage_changes_campaign", stage_changes.c.campaign, stage_changes.c.id)
Index("stage_changes_contact", stage_changes.c.contact)

APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER stage_changes_no_{action} BEFORE {action} ON stage_changes "
        "BEGIN SELECT RAISE(ABORT, 'stage changes are append-only'); END"
        for action in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION stage_changes_are_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'stage changes are append-only'; END $$",
        "CREATE TRIGGER stage_changes_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON stage_changes "
        "FOR EACH STATEMENT EXECUTE FUNCTION stage_changes_are_append_only()",
    ],
}
"""By dialect: what makes the database itself refuse to change them; run as the table is made."""

for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        _ddl: ExecutableDDLElement = DDL(_statement)  # type: ignore[no-untyped-call]
        event.listen(stage_changes, "after_create", _ddl.execute_if(dialect=_dialect))

mail_templates = Table(
    "mail_templates",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False, comment="empty: none"),
    Column("author", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("name", "language", "version", name="mail_templates_version"),
    comment="Jinja2. A version is never changed once it is stored.",
)

followup_rules = Table(
    "followup_rules",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("disposition", Text, nullable=False, comment="code"),
    Column("template", Text, nullable=False, comment="name"),
    Column("language", Text, nullable=False),
    Column("delay", Duration, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)
Index("followup_rules_campaign", followup_rules.c.campaign)

marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    comment="Up to when something that is done again and again has been done.",
)

mail_opt_outs = Table(
    "mail_opt_outs",
    metadata,
    Column("scope", Text, primary_key=True, comment="*, caller:<caller>"),
    Column("person", Text, primary_key=True, comment="keyed hash of the address"),
    Column("source", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    comment="Who must not be written to.",
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False, comment="mail, webhook"),
    Column("key", Text, nullable=False, unique=True, comment="a job is queued once"),
    Column("about", Text, nullable=False, comment="campaign or subscription"),
    Column("payload", JSON, nullable=False, comment="ids, never personal data"),
    Column("state", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("claim", Text, nullable=False, comment="who is sending it; empty: nobody"),
    Column("lease_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
)
_OPEN = text("state IN ('queued', 'sending')")
Index("outbox_due", outbox.c.kind, outbox.c.due_at, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index("outbox_about", outbox.c.kind, outbox.c.about, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index("outbox_state", outbox.c.kind, outbox.c.state)
Index("outbox_claim", outbox.c.claim, sqlite_where=text("claim <> ''"), postgresql_where=text("claim <> ''"))

webhook_subscriptions = Table(
    "webhook_subscriptions",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False, comment="in clear: every delivery is signed with it"),
    Column("kinds", JSON, nullable=False, comment="sorted"),
    Column("campaign", Text, ForeignKey("campaigns.id"), comment="null: all"),
    Column("personal", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("why", Text, nullable=False, comment="why it is not active"),
    Column("failing_since", Instant),
    Column("dropped", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

intake_forms = Table(
    "intake_forms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("secret", LargeBinary, nullable=False, comment="in clear: every delivery is checked with it"),
    Column("basis", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("consent_text", Text, nullable=False),
    Column("consent_version", Text, nullable=False),
    Column("double_opt_in", Boolean, nullable=False),
    Column("template", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("tags", JSON, nullable=False, comment="sorted words"),
    Column("author", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("open", Boolean, nullable=False),
)

intake_submissions = Table(
    "intake_submissions",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("form", Text, ForeignKey("intake_forms.id"), nullable=False),
    Column("delivery", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("values", JSON, nullable=False, comment="what was sent; {} once it is a contact, or expired"),
    Column("person", Text, nullable=False, comment="keyed hash of the number"),
    Column("mail_person", Text, nullable=False, comment="keyed hash of the address"),
    Column("reason", Text, nullable=False),
    Column("ended_at", Instant),
    UniqueConstraint("form", "delivery", name="intake_submissions_delivery"),
)
Index("intake_submissions_state", intake_submissions.c.state, intake_submissions.c.received_at)
Index("intake_submissions_person", intake_submissions.c.person)
Index("intake_submissions_mail", intake_submissions.c.form, intake_submissions.c.mail_person)
