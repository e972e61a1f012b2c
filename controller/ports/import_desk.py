"""Imports that are asked for while the controller runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from controller.domain.campaign import Campaign
from controller.domain.ids import CampaignId
from controller.domain.imports import ImportId, ImportJob, Undone
from controller.ports.compliance import Authorship


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How a list is to be read, where it is not to be recognised.

    Attributes:
        number_column, name_column: headers; None: recognised.
        sheet: of a spreadsheet; None: the first.
        source: where such lists come from; names what is saved of their columns. May be empty.
        consent_basis, consent_source, consent_date: of all rows; empty: the file says it, or nobody does.
    """

    number_column: str | None = None
    name_column: str | None = None
    sheet: str | None = None
    source: str = ""
    consent_basis: str = ""
    consent_source: str = ""
    consent_date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """A row of a list, as it would be stored.

    Attributes:
        number: in E.164; empty where there is a problem.
        problem: why it would not be stored; else empty.
    """

    line: int
    number: str = ""
    name: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPreview:
    """The beginning of a list.

    Attributes:
        meanings: field of each column by header.
        delimiter: of a CSV file; empty for a spreadsheet.
        sheet: of a spreadsheet; empty for a CSV file.
    """

    meanings: Mapping[str, str]
    delimiter: str
    sheet: str
    rows: Sequence[PreviewRow]


class ImportDesk(Protocol):
    """Takes lists, a few at a time, and imports each to its end."""

    async def start(
        self,
        path: Path,
        name: str,
        campaign: CampaignId,
        options: ImportOptions,
        author: str,
        *,
        again: bool = False,
    ) -> ImportJob:
        """Begin to import a file; returns when it is done, or soon after its first rows are stored.

        Args:
            path: the file; it is not needed any more afterwards.
            name: what it is called, for the record.
            campaign: whose contacts they become.
            options: how it is to be read.
            author: who imports.
            again: import a file that was imported before.

        Raises:
            BadInput: the file cannot be read; nothing is stored.
            Refused: too many imports are under way.
        """
        ...

    async def preview(
        self, path: Path, name: str, campaign: Campaign, options: ImportOptions, rows: int
    ) -> ListPreview:
        """What a list's columns mean, and its first rows as they would be stored.

        Raises:
            BadInput: the file cannot be read, or it is not clear what its columns mean.
        """
        ...

    async def job(self, import_id: ImportId) -> ImportJob | None:
        """One import."""
        ...

    async def jobs(
        self, campaign: CampaignId | None = None, *, after: ImportId | None = None, limit: int = 100
    ) -> Sequence[ImportJob]:
        """Imports, the newest first, from the one after ``after``."""
        ...

    async def undo(self, import_id: ImportId, who: Authorship) -> Undone:
        """Take back all of an import's contacts."""
        ...

    def progress(self, import_id: ImportId) -> float | None:
        """How far an import has come, from 0 to 1; None if it does not run here."""
        ...

    def rejects(self, import_id: ImportId) -> Path | None:
        """The file of its rejected rows, as long as it is kept."""
        ...
