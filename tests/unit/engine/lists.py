"""Lists of contacts as files, and what an import makes of them."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.ids import CampaignId
from controller.engine.importing import ImportReport, import_contacts
from controller.law import IT_GARANTE_2014
from controller.store.memory_records import MemoryRecords

SPRING = CampaignId("spring")
NEVER = datetime(2999, 1, 1, tzinfo=UTC)


def spring(**changes: Any) -> Campaign:
    return Campaign(id=SPRING, caller="acme", law=IT_GARANTE_2014, **changes)


async def bring_in(path: Path, **options: Any) -> tuple[ImportReport, Sequence[Contact], list[list[str]]]:
    """The report, the contacts stored, the rejects file's rows."""
    records = options.pop("records", None) or MemoryRecords()
    if await records.campaign(SPRING) is None:
        await records.save_campaign(spring())
    report = await import_contacts(path, SPRING, records, **options)
    assert report.rows == report.stored + report.rejected
    assert report.rejected == report.invalid + report.duplicates + report.known
    contacts = await records.due_contacts(SPRING, NEVER, 10**9)
    rejects: list[list[str]] = []
    if report.rejects_path:
        rejects = read_rejects(report.rejects_path)
        assert len(rejects) == report.rejected + 1
    return report, contacts, rejects


def read_rejects(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        text = stream.read()
    header = text.split("\r\n", 1)[0]
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=header[len("line") : len("line") + 1]))
