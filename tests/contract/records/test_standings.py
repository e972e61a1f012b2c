"""Lists, register and consent bind the very next call."""

import asyncio
from dataclasses import replace

import pytest

from controller.domain.clearance import Check, CheckName
from controller.domain.contact import Consent, Contact
from controller.domain.evidence import Kind
from controller.domain.outcome import Outcome
from controller.law import IT_GARANTE_2014

from .builders import (
    ANNA,
    DAY,
    HOUR,
    NOW,
    SPRING,
    Store,
    admitted,
    begun,
    campaign,
    chain,
    end,
    kinds_of,
    new_contact,
    with_contacts,
)

CONSENT = Consent(basis="contract", source="form 7", given_at=NOW - 30 * DAY)
STRICT = replace(campaign(), law=IT_GARANTE_2014)


async def strict_contacts(records: Store, count: int) -> list[Contact]:
    """Contacts whom the Italian law allows to call, as far as the record store can tell."""
    await records.save_campaign(STRICT)
    new = [replace(new_contact(i), consent=CONSENT) for i in range(count)]
    await records.add_contacts(SPRING, new)
    await records.lists.load_register({each.number: False for each in new}, NOW - DAY, ANNA, NOW)
    return list(await records.due_contacts(SPRING, NOW, count))


@pytest.mark.parametrize(
    ("scope", "binds"),
    [
        ("*", True),
        ("caller:acme", True),
        ("campaign:spring", True),
        ("caller:other", False),
        ("campaign:autumn", False),
    ],
)
async def test_a_list_changed_meanwhile_refuses_the_start(records: Store, scope: str, binds: bool) -> None:
    (contact,) = await with_contacts(records, 1)
    await records.lists.opt_out(scope, [contact.number], ANNA, NOW)
    failed = await records.attempt_started(admitted(contact), campaign())
    assert (failed is not None) is binds
    assert len(await records.open_attempts()) == (not binds)
    assert len(await records.due_contacts(SPRING, NOW, 9)) == binds
    assert await kinds_of(records) == ([] if binds else ["attempt"])
    if failed is not None:
        assert failed.name is CheckName.OPT_OUT
        assert "asked during a call" in failed.why
        await records.lists.opt_in(scope, [contact.number], ANNA, NOW)
        await begun(records, admitted(contact))


async def test_register_and_consent_refuse_the_start(records: Store) -> None:
    fine, opposed, stale, no_basis = await strict_contacts(records, 4)
    await records.lists.load_register({opposed.number: True}, NOW, ANNA, NOW)
    late = NOW + 15 * DAY
    await records.lists.load_register({fine.number: False, no_basis.number: False}, late, ANNA, late)

    async def why_not(contact: Contact) -> CheckName | None:
        call = admitted(contact, f"call-{contact.id}", late)
        failed = await records.attempt_started(call, STRICT)
        return failed.name if failed else None

    assert await why_not(fine) is None
    assert await why_not(opposed) is CheckName.REGISTER
    assert await why_not(stale) is CheckName.REGISTER
    assert await why_not(replace(no_basis, consent=None)) is CheckName.CONSENT
    assert [call.contact.id for call in await records.open_attempts()] == [fine.id]


async def test_refused_and_accepted_in_one_group(records: Store) -> None:
    contacts = await with_contacts(records, 40)
    barred = {contact.number for contact in contacts[::3]}
    await records.lists.opt_out("*", sorted(barred), ANNA, NOW)
    answers = await asyncio.gather(
        *(
            records.attempt_started(admitted(contact, f"call-{contact.id}"), campaign())
            for contact in contacts
        )
    )
    assert [answer is not None for answer in answers] == [each.number in barred for each in contacts]
    recorded = {call.contact.number for call in await records.open_attempts()}
    assert recorded == {contact.number for contact in contacts} - barred
    told = [entry.call for entry in await chain(records) if entry.kind == Kind.ATTEMPT.value]
    assert sorted(told) == sorted(call.id for call in await records.open_attempts())


async def test_a_check_that_failed_before_is_not_overruled(records: Store) -> None:
    (contact,) = await with_contacts(records, 1)
    hours = Check(name=CheckName.HOURS, passed=False, why="after 22:00")
    assert await records.attempt_started(admitted(contact), campaign(), (hours,)) == hours
    assert await kinds_of(records) == []


async def test_another_controller_was_quicker(records: Store) -> None:
    done, put_off = await with_contacts(records, 2)
    await begun(records, admitted(done))
    await records.attempt_ended(end(admitted(done), Outcome.CONNECTED))
    await records.postpone([put_off.id], NOW + HOUR)
    for contact, words in ((done, "done"), (put_off, "put off until")):
        failed = await records.attempt_started(admitted(contact, "call-9"), campaign())
        assert failed is not None
        assert failed.name is CheckName.CONTACT
        assert words in failed.why


async def test_standings(records: Store) -> None:
    clear, listed, checked = await with_contacts(records, 3)
    assert await records.standings(campaign(), []) == {}
    await records.lists.opt_out("campaign:spring", [listed.number], ANNA, NOW)
    await records.lists.opt_out("campaign:autumn", [clear.number], ANNA, NOW)
    await records.lists.load_register({checked.number: True}, NOW, ANNA, NOW)
    found = await records.standings(campaign(), [clear, listed, checked])
    assert (list(found[clear.id].opt_outs), found[clear.id].register) == ([], None)
    (entry,) = found[listed.id].opt_outs
    assert (entry.scope, entry.number, entry.author) == ("campaign:spring", listed.number, "anna")
    register = found[checked.id].register
    assert register is not None
    assert (register.opposed, register.checked_at) == (True, NOW)
