"""What the pacer of a campaign sees, and what it learns, from the floor and the owners of the calls.

It looks where it needs to know, at each decision, instead of being told by everybody: what has changed since
the last look is what has happened. So owners, desk and floor know nothing of pacing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import structlog

from controller.domain.agent import Agent, AgentState
from controller.domain.call import Call, CallState, CancelAsked, HungUpBy
from controller.domain.campaign import Campaign
from controller.domain.ids import AgentId, CallId
from controller.domain.outcome import Outcome
from controller.domain.pacing import (
    AnswerCurve,
    Decision,
    DurationCurve,
    Explained,
    Group,
    Inputs,
    Journal,
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
from controller.ports.pacing import Learned, PacingFigures, Spread

if TYPE_CHECKING:
    from controller.engine.campaign_run import CampaignRun
    from controller.engine.owner import CallOwner

log = structlog.get_logger(__name__)

_AFTER_WRAP_UP = frozenset({AgentState.IDLE, AgentState.RESERVED, AgentState.PREVIEW})
_LATEST: Final = 50
"""Calls by whose segments the next one is foreseen while no contact is in the hand."""
_RINGING = frozenset({CallState.ADMITTING, CallState.PLACING, CallState.RINGING})
_WAITING = frozenset({CallState.ANSWERED, CallState.WAITING})

_CLASSES = 5
"""Equally likely classes of durations, whose middles are the 10th, 30th, ... 90th percentile."""


class _Watched:
    """A call in flight or in conversation, since it was first seen.

    Attributes:
        seen: the call as it was when it was last looked at.
        since: when it was admitted, or else first seen, in seconds since the epoch.
        ours: the pacer placed it: what it does is learned from.
        rings: its answer, or the end of its ringing, has not been learned from.
        met: that it got an agent or none has been learned from.
        taken_back: its owner has been asked to end it: it does not count as ringing any more.
    """

    __slots__ = ("met", "ours", "owner", "rings", "seen", "since", "taken_back")

    def __init__(self, owner: CallOwner, *, ours: bool, now: float) -> None:
        self.owner = owner
        self.seen: Call | None = None
        self.since = now
        self.ours = ours
        # What was adopted in conversation, after a restart, tells nothing of its ringing.
        self.rings = owner.call.state in _RINGING
        self.met = owner.call.heard_at is not None
        self.taken_back = False


@dataclass(frozen=True, slots=True)
class _Seen:
    """An agent, and since when they do what they do, in seconds since the epoch."""

    agent: Agent
    since: float


class CampaignPacing:
    """Decides for one campaign.

    Attributes:
        pacer: what it has learned; lives as long as the campaign dials here.
        taken_back: calls that were taken back because no agent would have been free for them.
        decision: the latest, to be shown; None in mode RATIO.
        journal: the latest decisions in all modes, with what they were made from.
        began_with: what it knew when it began to predict, such as ``312 calls of campaign spring``; empty if
            there was no record.
    """

    def __init__(self, run: CampaignRun, office: Office) -> None:
        campaign = run.campaign
        self.pacer = Pacer(
            _terms(campaign),
            mode=campaign.mode,
            answers=AnswerCurve(ring_timeout=campaign.ring_timeout.total_seconds()),
            wrap_ups=DurationCurve([(campaign.wrap_up.total_seconds(), 3.0)]),
        )
        self.taken_back = 0
        self.decision: Decision | None = None
        self.journal = Journal()
        self.began_with = ""
        self._begun = False
        self._latest: deque[str] = deque(maxlen=_LATEST)
        self._zone = ZoneInfo(campaign.zone)
        self._run = run
        self._office = office
        self._calls: dict[CallId, _Watched] = {}
        # Since when, in seconds since the epoch, and to a contact of which segment.
        self._ringing: dict[CallId, tuple[float, str | None]] = {}
        self._waiting: set[CallId] = set()
        self._agents: dict[AgentId, _Seen] = {}
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
        campaign, now = self._run.campaign, self._office.clock.now()
        scene, taken_back = self._scene(situation, now), 0
        if campaign.mode is Mode.RATIO:
            self.decision = None
            placement = decide(situation, overdial=campaign.overdial, max_lines=campaign.max_lines)
            decision = _by_ratio(placement, campaign.overdial)
        else:
            self.pacer.mode, self.pacer.terms = campaign.mode, _terms(campaign)
            decision = self.pacer.decide(scene)
            if decision.cancel:
                decision, taken_back = self._take_back(scene, decision, now)
            self.decision = decision
            placement = Placement(covered=decision.covered, exposed=decision.exposed)
        self._risks = list(reversed(decision.risks))
        self.journal.note(now, Inputs.of(scene), decision, taken_back=taken_back)
        self._explain(decision)
        return placement

    def placed(self, owner: CallOwner, *, planned: bool = True) -> None:
        """One of these calls is being placed; ``planned`` is False of one that was promised at this hour."""
        call, now = owner.call, self._office.clock.now().timestamp()
        self.journal.placed()
        if call.segment is not None:
            self._latest.append(call.segment)
        # Watched from here on, for it may be over before the next look.
        self._watch(owner, now)
        if planned and self._risks:
            self.pacer.placed(call.id, self._risks.pop())

    # --- looking, and learning from what has changed ---------------------------------------------------

    def _scene(self, situation: Situation, now: datetime) -> Scene:
        seconds, part = now.timestamp(), self._part(now)
        ringing, waiting = self._look_at_calls(seconds)
        talking, wrapping = self._look_at_agents(seconds)
        return Scene(
            now=self._office.clock.monotonic(),
            idle=situation.idle,
            reserved=situation.reserved,
            ringing=ringing,
            groups=self._groups(part),
            coming=[Group(segment, part) for segment in self._run.supply.coming() or self._latest],
            waiting=waiting,
            talking=talking,
            wrapping=wrapping,
            exposed=situation.exposed,
            room=situation.room,
            lines=self._run.campaign.max_lines - situation.in_flight,
        )

    def _look_at_calls(self, seconds: float) -> tuple[list[float], int]:
        """How long each call has rung, and how many wait. Only what has changed is looked at closely."""
        owners, calls = self._office.owners, self._calls
        for new in [call for call in owners if call not in calls]:
            self._watch(owners[new], seconds)
        for watched in calls.values():
            if watched.owner.call is not watched.seen:
                self._changed(watched, watched.owner.call)
        for gone in calls.keys() - owners.keys():
            del calls[gone]
            self._ringing.pop(gone, None)
            self._waiting.discard(gone)
        return self._rings(seconds), len(self._waiting)

    def _watch(self, owner: CallOwner, seconds: float) -> None:
        call = owner.call
        # Calls in which nobody is to speak take no agent from anybody.
        if call.agentless:
            return
        # Calls of other campaigns count as well: they take agents whom this one counts on. Nothing is learned
        # from those that are placed by ratio: nobody told their risk.
        campaign = self._run.campaign
        ours = campaign.mode is not Mode.RATIO and call.contact.campaign == campaign.id
        self._calls[call.id] = _Watched(owner, ours=ours, now=seconds)

    def _part(self, at: datetime) -> int:
        return part_of_day(at.astimezone(self._zone))

    def _group(self, call: Call, part: int) -> Group | None:
        """Of another campaign's calls nothing is known, and of those of a time when it was not recorded."""
        if call.segment is None or call.contact.campaign != self._run.campaign.id:
            return None
        return Group(call.segment, part)

    def _rings(self, seconds: float) -> list[float]:
        return [seconds - since if seconds > since else 0.0 for since, _ in self._ringing.values()]

    def _groups(self, part: int) -> list[Group | None]:
        """Whose each ringing call is; of those that nothing is known of, None."""
        segments = [segment for _, segment in self._ringing.values()]
        groups = {segment: None if segment is None else Group(segment, part) for segment in set(segments)}
        return [groups[segment] for segment in segments]

    def _changed(self, watched: _Watched, call: Call) -> None:
        watched.seen = call
        if call.admitted_at is not None:
            watched.since = call.admitted_at.timestamp()
        if call.state in _RINGING and not watched.taken_back:
            known = call.contact.campaign == self._run.campaign.id
            self._ringing[call.id] = (watched.since, call.segment if known else None)
        else:
            self._ringing.pop(call.id, None)
        if call.state in _WAITING:
            self._waiting.add(call.id)
        else:
            self._waiting.discard(call.id)
        if watched.ours:
            self._learn_of(watched, call)

    def _learn_of(self, watched: _Watched, call: Call) -> None:
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

    def _look_at_agents(self, seconds: float) -> tuple[list[float], list[float]]:
        """How long the campaign's agents have talked, each, and how long wrapped up."""
        floor, campaign, known = self._office.floor, self._run.campaign.id, self._agents
        talking: list[float] = []
        wrapping: list[float] = []
        for agent in floor:
            seen = known.get(agent.id)
            if seen is None or seen.agent is not agent:
                before, seen = seen, _Seen(agent, agent.since.timestamp())
                known[agent.id] = seen
                if before is not None:
                    self._learn_of_agent(before.agent, agent)
            busy = (
                talking if agent.state is AgentState.TALKING
                else wrapping if agent.state is AgentState.WRAP_UP
                else None
            )  # fmt: skip
            if busy is not None and agent.wish is None and floor.serves(agent.id, campaign):
                busy.append(max(0.0, seconds - seen.since))
        return talking, wrapping

    def _learn_of_agent(self, before: Agent, now: Agent) -> None:
        if before.state is now.state and before.since == now.since:
            return
        lasted = (now.since - before.since).total_seconds()
        if before.state is AgentState.TALKING and now.state is AgentState.WRAP_UP:
            self.pacer.talked(lasted)
        elif before.state is AgentState.WRAP_UP and now.state in _AFTER_WRAP_UP:
            self.pacer.wrapped_up(lasted)

    # --- doing ----------------------------------------------------------------------------------------

    def _take_back(self, scene: Scene, decision: Decision, now: datetime) -> tuple[Decision, int]:
        """End the ringing of as few calls as it takes that nobody stands ready for.

        Only of those that have rung long enough; of these first who rang least, for the others are nearer
        to an answer.

        Returns:
            The decision that holds then, and how many were taken back.
        """
        before, seconds = self.taken_back, now.timestamp()
        for watched in sorted(
            self._hopeless(now), key=lambda each: each.owner.call.rang_at or now, reverse=True
        ):
            watched.owner.post(CancelAsked())
            self.taken_back += 1
            watched.taken_back = True
            del self._ringing[watched.owner.call.id]
            # It keeps its part of the budget until its end is confirmed.
            scene = replace(scene, ringing=self._rings(seconds), groups=self._groups(self._part(now)))
            decision = self.pacer.decide(scene, instead=True)
            if not decision.cancel:
                break
        return decision, self.taken_back - before

    def _hopeless(self, now: datetime) -> Iterator[_Watched]:
        floor, after = self._office.floor, self.pacer.terms.cancel_after
        if after is None:
            return
        youngest = now.timestamp() - after
        for watched in self._calls.values():
            # Who was admitted later cannot have rung so long.
            if not watched.ours or watched.taken_back or watched.since > youngest:
                continue
            call = watched.owner.call
            if call.state is not CallState.RINGING or call.guaranteed or call.rang_at is None:
                continue
            if (now - call.rang_at).total_seconds() >= after and floor.is_exposed(call.id):
                yield watched

    # --- telling --------------------------------------------------------------------------------------

    def _explain(self, decision: Decision) -> None:
        # Not each time it looks, but each time it comes to something else.
        told = f"{decision.covered} {decision.exposed} {decision.reason}"
        if told != self._shown:
            self._shown = told
            log.debug("pacing", campaign=self._run.campaign.id, decision=str(decision))

    def figures(self) -> PacingFigures:
        """How it decides now, and what it has learned."""
        pacer, mode, latest = self.pacer, self._run.campaign.mode, self.journal.latest
        doubts = mode is Mode.PREDICTIVE and not pacer.calibration.good
        return PacingFigures(
            mode=mode,
            effective=Mode.PROGRESSIVE if doubts else mode,
            decisions=self.journal.decisions,
            inputs=latest.inputs if latest else None,
            decision=latest.decision if latest else None,
            calibrated=pacer.calibration.good,
            predicted=pacer.calibration.predicted,
            actual=pacer.calibration.actual,
            terms=pacer.terms,
            learned=Learned(
                answer_rate=pacer.answers.rate,
                answers=_spread(pacer.answers.answer_times(_CLASSES)),
                talks=_spread(pacer.talks.quantiles(_CLASSES)),
                wrap_ups=_spread(pacer.wrap_ups.quantiles(_CLASSES)),
            ),
        )

    def recent(self, limit: int, before: datetime | None) -> Sequence[Explained]:
        """The latest decisions, newest first; see ``Journal.recent``."""
        return self.journal.recent(limit, before)


def _terms(campaign: Campaign) -> Terms:
    after = cancel_after(campaign.take_back_after, campaign.law)
    return Terms(
        window=campaign.law.hang_up_after.total_seconds(),
        cancel_after=None if after is None else after.total_seconds(),
    )


def _by_ratio(placement: Placement, overdial: float) -> Decision:
    return Decision(
        covered=placement.covered,
        exposed=placement.exposed,
        reason=f"ratio: {overdial:g} lines for each free agent, within budget and lines",
    )


def _spread(middles: Sequence[float]) -> Spread:
    return Spread(p10=middles[0], p50=middles[2], p90=middles[4])
