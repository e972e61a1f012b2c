"""The lanes of a campaign's hopper: one for each segment that it dials, or one for all its contacts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.segment import Filter
from controller.ports import Records
from controller.ports.segments import Segments

log = structlog.get_logger(__name__)

ALL: Final = ""
"""The lane of a campaign that dials no segments."""


class Lanes:
    """Where the contacts of each lane come from; a ``Source`` of the filler's."""

    def __init__(self, campaign: Campaign, records: Records, segments: Segments) -> None:
        self.campaign = campaign
        self._records = records
        self._segments = segments

    @property
    def names(self) -> tuple[str, ...]:
        """All lanes, those first that go first."""
        if not self.campaign.dialing:
            return (ALL,)
        shares = sorted(self.campaign.dialing, key=lambda share: -share.priority)
        return tuple(share.segment for share in shares)

    async def due(self, lane: str, now: datetime, limit: int) -> Sequence[Contact]:
        """Contacts of a lane that may be called now, those first that are to be called first."""
        campaign = self.campaign
        if lane == ALL:
            return await self._records.due_contacts(campaign.id, now, limit, campaign.order)
        filter_ = await self._filter(lane)
        if filter_ is None:
            return []
        return await self._segments.due(filter_, campaign.id, self._local(now), limit, campaign.order)

    async def next_due(self, now: datetime) -> datetime | None:
        """When the next contact becomes due; None if the campaign is done with all that it dials."""
        campaign = self.campaign
        if not campaign.dialing:
            return await self._records.next_due(campaign.id, now)
        earliest: datetime | None = None
        for share in campaign.dialing:
            filter_ = await self._filter(share.segment)
            if filter_ is not None:
                due = await self._segments.next_due(filter_, campaign.id, self._local(now))
                earliest = due if earliest is None else earliest if due is None else min(earliest, due)
        return earliest

    async def _filter(self, lane: str) -> Filter | None:
        # Read anew each time: an edit of a segment binds the next look.
        segment = await self._segments.get(lane)
        if segment is None:
            log.error("segment is gone, nobody of it is called", segment=lane, campaign=self.campaign.id)
            return None
        return segment.filter

    def _local(self, now: datetime) -> datetime:
        """By the clock on which the campaign's days begin and end."""
        return now.astimezone(ZoneInfo(self.campaign.zone))
