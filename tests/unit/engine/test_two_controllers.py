"""Two controllers on one ledger and one record: L3 in every window, no suppression lost, one truth.

Their clocks step back and forth, over midnight and over the change to summer time; answers get lost, stores
fail, controllers die between any two steps of a store.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from controller.domain import pacing
from controller.domain.budget import Tally
from controller.domain.campaign import Campaign
from controller.domain.pacing import Placement, Situation
from controller.domain.privacy import NumberKey
from controller.domain.retry import RetryRule
from controller.engine import pacing as engine_pacing
from controller.engine.audit import Auditor
from controller.engine.verification import Verifier
from controller.law import IT_GARANTE_2014
from controller.simulation.callee import Answers, Behaviour, Leaves, NoAnswer
from controller.simulation.clock import VirtualClock
from controller.store.memory_ledger import MemoryLedger
from tests.fakes.call_centre import CALLER, CallCentre, agent, number, virtual
from tests.fakes.law import LAX

pytestmark = pytest.mark.long

AGENTS = 6
KEY = NumberKey(bytes(32))
EVE_OF_SUMMER_TIME = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
"""Rome sets its clocks forward four hours later, and has midnight between."""


class Storm:
    """Two call centres and what befalls them."""

    def __init__(self, seed: int, contacts: int) -> None:
        self.rng = Random(seed)
        self.contacts = contacts

        def delay() -> float:
            return self.rng.uniform(0.0002, 0.004)

        one = CallCentre(AGENTS, delay, name="one")
        # Redis has a clock of its own, and nobody sets it.
        one.ledger = MemoryLedger(VirtualClock(), "one")
        one.ledger_wire.target = one.ledger
        two = CallCentre(AGENTS, delay, beside=one, name="two")
        self.centres = [one, two]
        for centre in self.centres:
            centre.clock.leap(EVE_OF_SUMMER_TIME - centre.clock.now())
            centre.telephony.habit = self._behave
            centre.ledger_wire.after = self._look
        self.law = replace(LAX, limits=IT_GARANTE_2014.limits)
        self.broken: list[object] = []
        self.looks = 0
        self.killed_in_flight = 0
        self.campaign: Campaign

    def _behave(self, _number: object) -> Behaviour:
        after, talks = self.rng.uniform(0.5, 6.0), 0.3 + self.rng.expovariate(1 / 6)
        kinds: list[Behaviour] = [
            *[Answers(after=after, talks=talks)] * 12,
            Answers(after=after, talks=talks, patience=self.rng.uniform(0.2, 3.0)),
            Leaves(after=after, stays=self.rng.uniform(0.3, 3.0)),
            NoAnswer(),
        ]
        return self.rng.choice(kinds)

    async def _look(self, operation: str) -> None:
        """After every change of the ledger: is any window of any limit over?"""
        self.looks += 1
        for label, (successes, silent) in (await self.centres[0].ledger.tallies(self.campaign)).items():
            for limit in self.law.limits:
                tally = Tally(limit=limit, window=label, successes=successes, silent=silent)
                # Whoever rings when a controller dies is lost to it: nothing that dials can prevent that.
                if limit.has_window(label) and tally.room(0) < -self.killed_in_flight:
                    self.broken.append((operation, tally, self.killed_in_flight))

    async def begin(self) -> None:
        one, two = self.centres
        self.campaign = await one.campaign(
            contacts=[number(i) for i in range(self.contacts)],
            law=self.law,
            overdial=2.5,
            wrap_up=timedelta(seconds=1),
            calls_per_second=50,
            retry=RetryRule(max_attempts=1),
        )
        for centre in self.centres:
            await centre.switch_on()
            await centre.seat(*range(AGENTS))
        await one.start(self.campaign)
        await two.start(self.campaign)

    async def trouble(self, *, deadly: bool) -> None:
        while True:
            await asyncio.sleep(self.rng.uniform(0.5, 8))
            centre = self.rng.choice(self.centres)
            match self.rng.randrange(6 if deadly else 5):
                case 0:
                    centre.clock.leap(timedelta(hours=self.rng.uniform(-40, 40)))
                case 1:
                    wire = self.rng.choice([centre.ledger_wire, centre.records_wire])
                    what = ["admit", "connected", "close", "withdraw", "attempt_started", "attempt_ended"]
                    wire.lose[self.rng.choice(what)] += 1
                case 2:
                    centre.ledger.fail = True
                    await asyncio.sleep(self.rng.choice([0.01, 0.5, 3.0]))
                    centre.ledger.fail = False
                case 3:
                    centre.records.fail = True
                    await asyncio.sleep(self.rng.choice([0.01, 0.5, 3.0]))
                    centre.records.fail = False
                case 4:
                    centre.telephony.dial(agent(self.rng.randrange(AGENTS)), "*53")
                case _:
                    await self._kill(centre)

    async def _kill(self, centre: CallCentre) -> None:
        # Between two steps of a store: at some operation of it, not at a moment of our choosing.
        steps, reached = self.rng.randrange(1, 4), asyncio.Event()
        before = centre.ledger_wire.after

        async def count(operation: str) -> None:
            nonlocal steps
            await before(operation)
            steps -= 1
            if steps == 0:
                reached.set()

        centre.ledger_wire.after = count
        with suppress(TimeoutError):
            await asyncio.wait_for(reached.wait(), 5)
        centre.ledger_wire.after, centre.ledger.fail = before, False
        await centre.kill()
        self.killed_in_flight += sum(not mark.connected for mark in await centre.ledger.flights(CALLER))
        await asyncio.sleep(self.rng.choice([0.01, 1.0, 20.0]))
        await centre.switch_on()

    async def over(self) -> None:
        """Calm returns; everybody who can be called has been."""
        for centre in self.centres:
            centre.ledger.fail = centre.records.fail = False
            # All clocks right again, and late: whatever was put off is due.
            centre.clock.leap(EVE_OF_SUMMER_TIME + timedelta(days=4) - centre.clock.now())
            for i in range(AGENTS):
                if not centre.telephony.seated(agent(i)):
                    centre.telephony.dial(agent(i), "*51")
        for _ in range(400):
            await asyncio.sleep(60)
            if not any(centre.owners for centre in self.centres) and len(self.called) == self.contacts:
                break

    @property
    def called(self) -> set[object]:
        return {call.contact.number for call in self.centres[0].records._calls.values()}

    async def judge(self) -> None:
        one, _two = self.centres
        assert not self.broken, self.broken[:3]
        assert self.looks > self.contacts
        assert len(self.called) == self.contacts
        for centre in self.centres:
            centre.deaf = True  # a callee in a conversation may outlive the controller that led it
            centre.judge()
        picked_up = Counter(
            callee.number
            for centre in self.centres
            for callee in centre.telephony.callees
            if callee.answered_at is not None
        )
        assert max(picked_up.values()) == 1
        for call in one.records._calls.values():
            if call.outcome is not None and call.outcome.counts_as_silent:
                held = await one.ledger.suppression(CALLER, call.contact.number)
                assert held is not None, call
                assert await one.ledger.operator_due(CALLER, call.contact.number)
        audit = await Auditor(one.ledger, one.records, KEY).audit(self.campaign, one.clock.now())
        assert not audit.differences, audit.differences[:5]
        found = await Verifier(one.records.evidence, one.records).verify()
        assert found.whole, found.findings[:5]
        for centre in self.centres:
            assert not await centre.ledger.flights(CALLER, everybody=True)


def _greedy(situation: Situation, **settings: Any) -> Placement:
    return pacing.decide(replace(situation, room=1000), **settings)


@pytest.mark.parametrize("deadly", [False, True], ids=["disturbed", "killed"])
@pytest.mark.parametrize(
    ("seed", "greedy"), [(0, False), (1, False), (2, True)], ids=["prudent-0", "prudent-1", "greedy"]
)
def test_two_controllers_in_a_storm(
    seed: int, greedy: bool, deadly: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if greedy:  # whatever a dialer believes, the ledger decides
        monkeypatch.setattr(engine_pacing, "decide", _greedy)

    @virtual
    async def test() -> None:
        # Greed costs time: the ledger turns most wishes away.
        storm = Storm(seed, 90 if greedy else 220)
        await storm.begin()
        trouble = asyncio.ensure_future(storm.trouble(deadly=deadly))
        while len(storm.called) < storm.contacts * 0.9:
            await asyncio.sleep(5)
            if trouble.done():
                trouble.result()
            if storm.centres[0].time() > 4000:
                break
        trouble.cancel()
        with suppress(asyncio.CancelledError):
            await trouble
        for centre in storm.centres:
            if centre.task.done():
                await centre.switch_on()
        await storm.over()
        await storm.judge()
        for centre in storm.centres:
            await centre.switch_off()

    test()
