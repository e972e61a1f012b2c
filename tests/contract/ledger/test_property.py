"""L3 and one flight per number, whatever messages of two controllers come late, get lost or are repeated.

Memory and Redis get the same messages and must give the same answers, so this also holds the Lua arithmetic
to the domain's.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.domain.budget import Tally
from controller.domain.ids import E164
from controller.domain.outcome import Outcome
from controller.domain.regulation import Denominator, Limit
from controller.errors import Refused
from controller.ports import Admission, Ledger, ManualSuppression, Verdict
from lab.redis import Redis
from tests.contract.ledger.model import Desk, Flight, Message, may_end, recounted
from tests.contract.ledger.subjects import (
    MemorySubject,
    RedisSubject,
    campaign,
    new_caller,
)
from tests.fakes.law import LAX

DAY = timedelta(days=1)
NUMBERS = [E164(f"+39029999{n:04}") for n in range(12)]
SHARES = [Fraction(3, 100), Fraction(1, 3), Fraction(2, 7), Fraction(0)]
STEPS = [
    "want",
    "want",
    "want",
    "answer",
    "answer",
    "answer",
    "lost",
    "connect",
    "end",
    "end",
    "again",
    "tell",
    "leap",
    "bar",
    "free",
    "forget",
]

step = st.tuples(st.sampled_from(STEPS), st.integers(0, 1), st.integers(0, 1000))


class World:
    """Two controllers, two campaigns of one caller, both ledgers."""

    def __init__(self, url: str, share: Fraction) -> None:
        self.subjects = (MemorySubject(), RedisSubject(url))
        self.caller = new_caller()
        limits = (
            Limit(name="campaign", share=share),
            Limit(name="day", share=share, denominator=Denominator.ANSWERED, days=1),
            Limit(name="week", share=share, days=7),
        )
        self.campaigns = [campaign(self.caller, name, limits=limits) for name in ("one", "two")]
        self.desks = [Desk("one"), Desk("two")]
        self.ledgers: dict[str, tuple[Ledger, Ledger]] = {}
        self.pending: list[Message] = []
        self.said: list[Message] = []
        self.placed: list[Flight] = []
        self.before: list[Mapping[str, tuple[int, int]]] = []
        self.protected: set[E164] = set()
        self.barred: set[E164] = set()

    async def open(self, successes: int) -> None:
        for desk in self.desks:
            memory, redis = [await subject.ledger(desk.name) for subject in self.subjects]
            self.ledgers[desk.name] = (memory, redis)
        for subject in self.subjects:
            for each in self.campaigns:
                await subject.grant(each, successes)
        self.before = [await self.ledgers["one"][1].tallies(each) for each in self.campaigns]

    async def close(self) -> None:
        for subject in self.subjects:
            await subject.close()

    async def take(self, what: str, which: int, choice: int) -> None:
        desk, waiting = self.desks[which], len(self.pending)
        if what in ("want", "call"):
            number = NUMBERS[choice % len(NUMBERS)]
            self.pending.append(desk.want(self.campaigns[choice // 12 % 2], number, choice // 24 % 4 == 0))
            self.placed.append(desk.flights[-1])
        elif what in ("answer", "lost") and self.pending:
            message = self.pending[choice % len(self.pending)]
            await self.deliver(message, heard=what == "answer")
        elif what == "connect" and (flights := [f for f in desk.in_state("flying") if not f.assigned]):
            flight = flights[choice % len(flights)]
            self.pending.append(desk.assign(flight) if choice % 3 == 0 else desk.connect(flight))
        elif what in ("end", "finish") and (flights := list(desk.in_state("asking", "flying"))):
            flight = flights[choice % len(flights)]
            if flight.state == "asking" and choice % 2:
                self.pending.append(desk.withdraw(flight))
            else:
                self.pending.append(desk.end(flight, may_end(flight, choice // 7)))
        elif what == "leap":
            desk.leap(choice % 5 - 2)
        elif what in ("bar", "free", "forget"):
            await self.by_hand(what, NUMBERS[choice % len(NUMBERS)])
        elif what == "again" and self.said:
            await self.deliver(self.said[choice % len(self.said)], heard=False)
        elif what == "tell":
            self.pending.append(desk.tell(self.campaigns[choice % 2]))
        if what in ("call", "finish") and len(self.pending) > waiting:
            await self.deliver(self.pending[-1], heard=True)

    async def by_hand(self, what: str, number: E164) -> None:
        """A person bars, releases or forgets a number; both ledgers answer alike."""
        now, answers = datetime.now(UTC), list[object]()
        for ledger in self.ledgers["one"]:
            if what == "bar":
                who = ManualSuppression(author="anna", reason="asked", since=now, until=now + DAY)
                await ledger.suppress(self.caller, number, who)
            elif what == "free":
                answers.append(await ledger.release(self.caller, number))
            else:
                try:
                    answers.append(await ledger.forget(self.caller, number))
                except Refused:
                    answers.append("in flight")
        assert len(set(answers)) <= 1, what
        if what == "bar":
            self.barred.add(number)
        elif what == "free":
            assert answers[0] == (number in self.barred)
            self.barred.discard(number)
        await self.look_after(number)

    async def look_after(self, number: E164) -> None:
        """Whatever was suppressed is suppressed still; no time passes in this world."""
        for ledger in self.ledgers["one"]:
            held = await ledger.suppression(self.caller, number)
            if number in self.protected:
                assert held is not None, "a suppression was lost"
                assert timedelta(seconds=held.expires_in) > LAX.leave_alone - timedelta(minutes=10)
                assert await ledger.operator_due(self.caller, number)
            elif number in self.barred:
                assert held is not None, "what a person barred was lost"

    async def deliver(self, message: Message, *, heard: bool) -> None:
        memory, redis = [await message.ask(ledger) for ledger in self.ledgers[message.desk.name]]
        if isinstance(memory, Verdict):
            assert isinstance(redis, Verdict)
            assert abs(memory.free_in - redis.free_in) <= 1  # their clocks
            memory = replace(memory, free_in=redis.free_in)
        assert memory == redis, message.kind
        if message.flight is not None:
            self._know(message, message.flight, redis)
            await self.look_after(message.flight.number)
        if heard:
            self.pending.remove(message)
            message.desk.hears(message, redis)
            if message.kind != "admit":  # whoever has the answer to a wish does not ask again
                self.said.append(message)
        await self.look()

    def _know(self, message: Message, flight: Flight, answer: object) -> None:
        if isinstance(answer, Verdict):
            flight.taken = answer.admission is Admission.ADMITTED
        elif message.kind == "close":
            flight.taken = False
            if flight.outcome is not None and flight.outcome.counts_as_silent:
                self.protected.add(flight.number)

    async def look(self) -> None:
        """What must hold at every instant."""
        flights = [flight for desk in self.desks for flight in desk.flights if flight.taken]
        assert all(count == 1 for count in Counter(flight.number for flight in flights).values())
        for each in self.campaigns:
            exposed = [flight for flight in flights if flight.exposed and flight.campaign is each]
            for label, (successes, silent) in (await self.ledgers["one"][1].tallies(each)).items():
                for limit in each.law.limits:
                    if limit.has_window(label):
                        tally = Tally(limit=limit, window=label, successes=successes, silent=silent)
                        # Every one of them could end silent now.
                        open_ = sum((limit, label) in each.windows(flight.placed) for flight in exposed)
                        assert tally.room(open_) >= 0, (tally, open_)

    async def compare(self) -> None:
        """Both ledgers hold the same in the end, and what follows from the record of each call."""
        for desk in self.desks:
            memory, redis = self.ledgers[desk.name]
            marks = [{m.call: m for m in await ledger.flights(self.caller)} for ledger in (memory, redis)]
            assert marks[0] == marks[1]
        held = [
            {
                (s.number, s.number_hash, s.by_hand): (s.call, s.reason)
                for s in await ledger.suppressions(self.caller)
            }
            for ledger in self.ledgers["one"]
        ]
        assert held[0] == held[1]
        for each, before in zip(self.campaigns, self.before, strict=True):
            memory, redis = self.ledgers["one"]
            outcomes = await redis.outcomes(each)
            assert await memory.outcomes(each) == outcomes
            placed = [flight for flight in self.placed if flight.campaign is each]
            follows = recounted(before, placed)
            assert await memory.tallies(each) == follows
            assert await redis.tallies(each) == follows
            recorded = Counter(flight.outcome for flight in placed)
            # One given up before any answer came may have been admitted or not; nobody dialed it.
            for outcome in set(Outcome) - {Outcome.FAILED}:
                assert outcomes.get(outcome, 0) == recorded[outcome], outcome
        for number in NUMBERS:
            await self.look_after(number)
            owed = [await ledger.operator_due(self.caller, number) for ledger in self.ledgers["one"]]
            assert owed[0] == owed[1]


@pytest.mark.timeout(360)  # on failure: shrinking takes minutes
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    share=st.sampled_from(SHARES),
    allowed=st.integers(0, 4),
    steps=st.lists(step, min_size=30, max_size=100),
)
def test_budget_and_numbers_under_any_interleaving(
    redis_server: Redis, share: Fraction, allowed: int, steps: list[tuple[str, int, int]]
) -> None:
    async def run() -> None:
        world = World(redis_server.url, share)
        await world.open(math.ceil(allowed / share) if share else 1000)
        try:
            for what, which, choice in steps:
                await world.take(what, which, choice)
            for message in list(world.pending):
                await world.deliver(message, heard=True)
            await world.compare()
        finally:
            await world.close()

    asyncio.run(run())
