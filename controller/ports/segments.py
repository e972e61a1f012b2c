"""Segments: filters that are stored under a name, and the contacts that match one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from controller.domain.campaign import ListOrder
from controller.domain.contact import Contact
from controller.domain.ids import CampaignId
from controller.domain.segment import Filter, Segment
from controller.ports.records import ListedContact


class Segments(Protocol):
    """The saved segments, and what the contacts answer.

    ``now`` is aware, on the clock by which days begin and end (the campaign's); see
    ``controller.domain.segment_match.matches``. Contacts whose data were erased match nothing.
    """

    async def save(
        self,
        name: str,
        filter_: Filter,
        *,
        description: str,
        author: str,
        now: datetime,
        expected: int | None = None,
    ) -> Segment:
        """Store a filter under a name.

        Args:
            name: as ``controller.domain.segment.NAME`` says.
            filter_: the question.
            description: in words; may be empty.
            author: who decides it.
            now: aware.
            expected: the version that is replaced; 0 if there is none yet; None: whatever is there.

        Raises:
            Conflict: there is another version.
        """
        ...

    async def get(self, name: str) -> Segment | None:
        """The segment of this name."""
        ...

    async def all(self) -> Sequence[Segment]:
        """All of them, by name."""
        ...

    async def remove(self, name: str, expected: int | None = None) -> bool:
        """Remove one; False if there is none.

        Raises:
            Conflict: there is another version than ``expected``.
        """
        ...

    async def count(self, filter_: Filter, campaign: CampaignId, now: datetime) -> int:
        """How many of the campaign's contacts match now, whatever became of them."""
        ...

    async def sample(
        self, filter_: Filter, campaign: CampaignId, now: datetime, limit: int
    ) -> Sequence[ListedContact]:
        """Some of them, from all over the list; the same as long as the list does not change."""
        ...

    async def due(
        self,
        filter_: Filter,
        campaign: CampaignId,
        now: datetime,
        limit: int,
        order: ListOrder = ListOrder.RETRIES_FIRST,
    ) -> Sequence[Contact]:
        """Matching contacts that may be called now, have no attempt under way, and wait for no call-back.

        As ``Records.due_contacts``. The fewer match, the further down the list this has to read.
        """
        ...

    async def next_due(self, filter_: Filter, campaign: CampaignId, now: datetime) -> datetime | None:
        """When the next matching contact that is not yet due will be; None if the campaign is done with all.

        ``now`` if none waits for a later time but some are due, or any contact has an attempt under way: its
        end may make it match. If none is left but tomorrow others may match, as with ``last_called before
        5 days ago``, the next midnight.
        """
        ...
