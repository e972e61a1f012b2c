"""Version 3: several numbers for each contact, segments, dispositions, call-backs, leads, the REST API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

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


def upgrade() -> None:
    """Make what is new."""
    _attempts()
    _campaigns()
    _contacts()
    _api_answers()
    _api_tokens()
    _import_mappings()
    _mail_opt_outs()
    _mail_templates()
    _marks()
    _outbox()
    _scripts()
    _segments()
    _followup_rules()
    _imports()
    _intake_forms()
    _stage_changes()
    _webhook_subscriptions()
    _callbacks()
    _contact_numbers()
    _import_batches()
    _intake_submissions()
    _dispositions()
    for statement in APPEND_ONLY.get(op.get_bind().dialect.name, ()):
        op.get_bind().exec_driver_sql(statement)
    op.execute("UPDATE schema_version SET version = 3")


def _attempts() -> None:
    op.create_index("attempts_contact", "attempts", ["contact"])


def _campaigns() -> None:
    op.add_column("campaigns", sa.Column("paused_by", sa.Text, comment="PausedBy; null: it is not paused"))
    op.add_column(
        "campaigns",
        sa.Column("version", sa.Integer, server_default="1", nullable=False, comment="grows with every edit"),
    )
    op.add_column(
        "campaigns",
        sa.Column("per_day", sa.Integer, comment="attempts to a contact in a day; null: no limit"),
    )
    op.add_column(
        "campaigns",
        sa.Column("per_week", sa.Integer, comment="attempts to a contact in 7 days; null: no limit"),
    )
    op.add_column(
        "campaigns",
        sa.Column("other_number_after", sa.BigInteger, server_default="300000000", nullable=False),
    )
    op.add_column(
        "campaigns", sa.Column("change_part_of_day", sa.Boolean, server_default=sa.false(), nullable=False)
    )
    op.add_column(
        "campaigns",
        sa.Column("dialing", sa.JSON, server_default="[]", nullable=False, comment="shares of segments"),
    )
    op.add_column(
        "campaigns", sa.Column("list_order", sa.Text, server_default="retries-first", nullable=False)
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "agents", sa.JSON, server_default="[]", nullable=False, comment="who serves it; none: everybody"
        ),
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "skills", sa.JSON, server_default="[]", nullable=False, comment="what an agent needs to serve it"
        ),
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "script",
            sa.Text,
            server_default="",
            nullable=False,
            comment="name of the script that agents read",
        ),
    )
    op.add_column(
        "campaigns", sa.Column("dispositions", sa.JSON, comment="DispositionSet; null: the default one")
    )


def _contacts() -> None:
    # SQLite makes the table anew: only so its ids are never used again.
    anew = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table(
        "contacts", recreate="always" if anew else "never", table_kwargs={"sqlite_autoincrement": True}
    ) as contacts:
        contacts.add_column(
            sa.Column("kind", sa.Text, server_default="", nullable=False, comment="NumberKind of number")
        )
        contacts.add_column(
            sa.Column(
                "others", sa.JSON, server_default="[]", nullable=False, comment="[number, kind], in order"
            )
        )
        contacts.add_column(
            sa.Column(
                "tried",
                sa.JSON,
                server_default="[]",
                nullable=False,
                comment="when its latest attempts ended",
            )
        )
        contacts.add_column(sa.Column("email", sa.Text, server_default="", nullable=False))
        contacts.add_column(
            sa.Column("tags", sa.JSON, server_default="[]", nullable=False, comment="sorted words")
        )
        contacts.add_column(
            sa.Column("key", sa.Text, server_default="", nullable=False, comment="the list's own id")
        )
        contacts.add_column(
            sa.Column("import_id", sa.Text, comment="the import that brought it; null: none did")
        )
        contacts.add_column(
            sa.Column("callback_for", sa.Text, comment="the agent who promised to call back; null: anybody")
        )
        contacts.add_column(
            sa.Column("callback_at", sa.BigInteger, comment="when a call-back was promised for")
        )
        contacts.add_column(
            sa.Column("stage", sa.Integer, server_default="0", nullable=False, comment="Stage in the funnel")
        )


def _api_answers() -> None:
    op.create_table(
        "api_answers",
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="Idempotency-Key"),
        sa.Column("request", sa.LargeBinary(32), nullable=False, comment="digest of what was asked"),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer, comment="null while it is under way"),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("token", "key"),
        comment="Kept for a day, and gone with any person's erasure: an answer may hold personal data.",
    )
    op.create_index("api_answers_begun", "api_answers", ["begun_at"])


def _api_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary(32),
            nullable=False,
            comment="SHA-256 of the token; the token itself nobody has",
        ),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, comment="whom it acts for; null: not an agent's"),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("last_used_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest", name="api_tokens_digest"),
    )


def _import_mappings() -> None:
    op.create_table(
        "import_mappings",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("columns", sa.JSON, nullable=False, comment="[header, field], in the order of the file"),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("saved_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )


def _mail_opt_outs() -> None:
    op.create_table(
        "mail_opt_outs",
        sa.Column("scope", sa.Text, nullable=False, comment="*, caller:<caller>"),
        sa.Column("person", sa.Text, nullable=False, comment="keyed hash of the address"),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope", "person"),
        comment="Who must not be written to.",
    )


def _mail_templates() -> None:
    op.create_table(
        "mail_templates",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("html", sa.Text, nullable=False, comment="empty: none"),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "language", "version", name="mail_templates_version"),
        comment="Jinja2. A version is never changed once it is stored.",
    )


def _marks() -> None:
    op.create_table(
        "marks",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="Up to when something that is done again and again has been done.",
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, comment="mail, webhook"),
        sa.Column("key", sa.Text, nullable=False, comment="a job is queued once"),
        sa.Column("about", sa.Text, nullable=False, comment="campaign or subscription"),
        sa.Column("payload", sa.JSON, nullable=False, comment="ids, never personal data"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("claim", sa.Text, nullable=False, comment="who is sending it; empty: nobody"),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(
        "outbox_about",
        "outbox",
        ["kind", "about"],
        sqlite_where=sa.text("state IN ('queued', 'sending')"),
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index(
        "outbox_claim",
        "outbox",
        ["claim"],
        sqlite_where=sa.text("claim <> ''"),
        postgresql_where=sa.text("claim <> ''"),
    )
    op.create_index(
        "outbox_due",
        "outbox",
        ["kind", "due_at"],
        sqlite_where=sa.text("state IN ('queued', 'sending')"),
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index("outbox_state", "outbox", ["kind", "state"])


def _scripts() -> None:
    op.create_table(
        "scripts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False, comment="Jinja2"),
        sa.Column("questions", sa.JSON, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "version", name="scripts_name_version"),
        comment="A version is never changed once it is stored.",
    )


def _segments() -> None:
    op.create_table(
        "segments",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("filter", sa.JSON, nullable=False, comment="as controller.domain.segment_json writes it"),
        sa.Column("version", sa.Integer, nullable=False, comment="grows with every change"),
        sa.Column("author", sa.Text, nullable=False, comment="who changed it last"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _followup_rules() -> None:
    op.create_table(
        "followup_rules",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("disposition", sa.Text, nullable=False, comment="code"),
        sa.Column("template", sa.Text, nullable=False, comment="name"),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("delay", sa.BigInteger, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("followup_rules_campaign", "followup_rules", ["campaign"])


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False, comment="where the list comes from; empty: not said"),
        sa.Column("file", sa.Text, nullable=False, comment="its name, without folders"),
        sa.Column("digest", sa.Text, nullable=False, comment="SHA-256 of the file"),
        sa.Column("way", sa.Text, nullable=False, comment="digest of how it is read"),
        sa.Column("state", sa.Text, nullable=False, comment="ImportState"),
        sa.Column(
            "rows",
            sa.BigInteger,
            nullable=False,
            comment="read so far: stored + invalid + duplicates + known",
        ),
        sa.Column("stored", sa.BigInteger, nullable=False),
        sa.Column("invalid", sa.BigInteger, nullable=False),
        sa.Column("duplicates", sa.BigInteger, nullable=False),
        sa.Column("known", sa.BigInteger, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False, comment="the last line that is dealt with"),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("problem", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"]),
        sa.PrimaryKeyConstraint("id"),
        comment="How far an import has come is stored in the transaction that stores its contacts.",
    )
    op.create_index("imports_campaign", "imports", ["campaign", "digest"])


def _intake_forms() -> None:
    op.create_table(
        "intake_forms",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column(
            "secret", sa.LargeBinary, nullable=False, comment="in clear: every delivery is checked with it"
        ),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("consent_text", sa.Text, nullable=False),
        sa.Column("consent_version", sa.Text, nullable=False),
        sa.Column("double_opt_in", sa.Boolean, nullable=False),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("segment", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False, comment="sorted words"),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"]),
        sa.PrimaryKeyConstraint("id"),
    )


def _stage_changes() -> None:
    op.create_table(
        "stage_changes",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("contact", ROW_ID, nullable=False, comment="may be gone: an import can be undone"),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("before", sa.Integer, nullable=False),
        sa.Column("after", sa.Integer, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"]),
        sa.PrimaryKeyConstraint("id"),
        comment="Stages that a person set. Append-only.",
    )
    op.create_index("stage_changes_campaign", "stage_changes", ["campaign", "id"])
    op.create_index("stage_changes_contact", "stage_changes", ["contact"])


def _webhook_subscriptions() -> None:
    op.create_table(
        "webhook_subscriptions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column(
            "secret", sa.LargeBinary, nullable=False, comment="in clear: every delivery is signed with it"
        ),
        sa.Column("kinds", sa.JSON, nullable=False, comment="sorted"),
        sa.Column("campaign", sa.Text, comment="null: all"),
        sa.Column("personal", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("why", sa.Text, nullable=False, comment="why it is not active"),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("dropped", sa.Integer, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"]),
        sa.PrimaryKeyConstraint("id"),
    )


def _callbacks() -> None:
    op.create_table(
        "callbacks",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("contact", ROW_ID, nullable=False),
        sa.Column("call", sa.Text, comment="in which it was promised; null: outside of a call"),
        sa.Column("at", sa.BigInteger, nullable=False, comment="when the callee wants to be called"),
        sa.Column("agent", sa.Text, comment="who promised to call; null: anybody"),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="open, done, missed, cancelled"),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, comment="calls for it that did not reach the contact"),
        sa.Column("ended_at", sa.BigInteger),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"]),
        sa.ForeignKeyConstraint(["contact"], ["contacts.id"]),
        sa.PrimaryKeyConstraint("id"),
        comment="At most one open for each contact; contacts.callback_at mirrors it.",
    )
    op.create_index("callbacks_campaign", "callbacks", ["campaign", "state", "at"])
    op.create_index("callbacks_contact", "callbacks", ["contact"])


def _contact_numbers() -> None:
    op.create_table(
        "contact_numbers",
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("contact", ROW_ID, nullable=False),
        sa.Column("person", sa.Text, nullable=False, comment="keyed hash of the number"),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"]),
        sa.ForeignKeyConstraint(["contact"], ["contacts.id"]),
        sa.PrimaryKeyConstraint("campaign", "number"),
        comment="All numbers of the contacts that have several, to find them by each of these.",
    )
    op.create_index("contact_numbers_contact", "contact_numbers", ["contact"])
    op.create_index("contact_numbers_person", "contact_numbers", ["person"])


def _import_batches() -> None:
    op.create_table(
        "import_batches",
        sa.Column("import_id", sa.Text, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False, comment="the last line of the batch"),
        sa.Column("known", sa.JSON, nullable=False, comment="lines not stored: the campaign had the number"),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"]),
        sa.PrimaryKeyConstraint("import_id", "line"),
        comment="What a rejects file is made anew from when an import goes on; emptied when it is done.",
    )


def _intake_submissions() -> None:
    op.create_table(
        "intake_submissions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("delivery", sa.Text, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column(
            "values", sa.JSON, nullable=False, comment="what was sent; {} once it is a contact, or expired"
        ),
        sa.Column("person", sa.Text, nullable=False, comment="keyed hash of the number"),
        sa.Column("mail_person", sa.Text, nullable=False, comment="keyed hash of the address"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.ForeignKeyConstraint(["form"], ["intake_forms.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("form", "delivery", name="intake_submissions_delivery"),
    )
    op.create_index("intake_submissions_mail", "intake_submissions", ["form", "mail_person"])
    op.create_index("intake_submissions_person", "intake_submissions", ["person"])
    op.create_index("intake_submissions_state", "intake_submissions", ["state", "received_at"])


def _dispositions() -> None:
    op.create_table(
        "dispositions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("contact", ROW_ID, nullable=False),
        sa.Column("code", sa.Text, nullable=False, comment="as the campaign names it"),
        sa.Column("kind", sa.Text, nullable=False, comment="DispositionKind that the code had then"),
        sa.Column("stage", sa.Integer, nullable=False, comment="Stage in the funnel that it stands for"),
        sa.Column("script", sa.Text, nullable=False, comment="name of the script; empty: none was read"),
        sa.Column("script_version", sa.Integer, nullable=False, comment="0: none was read"),
        sa.Column("answers", sa.JSON, nullable=False, comment="to the script's questions, by question"),
        sa.Column("notes", sa.Text, nullable=False, comment="empty once they were erased"),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("effect", sa.Text, nullable=False, comment="Effect on the contact"),
        sa.Column("due_at", sa.BigInteger, comment="when the contact is called again by it; null: never"),
        sa.Column(
            "stage_before", sa.Integer, nullable=False, comment="of the contact, before the call was disposed"
        ),
        sa.ForeignKeyConstraint(["call"], ["attempts.id"]),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"]),
        sa.ForeignKeyConstraint(["contact"], ["contacts.id"]),
        sa.PrimaryKeyConstraint("id"),
        comment="Append-only but for erasure: of a call's dispositions the last one holds.",
    )
    op.create_index("dispositions_call", "dispositions", ["call"])
    op.create_index("dispositions_campaign", "dispositions", ["campaign", "at"])
    op.create_index("dispositions_contact", "dispositions", ["contact"])
