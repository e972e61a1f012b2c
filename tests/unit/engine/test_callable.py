"""Who may not be called is not: consent, lists, register, hours, while a campaign runs and before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.domain.campaign import CampaignState
from controller.domain.clearance import CheckName, first_failed
from controller.domain.contact import Consent, NewContact
from controller.domain.hours import parse_hours
from controller.domain.ids import E164
from controller.domain.privacy import NumberKey
from controller.domain.regulation import CallerIdRule, Played, RegisterRule
from controller.engine.audit import Auditor
from controller.engine.explain import Explainer
from controller.errors import Refused
from controller.ports import Authorship
from controller.simulation.callee import Answers, NoAnswer
from tests.fakes.call_centre import CALLER, CallCentre, call_centre, number, virtual
from tests.fakes.law import LAX

WHO = Authorship(author="anna", reason="asked us to stop")
KEY = NumberKey(bytes(32))


def explainer(centre: CallCentre) -> Explainer:
    return Explainer(centre.ledger, centre.records, centre.records.evidence, KEY)


def called(centre: CallCentre) -> set[E164]:
    return {callee.number for callee in centre.telephony.callees}


@virtual
async def test_a_list_binds_the_very_next_call() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=2.0)
        campaign = await centre.campaign(contacts=[number(i) for i in range(4)], wrap_up=timedelta(0))
        await centre.start(campaign)
        await centre.answered(number(0))
        # In the hopper already: read ahead when nobody objected.
        await centre.records.lists.opt_out(f"caller:{CALLER}", [number(1)], WHO, centre.clock.now())
        await centre.records.lists.opt_out("*", [number(2)], WHO, centre.clock.now())
        await centre.ended(number(3))
        assert called(centre) == {number(0), number(3)}
        assert not await centre.suppressed(number(1))
        assert not await centre.ledger.flights(CALLER)
        audit = await Auditor(centre.ledger, centre.records, KEY).audit(campaign, centre.clock.now())
        assert audit.clean, audit


@virtual
async def test_whoever_is_taken_off_a_list_is_called_again_by_itself() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=2.0)
        await centre.records.lists.opt_out("*", [number(0)], WHO, centre.clock.now())
        await centre.start(await centre.campaign(contacts=[number(0)]))
        await centre.sleep(30)
        assert not called(centre)
        assert "1 by opt-out" in centre.status().blocked
        assert centre.status().state is CampaignState.RUNNING
        await centre.records.lists.opt_in("*", [number(0)], WHO, centre.clock.now())
        await centre.until(lambda: called(centre) == {number(0)}, within=660)


@virtual
async def test_a_list_of_another_campaign_or_caller_does_not_bind() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=2.0)
        for scope in ("caller:somebody", "campaign:autumn"):
            await centre.records.lists.opt_out(scope, [number(0)], WHO, centre.clock.now())
        await centre.start(await centre.campaign(contacts=[number(0)]))
        await centre.ended(number(0))


@virtual
async def test_italy_calls_only_who_consented_and_was_checked() -> None:
    law = replace(LAX, consent_required=True, register=RegisterRule(name="RPO", max_age=timedelta(days=15)))
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=2.0)
        campaign = await centre.campaign(law=law, wrap_up=timedelta(0))
        now = centre.clock.now()
        consent = Consent(basis="consent", source="form", given_at=now - timedelta(days=9))
        new = [NewContact(number=number(i), consent=consent if i != 1 else None) for i in range(5)]
        await centre.records.add_contacts(campaign.id, new)
        answers = {number(0): False, number(1): False, number(2): True, number(3): False}
        await centre.records.lists.load_register(
            answers, now - timedelta(days=15) + timedelta(hours=1), WHO, now
        )
        await centre.start(campaign)
        await centre.ended(number(0))
        await centre.ended(number(3))
        await centre.sleep(60)
        assert called(centre) == {number(0), number(3)}

        row = await centre.records.campaign(campaign.id)
        assert row is not None
        forecast = await explainer(centre).forecast(row, centre.clock.now())
        assert forecast.contacts == 5
        assert forecast.done == 2
        # Those who were looked at are not due for ten minutes: that comes first.
        later = await explainer(centre).forecast(row, centre.clock.now() + timedelta(minutes=30))
        assert later.held == {CheckName.CONSENT: 1, CheckName.REGISTER: 2}
        stale = await explainer(centre).forecast(row, centre.clock.now() + timedelta(hours=2))
        assert stale.held == {CheckName.CONSENT: 1, CheckName.REGISTER: 2}


@virtual
async def test_no_phone_rings_outside_of_the_hours_nor_past_their_end() -> None:
    # The virtual day is a Monday, and begins at 10 o'clock in Rome.
    hours = parse_hours("mon-fri 10:01-10:03")
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = NoAnswer()
        campaign = await centre.campaign(
            contacts=[number(i) for i in range(50)], hours=hours, ring_timeout=timedelta(seconds=20)
        )
        await centre.start(campaign)
        await centre.sleep(55)
        assert not called(centre)
        await centre.sleep(600)
        began = [callee.dialed_at for callee in centre.telephony.callees]
        ended = [callee.ended_at for callee in centre.telephony.callees if callee.ended_at is not None]
        assert began
        assert min(began) >= 60
        assert max(ended) <= 180
        first_day = len(began)
        assert first_day < 50
        # The next day; nobody has to wait for it.
        centre.clock.leap(timedelta(hours=24) - timedelta(seconds=centre.time() - 60))
        await centre.until(lambda: len(centre.telephony.callees) > first_day)


@pytest.mark.parametrize(
    "changes",
    [
        {"law": replace(LAX, caller_id=CallerIdRule(required=True))},
        {"law": replace(LAX, played=Played.MESSAGE)},
        {"law": replace(LAX, ring_at_least=timedelta(seconds=31))},
        {"region": "IT-ZZ"},
    ],
)
def test_a_campaign_that_could_not_keep_its_law_does_not_start(changes: dict[str, Any]) -> None:
    @virtual
    async def test() -> None:
        async with call_centre(agents=1) as centre:
            campaign = await centre.campaign(contacts=[number(0)], **changes)
            with pytest.raises(Refused, match="not started"):
                await centre.start(campaign)
            assert not called(centre)

    test()


@virtual
async def test_explain_tells_every_check_now_and_then() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = NoAnswer()
        campaign = await centre.campaign(contacts=[number(0)], ring_timeout=timedelta(seconds=20))
        (before,) = await explainer(centre).explain(number(0), centre.clock.now())
        assert not before.callable
        failed = first_failed(before.checks)
        assert failed is not None
        assert failed.name is CheckName.CAMPAIGN
        assert [check.name for check in before.checks] == list(CheckName)
        await centre.start(campaign)
        await centre.ended(number(0))
        await centre.sleep(1)
        (now,) = await explainer(centre).explain(number(0), centre.clock.now())
        failed = first_failed(now.checks)
        assert failed is not None
        assert failed.name is CheckName.CONTACT
        (past,) = await explainer(centre).history(number(0))
        assert past.ended == "no-answer"
        assert all(check.passed for check in past.checks)
        names = {check.name for check in past.checks}
        assert names >= set(CheckName) - {CheckName.CAMPAIGN}
        assert await explainer(centre).explain(number(1), centre.clock.now()) == []


@virtual
async def test_audit_names_every_difference() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=2.0)
        campaign = await centre.campaign(contacts=[number(i) for i in range(3)], wrap_up=timedelta(0))
        await centre.start(campaign)
        await centre.ended(number(2))
        auditor = Auditor(centre.ledger, centre.records, KEY)
        assert (await auditor.audit(campaign, centre.clock.now())).clean
        centre.ledger._books(campaign).successes += 1
        audit = await auditor.audit(campaign, centre.clock.now())
        assert not audit.clean
        assert any(each.redis == "4" and each.records == "3" for each in audit.differences)


@virtual
async def test_audit_misses_a_suppression_that_was_lost() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=30.0)
        campaign = await centre.campaign(contacts=[number(0), number(1)], overdial=2.0, credit=100)
        await centre.start(campaign)
        silent = await centre.ended(number(1))
        assert silent.silent

        async def missing() -> list[str]:
            audit = await Auditor(centre.ledger, centre.records, KEY).audit(campaign, centre.clock.now())
            return [each.what for each in audit.differences if "suppression" in each.what]

        assert await missing() == []
        centre.ledger._callers[CALLER].held.clear()
        assert await missing() == [f"suppression of the person {KEY.of(number(1))}"]


@virtual
async def test_a_call_that_took_too_long_to_be_admitted_is_not_dialed() -> None:
    async with call_centre(agents=1) as centre:
        centre.telephony.habit = Answers(after=1.0, talks=2.0)
        campaign = await centre.campaign(contacts=[number(0)])
        centre.records_wire.held.add("attempt_started")
        await centre.start(campaign)
        await centre.sleep(5.5)
        centre.records_wire.held.clear()
        await centre.until(lambda: not centre.owners)
        assert not called(centre)
        assert not await centre.suppressed(number(0))
        await centre.until(lambda: called(centre) == {number(0)}, within=660)  # tried again later
