"""The owner of one call: the only task that changes it.

It takes events from its mailbox, lets the domain's ``step`` decide, carries the commands out, and feeds what
comes of them back. Everything that concerns one call happens here in order, so no lock is needed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from controller.domain.call import (
    Admitted,
    AgentAssigned,
    Arrived,
    BackToNoise,
    Bridged,
    BridgeFailed,
    Call,
    CallEvent,
    CallState,
    CancelAsked,
    Close,
    Command,
    Connect,
    CountSuccess,
    CutDue,
    Discard,
    FindAgent,
    GiveBackAgent,
    Gone,
    HangUp,
    Heard,
    Left,
    NoAgentFree,
    NotAdmitted,
    OptOut,
    PickedUp,
    Place,
    Placed,
    PlaceFailed,
    PlayMessage,
    StartCutTimer,
    StartHeardTimer,
    StopCutTimer,
    Withdraw,
)
from controller.domain.floor import Assign
from controller.domain.ids import AgentId
from controller.domain.lifecycle import HEARD_AFTER, step
from controller.domain.outcome import Outcome
from controller.domain.regulation import Played
from controller.domain.timetable import DIAL_WITHIN
from controller.engine import recitals
from controller.engine.books import Books
from controller.engine.campaign_run import CampaignRun
from controller.engine.office import Office
from controller.engine.waits import (
    CONNECT_AGAIN,
    CONNECT_TIMEOUT,
    LONGEST_MESSAGE,
    MAILBOX,
    PROMPT,
    SLOWEST_NEWS,
    WATCH,
)
from controller.errors import AsteriskUnreachable, Refused, Unreachable

log = structlog.get_logger(__name__)


class CallOwner:
    """Leads one call from admission, or from its adoption after a restart, to its end."""

    def __init__(self, call: Call, run: CampaignRun, office: Office) -> None:
        self.call = call
        self._run = run
        self._office = office
        self._books = Books(run, office)
        self._mailbox: asyncio.Queue[CallEvent] = asyncio.Queue(MAILBOX)
        self._cut_timer: asyncio.TimerHandle | None = None
        self._heard_timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._picked_up_at: datetime | None = None
        self._arrived_at: datetime | None = None
        self._gone: Gone | None = None
        self._left = False
        self._handling = True
        self._log = log.bind(call=call.id, campaign=run.campaign.id)
        office.owners[call.id] = self

    @property
    def at_rest(self) -> bool:
        """Whether it is in conversation, and both stores know what has happened so far."""
        return self.call.heard_at is not None and not self._handling

    def post(self, event: CallEvent) -> None:
        """Tell the owner what happened. Never waits."""
        if isinstance(event, Gone):
            self._gone = event
        self._left = self._left or isinstance(event, Left)
        try:
            self._mailbox.put_nowait(event)
        except asyncio.QueueFull:
            self._log.error("mailbox full, event dropped", dropped=type(event).__name__)

    def picked_up(self, at: datetime) -> None:
        """Note when Asterisk says the callee answered: from then on runs the time that the law leaves."""
        self._picked_up_at = at

    def arrived(self, at: datetime) -> None:
        """Note when Asterisk says the answered call arrived, to measure how fast we answer it."""
        self._arrived_at = at

    def leave(self) -> None:
        """Let go of the call without ending it: the controller stops, its next life adopts the call."""
        if self._task is not None:
            self._task.cancel()

    # --- the loop -------------------------------------------------------------------------------------

    async def lead(self) -> None:
        """Lead the call to its end: a new one from its admission, an adopted one from where it stands."""
        self._task = asyncio.current_task()
        try:
            if self.call.state is CallState.ADMITTING:
                admitted = await self._books.admit(self.call)
                self.call = admitted or self.call
                await self._handle(Admitted() if admitted else NotAdmitted())
            while self.call.state is not CallState.ENDED:
                self._handling = False
                event = await self._next_event()
                self._handling = True
                if isinstance(event, Gone) and self.call.agentless:
                    event = replace(event, recital=await recitals.heard(self._office, self.call))
                await self._handle(event)
        except Exception:
            # A bug in one call must end that call only; nobody may be left in it unattended.
            self._log.exception("call owner failed, hanging up")
            self._run.safety_stop(f"internal error in call {self.call.id}, see the log")
            await self._abandon()
        finally:
            self._stop_cut_timer()
            if self._heard_timer is not None:
                self._heard_timer.cancel()
            self._drain()
            self._office.owners.pop(self.call.id, None)
            self._office.at_risk.pop(self.call.id, None)
            self._run.released(self.call)

    async def _handle(self, event: CallEvent) -> None:
        todo = deque([event])
        while todo:
            event = todo.popleft()
            before = self.call.state
            self.call, commands = step(self.call, event, self._when(event))
            if before is not self.call.state:
                self._office.tell.call(self.call)
                self._log.debug("call", old=before.value, on=type(event).__name__, new=self.call.state.value)
            for command in commands:
                if (answer := await self._execute(command)) is not None:
                    todo.append(answer)

    def _when(self, event: CallEvent) -> datetime:
        """When it happened: the answer by Asterisk's clock, as the noise is, everything else now."""
        now = self._office.clock.now()
        return now - self._news_took(now) if isinstance(event, PickedUp | Arrived) else now

    async def _next_event(self) -> CallEvent:
        limit = WATCH[self.call.state]
        if self.call.state is CallState.RINGING:
            limit += self._run.campaign.ring_timeout.total_seconds()
        if self.call.state is CallState.ENDING and self.call.answered_at and not self.call.heard_at:
            limit += LONGEST_MESSAGE if self._law_has_message else 0.0
        while True:
            try:
                async with asyncio.timeout(limit):
                    return await self._mailbox.get()
            except TimeoutError:
                if (verdict := await self._verify()) is not None:
                    return verdict

    async def _verify(self) -> CallEvent | None:
        """No event for too long: ask Asterisk. None means: go on waiting."""
        try:
            if not await self._office.control.exists(self.call.id):
                return Gone(witnessed=False)
            match self.call.state:
                case CallState.RINGING:
                    return CancelAsked()
                case CallState.PLAYING:
                    return CutDue()
                case CallState.ENDING | CallState.ANSWERED | CallState.WAITING | CallState.BRIDGING:
                    await self._office.control.hang_up(self.call.id)
        except Refused as error:
            self._log.warning("cannot learn whether the call is still there", why=str(error))
        except Unreachable as error:
            self._office.health.fail("asterisk", str(error))
        return None

    # --- commands -------------------------------------------------------------------------------------

    async def _execute(self, command: Command) -> CallEvent | None:
        office, now = self._office, self._office.clock.now()
        match command:
            case Place():
                return await self._place()
            case FindAgent():
                return self._find_agent(now)
            case Connect(agent):
                return await self._connect(agent)
            case BackToNoise():
                await self._back_to_noise()
            case HangUp():
                office.apply(office.floor.withdraw(self.call.id, now))
                await self._hang_up()
            case PlayMessage():
                office.apply(office.floor.withdraw(self.call.id, now))
                await self._try(office.control.play_message, "message")
            case Withdraw():
                office.apply(office.floor.withdraw(self.call.id, now))
            case StartCutTimer():
                left = self._run.campaign.law.hang_up_after - self._news_took(now)
                cut = CutDue(message=self._law_has_message)
                self._cut_timer = office.later(left.total_seconds(), lambda: self.post(cut))
            case StopCutTimer():
                self._stop_cut_timer()
            case StartHeardTimer():
                seconds = HEARD_AFTER.total_seconds()
                self._heard_timer = office.later(seconds, lambda: self.post(Heard()))
            case GiveBackAgent(agent, worked):
                self._give_back(agent, worked=worked)
            case CountSuccess():
                office.at_risk.pop(self.call.id, None)
                await self._books.count_success(self.call)
            case OptOut():
                await recitals.opt_out(office, self.call, self._run.campaign)
            case Close(outcome):
                await self._close(outcome)
            case Discard():
                office.apply(office.floor.over(self.call.id, now))
        return None

    @property
    def _law_has_message(self) -> bool:
        return self._run.campaign.law.played is Played.MESSAGE

    def _message_plays(self) -> bool:
        """Whether Asterisk's own switch has acted, or may have, so that the callee hears the message."""
        since = self._picked_up_at or self.call.answered_at or self._office.clock.now()
        late = self._office.clock.now() - since >= self._run.campaign.law.hang_up_after
        return self._law_has_message and (self._left or late)

    def _news_took(self, now: datetime) -> timedelta:
        """How long the news of the answer was under way, as far as the two clocks can be trusted."""
        if self._picked_up_at is None:
            return timedelta(0)
        return min(max(now - self._picked_up_at, timedelta(0)), SLOWEST_NEWS)

    async def _place(self) -> CallEvent | None:
        if not self._office.health.fit:
            # The admission took time, and an edge went down meanwhile (L7).
            return PlaceFailed()
        now = self._office.clock.now()
        if now - (self.call.admitted_at or now) > DIAL_WITHIN:
            # It took so long that the phone could ring past the end of the hours.
            self._log.warning("not dialed: the stores took too long to admit it")
            return PlaceFailed()
        try:
            await self._office.control.place(
                self.call.id, self.call.contact.number, self._run.campaign, agentless=self.call.agentless
            )
        except Refused as error:
            self._log.info("call refused by Asterisk", why=str(error))
            return PlaceFailed()
        except Unreachable as error:
            self._office.health.fail("asterisk", str(error))
            if isinstance(error, AsteriskUnreachable) and not error.outcome_unknown:
                return PlaceFailed()
            # Nobody knows whether the phone rings: act as if it did, the watchdog finds out.
        return Placed()

    def _find_agent(self, now: datetime) -> CallEvent | None:
        office, floor, call = self._office, self._office.floor, self.call
        floor.return_to_flight(call.id, self._run.campaign.id)
        office.at_risk.pop(call.id, None)
        if self._gone is not None or (self._arrived_at is not None and now - self._arrived_at > PROMPT):
            self.call = call = call.evolve(waited=True)
        effects = floor.answered(call.id, now)
        mine = next((e for e in effects if isinstance(e, Assign) and e.call == call.id), None)
        if mine is None or call.waited:
            office.apply(effects)
            return None if mine else NoAgentFree()
        # At the answer the bridging is commanded at once, before any other event of the call is looked at.
        office.apply(effect for effect in effects if effect is not mine)
        office.at_risk[call.id] = self._run.campaign.id
        return AgentAssigned(mine.agent)

    async def _connect(self, agent: AgentId) -> CallEvent:
        office = self._office
        if self._arrived_at is not None and not self.call.waited:
            lag = (office.clock.now() - self._arrived_at).total_seconds()
            office.answer_to_command.append(lag)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await office.control.connect(self.call.id, agent)
        except Refused as error:
            self._log.info("bridging refused", agent=agent, why=str(error))
            if await self._callee_gone():
                # The callee left while the bridging was under way; the news of it may still be on its way.
                return self._gone or Gone()
            if self._message_plays():
                return Left()
            if office.floor.present(agent):
                # Their bridge is broken, and would refuse the next callee too: they have to log in anew.
                office.send_away(agent)
            return BridgeFailed()
        except (Unreachable, TimeoutError) as error:
            office.health.fail("asterisk", str(error) or "no answer to a bridging in time")
            await self._back_to_noise()
            await asyncio.sleep(CONNECT_AGAIN)
            return BridgeFailed()
        if not office.floor.present(agent):
            # Their phone died in these milliseconds: the callee is alone in the bridge.
            await self._back_to_noise()
            return BridgeFailed()
        return Bridged()

    async def _callee_gone(self) -> bool:
        if self._gone is not None:
            return True
        try:
            return not await self._office.control.exists(self.call.id)
        except (Refused, Unreachable):
            return False

    def _give_back(self, agent: AgentId, *, worked: bool) -> None:
        office, known = self._office, self._office.floor.agent(agent)
        # Their phone may have died, and they may have come back and have another call by now.
        if known is not None and known.call == self.call.id:
            office.apply(office.floor.give_back(agent, worked=worked, now=office.clock.now()))

    async def _back_to_noise(self) -> None:
        now = self._office.clock.now()
        left = self._run.campaign.law.dead_man_after - (now - (self.call.answered_at or now))
        await self._try(lambda call: self._office.control.back_to_noise(call, left), "back to noise")

    async def _hang_up(self) -> None:
        await self._try(self._office.control.hang_up, "hang-up")

    async def _try(self, ask: Callable[..., Awaitable[object]], what: str) -> None:
        """Ask Asterisk for something whose failure the watchdog and the dead-man's switch make good."""
        try:
            await ask(self.call.id)
        except Refused as error:
            self._log.info(f"{what} refused", why=str(error))
        except Unreachable as error:
            self._office.health.fail("asterisk", str(error))

    async def _close(self, outcome: Outcome) -> None:
        office, call = self._office, self.call
        if call.agentless and outcome is Outcome.SILENT:
            self._run.safety_stop(f"call {call.id} was answered and heard no message: is the sound there?")
        await self._books.close(call, outcome)
        office.at_risk.pop(call.id, None)
        office.apply(office.floor.over(call.id, office.clock.now()))
        if call.agentless:
            await recitals.forget(office, call)

    # --- the end --------------------------------------------------------------------------------------

    async def _abandon(self) -> None:
        office, call, now = self._office, self.call, self._office.clock.now()
        try:
            await self._hang_up()
            if call.agent is not None:
                self._give_back(call.agent, worked=False)
            if call.state is not CallState.ENDED:
                never_dialed = call.state is CallState.ADMITTING
                outcome = (
                    Outcome.FAILED if never_dialed else Outcome.CONNECTED if call.heard_at else Outcome.LOST
                )
                self.call = call.evolve(state=CallState.ENDED, outcome=outcome, ended_at=now)
                await self._close(outcome)
        except Exception:
            self._log.exception("the call could not be closed either; recovery will find it")
        finally:
            office.apply(office.floor.over(call.id, now))

    def _drain(self) -> None:
        """Events that came too late may still hold an agent; ``step`` says what to give back."""
        while not self._mailbox.empty():
            _, commands = step(self.call, self._mailbox.get_nowait(), self._office.clock.now())
            for command in commands:
                if isinstance(command, GiveBackAgent):
                    self._give_back(command.agent, worked=False)

    def _stop_cut_timer(self) -> None:
        if self._cut_timer is not None:
            self._cut_timer.cancel()
            self._cut_timer = None
