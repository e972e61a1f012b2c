"""The hopper in Redis. Ids of contacts only: who they are, the record store says.

Every operation is one round trip. If its answer is lost it may be said again, but for ``take``: what an
unheard answer held stays taken until its lease has ended, and then goes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, unquote

from controller.domain.campaign import Campaign
from controller.domain.ids import ContactId
from controller.domain.instants import micros
from controller.ports.hopper import CAPACITY, LEASE, HopperEntry, HopperSizes
from controller.store import keys, scripts
from controller.store.redis_link import RedisLink
from controller.store.scripts import Script

_TTL: Final = keys.milliseconds(keys.HOPPER_TTL)


class RedisHopper:
    """Hopper port on a Redis (or Valkey) server."""

    def __init__(
        self,
        redis_url: str,
        controller_id: str,
        timeout: float = 1.0,
        *,
        capacity: int = CAPACITY,
        lease: timedelta = LEASE,
    ) -> None:
        """Prepare; connections are made when needed.

        Args:
            redis_url: such as ``redis://:password@127.0.0.1:6379/0``.
            controller_id: this controller's name, no other's.
            timeout: seconds that an operation may take in all.
            capacity: contacts that a lane holds at most.
            lease: how long what is taken stays taken.

        Raises:
            BadInput: the URL is none.
        """
        self._controller = controller_id
        self._capacity = capacity
        self._lease = lease
        self._link = RedisLink(redis_url, timeout)

    async def open(self) -> None:
        """Load the scripts. If Redis cannot be reached now, the operations load them later.

        Raises:
            RedisUnreachable: no answer.
        """
        for script in scripts.HOPPER:
            await self._link.command("SCRIPT LOAD", script.source)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._link.close()

    async def offer(self, campaign: Campaign, entries: Sequence[HopperEntry]) -> int:
        """Lay contacts ready; returns how many were."""
        if not entries:
            return 0
        words = (
            word for entry in entries for word in (_lane(entry.lane), _member(entry), _id(entry.contact))
        )
        (laid,) = await self._run(scripts.HOPPER_OFFER, campaign, self._capacity, _TTL, *words)
        return int(laid)

    async def take(
        self, campaign: Campaign, lanes: Sequence[tuple[str, int]], count: int, now: datetime
    ) -> Sequence[HopperEntry]:
        """Take ``count`` contacts at most, for the time of a lease."""
        words = (word for lane, share in lanes for word in (_lane(lane), share))
        found = await self._run(
            scripts.HOPPER_TAKE, campaign, self._controller, self._end(now), count, _TTL, *words
        )
        return [_entry(member) for member in found]

    async def renew(
        self, campaign: Campaign, contacts: Sequence[ContactId], now: datetime
    ) -> Sequence[ContactId]:
        """Keep what this controller took for another lease. Returns those that are still its own."""
        if not contacts:
            return []
        kept = await self._run(
            scripts.HOPPER_RENEW, campaign, self._controller, self._end(now), _TTL, *_ids(contacts)
        )
        return [ContactId(int(contact)) for contact in kept]

    async def done(self, campaign: Campaign, contacts: Sequence[ContactId]) -> None:
        """The attempt is recorded, or the contact put off: they leave the hopper."""
        if contacts:
            await self._run(scripts.HOPPER_DONE, campaign, self._controller, *_ids(contacts))

    async def give_back(self, campaign: Campaign, contacts: Sequence[ContactId]) -> None:
        """They were not called after all: back to where they were taken from."""
        if contacts:
            await self._run(scripts.HOPPER_GIVE_BACK, campaign, self._controller, *_ids(contacts))

    async def reclaim(self, campaign: Campaign, now: datetime) -> int:
        """Put back whatever lease has ended; returns how many contacts."""
        (back,) = await self._run(scripts.HOPPER_RECLAIM, campaign, _milliseconds(now))
        return int(back)

    async def abandon(self, campaign: Campaign) -> int:
        """Put back everything this controller took; returns how many contacts."""
        (back,) = await self._run(scripts.HOPPER_ABANDON, campaign, self._controller)
        return int(back)

    async def sizes(self, campaign: Campaign) -> HopperSizes:
        """How full it is."""
        taken, *rest = await self._run(scripts.HOPPER_SIZES, campaign)
        lanes = (unquote(lane.decode()) for lane in rest[::2])
        return HopperSizes(waiting=dict(zip(lanes, rest[1::2], strict=True)), taken=taken)

    async def clear(self, campaign: Campaign, lanes: Sequence[str] | None = None) -> None:
        """Empty these lanes, or all. What is taken stays taken."""
        if lanes is None or lanes:
            await self._run(scripts.HOPPER_CLEAR, campaign, *map(_lane, lanes or ()))

    async def _run(self, script: Script, campaign: Campaign, *arguments: str | int) -> list[Any]:
        return await self._link.run(script, keys.hopper(campaign.caller, campaign.id), *arguments)

    def _end(self, now: datetime) -> int:
        return _milliseconds(now + self._lease)


def _lane(name: str) -> str:
    # Quoted, so that no name holds what separates it from the rank, or what the ends of a lane are told by.
    return quote(name, safe="")


def _id(contact: ContactId) -> str:
    return f"{contact:019}"


def _ids(contacts: Iterable[ContactId]) -> list[str]:
    return [_id(contact) for contact in contacts]


def _member(entry: HopperEntry) -> str:
    return f"{_lane(entry.lane)}|{entry.rank:018}|{_id(entry.contact)}"


def _entry(member: bytes) -> HopperEntry:
    lane, rank, contact = member.decode().split("|")
    return HopperEntry(contact=ContactId(int(contact)), lane=unquote(lane), rank=int(rank))


def _milliseconds(instant: datetime) -> int:
    return micros(instant) // 1000
