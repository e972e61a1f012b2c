"""Things that agents say."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from controller.domain.callback import Callback, CallbackState, Promise
from controller.domain.contact import Contact, NewContact, NumberKind, PhoneNumber
from controller.domain.disposition import Disposition, default_dispositions, wish_of
from controller.domain.ids import E164, AgentId, CallId, ContactId
from controller.domain.outcome import Outcome
from controller.ports import ListedContact
from controller.ports.work import NewDisposition
from tests.contract.records.builders import (
    HOUR,
    NOW,
    SPRING,
    Store,
    admitted,
    begun,
    campaign,
    end,
)

SAID = NOW + timedelta(seconds=20)
TOMORROW = NOW + 24 * HOUR
ANNA_1001 = AgentId("1001")


def word(code: str) -> Disposition:
    found = default_dispositions().of(code)
    assert found is not None
    return found


def saying(
    code: str,
    call: str = "call-1",
    *,
    at: datetime = SAID,
    promise: Promise | None = None,
    **more: Any,
) -> NewDisposition:
    disposition = word(code)
    values: dict[str, Any] = {"due_at": wish_of(disposition, at), "talking": True} | more
    return NewDisposition(
        call=CallId(call), disposition=disposition, author="1001", at=at, promise=promise, **values
    )


def promise(at: datetime = TOMORROW, agent: AgentId | None = ANNA_1001, note: str = "") -> Promise:
    return Promise(at=at, agent=agent, note=note)


async def ring(records: Store, contact: Contact, name: str = "call-1", at: datetime = NOW) -> None:
    await begun(records, admitted(contact, name, at))


async def hang_up(
    records: Store,
    contact: Contact,
    name: str = "call-1",
    *,
    outcome: Outcome = Outcome.CONNECTED,
    due: datetime | None = None,
    at: datetime = NOW,
) -> None:
    over = end(admitted(contact, name, at), outcome, due, counts=outcome.uses_up_an_attempt)
    ended = over.call.evolve(admitted_at=at, ended_at=at + timedelta(seconds=15))
    await records.attempt_ended(replace(over, call=ended))


async def spoken(records: Store, contact: Contact, name: str = "call-1", at: datetime = NOW) -> None:
    """A contact gets a call and speaks with an agent."""
    await ring(records, contact, name, at)
    await hang_up(records, contact, name, at=at)


async def hour_came(records: Store, at: datetime) -> list[Contact]:
    """Contacts whose call-back is due: no others are called then because of it."""
    return [due.contact for due in await records.work.due_callbacks(SPRING, at, timedelta())]


async def with_numbers(records: Store, *more: str) -> Contact:
    """A campaign with one contact, which has these numbers beside its first one."""
    await records.save_campaign(campaign())
    others = tuple(PhoneNumber(number=E164(number), kind=NumberKind.WORK) for number in more)
    new = NewContact(number=E164("+393470000000"), kind=NumberKind.MOBILE, others=others, name="Ada")
    await records.add_contacts(SPRING, [new])
    (contact,) = await records.due_contacts(SPRING, NOW, 9)
    return contact


async def listed(records: Store, contact: ContactId) -> ListedContact:
    found = await records.contacts(SPRING)
    return next(one for one in found if one.contact.id == contact)


async def with_two_of_two(records: Store) -> tuple[Contact, Contact]:
    """A campaign with two contacts, each with two numbers."""
    await records.save_campaign(campaign())
    for i in range(2):
        other = PhoneNumber(number=E164(f"+39061111111{i}"))
        new = NewContact(number=E164(f"+39347000000{i}"), others=(other,), name=f"Name {i}")
        await records.add_contacts(SPRING, [new])
    one, two = await records.due_contacts(SPRING, NOW, 9)
    return one, two


async def state(records: Store, contact: ContactId, call: str = "call-1") -> dict[str, Any]:
    """All that could depend on the order in which things were recorded."""
    now = await listed(records, contact)
    (fact,) = [each for each in await records.facts(SPRING) if each.call == call]
    promised = await records.work.callbacks(contact=contact)
    return {
        "done": now.done,
        "in_flight": now.in_flight,
        "due_at": now.contact.due_at,
        "callback": (now.contact.callback_at, now.contact.callback_for),
        "numbers": len(now.contact.every_number),
        "first number": now.contact.number.startswith("+39347"),
        "attempts": now.contact.attempts,
        "operator_due": now.contact.operator_due,
        "class": fact.answer_class,
        "answerer": fact.answerer,
        "promised": [(each.at, each.agent, each.state, each.tries) for each in promised],
    }


async def only_callback(records: Store) -> Callback:
    (found,) = await records.work.callbacks(state=CallbackState.OPEN)
    return found
