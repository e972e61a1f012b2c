"""The tables of imports: the jobs, how far each has come, and what the columns of a source mean."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Table, Text

from controller.store.schema import Instant, metadata

imports = Table(
    "imports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("source", Text, nullable=False, comment="where the list comes from; empty: not said"),
    Column("file", Text, nullable=False, comment="its name, without folders"),
    Column("digest", Text, nullable=False, comment="SHA-256 of the file"),
    Column("way", Text, nullable=False, comment="digest of how it is read"),
    Column("state", Text, nullable=False, comment="ImportState"),
    Column("rows", BigInteger, nullable=False, comment="read so far: stored + invalid + duplicates + known"),
    Column("stored", BigInteger, nullable=False),
    Column("invalid", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("known", BigInteger, nullable=False),
    Column("line", BigInteger, nullable=False, comment="the last line that is dealt with"),
    Column("author", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("problem", Text, nullable=False),
    comment="How far an import has come is stored in the transaction that stores its contacts.",
)
Index("imports_campaign", imports.c.campaign, imports.c.digest)

import_batches = Table(
    "import_batches",
    metadata,
    Column("import_id", Text, ForeignKey("imports.id"), primary_key=True),
    Column("line", BigInteger, primary_key=True, comment="the last line of the batch"),
    Column("known", JSON, nullable=False, comment="lines not stored: the campaign had the number"),
    comment="What a rejects file is made anew from when an import goes on; emptied when it is done.",
)

import_mappings = Table(
    "import_mappings",
    metadata,
    Column("source", Text, primary_key=True),
    Column("columns", JSON, nullable=False, comment="[header, field], in the order of the file"),
    Column("author", Text, nullable=False),
    Column("saved_at", Instant, nullable=False),
)
