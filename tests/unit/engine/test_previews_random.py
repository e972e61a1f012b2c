"""Mode preview, agents who do as they like, edges that fail, a controller that dies: nobody is lost."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from controller.domain.agent import AgentState
from controller.domain.ids import CampaignId
from controller.domain.outcome import Outcome
from controller.domain.pacing import Mode
from controller.engine import previews
from controller.errors import Refused
from controller.simulation.callee import Answers
from tests.fakes.call_centre import CallCentre, agent, call_centre, number, virtual

AGENTS, CONTACTS, SPRING = 3, 12, CampaignId("spring")


class Day:
    """A day of chance."""

    def __init__(self, centre: CallCentre, seed: int) -> None:
        self.centre = centre
        self.rng = Random(seed)
        self.did: Counter[str] = Counter()

    async def act(self) -> None:
        """Something happens."""
        centre, rng, which = self.centre, self.rng, self.rng.randrange(AGENTS)
        what = rng.choices(
            ["accept", "key", "skip", "pause", "leave", "dies", "link", "redis", "kill", "mode"],
            [40, 10, 15, 5, 3, 3, 3, 3, 3, 2],
        )[0]
        self.did[what] += 1
        try:
            match what:
                case "accept":
                    await centre.controller.accept_offer(agent(which))
                case "key":
                    centre.telephony.press(agent(which), rng.choice("12"))
                case "skip":
                    await centre.controller.skip_offer(agent(which))
                case "pause":
                    await centre.controller.agent_pause(agent(which))
                case "leave":
                    await centre.controller.agent_logout(agent(which))
                case "dies":
                    centre.telephony.phone_dies(agent(which))
                case "link":
                    centre.telephony.link_down()
                    await centre.sleep(rng.uniform(0.1, 2))
                    centre.telephony.link_up()
                case "redis":
                    centre.ledger.fail = centre.hopper.fail = True
                    await centre.sleep(rng.uniform(0.1, 4))
                    centre.ledger.fail = centre.hopper.fail = False
                case "kill":
                    await centre.kill()
                    await centre.sleep(rng.uniform(0, 2))
                    await centre.switch_on()
                case "mode":
                    await centre.controller.pause_campaign(SPRING)
                    await centre.sleep(rng.uniform(0, 1))
                    await centre.controller.start_campaign(SPRING)
        except Refused:
            self.did["refused"] += 1

    @property
    def troubled(self) -> bool:
        """Whether anything happened that may cost a callee the agent."""
        return any(self.did[what] for what in ("dies", "link", "redis", "kill"))

    async def come_back(self) -> None:
        """Who left comes back."""
        for which in range(AGENTS):
            match self.centre.state(which):
                case AgentState.PAUSED:
                    await self.centre.controller.agent_ready(agent(which))
                case AgentState.AWAY if not self.centre.telephony.seated(agent(which)):
                    self.centre.telephony.dial(agent(which), "*51")

    def look(self) -> None:
        """At every instant: one offer per agent, one agent per contact, and no call counts on who looks."""
        offers = [each.offer for each in self.centre.controller.status().agents if each.offer]
        assert len({offer.contact for offer in offers}) == len(offers)
        for each in self.centre.controller.office.floor:
            looks = each.state is AgentState.PREVIEW
            assert looks is (self.centre.controller._offers.status(each.id) is not None)
            assert not (looks and each.call)
        for owner in self.centre.owners:
            assert owner.call.guaranteed


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_everybody_is_called_and_nobody_is_left_alone(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "SKIPPED_FOR", timedelta(seconds=20))

    @virtual
    async def run() -> None:
        async with call_centre(agents=AGENTS) as centre:
            day = Day(centre, seed)
            centre.telephony.habit = Answers(after=2.0, talks=4.0)
            campaign = await centre.campaign(
                contacts=[number(i) for i in range(CONTACTS)],
                mode=Mode.PREVIEW,
                preview_timeout=timedelta(seconds=15),
                wrap_up=timedelta(seconds=1),
            )
            await centre.start(campaign)
            while len({each.number for each in centre.telephony.callees}) < CONTACTS:
                assert centre.time() < 3000, centre.status()
                await day.act()
                day.look()
                await centre.sleep(day.rng.uniform(0, 1.5))
                day.look()
                await day.come_back()
            await centre.until(lambda: not centre.owners)
            assert not centre.status().reason  # not paused for safety
            times = Counter(each.number for each in centre.telephony.callees)
            for i in range(CONTACTS):
                # Who was not reached had an agent whose phone, or controller, or link, was dead; who was, was
                # called once, for call and contact were no agent's and no controller's but one's.
                reached = await centre.outcome(number(i)) is Outcome.CONNECTED
                assert times[number(i)] == 1 or not reached or day.troubled
            silent = [each for each in centre.telephony.callees if each.answered_at and not each.agent_from]
            assert not silent or day.troubled
            await centre.nothing_left()

    run()
