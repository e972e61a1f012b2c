"""The ledger in memory: the twin of the one in Redis, for tests, simulation and trying things out.

It keeps nothing when the process ends, so it must never stand behind a real telephone line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.domain.budget import Budget
from controller.domain.campaign import Campaign
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.errors import RedisUnreachable
from controller.ports import Admission, Admitting, Clock, Exposure, FlightMark, Suppression, Verdict
from controller.store import keys

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A suppression key."""

    call: CallId
    campaign: CampaignId
    reason: str
    since: datetime
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """A flight mark, with the controller it belongs to."""

    flight: FlightMark
    controller: str


@dataclass(slots=True)
class _Books:
    """What one campaign has used."""

    successes: int = 0
    silent: int = 0
    exposed: dict[str, Exposure] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)


@dataclass(slots=True)
class _Caller:
    """Everything of one caller: what is one hash slot in Redis."""

    held: dict[E164, _Held] = field(default_factory=dict)
    operator_due: set[E164] = field(default_factory=set)
    books: dict[CampaignId, _Books] = field(default_factory=dict)
    flights: dict[CallId, _Mark] = field(default_factory=dict)
    closed: dict[CallId, datetime] = field(default_factory=dict)
    sweep_at: int = 1024

    def forget_expired(self, now: datetime) -> None:
        """Drop what is expired, at times: Redis does it by itself, a dictionary does not."""
        if len(self.closed) >= self.sweep_at:
            self.closed = {call: expires for call, expires in self.closed.items() if expires > now}
            self.held = {number: held for number, held in self.held.items() if held.expires > now}
            self.sweep_at = max(1024, 2 * len(self.closed))


class MemoryLedger:
    """Ledger port in memory.

    Attributes:
        fail: while True, every operation raises ``RedisUnreachable``.
    """

    def __init__(self, clock: Clock, controller_id: str = "memory") -> None:
        """Start empty.

        Args:
            clock: what keys expire by.
            controller_id: whose flights and exposure these are.
        """
        self.fail = False
        self._clock = clock
        self._controller = controller_id
        self._callers: dict[str, _Caller] = {}

    def sibling(self, controller_id: str) -> MemoryLedger:
        """The same ledger, as another controller sees it."""
        other = MemoryLedger(self._clock, controller_id)
        other._callers = self._callers
        return other

    def clear(self) -> None:
        """Lose everything, as a Redis without persistence."""
        self._callers.clear()

    async def check(self) -> Sequence[str]:
        """No complaints: nobody expects memory to keep anything."""
        self._answer()
        return []

    async def ping(self) -> None:
        """Raise Unreachable if it shall fail."""
        self._answer()

    # --- the life of a call ---------------------------------------------------------------------------

    async def admit(self, wish: Admitting) -> Verdict:
        """Check suppression, L5 and budget and take the number, all or nothing."""
        self._answer()
        caller, books = self._caller(wish.campaign), self._books(wish.campaign)
        held = self._held(caller, wish.number)
        if held is not None:
            in_flight = held.call in caller.flights
            if not in_flight or held.call != wish.call:
                free_in = -((self._clock.now() - held.expires) // _SECOND)
                return self._refuse(books, Admission.SUPPRESSED, free_in, in_flight)
        else:
            if caller.closed.get(wish.call, self._clock.now()) > self._clock.now():
                return self._refuse(books, Admission.SUPPRESSED)
            if not wish.guaranteed and wish.number in caller.operator_due:
                return self._refuse(books, Admission.OPERATOR_DUE)
            if not self._affordable(wish, books):
                return self._refuse(books, Admission.NO_BUDGET)
            self._take(caller, wish)
        return Verdict(admission=Admission.ADMITTED, budget=self._note(books, wish.exposure))

    async def connected(self, call: CallId, campaign: Campaign, exposure: Exposure) -> Budget:
        """The call reached an agent. Counted once, however often it is said."""
        self._answer()
        caller, books = self._caller(campaign), self._books(campaign)
        mark = caller.flights.get(call)
        if mark is not None and not mark.flight.connected:
            caller.flights[call] = replace(mark, flight=replace(mark.flight, connected=True))
            books.successes += 1
        return self._note(books, exposure)

    async def close(
        self,
        call: CallId,
        campaign: Campaign,
        number: E164,
        outcome: Outcome,
        ended_ago: timedelta,
        exposure: Exposure,
    ) -> Budget:
        """The call is over: give the number back, or leave it alone for as long as the law says."""
        self._answer()
        caller, books, now = self._caller(campaign), self._books(campaign), self._clock.now()
        mark = caller.flights.pop(call, None)
        if caller.closed.get(call, now) <= now:
            if outcome.counts_as_silent:
                self._leave_alone(caller, call, campaign, number, outcome, max(ended_ago, timedelta(0)))
                books.silent += 1
                books.outcomes[outcome] += 1
            elif mark is not None:
                if outcome is Outcome.CONNECTED:
                    books.successes += not mark.flight.connected
                    caller.operator_due.discard(number)
                held = self._held(caller, number)
                if held is not None and held.call == call:
                    del caller.held[number]
                books.outcomes[outcome] += 1
            caller.closed[call] = now + keys.closed_ttl(outcome)
            caller.forget_expired(now)
        return self._note(books, exposure)

    async def report(self, campaign: Campaign, exposure: Exposure) -> Budget:
        """Tell how many calls are exposed; read the budget."""
        self._answer()
        return self._note(self._books(campaign), exposure)

    # --- views ----------------------------------------------------------------------------------------

    async def budget(self, campaign: Campaign) -> Budget:
        """The budget as it stands."""
        self._answer()
        return _budget(self._books(campaign))

    async def outcomes(self, campaign: Campaign) -> Mapping[Outcome, int]:
        """How many calls of the campaign ended in which way; outcomes that did not occur are left out."""
        self._answer()
        return dict(self._books(campaign).outcomes)

    async def flights(self, caller: str) -> Sequence[FlightMark]:
        """Calls this controller left in flight, for recovery."""
        self._answer()
        marks = self._callers.get(caller, _Caller()).flights.values()
        return [mark.flight for mark in marks if mark.controller == self._controller]

    async def suppression(self, caller: str, number: E164) -> Suppression | None:
        """Why the number is not called now, if so."""
        self._answer()
        return next(self._suppressions(caller, [number]), None)

    async def suppressions(self, caller: str, limit: int = 1000) -> Sequence[Suppression]:
        """Suppressed numbers, in no order, ``limit`` at most."""
        self._answer()
        numbers = list(self._callers.get(caller, _Caller()).held)
        return list(self._suppressions(caller, numbers))[:limit]

    # --- inside ---------------------------------------------------------------------------------------

    def _answer(self) -> None:
        if self.fail:
            raise RedisUnreachable

    def _caller(self, campaign: Campaign) -> _Caller:
        return self._callers.setdefault(campaign.caller, _Caller())

    def _books(self, campaign: Campaign) -> _Books:
        return self._caller(campaign).books.setdefault(campaign.id, _Books())

    def _held(self, caller: _Caller, number: E164) -> _Held | None:
        held = caller.held.get(number)
        return held if held is not None and held.expires > self._clock.now() else None

    def _fresh(self, books: _Books, exposure: Exposure) -> bool:
        stored = books.exposed.get(self._controller)
        return stored is None or exposure.serial > stored.serial

    def _note(self, books: _Books, exposure: Exposure) -> Budget:
        if self._fresh(books, exposure):
            books.exposed[self._controller] = exposure
        return _budget(books)

    def _refuse(
        self, books: _Books, admission: Admission, free_in: int = 0, in_flight: bool = False
    ) -> Verdict:
        return Verdict(admission=admission, budget=_budget(books), free_in=free_in, in_flight=in_flight)

    def _affordable(self, wish: Admitting, books: _Books) -> bool:
        if wish.covered or wish.campaign.override is not None:
            return True
        exposed = dict(books.exposed)
        if self._fresh(books, wish.exposure):
            exposed[self._controller] = wish.exposure
        in_flight = sum(each.count for each in exposed.values())
        allowance = _budget(books).allowance(wish.campaign.law.silent_share)
        return books.silent + in_flight <= allowance

    def _take(self, caller: _Caller, wish: Admitting) -> None:
        campaign = wish.campaign
        caller.held[wish.number] = _Held(
            call=wish.call,
            campaign=campaign.id,
            reason=keys.IN_FLIGHT,
            since=wish.now,
            expires=self._clock.now() + keys.suppress_ttl(campaign),
        )
        flight = FlightMark(call=wish.call, campaign=campaign.id, number=wish.number, connected=False)
        caller.flights[wish.call] = _Mark(flight=flight, controller=self._controller)

    def _leave_alone(
        self,
        caller: _Caller,
        call: CallId,
        campaign: Campaign,
        number: E164,
        outcome: Outcome,
        ended_ago: timedelta,
    ) -> None:
        caller.operator_due.add(number)
        now = self._clock.now()
        expires = now + campaign.law.leave_alone - ended_ago
        held = self._held(caller, number)
        if held is not None and held.call != call:
            expires = max(expires, held.expires)
        caller.held[number] = _Held(
            call=call,
            campaign=campaign.id,
            reason=keys.reason(outcome),
            since=now - ended_ago,
            expires=expires,
        )

    def _suppressions(self, caller: str, numbers: Sequence[E164]) -> Iterator[Suppression]:
        known, now = self._callers.get(caller, _Caller()), self._clock.now()
        for number in numbers:
            held = self._held(known, number)
            if held is not None:
                yield Suppression(
                    number=number,
                    reason=held.reason,
                    since=held.since,
                    campaign=held.campaign,
                    call=held.call,
                    expires_in=-((now - held.expires) // _SECOND),
                )


def _budget(books: _Books) -> Budget:
    exposed = sum(exposure.count for exposure in books.exposed.values())
    return Budget(successes=books.successes, silent=books.silent, exposed=exposed)
