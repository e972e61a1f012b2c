"""What a campaign's pacer starts from: its own record, else that of the caller's other campaigns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from controller.domain.campaign import Campaign
from controller.domain.ids import CampaignId
from controller.domain.pacing.past import MOST, Experience, PastCall
from controller.errors import ControllerError
from controller.ports import Records

log = structlog.get_logger(__name__)

WITHIN: Final = 2.0
"""Seconds that a campaign's first call waits for the record, at most."""
_OWN: Final = 1000
"""The campaign's latest calls that are read."""
_OTHERS: Final = 300
"""The same of each other campaign."""
_CAMPAIGNS: Final = 3
"""Other campaigns of the caller that are read: the newest."""
_AGE: Final = timedelta(days=30)
"""Calls before this are not read."""


async def experience_of(campaign: Campaign, records: Records, now: datetime) -> Experience | None:
    """What the record teaches a campaign's pacer; None if it could not be read in time, which is logged.

    Args:
        campaign: that is about to dial.
        records: where its attempts are, and those of others.
        now: aware.
    """
    try:
        async with asyncio.timeout(WITHIN):
            own = await _told(records, campaign.id, now, _OWN)
            others = [] if len(own) >= MOST else await _of_others(campaign, records, now)
    except (ControllerError, TimeoutError) as error:
        log.warning(
            "the pacer starts without past calls: the record could not be read",
            campaign=campaign.id,
            why=str(error) or f"no answer within {WITHIN:g} s",
        )
        return None
    return Experience(
        own,
        others,
        campaign=campaign.id,
        now=now,
        zone=ZoneInfo(campaign.zone),
        ring_timeout=campaign.ring_timeout.total_seconds(),
    )


async def _told(records: Records, campaign: CampaignId, now: datetime, limit: int) -> Sequence[PastCall]:
    facts = await records.recent_facts(campaign, now - _AGE, limit)
    return [told for fact in facts if (told := fact.told()) is not None]


async def _of_others(
    campaign: Campaign, records: Records, now: datetime
) -> Sequence[tuple[CampaignId, Sequence[PastCall]]]:
    rows = [
        row.campaign
        for row in await records.campaigns()
        if row.campaign.caller == campaign.caller and row.campaign.id != campaign.id
    ]
    newest = sorted(rows, key=lambda each: (each.created_at or now, each.id), reverse=True)
    found: list[tuple[CampaignId, Sequence[PastCall]]] = []
    for each in newest:
        if len(found) == _CAMPAIGNS:
            break
        if told := await _told(records, each.id, now, _OTHERS):
            found.append((each.id, told))
    return found
