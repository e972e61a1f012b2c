"""The table of saved segments."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Integer, Table, Text

from controller.store.schema import Instant, metadata

segments = Table(
    "segments",
    metadata,
    Column("name", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("filter", JSON, nullable=False, comment="as controller.domain.segment_json writes it"),
    Column("version", Integer, nullable=False, comment="grows with every change"),
    Column("author", Text, nullable=False, comment="who changed it last"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)
