"""What a campaign's pacer starts from: its own record, else that of the caller's other campaigns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from controller.domain.campaign import Campaign
from controller.domain.ids import CampaignId
from controller.domain.pacing.groups import PART_HOURS
from controller.domain.pacing.past import MOST, Experience, PastCall
from controller.errors import ControllerError
from controller.ports import Records

log = structlog.get_logger(__name__)

WITHIN: Final = 2.0
"""Seconds that a campaign's first call waits for the record, at most."""
_AGE: Final = timedelta(days=30)
"""Calls before this are not read."""
_PART: Final = timedelta(hours=PART_HOURS)
"""As long as a part of the day; where it begins does not matter here."""
_CAMPAIGNS: Final = 3
"""Other campaigns of the caller that are read: the newest that have calls."""


@dataclass(frozen=True, slots=True)
class _Depth:
    """How much of a campaign's record is read.

    Attributes:
        latest: calls, however short a time they took.
        each_part: of each two hours before those in which there are any, back to ...
        most: ... so many calls in all.
    """

    latest: int
    each_part: int
    most: int


_OWN: Final = _Depth(latest=400, each_part=40, most=1000)
_OTHERS: Final = _Depth(latest=100, each_part=20, most=300)


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
    await asyncio.sleep(0)  # what is due meanwhile goes first: the rest takes some 10 ms
    return Experience(
        own,
        others,
        campaign=campaign.id,
        now=now,
        zone=ZoneInfo(campaign.zone),
        ring_timeout=campaign.ring_timeout.total_seconds(),
    )


async def _told(records: Records, campaign: CampaignId, now: datetime, depth: _Depth) -> Sequence[PastCall]:
    """The latest calls, and some of each two hours before: at other hours other shares answer."""
    since = now - _AGE
    facts = list(await records.recent_facts(campaign, depth.latest, since=since))
    more = len(facts) == depth.latest
    while more and len(facts) < depth.most:
        # Of the two hours in which the earliest known call was, there are enough.
        before = _begin_of_part(facts[-1].placed)
        earlier = await records.recent_facts(campaign, depth.each_part, since=since, before=before)
        facts += earlier
        more = bool(earlier)
    return [told for fact in facts if (told := fact.told()) is not None]


def _begin_of_part(at: datetime) -> datetime:
    return at - (at - datetime.min.replace(tzinfo=at.tzinfo)) % _PART


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
