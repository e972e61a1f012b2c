"""What is live and shared between controllers: suppression keys, budgets, marks of calls in flight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from controller.domain.budget import Budget
from controller.domain.campaign import Campaign
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How many calls of a campaign this controller has exposed to silence.

    Attributes:
        count: flights without an agent standing ready, the one being admitted included.
        serial: grows with every reading, so that a late message never overwrites a newer one.
    """

    count: int
    serial: int


class Admission(Enum):
    """The ledger's answer to a wish to call a number."""

    ADMITTED = "admitted"
    SUPPRESSED = "suppressed"
    """The number is left alone, or another call to it is in flight."""
    NO_BUDGET = "no-budget"
    OPERATOR_DUE = "operator-due"
    """The number may only be called with an agent reserved for it (L5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitting:
    """What the ledger is asked: may this number be called now, and if so, take its suppression key.

    Attributes:
        covered: an agent stands ready, so the budget is not asked.
        agentless: nobody is to speak and a message plays from the answer on: the budget is not asked either.
    """

    call: CallId
    campaign: Campaign
    number: E164
    covered: bool
    guaranteed: bool
    exposure: Exposure
    now: datetime
    agentless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer, with the budget as it stands after it.

    Attributes:
        free_in: seconds until the number may be called, where SUPPRESSED.
        in_flight: where SUPPRESSED: because another call to the number is under way.
    """

    admission: Admission
    budget: Budget
    free_in: int = 0
    in_flight: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Why a number is not called, as anyone can read it in Redis.

    Attributes:
        number: empty if its person was forgotten; then only the hash is known.
        call: the attempt that is the reason; empty if a person is.
        expires_in: seconds; -1 if it does not end by itself.
        by_hand: barred by a person (``reason`` tells who and why), not by a call.
        author: that person; empty if it was a call, or if the number was erased since.
    """

    number: E164
    reason: str
    since: datetime
    call: str
    expires_in: int
    by_hand: bool = False
    author: str = ""
    number_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightMark:
    """A call that the ledger holds as in flight (or talking): what recovery finds after a crash."""

    call: CallId
    campaign: CampaignId
    number: E164
    connected: bool
    placed: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualSuppression:
    """A number barred by hand.

    Attributes:
        until: when it ends by itself (aware); None: never.
    """

    author: str
    reason: str
    since: datetime
    until: datetime | None = None


class Ledger(Protocol):
    """What is live and shared: suppression keys, budgets, marks of calls in flight."""

    async def check(self) -> Sequence[str]:
        """Complaints about a server that would lose keys; empty if it is fit."""
        ...

    async def ping(self) -> None:
        """Raise Unreachable unless the server answers and takes writes."""
        ...

    async def admit(self, wish: Admitting) -> Verdict:
        """Check suppression, L5 and budget and take the number, all or nothing."""
        ...

    async def connected(self, call: CallId, campaign: Campaign, exposure: Exposure) -> Budget:
        """The call reached an agent. Counted once, however often it is said."""
        ...

    async def close(
        self,
        call: CallId,
        campaign: Campaign,
        number: E164,
        outcome: Outcome,
        ended_ago: timedelta,
        exposure: Exposure,
        placed: datetime,
    ) -> Budget:
        """The call is over: give the number back, or leave it alone for as long as the law says.

        Counted once, however often it is said, in the windows in which it was placed. ``number`` and
        ``placed`` (its admission's ``now``) let a silent call be recorded even if the mark of the flight was
        lost. ``ended_ago`` must come from a clock that never steps: it shortens a protection.
        """
        ...

    async def withdraw(self, call: CallId, campaign: Campaign, number: E164, exposure: Exposure) -> Budget:
        """Take back an admission whose call was never recorded, so never dialed: nothing is counted.

        Like a close it is remembered: an admission that arrives later is turned away.
        """
        ...

    async def report(self, campaign: Campaign, exposure: Exposure) -> Budget:
        """Tell how many calls are exposed; read the budget."""
        ...

    async def budget(self, campaign: Campaign) -> Budget:
        """The budget as it stands."""
        ...

    async def flights(self, caller: str, *, everybody: bool = False) -> Sequence[FlightMark]:
        """Calls in flight: those this controller left, for recovery; with ``everybody`` all controllers'."""
        ...

    async def suppression(self, caller: str, number: E164) -> Suppression | None:
        """Why the number is not called now, if so."""
        ...

    async def suppressions(self, caller: str, limit: int = 1000) -> Sequence[Suppression]:
        """Suppressed numbers, in no order, ``limit`` at most."""
        ...

    async def outcomes(self, campaign: Campaign) -> Mapping[Outcome, int]:
        """How many calls of the campaign ended in which way; outcomes that did not occur are left out."""
        ...

    async def tallies(self, campaign: Campaign) -> Mapping[str, tuple[int, int]]:
        """Successes and silent calls of every window there ever was, by its label; empty: all of it."""
        ...

    async def operator_due(self, caller: str, number: E164) -> bool:
        """Whether the number's next call needs an operator guaranteed."""
        ...

    async def suppress(self, caller: str, number: E164, who: ManualSuppression) -> None:
        """Bar a number by hand, beside whatever the law holds against calling it.

        Said again, it replaces what was said by hand before.
        """
        ...

    async def release(self, caller: str, number: E164) -> bool:
        """Lift what was barred by hand, also before the number was erased; False if nothing was.

        What a silent call suppressed stays: nobody can shorten the time that the law sets.
        """
        ...

    async def forget(self, caller: str, number: E164) -> bool:
        """Erase a number whose person wants to be forgotten; returns whether anything was there.

        What protects it (suppression, operator due, what was barred by hand) goes on under its keyed hash,
        without the words in which somebody may have told who it is.

        Raises:
            Refused: a call to it is under way.
        """
        ...
