"""Long lists of the record store, read a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from controller.domain.ids import CampaignId
from controller.ports import AttemptFact, Records

_PAGE = 5000


async def facts_of(records: Records, campaign: CampaignId) -> AsyncIterator[AttemptFact]:
    """All recorded attempts of a campaign, in the order of (placed, call)."""
    after: tuple[datetime, str] | None = None
    while page := await records.facts(campaign, after=after, limit=_PAGE):
        for fact in page:
            yield fact
        after = page[-1].placed, page[-1].call
