"""What the pacer starts from: the record, by segment and hour, of this campaign or of others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest

from controller.domain.call import Call, CallState
from controller.domain.contact import Habits, NewContact
from controller.domain.dialing_plan import SegmentShare
from controller.domain.ids import E164, CallId
from controller.domain.outcome import Outcome
from controller.domain.pacing import Mode, Pacer
from controller.domain.segment_text import parse_filter
from controller.engine.experience import experience_of
from controller.engine.pacing import CampaignPacing
from controller.simulation.callee import Answers, Behaviour, NoAnswer
from controller.store.memory_records import _Started
from tests.fakes.call_centre import CallCentre, call_centre, number, virtual

MANY = [number(i) for i in range(600)]
USUAL = Pacer().answers.rate


def answering(share: float) -> Callable[[E164], Behaviour]:
    random = Random(1)
    return lambda _: (
        Answers(after=random.uniform(3, 12), talks=20.0) if random.random() < share else NoAnswer()
    )


def pacing(centre: CallCentre, name: str = "spring") -> CampaignPacing:
    found = next(run for run in centre.controller.office.runs.values() if run.campaign.id == name).pacing
    assert found is not None
    return found


async def first_decision(centre: CallCentre) -> float:
    """The answer rate of the first decision that foresees anything."""
    await centre.until(lambda: _expected(centre) > 0)
    return _expected(centre)


def _expected(centre: CallCentre) -> float:
    runs = centre.controller.office.runs.values()
    decisions = (run.pacing.decision for run in runs if run.pacing is not None)
    return max((each.answer_rate for each in decisions if each is not None), default=0.0)


@virtual
async def test_a_new_life_begins_with_what_the_last_one_learned() -> None:
    async with call_centre(agents=4) as centre:
        centre.telephony.habit = answering(0.75)
        campaign = await centre.campaign(
            contacts=MANY[:300], mode=Mode.PREDICTIVE, credit=3000, ring_timeout=timedelta(seconds=20)
        )
        await centre.start(campaign)
        assert await first_decision(centre) == pytest.approx(USUAL, abs=0.02)
        assert centre.status().began_with == ""
        await centre.sleep(600)
        talks = pacing(centre).pacer.talks.quantiles(1)[0]
        await centre.kill()
        ended = [each for each in centre.records._calls.values() if each.outcome is not None]
        await centre.switch_on()

        assert await first_decision(centre) == pytest.approx(0.75, abs=0.08)
        assert pacing(centre).pacer.talks.quantiles(1)[0] == pytest.approx(talks, rel=0.2)
        began = centre.status().began_with
        assert began.endswith(" calls of campaign spring")
        assert int(began.split()[0]) == pytest.approx(len(ended), abs=8)
        await centre.controller.stop_campaign(campaign.id)
        await centre.sleep(60)


@virtual
async def test_a_new_campaign_begins_with_the_record_of_others_of_the_same_caller() -> None:
    async with call_centre(agents=4) as centre:
        centre.telephony.habit = answering(0.75)
        winter = await centre.campaign("winter", contacts=MANY, mode=Mode.PREDICTIVE, credit=3000)
        await centre.start(winter)
        await centre.sleep(400)
        await centre.controller.stop_campaign(winter.id)
        await centre.sleep(60)
        fresh = [number(1000 + i) for i in range(50)]
        spring = await centre.campaign("spring", contacts=fresh, mode=Mode.PREDICTIVE, credit=3000)
        await centre.start(spring)
        await centre.until(lambda: centre.status("spring").pacing)

        assert pacing(centre).pacer.answers.rate > USUAL + 0.2
        assert centre.status("spring").began_with.endswith(" calls of campaign winter")
        await centre.controller.stop_campaign(spring.id)
        await centre.sleep(60)


@virtual
async def test_a_record_that_does_not_answer_delays_the_first_call_by_no_more_than_2_s() -> None:
    async with call_centre(agents=1) as centre:
        centre.records_wire.held.add("recent_facts")
        campaign = await centre.campaign(contacts=MANY[:5], mode=Mode.PREDICTIVE)
        await centre.start(campaign)
        begun = centre.time()
        await centre.until(lambda: centre.telephony.live)

        assert centre.time() - begun < 2.5
        assert pacing(centre).began_with == ""
        assert pacing(centre).pacer.answers.rate == pytest.approx(USUAL, abs=0.02)
        centre.records_wire.held.clear()
        await centre.controller.stop_campaign(campaign.id)
        await centre.sleep(60)


@virtual
async def test_segments_of_the_plan_are_told_apart_and_recorded() -> None:
    async with call_centre(agents=4) as centre:
        for name in ("warm", "cold"):
            filter_ = parse_filter(f"tags has {name}")
            await centre.records.segments.save(
                name, filter_, description="", author="anna", now=centre.clock.now()
            )
        campaign = await centre.campaign(
            contacts=[],
            mode=Mode.PREDICTIVE,
            credit=3000,
            ring_timeout=timedelta(seconds=20),
            dialing=(SegmentShare(segment="warm"), SegmentShare(segment="cold")),
        )
        tags = [frozenset({("warm", "cold")[i % 2]}) for i in range(300)]
        new = [NewContact(number=number(i), tags=tag) for i, tag in enumerate(tags)]
        await centre.records.add_contacts(campaign.id, new)
        sometimes, often = answering(0.15), answering(0.75)
        centre.telephony.habit = lambda called: (often, sometimes)[int(called[-4:]) % 2](called)
        await centre.start(campaign)
        await centre.sleep(400)

        known = pacing(centre).pacer.groups.known()
        assert known.keys() == {"warm", "cold"}
        assert known["warm"] > 3 * known["cold"]
        facts = await centre.records.facts(campaign.id)
        assert {fact.segment for fact in facts} == {"warm", "cold"}
        await centre.kill()
        await centre.switch_on()
        await first_decision(centre)
        again = pacing(centre).pacer.groups.known()
        assert again["warm"] > 3 * again["cold"]
        await centre.controller.stop_campaign(campaign.id)
        await centre.sleep(60)


@virtual
async def test_without_a_plan_the_contacts_own_segments_count() -> None:
    async with call_centre(agents=2) as centre:
        campaign = await centre.campaign(contacts=[], mode=Mode.PREDICTIVE, credit=3000)
        new = [
            NewContact(number=number(i), habits=Habits(segment=("shops", "homes")[i % 2])) for i in range(20)
        ]
        await centre.records.add_contacts(campaign.id, new)
        await centre.start(campaign)
        await centre.sleep(30)

        assert {owner.call.segment for owner in centre.owners} <= {"shops", "homes"}
        assert pacing(centre).pacer.groups.known().keys() == {"shops", "homes"}
        await centre.controller.stop_campaign(campaign.id)
        await centre.sleep(60)


@virtual
async def test_of_a_long_record_some_of_each_part_of_the_last_days_is_read() -> None:
    async with call_centre(agents=1) as centre:
        campaign = await centre.campaign(contacts=MANY[:1])
        (contact,) = await centre.records.due_contacts(campaign.id, centre.clock.now(), 1)
        now = centre.clock.now()
        for minute in range(4 * 24 * 60):
            placed = now - timedelta(minutes=minute + 1)
            call = Call(id=CallId(f"call-{minute}"), contact=contact, segment="").evolve(
                state=CallState.ENDED,
                outcome=Outcome.NO_ANSWER,
                admitted_at=placed,
                ended_at=placed + timedelta(seconds=25),
            )
            centre.records._calls[call.id] = call
            centre.records._started[call.id] = _Started(campaign, "", placed, "main")
        past = await experience_of(campaign, centre.records, now)

        assert past is not None
        # The 400 latest take 6 h 40 min; then come 40 of each 2 hours.
        assert 960 <= past.calls <= 1000
        assert past.groups._parts[""].keys() == set(range(12))
