"""The tables of the record store, for SQLite and PostgreSQL alike.

Instants are integers, microseconds since 1970 UTC: SQLite has no time type, and a text column would hand back
naive datetimes. An integer is also what an index compares fastest.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    select,
    text,
    update,
)

from controller.domain.instants import micros, moment
from controller.domain.privacy import NumberKey
from controller.errors import BadInput

SCHEMA_VERSION = 7
"""Grows with every change of the tables, which then needs a migration (docs/database.md)."""

_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To the database. A naive datetime is a bug and is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: the record store takes aware ones only")
        return micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From the database, in UTC."""
        return None if value is None else moment(value)


class Duration(TypeDecorator[timedelta]):
    """A timedelta, stored as microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        """To the database."""
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> timedelta | None:
        """From the database."""
        return None if value is None else timedelta(microseconds=value)


PENDING = "pending"
IN_FLIGHT = "in_flight"
DONE = "done"
"""Status of a contact: may be called (once due), has an attempt under way, will not be called again."""

# SQLite numbers rows by itself only if the key is called INTEGER exactly.
RowId = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("beats", BigInteger, nullable=False),
    comment="One row, written by every ping: only a write shows that the store takes writes.",
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Text, primary_key=True),
    Column("caller", Text, nullable=False),
    Column("caller_number", Text, nullable=False),
    Column("dial_string", Text, nullable=False),
    Column("trunk", Text, nullable=False),
    Column("law", Text, nullable=False),
    Column("overdial", Float, nullable=False),
    Column("ring_timeout", Duration, nullable=False),
    Column("wrap_up", Duration, nullable=False),
    Column("calls_per_second", Float, nullable=False),
    Column("max_lines", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("retry_pauses", JSON, nullable=False, comment="microseconds by outcome"),
    Column("override_author", Text),
    Column("override_reason", Text),
    Column("caller_number_answers", Boolean, nullable=False),
    Column("zone", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("hours", Text, comment="as written, such as mon-fri 09:00-20:00; null: the law's"),
    Column("segment_hours", JSON, nullable=False, comment="hours as written, by segment"),
    Column("opens_at", Instant),
    Column("closes_at", Instant),
    Column("message", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("paused_by", Text, comment="PausedBy; null: it is not paused"),
    Column("version", Integer, nullable=False, server_default="1", comment="grows with every edit"),
    Column("per_day", Integer, comment="attempts to a contact in a day; null: no limit"),
    Column("per_week", Integer, comment="attempts to a contact in 7 days; null: no limit"),
    Column("other_number_after", Duration, nullable=False, server_default=str(5 * 60 * 1_000_000)),
    Column("change_part_of_day", Boolean, nullable=False, server_default=false()),
    Column("dialing", JSON, nullable=False, server_default="[]", comment="shares of segments"),
    Column("list_order", Text, nullable=False, server_default="retries-first"),
    Column("agents", JSON, nullable=False, server_default="[]", comment="who serves it; none: everybody"),
    Column("skills", JSON, nullable=False, server_default="[]", comment="what an agent needs to serve it"),
    Column("script", Text, nullable=False, server_default="", comment="name of the script that agents read"),
    Column("dispositions", JSON, comment="DispositionSet; null: the default one"),
    Column("mode", Text, nullable=False, server_default="predictive", comment="how it dials: Mode"),
    Column("preview_timeout", Duration, nullable=False, server_default=str(60 * 1_000_000)),
    Column("take_back_after", Duration, server_default=str(15 * 1_000_000), comment="null: never"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("operator_due", Boolean, nullable=False),
    Column("due_at", Instant, comment="not to be called before; null: at once"),
    Column("status", Text, nullable=False),
    Column("current_call", Text, comment="the attempt under way"),
    Column("last_outcome", Text),
    Column("person", Text, nullable=False, comment="keyed hash of the number"),
    Column("consent_basis", Text, comment="why they may be called; null: the list does not say"),
    Column("consent_source", Text),
    Column("consent_at", Instant),
    Column("segment", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("hours", Text, comment="their own; null: none are known"),
    Column("erased_at", Instant, comment="when number, name and attributes were erased"),
    Column("kind", Text, nullable=False, server_default="", comment="NumberKind of number"),
    Column("others", JSON, nullable=False, server_default="[]", comment="[number, kind], in order"),
    Column("tried", JSON, nullable=False, server_default="[]", comment="when its latest attempts ended"),
    Column("email", Text, nullable=False, server_default=""),
    Column("tags", JSON, nullable=False, server_default="[]", comment="sorted words"),
    Column("key", Text, nullable=False, server_default="", comment="the list's own id"),
    Column("import_id", Text, comment="the import that brought it; null: none did"),
    Column("callback_for", Text, comment="the agent who promised to call back; null: anybody"),
    Column("callback_at", Instant, comment="when a call-back was promised for"),
    Column("stage", Integer, nullable=False, server_default="0", comment="Stage in the funnel"),
    UniqueConstraint("campaign", "number", name="contacts_campaign_number"),
    # An id is never used again: undoing an import deletes contacts that a campaign may have read ahead.
    sqlite_autoincrement=True,
)

contact_numbers = Table(
    "contact_numbers",
    metadata,
    Column("campaign", Text, ForeignKey("campaigns.id"), primary_key=True),
    Column("number", Text, primary_key=True),
    Column("contact", RowId, ForeignKey("contacts.id"), nullable=False),
    Column("person", Text, nullable=False, comment="keyed hash of the number"),
    comment="All numbers of the contacts that have several, to find them by each of these.",
)
Index("contact_numbers_contact", contact_numbers.c.contact)
Index("contact_numbers_person", contact_numbers.c.person)

Index(
    "contacts_due", contacts.c.campaign, contacts.c.status, contacts.c.due_at, contacts.c.id
)  # Answers "who is due" by reading just the rows returned, however long the list is.

attempts = Table(
    "attempts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("contact", RowId, ForeignKey("contacts.id"), nullable=False),
    # Copied, not looked up later: evidence must not change when a campaign or a contact does.
    Column("number", Text, nullable=False, comment="empty once it was erased"),
    Column("person", Text, nullable=False, comment="keyed hash of the number"),
    Column("caller", Text, nullable=False),
    Column("caller_number", Text, nullable=False),
    Column("law", Text, nullable=False),
    Column("controller", Text, nullable=False, comment="which one placed it, and closes it after a crash"),
    Column("override", Boolean, nullable=False, comment="placed while the campaign's budget was lifted"),
    Column("state", Text, nullable=False),
    Column("covered", Boolean, nullable=False),
    Column("guaranteed", Boolean, nullable=False),
    Column("agent", Text),
    Column("waited", Boolean, nullable=False),
    Column("started_at", Instant, nullable=False, comment="when it was recorded, before dialing"),
    Column("admitted_at", Instant),
    Column("rang_at", Instant),
    Column("answered_at", Instant),
    Column("noise_at", Instant, comment="when Asterisk began the noise, by its clock"),
    Column("bridged_at", Instant),
    Column("heard_at", Instant, comment="from when on the callee heard an agent: a success"),
    Column("ended_at", Instant),
    Column("ended_by", Text),
    Column("outcome", Text, comment="null while it is under way"),
    Column("answer_class", Text, comment="AnswerClass of an answered call that is over"),
    Column("answerer", Text, comment="who picked up, as the agent said"),
    Column("cause", Integer, nullable=False),
    Column("sip", Integer),
    Column("segment", Text, comment="that it was dialed from, or its contact's; null: not known"),
)

# One attempt at a time per contact; and recovery finds the open ones without reading the whole history.
Index(
    "attempts_open",
    attempts.c.contact,
    unique=True,
    sqlite_where=text("outcome IS NULL"),
    postgresql_where=text("outcome IS NULL"),
)
Index("attempts_campaign", attempts.c.campaign, attempts.c.outcome)
Index("attempts_recent", attempts.c.campaign, attempts.c.admitted_at, attempts.c.id)
Index("attempts_person", attempts.c.person)
Index("attempts_contact", attempts.c.contact)
Index("contacts_person", contacts.c.person)

overrides = Table(
    "overrides",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    comment="Append-only.",
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("scope", Text, primary_key=True, comment="*, caller:<caller>, campaign:<campaign>"),
    Column("person", Text, primary_key=True, comment="keyed hash of the number"),
    Column("number", Text, comment="null once it was erased"),
    Column("reason", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
    comment="The do-not-call lists.",
)
Index("opt_outs_person", opt_outs.c.person)

register_checks = Table(
    "register_checks",
    metadata,
    Column("person", Text, primary_key=True, comment="keyed hash of the number"),
    Column("checked_at", Instant, nullable=False, comment="when the register was asked"),
    Column("opposed", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    comment="What the opposition register said last of each number.",
)

evidence = Table(
    "evidence",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False, comment="microseconds since 1970 UTC"),
    Column("kind", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("call", Text, nullable=False),
    Column("person", Text, nullable=False, comment="keyed hash of the number"),
    Column("body", Text, nullable=False, comment="JSON, as it was hashed"),
    Column("hash", Text, nullable=False),
    comment="Append-only, each entry chained to the one before (controller/domain/evidence.py).",
)
Index("evidence_person", evidence.c.person)
Index("evidence_call", evidence.c.call)
Index("evidence_campaign", evidence.c.campaign, evidence.c.kind)

evidence_head = Table(
    "evidence_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    comment="One row: the end of the chain. Whoever appends takes hold of it first.",
)

store_facts = Table(
    "store_facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="Facts about the store itself, such as the fingerprint of the number key.",
)


# The database itself refuses to change the evidence. Who holds the database can take the triggers away; what
# the chain is for is that this shows.
APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER evidence_no_{action} BEFORE {action} ON evidence "
        "BEGIN SELECT RAISE(ABORT, 'the evidence is append-only'); END"
        for action in ("update", "delete")
    ]
    + [
        # REPLACE would delete without that trigger's knowing.
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

_KEY_FACT = "number key"


def check_number_key(connection: Connection, key: NumberKey) -> None:
    """Note the number key's fingerprint in a new store; refuse any other key in an old one.

    Raises:
        BadInput: people were recorded under another key.
    """
    noted = select(store_facts.c.value).where(store_facts.c.name == _KEY_FACT)
    found = connection.scalar(noted)
    if found is None:
        # A lock, and a second look: two programs may open a new store at once.
        connection.execute(update(evidence_head).values(seq=evidence_head.c.seq))
        found = connection.scalar(noted)
    if found is None:
        connection.execute(store_facts.insert().values(name=_KEY_FACT, value=key.fingerprint))
    elif found != key.fingerprint:
        raise BadInput(
            "privacy.number_key_file",
            f"people are recorded under another key (fingerprint {found}, not {key.fingerprint}): "
            "nobody on a do-not-call list would be recognised",
            "the number.key of the controller that made the database",
        )
