"""Keeps a campaign's hopper filled ahead, beside the calls: nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

import structlog

from controller.domain.campaign import Campaign, ListOrder
from controller.domain.contact import Contact
from controller.domain.instants import micros
from controller.errors import Unreachable
from controller.ports import Clock, Hopper, HopperEntry, HopperSizes
from controller.ports.hopper import CAPACITY

log = structlog.get_logger(__name__)

DUTY: Final = 0.2
"""Part of the time that filling may take; after a fill that took long there is a pause."""

READ: Final = 5000
"""Contacts that one look into one lane's source reads at most."""

LOOK_AGAIN: Final = 0.5
"""Seconds after which to look again whether a lane runs low. At 100 calls/s, half a lane lasts 2.5 s."""

REST: Final = (1.0, 2.0)
"""Seconds that a lane rests whose source had no more: at first, and at most, doubled while nothing new comes.
So long the hopper may stay empty after Redis was emptied."""

_CLASS: Final = 3 * 10**17
"""Ranks in one class: more than microseconds in the years that a datetime knows, more than ids."""


class Source(Protocol):
    """Where the contacts of a lane come from."""

    async def due(self, lane: str, now: datetime, limit: int) -> Sequence[Contact]:
        """Contacts of a lane that may be called now, those first that are to be called first.

        ``limit`` at most; fewer only if there are no more.
        """
        ...


def rank_of(contact: Contact, order: ListOrder) -> int:
    """Where a contact comes in its lane, the lowest first. Call-backs always go first.

    It depends on nothing but the contact, so what is laid ready later finds its place among what waits.
    """
    if contact.callback_at is not None:
        return micros(contact.callback_at)
    by_id = min(contact.id, _CLASS - 1)
    if order is ListOrder.NEWEST_FIRST:
        return _CLASS + (_CLASS - 1 - by_id)
    called_first = order is ListOrder.RETRIES_FIRST
    if contact.due_at is None:
        return (2 if called_first else 1) * _CLASS + by_id
    return (1 if called_first else 2) * _CLASS + micros(contact.due_at)


class Filler:
    """Fills the lanes of one campaign that run low, each up to the hopper's bound.

    It reads each lane's source from the top every time: what waits already is read again but laid ready once,
    and what was put off, called back or changed shows by itself. A look costs as many rows as a lane holds,
    however long the list is.
    """

    def __init__(self, source: Source, hopper: Hopper, clock: Clock, *, capacity: int = CAPACITY) -> None:
        """Start with every lane awake.

        Args:
            source: of the contacts.
            hopper: that is filled.
            clock: by whose seconds it rests.
            capacity: contacts that a lane of the hopper holds.
        """
        self._source = source
        self._hopper = hopper
        self._clock = clock
        self._capacity = capacity
        self._pause_until = clock.monotonic()
        self._rests: dict[str, tuple[float, float]] = {}
        self._laid = 0

    async def fill(self, campaign: Campaign, lanes: Sequence[str], now: datetime) -> float:
        """Fill what runs low; returns after how many seconds to call it again.

        Called earlier it does nothing, so whoever finds a lane empty may call it.

        Args:
            campaign: as it is now.
            lanes: of its dialing plan, those first that matter most.
            now: aware.

        Raises:
            Unreachable: no confirmed answer from the source or the hopper.
        """
        began = self._clock.monotonic()
        if began < self._pause_until:
            return self._pause_until - began
        try:
            await self._hopper.reclaim(campaign, now)
            sizes = await self._hopper.sizes(campaign)
            for lane in lanes:
                if self._is_low(lane, sizes, began):
                    await self._fill_lane(campaign, lane, sizes, now)
        finally:
            ended = self._clock.monotonic()
            pause = max(LOOK_AGAIN, (ended - began) * (1 / DUTY - 1))
            self._pause_until = ended + pause
        self._rests = {lane: rest for lane, rest in self._rests.items() if lane in lanes}
        return pause

    async def keep(
        self, plan: Callable[[], tuple[Campaign, Sequence[str]]], laid: Callable[[], None]
    ) -> None:
        """Fill again and again, beside the calls, until cancelled. However long a look takes, nobody waits.

        Args:
            plan: the campaign and its lanes, as they are then.
            laid: called whenever contacts were laid ready.
        """
        while True:
            self._laid = 0
            try:
                pause = await self.fill(*plan(), self._clock.now())
            except Unreachable as error:
                # No fault of the campaign's: a look through a long list may take too long. If more is wrong,
                # whoever takes contacts finds out.
                log.warning("hopper not filled", why=str(error))
                pause = LOOK_AGAIN
            if self._laid:
                laid()
            await asyncio.sleep(pause)

    def awake(self) -> None:
        """Contacts were added or changed: no lane rests any longer."""
        self._rests.clear()

    def _is_low(self, lane: str, sizes: HopperSizes, at: float) -> bool:
        until, _ = self._rests.get(lane, (at, 0.0))
        return until <= at and sizes.waiting.get(lane, 0) <= self._capacity // 2

    async def _fill_lane(self, campaign: Campaign, lane: str, sizes: HopperSizes, now: datetime) -> None:
        # What waits in another lane, or is taken, may be at the top of this one's source too.
        elsewhere = sizes.taken + sum(size for other, size in sizes.waiting.items() if other != lane)
        limit = min(READ, self._capacity + elsewhere)
        found = await self._source.due(lane, now, limit)
        entries = [
            HopperEntry(contact=contact.id, lane=lane, rank=rank_of(contact, campaign.order))
            for contact in found
        ]
        laid = await self._hopper.offer(campaign, entries)
        self._laid += laid
        if laid == 0 or len(found) < limit:
            self._rest(lane, anew=laid > 0)
        else:
            self._rests.pop(lane, None)

    def _rest(self, lane: str, *, anew: bool) -> None:
        shortest, longest = REST
        _, last = self._rests.get(lane, (0.0, 0.0))
        seconds = shortest if anew else min(longest, max(shortest, 2 * last))
        self._rests[lane] = (self._clock.monotonic() + seconds, seconds)
