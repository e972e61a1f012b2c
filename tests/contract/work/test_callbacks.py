"""Promises to call: kept, moved, taken back, missed."""

from datetime import timedelta

import pytest

from controller.domain.callback import CallbackState, Promise
from controller.domain.contact import Contact
from controller.domain.ids import AgentId, ContactId
from controller.domain.outcome import Outcome
from controller.errors import BadInput, Refused
from controller.ports import Authorship
from controller.store.work_settling import RULE
from tests.contract.records.builders import DAY, HOUR, NOW, SPRING, Store, campaign, with_contacts

from .builders import (
    ANNA_1001,
    TOMORROW,
    hang_up,
    hour_came,
    listed,
    only_callback,
    promise,
    ring,
    saying,
    spoken,
)

WHO = Authorship(author="dora", reason="asked")
MINUTE = timedelta(minutes=1)


async def promised(records: Store, **more: AgentId | None) -> Contact:
    (ada,) = await with_contacts(records, 1)
    await records.work.promise(ada.id, promise(**more), "dora", NOW)  # type: ignore[arg-type]
    return ada


async def tried(records: Store, name: str, outcome: Outcome, at: timedelta, due: timedelta | None) -> None:
    """The one contact is called, and nobody reached."""
    when = TOMORROW + at
    (contact,) = await hour_came(records, when)
    await ring(records, contact, name, when)
    next_due = None if due is None else when + due
    await hang_up(records, contact, name, outcome=outcome, due=next_due, at=when)


async def test_a_promise_outside_of_a_call(records: Store) -> None:
    ada = await promised(records)
    made = await only_callback(records)
    assert (made.campaign, made.contact, made.at, made.agent) == (SPRING, ada.id, TOMORROW, ANNA_1001)
    assert (made.author, made.created_at, made.call, made.tries, made.ended_at) == (
        "dora",
        NOW,
        None,
        0,
        None,
    )
    assert await records.work.callback(made.id) == made
    now = (await listed(records, ada.id)).contact
    assert (now.due_at, now.callback_at, now.callback_for) == (TOMORROW, TOMORROW, ANNA_1001)
    assert await hour_came(records, TOMORROW - MINUTE) == []


async def test_there_is_one_at_most_for_a_contact(records: Store) -> None:
    ada = await promised(records)
    second = await records.work.promise(ada.id, promise(TOMORROW + DAY, None), "dora", NOW)
    assert await only_callback(records) == second
    now = (await listed(records, ada.id)).contact
    assert (now.due_at, now.callback_for) == (TOMORROW + DAY, None)


async def test_a_contact_that_was_done_is_called_once_more(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await spoken(records, ada)
    assert (await listed(records, ada.id)).done
    await records.work.promise(ada.id, promise(), "dora", NOW + HOUR)
    assert [one.id for one in await hour_came(records, TOMORROW)] == [ada.id]


async def test_promised_by_somebody_else_while_the_contact_is_being_called(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    await records.work.promise(ada.id, promise(), "dora", NOW + MINUTE)
    assert (await listed(records, ada.id)).in_flight
    await records.work.dispose(saying("not-interested", at=NOW + MINUTE))
    await hang_up(records, ada)
    assert (await listed(records, ada.id)).contact.due_at == TOMORROW  # it was not for this call
    assert (await only_callback(records)).at == TOMORROW


async def test_promised_for_at_once_during_a_call_it_is_not_that_call(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    soon = NOW + timedelta(seconds=10)
    await records.work.promise(ada.id, promise(soon), "dora", NOW + timedelta(seconds=5))
    await hang_up(records, ada)  # after that hour
    assert (await only_callback(records)).at == soon
    assert not (await listed(records, ada.id)).done


async def test_a_call_that_was_not_for_it_is_no_try(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    await records.work.promise(ada.id, promise(), "dora", NOW + timedelta(seconds=5))
    await hang_up(records, ada, outcome=Outcome.BUSY, due=NOW + HOUR)
    made = await only_callback(records)
    assert (made.tries, made.at) == (0, TOMORROW)
    assert (await listed(records, ada.id)).contact.due_at == TOMORROW


async def test_who_does_not_want_to_be_called_is_promised_nothing_by_anybody(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    await records.work.promise(ada.id, promise(), "dora", NOW + timedelta(seconds=5))
    await records.work.dispose(saying("do-not-call"))
    await hang_up(records, ada)
    assert [made.state for made in await records.work.callbacks()] == [CallbackState.CANCELLED]
    now = await listed(records, ada.id)
    assert (now.done, now.contact.callback_at) == (True, None)


async def test_to_nobody_and_to_the_erased_nothing_is_promised(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    with pytest.raises(BadInput, match="no contact"):
        await records.work.promise(ContactId(99), promise(), "dora", NOW)
    await records.people.erase(ada.number, WHO, NOW)
    with pytest.raises(Refused, match="erased"):
        await records.work.promise(ada.id, promise(), "dora", NOW)
    assert await records.work.callbacks() == []


# --- kept, and not


async def test_reached_it_is_done(records: Store) -> None:
    ada = await promised(records)
    (due,) = await hour_came(records, TOMORROW)
    await spoken(records, due, at=TOMORROW)
    (made,) = await records.work.callbacks()
    assert (made.state, made.ended_at) == (CallbackState.DONE, TOMORROW + timedelta(seconds=15))
    now = await listed(records, ada.id)
    assert (now.done, now.contact.callback_at, now.contact.callback_for) == (True, None, None)


async def test_not_reached_it_is_tried_again_beyond_the_retry_rule_and_then_missed(records: Store) -> None:
    ada = await promised(records)
    again = timedelta(seconds=15) + RULE.again
    await tried(records, "call-1", Outcome.NO_ANSWER, timedelta(), None)
    assert await hour_came(records, TOMORROW + again - timedelta(microseconds=1)) == []
    waiting = (await listed(records, ada.id)).contact
    assert (waiting.due_at, waiting.callback_at) == (TOMORROW + again, TOMORROW + again)
    await tried(records, "call-2", Outcome.BUSY, again, None)
    assert (await only_callback(records)).tries == 2
    assert (await listed(records, ada.id)).contact.callback_for == ANNA_1001
    await tried(records, "call-3", Outcome.NO_ANSWER, 2 * again, None)
    (made,) = await records.work.callbacks()
    assert (made.state, made.tries) == (CallbackState.MISSED, RULE.tries)
    now = await listed(records, ada.id)
    assert (now.done, now.contact.callback_at) == (True, None)


async def test_an_end_told_twice_is_one_try(records: Store) -> None:
    await promised(records)
    (due,) = await hour_came(records, TOMORROW)
    await ring(records, due, at=TOMORROW)
    for _ in range(2):
        await hang_up(records, due, outcome=Outcome.BUSY, due=TOMORROW + HOUR, at=TOMORROW)
    assert (await only_callback(records)).tries == 1


async def test_a_longer_pause_of_the_retry_rule_holds(records: Store) -> None:
    ada = await promised(records)
    await tried(records, "call-1", Outcome.REJECTED, timedelta(), DAY)
    assert (await listed(records, ada.id)).contact.due_at == TOMORROW + DAY


async def test_once_missed_the_retry_rule_alone_decides(records: Store) -> None:
    ada = await promised(records)
    for i in range(RULE.tries):
        await tried(records, f"call-{i}", Outcome.BUSY, i * HOUR, 30 * MINUTE)
    now = await listed(records, ada.id)
    assert not now.done
    assert now.contact.due_at == TOMORROW + (RULE.tries - 1) * HOUR + 30 * MINUTE
    assert await records.work.callbacks(state=CallbackState.OPEN) == []


@pytest.mark.parametrize("outcome", [Outcome.SILENT, Outcome.LOST])
async def test_a_silent_call_is_no_try_and_the_law_says_when(records: Store, outcome: Outcome) -> None:
    ada = await promised(records)
    await tried(records, "call-1", outcome, timedelta(), 5 * DAY)
    assert (await only_callback(records)).tries == 0
    now = (await listed(records, ada.id)).contact
    assert (now.due_at, now.operator_due) == (TOMORROW + 5 * DAY, True)
    assert (await only_callback(records)).at == TOMORROW + 5 * DAY


# --- moved, taken back


async def test_moved_to_another_hour_and_another_agent(records: Store) -> None:
    ada = await promised(records)
    made = await only_callback(records)
    moved = await records.work.move(made.id, TOMORROW + HOUR, NOW, agent=AgentId("1002"))
    assert (moved.id, moved.at, moved.agent, moved.tries) == (made.id, TOMORROW + HOUR, "1002", 0)
    now = (await listed(records, ada.id)).contact
    assert (now.due_at, now.callback_at, now.callback_for) == (TOMORROW + HOUR, TOMORROW + HOUR, "1002")
    moved = await records.work.move(made.id, TOMORROW + 2 * HOUR, NOW, missed=True)
    assert (moved.tries, moved.agent) == (1, None)
    assert await only_callback(records) == moved


async def test_put_off_again_and_again_it_is_missed(records: Store) -> None:
    ada = await promised(records)
    made = await only_callback(records)
    for i in range(1, RULE.tries):
        moved = await records.work.move(made.id, TOMORROW + i * HOUR, TOMORROW, agent=ANNA_1001, missed=True)
        assert (moved.state, moved.tries) == (CallbackState.OPEN, i)
    later = TOMORROW + DAY
    missed = await records.work.move(made.id, later, TOMORROW + HOUR, agent=ANNA_1001, missed=True)
    assert (missed.state, missed.ended_at) == (CallbackState.MISSED, TOMORROW + HOUR)
    now = await listed(records, ada.id)
    assert (now.done, now.contact.due_at, now.contact.callback_at) == (False, later, None)
    with pytest.raises(Refused, match="is missed"):
        await records.work.move(made.id, later, TOMORROW)


async def test_moved_during_a_call_it_holds_after_it(records: Store) -> None:
    ada = await promised(records)
    (due,) = await hour_came(records, TOMORROW)
    await ring(records, due, at=TOMORROW)
    made = await only_callback(records)
    await records.work.move(made.id, TOMORROW + DAY, TOMORROW)
    assert (await listed(records, ada.id)).in_flight
    await hang_up(records, due, outcome=Outcome.BUSY, due=TOMORROW + HOUR, at=TOMORROW)
    assert (await only_callback(records)).at == TOMORROW + DAY
    assert (await listed(records, ada.id)).contact.due_at == TOMORROW + DAY


async def test_moved_in_the_conversation_it_is_not_ended_by_it(records: Store) -> None:
    ada = await promised(records)
    (due,) = await hour_came(records, TOMORROW)
    await ring(records, due, at=TOMORROW)
    await records.work.move((await only_callback(records)).id, TOMORROW + DAY, TOMORROW)
    await hang_up(records, due, at=TOMORROW)
    assert (await only_callback(records)).at == TOMORROW + DAY
    assert (await listed(records, ada.id)).contact.due_at == TOMORROW + DAY


async def test_taken_back_a_fresh_contact_is_called_as_any(records: Store) -> None:
    ada = await promised(records)
    made = await only_callback(records)
    over = await records.work.cancel(made.id, NOW + HOUR)
    assert (over.state, over.ended_at) == (CallbackState.CANCELLED, NOW + HOUR)
    now = (await listed(records, ada.id)).contact
    assert (now.callback_at, now.callback_for) == (None, None)
    assert [one.id for one in await records.due_contacts(SPRING, NOW + HOUR, 9)] == [ada.id]


async def test_taken_back_a_contact_that_was_spoken_with_is_done(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await spoken(records, ada)
    await records.work.dispose(saying("call-back", promise=promise()))
    await records.work.cancel((await only_callback(records)).id, NOW + HOUR)
    assert (await listed(records, ada.id)).done


async def test_taken_back_before_the_call_ends(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    await ring(records, ada)
    await records.work.dispose(saying("call-back", promise=promise()))
    await records.work.cancel((await only_callback(records)).id, NOW + HOUR)
    assert (await listed(records, ada.id)).in_flight
    await hang_up(records, ada)
    assert (await listed(records, ada.id)).done


async def test_taken_back_a_contact_that_had_its_attempts_is_done(records: Store) -> None:
    (ada,) = await with_contacts(records, 1)
    for i in range(campaign().retry.max_attempts):
        at = NOW + i * HOUR
        (due,) = await records.due_contacts(SPRING, at, 1)
        await ring(records, due, f"call-{i}", at)
        more = i + 1 < campaign().retry.max_attempts
        next_due = at + HOUR if more else None
        await hang_up(records, due, f"call-{i}", outcome=Outcome.BUSY, due=next_due, at=at)
    await records.work.promise(ada.id, promise(), "dora", NOW + 9 * HOUR)
    assert not (await listed(records, ada.id)).done
    await records.work.cancel((await only_callback(records)).id, NOW + 10 * HOUR)
    assert (await listed(records, ada.id)).done


async def test_what_is_over_stays_as_it_is(records: Store) -> None:
    await promised(records)
    made = await only_callback(records)
    await records.work.cancel(made.id, NOW)
    with pytest.raises(Refused, match="is cancelled"):
        await records.work.cancel(made.id, NOW)
    with pytest.raises(Refused, match="is cancelled"):
        await records.work.move(made.id, TOMORROW, NOW)
    for call in (records.work.cancel(99, NOW), records.work.move(99, TOMORROW, NOW)):
        with pytest.raises(BadInput, match="no call-back 99"):
            await call
    assert await records.work.callback(99) is None


# --- listed


async def test_listed_by_campaign_agent_state_and_page(records: Store) -> None:
    contacts = await with_contacts(records, 4)
    for i, contact in enumerate(contacts):
        agent = ANNA_1001 if i % 2 else None
        hour = Promise(at=TOMORROW + (4 - i // 2) * HOUR, agent=agent)
        await records.work.promise(contact.id, hour, "dora", NOW)
    first = (await records.work.callbacks())[0]
    await records.work.cancel(first.id, NOW)
    every = await records.work.callbacks(campaign=SPRING)
    assert [(one.at - TOMORROW) / HOUR for one in every] == [3, 3, 4, 4]
    assert every[0].id < every[1].id
    assert [one.id for one in await records.work.callbacks(agent=ANNA_1001)] == [every[1].id, every[3].id]
    assert [one.id for one in await records.work.callbacks(state=CallbackState.CANCELLED)] == [first.id]
    page = await records.work.callbacks(limit=2)
    last = page[-1]
    assert [*page, *await records.work.callbacks(after=(last.at, last.id))] == every
    assert await records.work.callbacks(contact=contacts[0].id) == [
        one for one in every if one.contact == contacts[0].id
    ]


async def test_those_whose_hour_comes(records: Store) -> None:
    soon, now, later, _none = await with_contacts(records, 4)
    for contact, at in ((soon, TOMORROW + MINUTE), (now, TOMORROW), (later, TOMORROW + HOUR)):
        await records.work.promise(contact.id, promise(at), "dora", NOW)

    async def due(ahead: timedelta) -> list[ContactId]:
        found = await records.work.due_callbacks(SPRING, TOMORROW, ahead)
        assert all(one.callback.contact == one.contact.id for one in found)
        return [one.contact.id for one in found]

    assert await due(timedelta()) == [now.id]
    assert await due(2 * MINUTE) == [now.id, soon.id]
    (called, *_) = await hour_came(records, TOMORROW)
    await ring(records, called, at=TOMORROW)
    assert await due(2 * MINUTE) == [soon.id]
    assert [one.contact.name for one in await records.work.due_callbacks(SPRING, TOMORROW, DAY, 1)] == [
        soon.name
    ]
