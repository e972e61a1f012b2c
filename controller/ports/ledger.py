"""What is live and shared between controllers: suppression keys, budgets, marks of calls in flight."""

from __future__ import annotations

from collections.abc import Sequence
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
    """What the ledger is asked: may this number be called now, and if so, take its suppression key."""

    call: CallId
    campaign: Campaign
    number: E164
    covered: bool
    guaranteed: bool
    exposure: Exposure
    now: datetime


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
    """Why a number is not called, as anyone can read it in Redis."""

    number: E164
    reason: str
    since: datetime
    campaign: str
    call: str
    expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightMark:
    """A call that the ledger holds as in flight (or talking): what recovery finds after a crash."""

    call: CallId
    campaign: CampaignId
    number: E164
    connected: bool


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
    ) -> Budget:
        """The call is over: give the number back, or leave it alone for as long as the law says.

        Counted once, however often it is said. ``number`` lets a silent call be recorded even if the mark
        of the flight was lost.
        """
        ...

    async def report(self, campaign: Campaign, exposure: Exposure) -> Budget:
        """Tell how many calls are exposed; read the budget."""
        ...

    async def budget(self, campaign: Campaign) -> Budget:
        """The budget as it stands."""
        ...

    async def flights(self, caller: str) -> Sequence[FlightMark]:
        """Calls this controller left in flight, for recovery."""
        ...

    async def suppression(self, caller: str, number: E164) -> Suppression | None:
        """Why the number is not called now, if so."""
        ...

    async def suppressions(self, caller: str, limit: int = 1000) -> Sequence[Suppression]:
        """Suppressed numbers, in no order, ``limit`` at most."""
        ...
