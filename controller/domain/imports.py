"""Imports of contacts as jobs: each has an id, goes on where it stopped, and can be undone as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NewType

from controller.domain.ids import CampaignId

ImportId = NewType("ImportId", str)
"""One import of one file into one campaign."""


class ImportState(Enum):
    """Where an import stands."""

    RUNNING = "running"
    """Under way, or stopped in the middle by a kill; importing the file again goes on with it."""
    DONE = "done"
    FAILED = "failed"
    """Stopped by an error that it could still write down; importing the file again goes on with it."""
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCounts:
    """What became of the rows that were read.

    Attributes:
        rows: rows with anything in them, the headers not counted; always ``stored + rejected``.
        stored: new contacts.
        invalid: rows from which no contact can be made.
        duplicates: rows that have a number of an earlier row of the file.
        known: rows that have a number which the campaign had before.
    """

    rows: int = 0
    stored: int = 0
    invalid: int = 0
    duplicates: int = 0
    known: int = 0

    @property
    def rejected(self) -> int:
        """Rows that were not stored."""
        return self.invalid + self.duplicates + self.known


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob:
    """An import, as stored.

    Attributes:
        source: where the list comes from; its columns' meaning is saved under this name. May be empty.
        file: name of the file, without its folders.
        digest: SHA-256 of the file, as 64 hexadecimal digits.
        way: digest of how it is read (columns, country, consent said for all). The same file read in
            another way is another import.
        counts: of the rows up to ``line``; durable together with their contacts.
        line: the last line that is dealt with; 0 before the first.
        author: who imports.
        started_at: when (aware); no consent may be younger.
        updated_at: when ``line`` moved last.
        ended_at: when it was done, failed or undone; None while it runs.
        problem: why it failed; who undid it and why; else empty.
    """

    id: ImportId
    campaign: CampaignId
    source: str = ""
    file: str
    digest: str
    way: str
    state: ImportState = ImportState.RUNNING
    counts: ImportCounts = field(default_factory=ImportCounts)
    line: int = 0
    author: str
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStep:
    """What is stored together with a batch of contacts.

    Attributes:
        after: the line that the import must have reached before, lest two programs go on with it at once.
        line: the last line of the batch.
        invalid, duplicates: rows of the batch that brought no contact to be stored.
    """

    after: int
    line: int
    invalid: int = 0
    duplicates: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What undoing an import did.

    Attributes:
        deleted: contacts that had never been called; nothing is left of them.
        closed: contacts that had been called; they stay with their calls, and are not called again.
    """

    deleted: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMapping:
    """What the columns of a source's files mean.

    Attributes:
        columns: field by header (docs/contacts.md), in the order of the file.
        author: who said so.
        saved_at: when (aware).
    """

    source: str
    columns: Mapping[str, str]
    author: str
    saved_at: datetime
