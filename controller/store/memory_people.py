"""People's data in memory: the twin of those in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from controller.domain.call import Call
from controller.domain.evidence import Kind
from controller.domain.ids import E164, ContactId
from controller.ports import (
    Authorship,
    PersonFile,
    Reduced,
)
from controller.store.memory_leads import about_outward, forget_outward
from controller.store.people import call_under_way, people_entry
from controller.store.schema import DONE, IN_FLIGHT

if TYPE_CHECKING:
    from controller.store.memory_records import MemoryRecords, _Entry


def nameless(call: Call) -> Call:
    """A call of which nobody can tell any more whom it called."""
    return call.evolve(contact=replace(call.contact, number=E164(""), name="", attributes={}))


class MemoryPeople:
    """``People`` (controller.ports) in memory."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records

    async def person(self, number: E164) -> PersonFile:
        """Everything that is stored of a person."""
        records = self._records
        records._answer()
        person = records._key.of(number)
        contacts = [entry.contact for entry in self._theirs(number)]
        calls = [call for call in records._calls.values() if records._started[call.id].person == person]
        check = await records.lists.register_check(number)
        return PersonFile(
            number=number,
            person=person,
            contacts=[
                {
                    "id": contact.id,
                    "campaign": contact.campaign,
                    "number": contact.number,
                    "name": contact.name,
                    "attributes": dict(contact.attributes),
                }
                for contact in contacts
            ],
            attempts=[
                {"id": call.id, "campaign": call.contact.campaign, "number": call.contact.number}
                for call in calls
            ],
            opt_outs=records.lists.of(person),
            register=None if check is None else {"opposed": check.opposed, "source": check.source},
            evidence=records.evidence.about(person),
            **records.work.about([contact.id for contact in contacts]),
            **about_outward(records.outward, person, [contact.id for contact in contacts]),
        )

    async def erase(self, number: E164, who: Authorship, now: datetime) -> Reduced:
        """Erase number, name and attributes everywhere in the store; statistics and evidence stay."""
        records = self._records
        records._answer()
        person = records._key.of(number)
        entries = self._theirs(number)
        if any(entry.status == IN_FLIGHT for entry in entries):
            raise call_under_way(number)
        ids = {entry.contact.id for entry in entries}
        calls = [
            call
            for call in records._calls.values()
            if records._started[call.id].person == person or call.contact.id in ids
        ]
        known = (n for entry in entries for n in self._numbers(entry) if not n.startswith("#"))
        numbers = {number, *known}
        records.work.forget(ids, now)
        await forget_outward(records, [entry.contact for entry in entries], numbers, who, now)
        done = Reduced(
            contacts=self._anonymise(entries),
            attempts=self._unname(calls),
            opt_outs=sum(records.lists.forget(records._key.of(n), who, now) for n in sorted(numbers)),
        )
        records.evidence.append(people_entry(Kind.ERASURE, person, done, who, now))
        return done

    async def reduce(self, before: datetime, now: datetime, who: Authorship) -> Reduced:
        """Take the personal data out of what is older; statistics and evidence stay."""
        records = self._records
        records._answer()
        calls: dict[ContactId, list[bool]] = {}
        old = []
        for call in records._calls.values():
            over = call.ended_at is not None and call.ended_at < before
            calls.setdefault(call.contact.id, []).append(over)
            old += [call] * over
        done_with = [
            entry
            for key, entry in records._contacts.items()
            if entry.status == DONE and key in calls and all(calls[key])
        ]
        records.work.forget({entry.contact.id for entry in done_with}, now)
        records.work.forget_old(before)
        done = Reduced(contacts=self._anonymise(done_with), attempts=self._unname(old))
        if done != Reduced():
            entry = people_entry(Kind.RETENTION, "", done, who, now, before=before.isoformat())
            records.evidence.append(entry)
        return done

    def _anonymise(self, entries: Sequence[_Entry]) -> int:
        records, count = self._records, 0
        for entry in entries:
            contact = entry.contact
            if contact.number.startswith("#"):  # already
                continue
            alias = E164(f"#{entry.person}/{contact.id}")
            consent = contact.consent and replace(contact.consent, source="")
            habits = replace(contact.habits, hours=None)
            of = records._campaigns[contact.campaign]
            for number in self._numbers(entry):
                del of.by_number[number]
            of.by_number[alias] = contact.id
            entry.contact = replace(
                contact,
                number=alias,
                others=(),
                name="",
                email="",
                attributes={},
                tags=frozenset(),
                key="",
                consent=consent,
                habits=habits,
            )
            entry.status = DONE
            records._file(entry)
            count += 1
        return count

    def _theirs(self, number: E164) -> list[_Entry]:
        """Contacts that have this number, or had it before they were erased."""
        records, person = self._records, self._records._key.of(number)
        having = {of.by_number.get(number) for of in records._campaigns.values()}
        return [
            entry
            for entry in records._contacts.values()
            if entry.person == person or entry.contact.id in having
        ]

    def _numbers(self, entry: _Entry) -> list[E164]:
        """All numbers of a contact, those that the network does not know included."""
        of = self._records._campaigns[entry.contact.campaign]
        return [number for number, key in of.by_number.items() if key == entry.contact.id]

    def _unname(self, calls: Sequence[Call]) -> int:
        named = [call for call in calls if call.contact.number]
        self._records._calls |= {call.id: nameless(call) for call in named}
        return len(named)
