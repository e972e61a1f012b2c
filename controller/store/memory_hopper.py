"""The hopper in memory: the twin of the one in Redis, for tests, simulation and trying things out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from controller.domain.campaign import Campaign
from controller.domain.ids import CampaignId, ContactId
from controller.errors import RedisUnreachable
from controller.ports.hopper import CAPACITY, LEASE, HopperEntry, HopperSizes


@dataclass(frozen=True, slots=True)
class _Lease:
    """Who took an entry, and until when."""

    entry: HopperEntry
    controller: str
    ends: datetime


@dataclass(slots=True)
class _Content:
    """A campaign's hopper."""

    waiting: dict[ContactId, HopperEntry] = field(default_factory=dict)
    taken: dict[ContactId, _Lease] = field(default_factory=dict)

    def of(self, lane: str) -> list[HopperEntry]:
        """A lane in its order."""
        entries = (entry for entry in self.waiting.values() if entry.lane == lane)
        return sorted(entries, key=lambda entry: (entry.rank, entry.contact))

    def put_back(self, contacts: Iterable[ContactId]) -> int:
        """What was taken waits again."""
        back = [self.taken.pop(contact).entry for contact in contacts]
        self.waiting.update((entry.contact, entry) for entry in back)
        return len(back)


class MemoryHopper:
    """Hopper port in memory.

    Attributes:
        fail: every operation fails as if Redis were gone.
    """

    def __init__(
        self, controller_id: str = "main", *, capacity: int = CAPACITY, lease: timedelta = LEASE
    ) -> None:
        self._controller = controller_id
        self._capacity = capacity
        self._lease = lease
        self._contents: dict[tuple[str, CampaignId], _Content] = defaultdict(_Content)
        self.fail = False

    def sibling(self, controller_id: str) -> Self:
        """The same hopper as another controller sees it."""
        other = type(self)(controller_id, capacity=self._capacity, lease=self._lease)
        other._contents = self._contents
        return other

    def lose_everything(self) -> None:
        """As a Redis does that is emptied."""
        self._contents.clear()

    async def offer(self, campaign: Campaign, entries: Sequence[HopperEntry]) -> int:
        """Lay contacts ready; returns how many were."""
        content = self._content(campaign)
        held = Counter(entry.lane for entry in content.waiting.values())
        laid = 0
        for entry in entries:
            known = entry.contact in content.waiting or entry.contact in content.taken
            if not known and held[entry.lane] < self._capacity:
                content.waiting[entry.contact] = entry
                held[entry.lane] += 1
                laid += 1
        return laid

    async def take(
        self, campaign: Campaign, lanes: Sequence[tuple[str, int]], count: int, now: datetime
    ) -> Sequence[HopperEntry]:
        """Take ``count`` contacts at most, for the time of a lease."""
        content = self._content(campaign)
        taken: list[HopperEntry] = []
        for lane, share in [*lanes, *((lane, count) for lane, _ in lanes)]:
            for entry in content.of(lane)[: max(0, min(share, count - len(taken)))]:
                del content.waiting[entry.contact]
                content.taken[entry.contact] = _Lease(entry, self._controller, now + self._lease)
                taken.append(entry)
        return taken

    async def renew(
        self, campaign: Campaign, contacts: Sequence[ContactId], now: datetime
    ) -> Sequence[ContactId]:
        """Keep what this controller took for another lease. Returns those that are still its own."""
        content = self._content(campaign)
        kept = self._own(content, contacts)
        for contact in kept:
            lease = content.taken[contact]
            content.taken[contact] = _Lease(lease.entry, self._controller, now + self._lease)
        return kept

    async def done(self, campaign: Campaign, contacts: Sequence[ContactId]) -> None:
        """The attempt is recorded, or the contact put off: they leave the hopper."""
        content = self._content(campaign)
        for contact in self._own(content, contacts):
            content.taken.pop(contact, None)

    async def give_back(self, campaign: Campaign, contacts: Sequence[ContactId]) -> None:
        """They were not called after all: back to where they were taken from."""
        content = self._content(campaign)
        content.put_back(dict.fromkeys(self._own(content, contacts)))

    async def reclaim(self, campaign: Campaign, now: datetime) -> int:
        """Put back whatever lease has ended; returns how many contacts."""
        return self._put_back_if(campaign, lambda lease: lease.ends <= now)

    async def abandon(self, campaign: Campaign) -> int:
        """Put back everything this controller took; returns how many contacts."""
        return self._put_back_if(campaign, lambda lease: lease.controller == self._controller)

    async def sizes(self, campaign: Campaign) -> HopperSizes:
        """How full it is."""
        content = self._content(campaign)
        waiting = Counter(entry.lane for entry in content.waiting.values())
        return HopperSizes(waiting=dict(waiting), taken=len(content.taken))

    async def clear(self, campaign: Campaign, lanes: Sequence[str] | None = None) -> None:
        """Empty these lanes, or all. What is taken stays taken."""
        waiting = self._content(campaign).waiting
        for entry in list(waiting.values()):
            if lanes is None or entry.lane in lanes:
                del waiting[entry.contact]

    def _content(self, campaign: Campaign) -> _Content:
        if self.fail:
            raise RedisUnreachable("told to fail")
        return self._contents[campaign.caller, campaign.id]

    def _own(self, content: _Content, contacts: Iterable[ContactId]) -> list[ContactId]:
        return [
            contact
            for contact in contacts
            if (lease := content.taken.get(contact)) and lease.controller == self._controller
        ]

    def _put_back_if(self, campaign: Campaign, which: Callable[[_Lease], bool]) -> int:
        content = self._content(campaign)
        return content.put_back([contact for contact, lease in content.taken.items() if which(lease)])
