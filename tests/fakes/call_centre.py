"""A whole call centre in virtual time: the engine on the in-memory twins of all its edges."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ParamSpec, cast

from controller.domain.agent import AgentState
from controller.domain.budget import Budget
from controller.domain.call import Call, CallState
from controller.domain.campaign import Campaign
from controller.domain.contact import Consent, NewContact
from controller.domain.ids import E164, AgentId, CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.pacing import Mode
from controller.engine.controller import Controller, EngineSettings
from controller.engine.owner import CallOwner
from controller.engine.supply import Stock
from controller.errors import RecordsUnreachable, RedisUnreachable, Unreachable
from controller.law import PROFILES
from controller.ports import Admitting, CampaignStatus, Exposure, Hopper, Ledger, Records
from controller.simulation.callee import Callee, Heard
from controller.simulation.clock import VirtualClock, VirtualTimeLoop, run_virtual
from controller.simulation.link import Delay
from controller.simulation.telephony import MemoryTelephony
from controller.store.memory_hopper import MemoryHopper
from controller.store.memory_ledger import MemoryLedger
from controller.store.memory_records import MemoryRecords
from tests.fakes.law import LAX

P = ParamSpec("P")

CALLER = "Acme"
LAB_TOKEN = "lab-1"


def virtual(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test in virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        run_virtual(test(*args, **kwargs))

    return run


def number(i: int) -> E164:
    """The i-th number."""
    return E164(f"+3934{i:08d}")


def agent(i: int) -> AgentId:
    """The i-th agent."""
    return AgentId(str(200 + i))


async def _nothing(_operation: str) -> None:
    return None


class Distant:
    """A store at the end of a wire: each operation takes time each way, and is done even if the asker dies.

    Attributes:
        after: awaited right after each operation, with its name.
        lose: how many answers of an operation are to be lost; the operation itself is done.
        held: names of operations that do not arrive while they are in here.
    """

    def __init__(self, target: object, delay: Delay, error: type[Unreachable]) -> None:
        self.target = target
        self.delay = delay
        self.after: Callable[[str], Awaitable[None]] = _nothing
        self.lose: Counter[str] = Counter()
        self.held: set[str] = set()
        self.count: Counter[str] = Counter()
        self._error = error
        self._running: set[asyncio.Task[Any]] = set()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self.target, name)

        async def ask(*args: Any, **kwargs: Any) -> Any:
            task = asyncio.get_running_loop().create_task(
                self._serve(name, functools.partial(method, *args, **kwargs))
            )
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            return await asyncio.shield(task)

        return ask

    async def _serve(self, name: str, method: Callable[[], Awaitable[Any]]) -> Any:
        self.count[name] += 1
        await asyncio.sleep(self.delay())
        while name in self.held:  # noqa: ASYNC110 - virtual time costs nothing
            await asyncio.sleep(0.001)
        result = await method()
        await self.after(name)
        await asyncio.sleep(self.delay())
        if self.lose[name] > 0:
            self.lose[name] -= 1
            raise self._error
        return result


class CallCentre:
    """Engine, network, agents, stores.

    ``beside`` another one it is a second controller, with a clock, a PBX and agents of its own, on the same
    stores.
    """

    def __init__(
        self,
        agents: int,
        delay: Delay,
        *,
        beside: CallCentre | None = None,
        name: str = "memory",
        **settings: Any,
    ) -> None:
        self.clock = VirtualClock()
        self.telephony = MemoryTelephony(self.clock, delay=delay)
        if beside is None:
            self.ledger = MemoryLedger(self.clock)
            self.profiles = dict(PROFILES)
            self.records = MemoryRecords(profiles=self.profiles)
            self.hopper = MemoryHopper(name)
        else:
            self.hopper = beside.hopper.sibling(name)
            self.ledger = beside.ledger.sibling(name)
            self.profiles = beside.profiles
            self.records = beside.records.sibling(name)
        self.ledger_wire = Distant(self.ledger, delay, RedisUnreachable)
        self.records_wire = Distant(self.records, delay, RecordsUnreachable)
        self.hopper_wire = Distant(self.hopper, delay, RedisUnreachable)
        self.settings = EngineSettings(
            agents={agent(i): f"PJSIP/{agent(i)}" for i in range(agents)}, **settings
        )
        self.deaf = False
        self.controller: Controller
        self.task: asyncio.Task[None]

    # --- the controller -------------------------------------------------------------------------------

    async def switch_on(self) -> None:
        """Start a controller and wait until it is ready."""
        self.begin()
        await self.controller.ready()

    def begin(self) -> None:
        """Start a controller."""
        self.controller = Controller(
            self.telephony,
            cast(Ledger, self.ledger_wire),
            cast(Records, self.records_wire),
            self.clock,
            self.settings,
            Stock(
                hopper=cast(Hopper, self.hopper_wire),
                segments=self.records.segments,
                work=self.records.work,
            ),
            lists=self.records.lists,
        )
        self.task = asyncio.get_running_loop().create_task(self.controller.run())

    async def kill(self) -> None:
        """SIGKILL: from here on the controller does nothing any more."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        self.telephony.close()

    async def switch_off(self) -> None:
        """Stop the controller in order."""
        self.controller.stop()
        await self.task

    # --- people ---------------------------------------------------------------------------------------

    async def seat(self, *agents: int) -> None:
        """Agents dial ``*51``, one after the other, so that the first is idle longest."""
        for each in agents:
            self.telephony.dial(agent(each), "*51")
            await self.until(lambda each=each: self.state(each) is not AgentState.AWAY)  # type: ignore[misc]

    async def seat_more(self) -> None:
        """Seat a further agent, who is not in the configuration yet."""
        agents = dict(self.settings.agents)
        new = len(agents)
        agents[agent(new)] = f"PJSIP/{agent(new)}"
        self.settings = replace(self.settings, agents=agents)
        self.controller._desk._endpoints = agents
        await self.seat(new)

    def state(self, which: int) -> AgentState:
        """What an agent does."""
        known = self.controller.office.floor.agent(agent(which))
        return AgentState.AWAY if known is None else known.state

    # --- campaigns ------------------------------------------------------------------------------------

    async def campaign(
        self,
        name: str = "spring",
        *,
        contacts: Sequence[E164] = (),
        credit: int = 0,
        consent: Consent | None = None,
        **changes: Any,
    ) -> Campaign:
        """Create a campaign; ``credit`` successes are in its budget already."""
        changes.setdefault("wrap_up", timedelta(seconds=5))
        changes.setdefault("mode", Mode.RATIO)  # what is tested is not the pacer, unless a test says so
        law = changes.setdefault("law", LAX)
        self.profiles[law.name] = law
        campaign = Campaign(id=CampaignId(name), caller=CALLER, **changes)
        await self.records.save_campaign(campaign)
        people = [NewContact(number=each, consent=consent) for each in contacts]
        await self.records.add_contacts(campaign.id, people)
        for i in range(credit):
            await self._credit(campaign, i)
        return campaign

    async def _credit(self, campaign: Campaign, i: int) -> None:
        call, owner = CallId(f"{campaign.id}-credit-{i}"), number(90_000_000 + i)
        exposure = Exposure(count=0, serial=i + 1)
        wish = Admitting(
            call=call,
            campaign=campaign,
            number=owner,
            covered=True,
            guaranteed=False,
            exposure=exposure,
            now=self.clock.now(),
        )
        await self.ledger.admit(wish)
        await self.ledger.close(call, campaign, owner, Outcome.CONNECTED, timedelta(0), exposure, wish.now)

    async def start(self, campaign: Campaign) -> None:
        """Let a campaign dial."""
        await self.controller.start_campaign(campaign.id)

    def status(self, name: str = "spring") -> CampaignStatus:
        """How a campaign stands."""
        return next(each for each in self.controller.status().campaigns if each.id == name)

    # --- calls ----------------------------------------------------------------------------------------

    @property
    def owners(self) -> list[CallOwner]:
        """Owners of calls that have not ended."""
        return list(self.controller.office.owners.values())

    def in_state(self, state: CallState) -> list[Call]:
        """Calls that have not ended and are in this state."""
        return [owner.call for owner in self.owners if owner.call.state is state]

    async def outcome(self, which: E164) -> Outcome | None:
        """How the last call to a number ended, as recorded."""
        attempt = await self.records.attempt(self.telephony.calls_to(which)[-1].call)
        return None if attempt is None else attempt.outcome

    async def suppressed(self, which: E164) -> bool:
        """Whether the number is left alone now."""
        return await self.ledger.suppression(CALLER, which) is not None

    async def budget(self, campaign: Campaign) -> Budget:
        """The budget as the ledger has it."""
        return await self.ledger.budget(campaign)

    # --- time -----------------------------------------------------------------------------------------

    def time(self) -> float:
        """Seconds since the start."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def until(self, what: Callable[[], object], within: float = 60.0) -> None:
        """Wait until something is true for any time at all.

        Raises:
            AssertionError: it did not become true in time.
        """
        end, loop = self.time() + within, asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        while not what():
            assert self.time() < end, f"not within {within} s"
            await loop.next_moment()

    async def answered(self, which: E164) -> Callee:
        """Wait until the owner of a number has picked up."""
        await self.until(lambda: any(each.answered_at is not None for each in self.telephony.calls_to(which)))
        return self.telephony.calls_to(which)[-1]

    async def ended(self, which: E164) -> Callee:
        """Wait until a call to the number is over, for all who know of it."""
        await self.until(lambda: any(each.ended_at is not None for each in self.telephony.calls_to(which)))
        await self.until(lambda: not any(owner.call.contact.number == which for owner in self.owners))
        return self.telephony.calls_to(which)[-1]

    # --- what must hold -------------------------------------------------------------------------------

    def judge(self) -> None:
        """L1 and L2, from what the callees went through.

        An agent's phone that dies after the conversation has begun leaves the callee in silence until the
        controller acts; where the controller is dead too (``deaf``), only the time up to the agent counts.
        """
        for callee in self.telephony.callees:
            if self.deaf and callee.agent_from is not None and callee.answered_at is not None:
                assert callee.agent_from - callee.answered_at < 3.0, callee
                continue
            assert callee.unattended(self.time()) < 3.0, callee
            assert callee.longest(Heard.NOTHING, now=self.time()) <= 0.2, callee

    async def nothing_left(self) -> None:
        """No call, no mark, no reservation is left behind. To be asked when all calls have ended."""
        office = self.controller.office
        assert not office.owners
        assert not self.telephony.live
        assert not await self.ledger.flights(CALLER)
        assert not await self.records.open_attempts()
        assert not [each for each in office.floor if each.call is not None]
        assert not [run for run in office.runs.values() if office.floor.in_flight(run.campaign.id)]
        assert not [run for run in office.runs.values() if office.exposure(run.campaign.id).count]
        for called in {callee.number for callee in self.telephony.callees}:
            # Left alone is who got a silent call, or one that nobody saw end; and nobody else.
            attempts = [await self.records.attempt(each.call) for each in self.telephony.calls_to(called)]
            silent = [each.outcome.counts_as_silent for each in attempts if each and each.outcome]
            assert await self.suppressed(called) is any(silent), called


@asynccontextmanager
async def call_centre(
    *, agents: int = 2, seated: int | None = None, delay: Delay = lambda: 0.001, **settings: Any
) -> AsyncIterator[CallCentre]:
    """A call centre at work, its agents seated; at the end every callee's experience is judged."""
    centre = CallCentre(agents, delay, **settings)
    await centre.switch_on()
    await centre.seat(*range(agents if seated is None else seated))
    yield centre
    centre.judge()
    if not centre.task.done():
        await centre.switch_off()
    if not centre.task.cancelled():
        await centre.task
