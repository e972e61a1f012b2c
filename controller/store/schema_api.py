"""The tables of the REST API: its tokens, and what it answered to requests that may come again."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from controller.store.schema import Instant, metadata

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column(
        "digest", LargeBinary(32), nullable=False, comment="SHA-256 of the token; the token itself nobody has"
    ),
    Column("role", Text, nullable=False),
    Column("agent", Text, comment="whom it acts for; null: not an agent's"),
    Column("label", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
    UniqueConstraint("digest", name="api_tokens_digest"),
)

api_answers = Table(
    "api_answers",
    metadata,
    Column("token", Text, primary_key=True),
    Column("key", Text, primary_key=True, comment="Idempotency-Key"),
    Column("request", LargeBinary(32), nullable=False, comment="digest of what was asked"),
    Column("begun_at", Instant, nullable=False),
    Column("status", Integer, comment="null while it is under way"),
    Column("content_type", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="Kept for a day, and gone with any person's erasure: an answer may hold personal data.",
)
Index("api_answers_begun", api_answers.c.begun_at)
