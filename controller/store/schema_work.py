"""The tables of what agents do with their calls: what came of one, what was promised, what was read out."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from controller.store.schema import Instant, RowId, metadata

dispositions = Table(
    "dispositions",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("call", Text, ForeignKey("attempts.id"), nullable=False),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("contact", RowId, ForeignKey("contacts.id"), nullable=False),
    Column("code", Text, nullable=False, comment="as the campaign names it"),
    Column("kind", Text, nullable=False, comment="DispositionKind that the code had then"),
    Column("stage", Integer, nullable=False, comment="Stage in the funnel that it stands for"),
    Column("script", Text, nullable=False, comment="name of the script; empty: none was read"),
    Column("script_version", Integer, nullable=False, comment="0: none was read"),
    Column("answers", JSON, nullable=False, comment="to the script's questions, by question"),
    Column("notes", Text, nullable=False, comment="empty once they were erased"),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("effect", Text, nullable=False, comment="Effect on the contact"),
    Column("due_at", Instant, comment="when the contact is called again by it; null: never"),
    Column("stage_before", Integer, nullable=False, comment="of the contact, before the call was disposed"),
    comment="Append-only but for erasure: of a call's dispositions the last one holds.",
)
Index("dispositions_call", dispositions.c.call)
Index("dispositions_contact", dispositions.c.contact)
Index("dispositions_campaign", dispositions.c.campaign, dispositions.c.at)

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("contact", RowId, ForeignKey("contacts.id"), nullable=False),
    Column("call", Text, comment="in which it was promised; null: outside of a call"),
    Column("at", Instant, nullable=False, comment="when the callee wants to be called"),
    Column("agent", Text, comment="who promised to call; null: anybody"),
    Column("note", Text, nullable=False),
    Column("state", Text, nullable=False, comment="open, done, missed, cancelled"),
    Column("author", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False, comment="calls for it that did not reach the contact"),
    Column("ended_at", Instant),
    comment="At most one open for each contact; contacts.callback_at mirrors it.",
)
Index("callbacks_contact", callbacks.c.contact)
Index("callbacks_campaign", callbacks.c.campaign, callbacks.c.state, callbacks.c.at)

skips = Table(
    "skips",
    metadata,
    Column("offer", Text, primary_key=True),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("contact", RowId, ForeignKey("contacts.id"), nullable=False),
    Column("agent", Text, nullable=False),
    Column("reason", Text, nullable=False, comment="one word; often empty"),
    Column("at", Instant, nullable=False),
    comment="Contacts that agents looked at, in mode preview, and did not want called then.",
)
Index("skips_contact", skips.c.contact)
Index("skips_campaign", skips.c.campaign, skips.c.at)

scripts = Table(
    "scripts",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False, comment="Jinja2"),
    Column("questions", JSON, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("name", "version", name="scripts_name_version"),
    comment="A version is never changed once it is stored.",
)
