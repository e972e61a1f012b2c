"""What one look of the pacer costs in the engine: seeing the floor and the calls, learning, deciding."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, cast

from controller.domain.call import Call, CallEvent, CallState
from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.floor import Floor
from controller.domain.ids import E164, AgentId, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.pacing import Mode, Situation
from controller.engine.campaign_run import CampaignRun
from controller.engine.office import Office
from controller.engine.owner import CallOwner
from controller.engine.pacing import CampaignPacing
from controller.law import IT_GARANTE_2014

_CAMPAIGN: Final = CampaignId("bench")
_BETWEEN: Final = timedelta(milliseconds=50)
"""Between two looks: 20 calls are placed each second, and as many end."""


@dataclass(slots=True)
class _Clock:
    at: datetime = datetime(2026, 3, 2, 10, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@dataclass(slots=True)
class _Owner:
    call: Call

    def post(self, event: CallEvent) -> None:
        """Nobody is called, so nobody is taken back."""


class _Supply:
    def coming(self) -> list[str]:
        """Contacts of no segment are next."""
        return [""] * 20


@dataclass(slots=True)
class _Run:
    campaign: Campaign
    supply: _Supply = field(default_factory=_Supply)


@dataclass(slots=True)
class _Office:
    clock: _Clock = field(default_factory=_Clock)
    floor: Floor = field(default_factory=Floor)
    owners: dict[CallId, _Owner] = field(default_factory=dict)


class _Centre:
    """A call centre at work, as far as the pacer looks: the real floor, and calls that change as told."""

    def __init__(self, agents: int, ringing: int) -> None:
        self.office = _Office()
        self.random = Random(1)
        self._serial = 0
        campaign = Campaign(
            id=_CAMPAIGN, caller="acme", caller_number="+390299887766", law=IT_GARANTE_2014,
            mode=Mode.PREDICTIVE, max_lines=2 * ringing,
        )  # fmt: skip
        self.pacing = CampaignPacing(cast(CampaignRun, _Run(campaign)), cast(Office, self.office))
        for i in range(agents):
            self.office.floor.log_in(AgentId(str(i)), self.office.clock.at)
        for i in range(ringing + agents):
            self.office.clock.at += timedelta(seconds=0.05)
            self.place(covered=i >= agents + ringing - 10)
            if i < agents - 10:
                self.answer()

    def place(self, *, covered: bool = False) -> None:
        """One more call rings."""
        self._serial += 1
        call, office = CallId(f"{self._serial:016x}"), self.office
        office.floor.admit(call, _CAMPAIGN, cover=covered)
        number = E164(f"+39347{self._serial:07d}")
        contact = Contact(id=ContactId(self._serial), campaign=_CAMPAIGN, number=number)
        now = office.clock.at
        owner = office.owners[call] = _Owner(
            Call(id=call, contact=contact, state=CallState.RINGING, admitted_at=now, rang_at=now, segment="")
        )
        self.pacing.placed(cast(CallOwner, owner))

    def answer(self) -> None:
        """One of the ringing calls gets an agent."""
        office, now = self.office, self.office.clock.at
        owner = next(each for each in office.owners.values() if each.call.state is CallState.RINGING)
        office.floor.answered(owner.call.id, now)
        owner.call = replace(owner.call, state=CallState.TALKING, answered_at=now, heard_at=now)

    def end(self) -> None:
        """The oldest call is over: unanswered if it rings, else its agent wraps up, or is free again."""
        office, now = self.office, self.office.clock.at
        owner = self.random.choice(list(office.owners.values()))
        outcome = Outcome.NO_ANSWER if owner.call.answered_at is None else Outcome.CONNECTED
        owner.call = replace(owner.call, state=CallState.ENDED, ended_at=now, outcome=outcome)
        office.floor.over(owner.call.id, now)
        for agent in list(office.floor):
            if agent.call == owner.call.id:
                office.floor.give_back(agent.id, worked=self.random.random() < 0.8, now=now)
        for agent in list(office.floor):
            if agent.state.value == "wrap-up" and now - agent.since > timedelta(seconds=15):
                office.floor.wrapped_up(agent.id, now)

    def forget(self) -> None:
        """Owners of calls that are over go away."""
        owners = self.office.owners
        for call in [call for call, owner in owners.items() if owner.call.state is CallState.ENDED]:
            del owners[call]

    def situation(self) -> Situation:
        """As the dialer counts it."""
        floor = self.office.floor
        exposed = floor.exposed(_CAMPAIGN)
        return Situation(idle=0, reserved=10, in_flight=floor.in_flight(_CAMPAIGN), exposed=exposed, room=100)


def look_cost(agents: int = 200, ringing: int = 500, samples: int = 300) -> float:
    """Seconds of CPU of one look of the engine's pacing, deciding included: the mean.

    Args:
        agents: all but ten of them in conversation or in wrap-up.
        ringing: calls, ten of them covered.
        samples: looks over which the mean is taken.
    """
    centre = _Centre(agents, ringing)
    spent, clock = 0.0, time.process_time
    for sample in range(samples + 50):
        centre.office.clock.at += _BETWEEN
        centre.place()
        centre.end()
        if sample % 3 == 0:
            centre.answer()
        situation = centre.situation()
        began = clock()
        centre.pacing.placement(situation)
        if sample >= 50:
            spent += clock() - began
        centre.forget()
    return spent / samples
