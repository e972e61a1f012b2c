"""What the live feed is told while a campaign runs."""

from __future__ import annotations

from controller.domain.campaign import CampaignState
from controller.domain.retry import RetryRule
from tests.fakes.call_centre import agent, call_centre, number, virtual


@virtual
async def test_the_feed_tells_of_calls_agents_and_campaigns_in_order_and_of_no_number() -> None:
    async with call_centre(agents=1) as centre:
        feed = centre.controller.office.tell.feed
        before = feed.publish("mark", {}).id
        campaign = await centre.campaign(contacts=[number(0)], overdial=1.0, retry=RetryRule(max_attempts=1))
        await centre.start(campaign)
        await centre.until(lambda: centre.status().state is CampaignState.FINISHED, 3600)
        events = feed.since(before)

    assert events is not None
    calls = [event.kind for event in events if event.kind.startswith("call.")]
    assert calls == ["call.answered", "call.connected", "call.ended"]
    ended = next(event for event in events if event.kind == "call.ended")
    assert (ended.data["outcome"], ended.data["agent"]) == ("connected", agent(0))
    states = [event.data["state"] for event in events if event.kind == "agent.state"]
    assert [state for state in states if state != "reserved"][:2] == ["talking", "wrap-up"]
    told = [event.data["state"] for event in events if event.kind == "campaign.state"]
    assert told == ["running", "finished"]
    assert number(0).removeprefix("+") not in str(events)
