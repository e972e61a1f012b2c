"""The hopper: contacts laid ready ahead, shared by every controller that dials the campaign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from controller.domain.campaign import Campaign
from controller.domain.ids import ContactId

CAPACITY = 500
"""Contacts that one lane holds unless the hopper is made with another bound."""

LEASE = timedelta(seconds=60)
"""How long a controller may keep a contact that it took, unless it says ``renew``."""

MAX_RANK = 10**18 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HopperEntry:
    """A contact that waits in a lane.

    Attributes:
        contact: who.
        lane: of the campaign's dialing plan; any text, the empty one too.
        rank: within its lane the lowest is taken first, of several the lowest id; 0 to ``MAX_RANK``.
    """

    contact: ContactId
    lane: str = ""
    rank: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be kept in order."""
        if not 0 <= self.rank <= MAX_RANK or self.contact < 0:
            raise ValueError(f"rank {self.rank} of contact {self.contact}: 0 to {MAX_RANK}, ids from 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class HopperSizes:
    """How full the hopper is.

    Attributes:
        waiting: contacts by lane; lanes without any are left out.
        taken: contacts that controllers took and have not dealt with.
    """

    waiting: Mapping[str, int] = field(default_factory=dict)
    taken: int = 0


class Hopper(Protocol):
    """Contacts laid ready ahead.

    What is true of a contact, the record store says. The hopper may be emptied at any time.

    A contact is in the hopper once: in a lane, or taken by one controller. It leaves when that controller
    says ``done``. What a controller took and said nothing more of, because it died or never heard the answer,
    is put back by the next ``reclaim`` after its lease. A lease can end under a controller that lives, too
    slow or with its clock wrong; then two have the contact, and the record store, which refuses a second
    attempt of one in flight, keeps it from being dialed twice.

    Every method is one round trip and raises Unreachable without a confirmed answer.
    """

    async def offer(self, campaign: Campaign, entries: Sequence[HopperEntry]) -> int:
        """Lay contacts ready; returns how many were.

        Not laid ready: who is in the hopper already, wherever; and who finds the lane full. They are not
        lost, the record store has them.
        """
        ...

    async def take(
        self, campaign: Campaign, lanes: Sequence[tuple[str, int]], count: int, now: datetime
    ) -> Sequence[HopperEntry]:
        """Take ``count`` contacts at most, for ``LEASE`` (or as long as the hopper was told).

        Args:
            campaign: whose.
            lanes: in order: a lane, and how many of it. Where one has not that many, or these are fewer than
                ``count``, the lanes are gone through once more for the rest.
            count: how many in all.
            now: by this controller's clock (aware).
        """
        ...

    async def renew(
        self, campaign: Campaign, contacts: Sequence[ContactId], now: datetime
    ) -> Sequence[ContactId]:
        """Keep what this controller took for another lease. Returns those that are still its own."""
        ...

    async def done(self, campaign: Campaign, contacts: Sequence[ContactId]) -> None:
        """The attempt is recorded, or the contact put off: they leave the hopper.

        Only what this controller has taken does; what was reclaimed and taken by another stays with it.
        """
        ...

    async def give_back(self, campaign: Campaign, contacts: Sequence[ContactId]) -> None:
        """They were not called after all: back to where they were taken from, so to the front.

        Of what this controller has not taken, nothing is given back. A lane may exceed its bound by this.
        """
        ...

    async def reclaim(self, campaign: Campaign, now: datetime) -> int:
        """Put back whatever lease has ended; returns how many contacts."""
        ...

    async def abandon(self, campaign: Campaign) -> int:
        """Put back everything this controller took: it starts anew, or stops. Returns how many contacts."""
        ...

    async def sizes(self, campaign: Campaign) -> HopperSizes:
        """How full it is."""
        ...

    async def clear(self, campaign: Campaign, lanes: Sequence[str] | None = None) -> None:
        """Empty these lanes, or all: the plan or the list has changed. What is taken stays taken."""
        ...
