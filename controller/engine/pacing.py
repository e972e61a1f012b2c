"""What the pacer of a campaign sees, and what it learns, from the floor and the owners of the calls.

It looks where it needs to know, at each decision, instead of being told by everybody: what has changed since
the last look is what has happened. So owners, desk and floor know nothing of pacing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import structlog

from controller.domain.agent import Agent, AgentState
from controller.domain.call import Call, CallState, CancelAsked, HungUpBy
from controller.domain.ids import AgentId, CallId
from controller.domain.outcome import Outcome
from controller.domain.pacing import (
    AnswerCurve,
    Decision,
    DurationCurve,
    Group,
    Mode,
    Pacer,
    Placement,
    Scene,
    Situation,
    Terms,
    cancel_after,
    decide,
    part_of_day,
)
from controller.engine.experience import experience_of
from controller.engine.office import Office

if TYPE_CHECKING:
    from controller.engine.campaign_run import CampaignRun
    from controller.engine.owner import CallOwner

log = structlog.get_logger(__name__)

_LATEST: Final = 50
"""Calls by whose segments the next one is foreseen while no contact is in the hand."""
_RINGING = frozenset({CallState.ADMITTING, CallState.PLACING, CallState.RINGING})


@dataclass(slots=True)
class _Watched:
    """A call of the campaign, since it was first seen.

    Attributes:
        rings: its answer, or the end of its ringing, has not been seen.
        met: that it got an agent or none has been seen.
    """

    owner: CallOwner
    rings: bool = True
    met: bool = False


class CampaignPacing:
    """Decides for one campaign.

    Attributes:
        pacer: what it has learned; lives as long as the campaign dials here.
        taken_back: calls that were taken back because no agent would have been free for them.
        decision: the latest, to be shown; None in mode RATIO.
        began_with: what it knew when it began to predict, such as ``312 calls of campaign spring``; empty if
            there was no record.
    """

    def __init__(self, run: CampaignRun, office: Office) -> None:
        campaign = run.campaign
        terms = Terms(
            window=campaign.law.hang_up_after.total_seconds(),
            cancel_after=cancel_after(campaign.law).total_seconds(),
        )
        self.pacer = Pacer(
            terms,
            mode=campaign.mode,
            answers=AnswerCurve(ring_timeout=campaign.ring_timeout.total_seconds()),
            wrap_ups=DurationCurve([(campaign.wrap_up.total_seconds(), 3.0)]),
        )
        self.taken_back = 0
        self.decision: Decision | None = None
        self.began_with = ""
        self._begun = False
        self._latest: deque[str] = deque(maxlen=_LATEST)
        self._zone = ZoneInfo(campaign.zone)
        self._run = run
        self._office = office
        self._calls: dict[CallId, _Watched] = {}
        self._agents: dict[AgentId, Agent] = {}
        self._shown = ""
        self._risks: list[float] = []

    async def begin(self) -> None:
        """Take in what the record tells, once, before the first call is placed by prediction."""
        campaign = self._run.campaign
        if self._begun or campaign.mode is not Mode.PREDICTIVE:
            return
        self._begun = True
        past = await experience_of(campaign, self._office.records, self._office.clock.now())
        if past is not None and past.calls:
            self.pacer.start_from(past)
            self.began_with = str(past)
            log.info("the pacer begins with what it has learned", campaign=campaign.id, of=self.began_with)

    def placement(self, situation: Situation) -> Placement:
        """The calls to place now; calls that nobody would be free for are taken back.

        Args:
            situation: agents, calls in flight and budget, as the dialer counts them.
        """
        campaign = self._run.campaign
        if campaign.mode is Mode.RATIO:
            self.decision = None
            return decide(situation, overdial=campaign.overdial, max_lines=campaign.max_lines)
        self.pacer.mode = campaign.mode
        self._learn()
        decision = self.decision = self.pacer.decide(self._scene(situation))
        self._risks = list(reversed(decision.risks))
        if decision.cancel:
            self._take_back()
        self._explain(decision)
        return Placement(covered=decision.covered, exposed=decision.exposed)

    def placed(self, call: CallId, segment: str) -> None:
        """One of these calls is being placed, to a contact of this segment."""
        self._latest.append(segment)
        if self._risks:
            self.pacer.placed(call, self._risks.pop())

    # --- looking --------------------------------------------------------------------------------------

    def _scene(self, situation: Situation) -> Scene:
        office, now = self._office, self._office.clock.now()
        ringing: list[float] = []
        groups: list[Group | None] = []
        waiting, part = 0, self._part(now)
        # Calls of other campaigns count as well: they take agents whom this one counts on.
        for owner in office.owners.values():
            if owner.call.state in _RINGING:
                ringing.append(_since(owner.call.admitted_at, now))
                groups.append(self._group(owner.call, part))
            elif owner.call.state in (CallState.ANSWERED, CallState.WAITING):
                waiting += 1
        talking, wrapping = [], []
        for agent in office.floor:
            if agent.wish is not None or not office.floor.serves(agent.id, self._run.campaign.id):
                continue
            if agent.state is AgentState.TALKING:
                talking.append(_since(agent.since, now))
            elif agent.state is AgentState.WRAP_UP:
                wrapping.append(_since(agent.since, now))
        return Scene(
            now=office.clock.monotonic(),
            idle=situation.idle,
            reserved=situation.reserved,
            ringing=ringing,
            groups=groups,
            coming=[Group(segment, part) for segment in self._run.supply.coming() or self._latest],
            waiting=waiting,
            talking=talking,
            wrapping=wrapping,
            exposed=situation.exposed,
            room=situation.room,
            lines=self._run.campaign.max_lines - situation.in_flight,
        )

    def _part(self, at: datetime) -> int:
        return part_of_day(at.astimezone(self._zone))

    def _group(self, call: Call, part: int) -> Group | None:
        """Of another campaign's calls nothing is known, and of those of a time when it was not recorded."""
        if call.segment is None or call.contact.campaign != self._run.campaign.id:
            return None
        return Group(call.segment, part)

    # --- learning -------------------------------------------------------------------------------------

    def _learn(self) -> None:
        for call, owner in self._office.owners.items():
            if owner.call.contact.campaign == self._run.campaign.id and call not in self._calls:
                # What was adopted in conversation, after a restart, tells nothing of its ringing.
                self._calls[call] = _Watched(
                    owner, rings=owner.call.state in _RINGING, met=owner.call.heard_at is not None
                )
        for watched in list(self._calls.values()):
            self._learn_of(watched)
        for agent in self._office.floor:
            before = self._agents.get(agent.id)
            if before is None or before.state is not agent.state or before.since != agent.since:
                self._agents[agent.id] = agent
                if before is not None:
                    self._learn_of_agent(before, agent)

    def _learn_of(self, watched: _Watched) -> None:
        call = watched.owner.call
        ended = call.state is CallState.ENDED
        if watched.rings and (ended or call.answered_at is not None):
            watched.rings = False
            self._rang(call)
        if not watched.met and call.answered_at is not None and (ended or call.heard_at is not None):
            watched.met = True
            # Who left while the bridging was under way had an agent.
            self.pacer.met(call.id, agent=not (ended and call.outcome is Outcome.SILENT))
        if ended:
            self.pacer.forget(call.id)
            del self._calls[call.id]

    def _rang(self, call: Call) -> None:
        if call.admitted_at is None or call.outcome is Outcome.CANCELLED:
            return
        end = call.answered_at or call.ended_at
        if end is None:
            return
        seconds = max(0.0, (end - call.admitted_at).total_seconds())
        group = self._group(call, self._part(call.admitted_at))
        if call.answered_at is None and call.ended_by is HungUpBy.CONTROLLER:
            self.pacer.cancelled(call.id, seconds, group)
        else:
            self.pacer.rang(call.id, seconds, answered=call.answered_at is not None, group=group)

    def _learn_of_agent(self, before: Agent, now: Agent) -> None:
        lasted = (now.since - before.since).total_seconds()
        if before.state is AgentState.TALKING and now.state is AgentState.WRAP_UP:
            self.pacer.talked(lasted)
        elif before.state is AgentState.WRAP_UP and now.state in (AgentState.IDLE, AgentState.RESERVED):
            self.pacer.wrapped_up(lasted)

    # --- doing ----------------------------------------------------------------------------------------

    def _take_back(self) -> None:
        """End the ringing of calls that nobody stands ready for, where the law's shortest ringing is over."""
        office, after = self._office, self.pacer.terms.cancel_after
        now = office.clock.now()
        for owner in office.owners.values():
            call = owner.call
            if call.contact.campaign != self._run.campaign.id or call.state is not CallState.RINGING:
                continue
            if call.guaranteed or call.rang_at is None or not office.floor.is_exposed(call.id):
                continue
            if after is not None and _since(call.rang_at, now) >= after:
                self.taken_back += 1
                owner.post(CancelAsked())

    def _explain(self, decision: Decision) -> None:
        # Not each time it looks, but each time it comes to something else.
        told = f"{decision.covered} {decision.exposed} {decision.reason}"
        if told != self._shown:
            self._shown = told
            log.debug("pacing", campaign=self._run.campaign.id, decision=str(decision))


def _since(then: datetime | None, now: datetime) -> float:
    return 0.0 if then is None else max(0.0, (now - then).total_seconds())
