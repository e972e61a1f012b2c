"""Segments as campaign managers use them: saved, counted, looked into, removed if no campaign dials them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from controller.domain.campaign import Campaign, CampaignState
from controller.domain.ids import CampaignId
from controller.domain.segment import NAME, Filter, Segment
from controller.errors import BadInput, Refused
from controller.ports import Clock, ListedContact, Records
from controller.ports.segments import Segments

LARGEST_SAMPLE: Final = 100
_LONGEST_DESCRIPTION: Final = 500


def clock_of(campaign: Campaign, now: datetime) -> datetime:
    """``now`` as segments of a campaign are asked: on its own clock, by which days begin and end."""
    return now.astimezone(ZoneInfo(campaign.zone))


class Segmenting:
    """What may be done with segments."""

    def __init__(self, segments: Segments, records: Records, clock: Clock) -> None:
        self._segments = segments
        self._records = records
        self._clock = clock

    async def save(
        self,
        name: str,
        filter_: Filter,
        *,
        author: str,
        description: str = "",
        expected: int | None = None,
    ) -> Segment:
        """Store a filter under a name; campaigns that dial the segment take the change over by themselves.

        Args:
            name: as ``controller.domain.segment.NAME`` says.
            filter_: the question.
            author: who decides it.
            description: in words; may be empty.
            expected: the version that is replaced; 0 if there is none yet; None: whatever is there.

        Raises:
            BadInput: the name or the description cannot be used.
            Conflict: there is another version.
        """
        if not NAME.fullmatch(name):
            raise BadInput("name", f"{name!r} cannot be used", "letters, digits, - and _, 64 at most")
        if len(description) > _LONGEST_DESCRIPTION or not description.isprintable():
            raise BadInput(
                "description", "cannot be used", f"{_LONGEST_DESCRIPTION} characters on one line at most"
            )
        return await self._segments.save(
            name,
            filter_,
            description=description,
            author=author,
            now=self._clock.now(),
            expected=expected,
        )

    async def get(self, name: str) -> Segment:
        """The segment of this name.

        Raises:
            BadInput: there is none.
        """
        found = await self._segments.get(name)
        if found is None:
            raise BadInput("segment", f"there is no segment {name!r}", "segment list names them")
        return found

    async def all(self) -> Sequence[Segment]:
        """All of them, by name."""
        return await self._segments.all()

    async def used_by(self, name: str) -> Sequence[CampaignId]:
        """Campaigns, not archived ones, that dial it."""
        return [
            row.campaign.id
            for row in await self._records.campaigns()
            if row.state is not CampaignState.ARCHIVED
            and any(share.segment == name for share in row.campaign.dialing)
        ]

    async def remove(self, name: str, expected: int | None = None) -> None:
        """Remove a segment.

        Raises:
            BadInput: there is none.
            Refused: a campaign dials it.
            Conflict: there is another version than ``expected``.
        """
        await self.get(name)
        if users := await self.used_by(name):
            raise Refused(
                f"segment {name} is dialed by {', '.join(users)}; take it out of their segments first"
            )
        await self._segments.remove(name, expected)

    async def count(self, campaign: CampaignId, filter_: Filter) -> int:
        """How many of the campaign's contacts match now.

        Raises:
            BadInput: there is no such campaign.
        """
        return await self._segments.count(filter_, campaign, await self._now(campaign))

    async def sample(self, campaign: CampaignId, filter_: Filter, limit: int) -> Sequence[ListedContact]:
        """Some of them, from all over the list.

        Raises:
            BadInput: there is no such campaign, or too many are asked for.
        """
        if not 1 <= limit <= LARGEST_SAMPLE:
            raise BadInput("limit", f"{limit} contacts are no sample", f"1 to {LARGEST_SAMPLE}")
        return await self._segments.sample(filter_, campaign, await self._now(campaign), limit)

    async def _now(self, campaign: CampaignId) -> datetime:
        row = await self._records.campaign(campaign)
        if row is None:
            raise BadInput("campaign", f"{campaign!r} does not exist", "campaign list names them")
        return clock_of(row.campaign, self._clock.now())
