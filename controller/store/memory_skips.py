"""Contacts that agents skipped, in memory: the twin of those in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from controller.domain.ids import AgentId, CallId, CampaignId
from controller.domain.preview import Skip
from controller.store.work_skips import no_such_contact

if TYPE_CHECKING:
    from controller.store.memory_records import MemoryRecords


class MemorySkips:
    """``Skips`` (controller.ports.work) in memory."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self._skips: dict[CallId, Skip] = {}

    async def skipped(self, skip: Skip) -> None:
        """Note that an agent skipped a contact; said again, it changes nothing."""
        self._records._answer()
        if skip.offer not in self._skips and skip.contact not in self._records._contacts:
            raise no_such_contact(skip.contact)
        self._skips.setdefault(skip.offer, skip)

    async def skips(
        self,
        campaign: CampaignId,
        *,
        agent: AgentId | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int = 1000,
    ) -> Sequence[Skip]:
        """A campaign's, or one agent's of it, in the order of (at, offer), from the one after ``after``."""
        self._records._answer()
        found = [
            skip
            for skip in self._skips.values()
            if skip.campaign == campaign
            and agent in (None, skip.agent)
            and (after is None or (skip.at, skip.offer) > after)
        ]
        return sorted(found, key=lambda skip: (skip.at, skip.offer))[:limit]
