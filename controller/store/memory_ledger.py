"""The ledger in memory: the twin of the one in Redis, for tests, simulation and trying things out.

It keeps nothing when the process ends, so it must never stand behind a real telephone line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.domain.budget import Budget, Tally
from controller.domain.campaign import Campaign
from controller.domain.ids import E164, CallId, CampaignId, masked
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.domain.regulation import Limit
from controller.errors import RedisUnreachable, Refused
from controller.ports import (
    Admission,
    Admitting,
    Clock,
    Exposure,
    FlightMark,
    ManualSuppression,
    Suppression,
    Verdict,
)
from controller.store import keys

_SECOND = timedelta(seconds=1)
_KEY = NumberKey(bytes(32))
"""For what is forgotten with the process, a key that everybody knows will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A suppression key."""

    call: str
    reason: str
    since: datetime
    expires: datetime | None
    by_hand: bool = False
    author: str = ""

    def lasts(self, now: datetime) -> bool:
        """Whether it is not over yet."""
        return self.expires is None or self.expires > now

    def left(self, now: datetime) -> int:
        """Seconds it has left, rounded up; -1 if it has no end."""
        return -1 if self.expires is None else -((now - self.expires) // _SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """A flight mark, with the controller it belongs to."""

    flight: FlightMark
    controller: str
    windows: frozenset[str]


@dataclass(slots=True)
class _Books:
    """What one campaign has used."""

    successes: int = 0
    silent: int = 0
    windows: dict[str, list[int]] = field(default_factory=dict)
    exposed: dict[str, Exposure] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    def count_success(self, windows: frozenset[str]) -> None:
        """A call placed in these windows reached an agent."""
        self.successes += 1
        for label in windows:
            self.windows.setdefault(label, [0, 0])[0] += 1

    def count_silent(self, windows: frozenset[str]) -> None:
        """A call placed in these windows counts as silent."""
        self.silent += 1
        for label in windows:
            self.windows.setdefault(label, [0, 0])[1] += 1

    def budget(self, current: Sequence[tuple[Limit, str]]) -> Budget:
        """As it stands, with the tallies of these windows."""
        counts = {"": (self.successes, self.silent)}
        tallies = []
        for limit, label in current:
            successes, silent = counts[label] if label in counts else self.windows.get(label, (0, 0))
            tallies.append(Tally(limit=limit, window=label, successes=successes, silent=silent))
        exposed = sum(exposure.count for exposure in self.exposed.values())
        return Budget(successes=self.successes, silent=self.silent, exposed=exposed, tallies=tuple(tallies))


@dataclass(slots=True)
class _Caller:
    """Everything of one caller: one hash slot in Redis. Numbers that were erased go by their alias."""

    held: dict[str, _Held] = field(default_factory=dict)
    barred: dict[str, _Held] = field(default_factory=dict)
    operator_due: set[str] = field(default_factory=set)
    books: dict[CampaignId, _Books] = field(default_factory=dict)
    flights: dict[CallId, _Mark] = field(default_factory=dict)
    closed: dict[CallId, datetime] = field(default_factory=dict)
    sweep_at: int = 1024

    def forget_expired(self, now: datetime) -> None:
        """Drop what is expired, at times: Redis does it by itself, a dictionary does not."""
        if len(self.closed) >= self.sweep_at:
            self.closed = {call: expires for call, expires in self.closed.items() if expires > now}
            self.held = {owner: held for owner, held in self.held.items() if held.lasts(now)}
            self.sweep_at = max(1024, 2 * len(self.closed))


class MemoryLedger:
    """Ledger port in memory.

    Attributes:
        fail: while True, every operation raises ``RedisUnreachable``.
    """

    def __init__(self, clock: Clock, controller_id: str = "memory", number_key: NumberKey = _KEY) -> None:
        """Start empty.

        Args:
            clock: what keys expire by.
            controller_id: whose flights and exposure these are.
            number_key: under which erased numbers go on being protected.
        """
        self.fail = False
        self._clock = clock
        self._key = number_key
        self._controller = controller_id
        self._callers: dict[str, _Caller] = {}

    def sibling(self, controller_id: str) -> MemoryLedger:
        """The same ledger, as another controller sees it."""
        other = MemoryLedger(self._clock, controller_id, self._key)
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
        now, current = self._clock.now(), wish.campaign.windows(wish.now)
        held = caller.held.get(wish.number)
        if held is not None and held.lasts(now) and held.call == wish.call and wish.call in caller.flights:
            return Verdict(admission=Admission.ADMITTED, budget=self._note(books, wish.exposure, current))

        def refuse(admission: Admission, free_in: int = 0, in_flight: bool = False) -> Verdict:
            budget = books.budget(current)
            return Verdict(admission=admission, budget=budget, free_in=free_in, in_flight=in_flight)

        if longest := self._longest(caller, wish.number):
            in_flight = held is not None and held.lasts(now) and held.call in caller.flights
            left = longest.left(now)
            free_in = left if left >= 0 else -(-wish.campaign.law.leave_alone // _SECOND)
            return refuse(Admission.SUPPRESSED, free_in, in_flight)
        if caller.closed.get(wish.call, now) > now:
            return refuse(Admission.SUPPRESSED)
        if not wish.guaranteed and self._is_owed(caller, wish.number):
            return refuse(Admission.OPERATOR_DUE)
        if not self._affordable(wish, books):
            return refuse(Admission.NO_BUDGET)
        self._take(caller, wish)
        return Verdict(admission=Admission.ADMITTED, budget=self._note(books, wish.exposure, current))

    async def connected(self, call: CallId, campaign: Campaign, exposure: Exposure) -> Budget:
        """The call reached an agent. Counted once, however often it is said."""
        self._answer()
        caller, books = self._caller(campaign), self._books(campaign)
        mark = caller.flights.get(call)
        if mark is not None and not mark.flight.connected:
            caller.flights[call] = replace(mark, flight=replace(mark.flight, connected=True))
            books.count_success(mark.windows)
        return self._note(books, exposure, campaign.windows(self._clock.now()))

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
        """The call is over: give the number back, or leave it alone for as long as the law says."""
        self._answer()
        caller, books, now = self._caller(campaign), self._books(campaign), self._clock.now()
        mark = caller.flights.pop(call, None)
        windows = mark.windows if mark is not None else _labels(campaign, placed)
        if caller.closed.get(call, now) <= now:
            if outcome.counts_as_silent:
                self._leave_alone(caller, call, campaign, number, outcome, max(ended_ago, timedelta(0)))
                books.count_silent(windows)
                books.outcomes[outcome] += 1
            elif mark is not None:
                if outcome is Outcome.CONNECTED:
                    if not mark.flight.connected:
                        books.count_success(windows)
                    caller.operator_due -= {number, self._alias(number)}
                self._give_back(caller, call, number)
                books.outcomes[outcome] += 1
            self._remember(caller, call, outcome)
        return self._note(books, exposure, campaign.windows(now))

    async def withdraw(self, call: CallId, campaign: Campaign, number: E164, exposure: Exposure) -> Budget:
        """Take back an admission whose call was never recorded, so never dialed: nothing is counted."""
        self._answer()
        caller, now = self._caller(campaign), self._clock.now()
        mark = caller.flights.pop(call, None)
        if caller.closed.get(call, now) <= now:
            if mark is not None:
                self._give_back(caller, call, number)
            self._remember(caller, call, Outcome.FAILED)
        return self._note(self._books(campaign), exposure, campaign.windows(now))

    async def report(self, campaign: Campaign, exposure: Exposure) -> Budget:
        """Tell how many calls are exposed; read the budget."""
        self._answer()
        return self._note(self._books(campaign), exposure, campaign.windows(self._clock.now()))

    # --- views ----------------------------------------------------------------------------------------

    async def budget(self, campaign: Campaign) -> Budget:
        """The budget as it stands."""
        self._answer()
        return self._books(campaign).budget(campaign.windows(self._clock.now()))

    async def outcomes(self, campaign: Campaign) -> Mapping[Outcome, int]:
        """How many calls of the campaign ended in which way; outcomes that did not occur are left out."""
        self._answer()
        return dict(self._books(campaign).outcomes)

    async def tallies(self, campaign: Campaign) -> Mapping[str, tuple[int, int]]:
        """Successes and silent calls of every window there ever was, by its label; empty: all of it."""
        self._answer()
        books = self._books(campaign)
        counts = books.windows | {"": [books.successes, books.silent]}
        return {label: (won, silent) for label, (won, silent) in counts.items() if won or silent}

    async def flights(self, caller: str, *, everybody: bool = False) -> Sequence[FlightMark]:
        """Calls in flight: those this controller left, for recovery; with ``everybody`` all controllers'."""
        self._answer()
        marks = self._callers.get(caller, _Caller()).flights.values()
        return [mark.flight for mark in marks if everybody or mark.controller == self._controller]

    async def suppression(self, caller: str, number: E164) -> Suppression | None:
        """Why the number is not called now, if so; of several reasons the one that ends last."""
        self._answer()
        longest = self._longest(self._callers.get(caller, _Caller()), number)
        return self._shown(number, longest) if longest else None

    async def suppressions(self, caller: str, limit: int = 1000) -> Sequence[Suppression]:
        """Suppressed numbers, in no order, ``limit`` at most."""
        self._answer()
        known, now = self._callers.get(caller, _Caller()), self._clock.now()
        entries = [*known.held.items(), *known.barred.items()]
        return [self._shown(owner, held) for owner, held in entries if held.lasts(now)][:limit]

    async def operator_due(self, caller: str, number: E164) -> bool:
        """Whether the number's next call needs an operator guaranteed."""
        self._answer()
        return self._is_owed(self._callers.get(caller, _Caller()), number)

    # --- by hand --------------------------------------------------------------------------------------

    async def suppress(self, caller: str, number: E164, who: ManualSuppression) -> None:
        """Bar a number by hand, beside whatever the law holds against calling it."""
        self._answer()
        known = self._callers.setdefault(caller, _Caller())
        expires = None if who.until is None else self._clock.now() + (who.until - who.since)
        known.barred[number] = _Held(
            call="", reason=who.reason, since=who.since, expires=expires, by_hand=True, author=who.author
        )

    async def release(self, caller: str, number: E164) -> bool:
        """Lift what was barred by hand, also before the number was erased; False if nothing was."""
        self._answer()
        known, now = self._callers.setdefault(caller, _Caller()), self._clock.now()
        lifted = [known.barred.pop(owner, None) for owner in (number, self._alias(number))]
        return any(held is not None and held.lasts(now) for held in lifted)

    async def forget(self, caller: str, number: E164) -> bool:
        """Erase a number whose person wants to be forgotten; returns whether anything was there."""
        self._answer()
        known, alias = self._callers.setdefault(caller, _Caller()), self._alias(number)
        held = known.held.get(number)
        if held is not None and held.call in known.flights:
            raise Refused(f"a call to {masked(number)} for {caller} is under way; try again when it is over")
        found = [_move(where, number, alias, self._clock.now()) for where in (known.held, known.barred)]
        if number in known.operator_due:
            known.operator_due.remove(number)
            known.operator_due.add(alias)
            found.append(True)
        return any(found)

    # --- inside ---------------------------------------------------------------------------------------

    def _answer(self) -> None:
        if self.fail:
            raise RedisUnreachable

    def _caller(self, campaign: Campaign) -> _Caller:
        return self._callers.setdefault(campaign.caller, _Caller())

    def _books(self, campaign: Campaign) -> _Books:
        return self._caller(campaign).books.setdefault(campaign.id, _Books())

    def _alias(self, number: E164) -> str:
        return keys.alias(self._key.of(number))

    def _longest(self, caller: _Caller, number: E164) -> _Held | None:
        """Of all that protects a number what lasts longest."""
        now = self._clock.now()
        owners = (number, self._alias(number))
        found = [where.get(owner) for where in (caller.held, caller.barred) for owner in owners]
        lasting = [held for held in found if held is not None and held.lasts(now)]
        return max(lasting, key=lambda held: (held.expires is None, held.left(now)), default=None)

    def _is_owed(self, caller: _Caller, number: E164) -> bool:
        return not caller.operator_due.isdisjoint({number, self._alias(number)})

    def _fresh(self, books: _Books, exposure: Exposure) -> bool:
        stored = books.exposed.get(self._controller)
        return stored is None or exposure.serial > stored.serial

    def _note(self, books: _Books, exposure: Exposure, current: Sequence[tuple[Limit, str]]) -> Budget:
        if self._fresh(books, exposure):
            books.exposed[self._controller] = exposure
        return books.budget(current)

    def _affordable(self, wish: Admitting, books: _Books) -> bool:
        if wish.covered or wish.agentless or wish.campaign.override is not None:
            return True
        exposed = dict(books.exposed)
        if self._fresh(books, wish.exposure):
            exposed[self._controller] = wish.exposure
        in_flight = sum(each.count for each in exposed.values())
        budget = books.budget(wish.campaign.windows(wish.now))
        return bool(budget.tallies) and budget.margin(in_flight) >= 0

    def _take(self, caller: _Caller, wish: Admitting) -> None:
        campaign = wish.campaign
        caller.held[wish.number] = _Held(
            call=wish.call,
            reason=keys.IN_FLIGHT,
            since=wish.now,
            expires=self._clock.now() + keys.suppress_ttl(campaign),
        )
        flight = FlightMark(
            call=wish.call, campaign=campaign.id, number=wish.number, connected=False, placed=wish.now
        )
        caller.flights[wish.call] = _Mark(
            flight=flight, controller=self._controller, windows=_labels(campaign, wish.now)
        )

    def _give_back(self, caller: _Caller, call: CallId, number: E164) -> None:
        held = caller.held.get(number)
        if held is not None and held.call == call:
            del caller.held[number]

    def _remember(self, caller: _Caller, call: CallId, outcome: Outcome) -> None:
        now = self._clock.now()
        caller.closed[call] = now + keys.closed_ttl(outcome)
        caller.forget_expired(now)

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
        expires: datetime | None = now + campaign.law.leave_alone - ended_ago
        held = caller.held.get(number)
        if held is not None and held.lasts(now) and held.call != call:
            expires = held.expires and expires and max(expires, held.expires)
        caller.held[number] = _Held(
            call=call, reason=keys.reason(outcome), since=now - ended_ago, expires=expires
        )

    def _shown(self, owner: str, held: _Held) -> Suppression:
        erased = owner.startswith("#")
        return Suppression(
            number=E164("" if erased else owner),
            reason=f"{held.reason} (by {held.author})" if held.author else held.reason,
            since=held.since,
            call=held.call,
            author=held.author,
            expires_in=held.left(self._clock.now()),
            by_hand=held.by_hand,
            number_hash=owner[1:] if erased else "",
        )


def _labels(campaign: Campaign, placed: datetime) -> frozenset[str]:
    """The windows that count a call beside the whole campaign."""
    return frozenset(label for _, label in campaign.windows(placed)) - {""}


def _move(where: dict[str, _Held], number: str, alias: str, now: datetime) -> bool:
    """Let what protects a number go on under its alias; of two protections the longer one stays."""
    held, there = where.pop(number, None), where.get(alias)
    if held is None or not held.lasts(now):
        return False
    if there is None or not there.lasts(now) or _end(held) > _end(there):
        if held.by_hand:
            held = replace(held, reason=keys.ERASED, author="", since=now)
        where[alias] = held
    return True


def _end(held: _Held) -> tuple[bool, float]:
    return held.expires is None, held.expires.timestamp() if held.expires else 0.0
