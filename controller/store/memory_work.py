"""Scripts, dispositions and call-backs in memory: twins of those in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.domain.answer import Answerer
from controller.domain.call import Call
from controller.domain.callback import Callback, CallbackState, not_reached
from controller.domain.contact import PhoneNumber
from controller.domain.disposition import Effect, follows
from controller.domain.funnel import Stage
from controller.domain.ids import CallId, ContactId
from controller.domain.outcome import Outcome
from controller.domain.preview import Skip
from controller.domain.script import Question, Script
from controller.ports.work import Disposed, NewDisposition
from controller.store.attempt_rows import not_connected
from controller.store.call_evidence import answerer_entry
from controller.store.memory_callbacks import MemoryCallbacks, erased, mirror
from controller.store.memory_leads import MemoryLeads, Noted
from controller.store.memory_skips import MemorySkips
from controller.store.schema import PENDING
from controller.store.work_rows import (
    Said,
    kept_by,
    person_erased,
    same,
    stage_after,
)
from controller.store.work_settling import RULE

if TYPE_CHECKING:
    from controller.store.memory_records import MemoryRecords, _Entry


class MemoryScripts:
    """``Scripts`` (controller.ports.work) in memory."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self._scripts: dict[str, list[Script]] = {}

    async def save_script(
        self, name: str, body: str, questions: tuple[Question, ...], author: str, now: datetime
    ) -> Script:
        """Store the next version; returns the latest one, unchanged, if nothing is different."""
        self._records._answer()
        known = self._scripts.setdefault(name, [])
        if known and (known[-1].body, known[-1].questions) == (body, questions):
            return known[-1]
        made = Script(
            name=name,
            version=len(known) + 1,
            body=body,
            questions=questions,
            author=author,
            created_at=now,
        )
        known.append(made)
        return made

    async def script(self, name: str, version: int | None = None) -> Script | None:
        """A version; the latest one if none is named."""
        found = await self.versions(name, limit=2**31)
        return next((each for each in found if version in (None, each.version)), None)

    async def scripts(self) -> Sequence[Script]:
        """The latest version of every script, by name."""
        self._records._answer()
        return [self._scripts[name][-1] for name in sorted(self._scripts)]

    async def versions(self, name: str, limit: int = 100) -> Sequence[Script]:
        """A script's versions, the latest first, ``limit`` at most."""
        self._records._answer()
        return self._scripts.get(name, [])[::-1][:limit]


class MemoryWork(MemoryScripts, MemoryCallbacks, MemorySkips):
    """``Work`` (controller.ports.work) in memory."""

    def __init__(self, records: MemoryRecords, leads: MemoryLeads) -> None:
        """Nothing said yet, beside a store in memory; the funnel is told what is."""
        MemoryScripts.__init__(self, records)
        MemoryCallbacks.__init__(self, records)
        MemorySkips.__init__(self, records)
        self._leads = leads
        self._said: list[Said] = []

    async def dispose(self, new: NewDisposition) -> tuple[Disposed, bool]:
        """Store what came of a call, with what follows for its contact."""
        records = self._records
        records._answer()
        call = records._calls.get(new.call)
        reached = call is not None and (
            call.outcome is Outcome.CONNECTED or (call.outcome is None and new.talking)
        )
        if call is None or not reached:
            raise not_connected(new.call)
        entry = records._contacts[call.contact.id]
        if erased(entry):
            if new.promise is not None:
                raise person_erased(call.contact.id)
            new = replace(new, notes="", answers={})
        said, promise = self._last(call.id), self._open(call.contact.id)
        if said is not None and same(said, new, promise if promise and promise.call == call.id else None):
            return self._shown(said), False
        said = self._store(new, call, said)
        if promise is not None:
            promise = self._kept(promise, new)
        if new.promise is not None:
            promise = self._add(entry, new.promise, new.author, new.at, call.id)
        if call.outcome is not None:
            self._settle(call, said, promise)
        return self._shown(said), True

    def _store(self, new: NewDisposition, call: Call, last: Said | None) -> Said:
        stages, contact, kind = self._leads.stages, call.contact.id, new.disposition.kind
        before, stages[contact] = stage_after(stages.get(contact, Stage.CONTACT), last, kind.stage)
        disposed = Disposed(
            id=len(self._said) + 1,
            call=call.id,
            campaign=call.contact.campaign,
            contact=contact,
            code=new.disposition.code,
            kind=kind,
            stage=kind.stage,
            author=new.author,
            at=new.at,
            notes=new.notes,
            answers=dict(new.answers),
            script=new.script,
            script_version=new.script_version,
        )
        made = Said(
            disposed=disposed, effect=new.disposition.effect.value, due_at=new.due_at, stage_before=before
        )
        self._said.append(made)
        self._leads.noted.append(
            Noted(
                call=call.id,
                contact=contact,
                campaign=call.contact.campaign,
                code=new.disposition.code,
                at=new.at,
                script=new.script,
                script_version=new.script_version,
                agent=call.agent,
                stage=kind.stage,
            )
        )
        return made

    def _kept(self, promise: Callback, new: NewDisposition) -> Callback | None:
        before = kept_by(promise, new.call, self._records._started[new.call].placed, new.at)
        replaced = new.promise is not None or new.disposition.effect is Effect.OPT_OUT
        if not replaced and promise.call != new.call:
            return promise
        self._end(promise, CallbackState.DONE if before else CallbackState.CANCELLED, new.at)
        return None

    async def dispositions(
        self, *, call: CallId | None = None, contact: ContactId | None = None, limit: int = 1000
    ) -> Sequence[Disposed]:
        """What was said of a call, or of all calls to a contact, the latest first."""
        self._records._answer()
        found = (self._shown(said) for said in reversed(self._said))
        return [one for one in found if call in (None, one.call) and contact in (None, one.contact)][:limit]

    def _last(self, call: CallId) -> Said | None:
        return next((said for said in reversed(self._said) if said.disposed.call == call), None)

    def _shown(self, said: Said) -> Disposed:
        return replace(said.disposed, agent=self._records._calls[said.disposed.call].agent)

    # --- settling, as in work_settling

    def ended(self, call: Call) -> None:
        """Settle a call whose end has just been recorded."""
        said, promise = self._last(call.id), self._open(call.contact.id)
        if said is not None or promise is not None:
            self._settle(call, said, promise)

    def _settle(self, call: Call, said: Said | None, promise: Callback | None) -> None:
        records, connected = self._records, call.outcome is Outcome.CONNECTED
        entry, started = records._contacts[call.contact.id], records._started[call.id]
        if said is not None and connected:
            self._say_who_picked_up(call, said)
        later = (
            other
            for other in records._calls.values()
            if other.contact.id == call.contact.id
            and other.id != call.id
            and records._started[other.id].placed > started.placed
        )
        if erased(entry) or entry.current_call is not None or any(later):
            return
        ended = call.ended_at or started.placed
        mine = promise is not None and kept_by(promise, call.id, started.placed, ended)
        if connected:
            if promise is not None and mine:
                self._end(promise, CallbackState.DONE, ended)
                promise = None
            self._after_conversation(call, said, promise, entry)
            return
        if promise is not None:
            promise = self._not_reached(call, promise, entry, mine=mine)
        if said is not None:
            hour = promise.at if promise else None
            follow = follows(Effect(said.effect), said.due_at, callback_at=hour, other_numbers=False)
            due = follow.due_at
            self._put(entry, due and max(due, entry.contact.due_at or due))

    def _not_reached(self, call: Call, promise: Callback, entry: _Entry, *, mine: bool) -> Callback | None:
        counts = mine and call.outcome is not None and not call.outcome.counts_as_silent
        next_due = entry.contact.due_at if entry.status == PENDING else None
        after = not_reached(promise, call.ended_at or promise.at, next_due, RULE, counts=counts)
        self._callbacks[promise.id] = after
        if after.state is not CallbackState.OPEN:
            mirror(entry, None, None)
            return None
        mirror(entry, after.at, after.agent)
        self._put(entry, after.at)
        return after

    def _after_conversation(
        self, call: Call, said: Said | None, promise: Callback | None, entry: _Entry
    ) -> None:
        if said is None:
            if promise is not None:
                self._put(entry, promise.at)
            return
        contact, dialed = entry.contact, call.contact.number
        numbers = (PhoneNumber(number=contact.number, kind=contact.kind), *contact.others)
        others = tuple(each for each in numbers if each.number != dialed)
        hour = promise.at if promise else None
        follow = follows(Effect(said.effect), said.due_at, callback_at=hour, other_numbers=bool(others))
        if follow.next_number:
            self._number(entry, others)
        elif dialed and len(others) == len(numbers):
            self._number(entry, (PhoneNumber(number=dialed), *others))
        self._put(entry, follow.due_at)

    def _number(self, entry: _Entry, numbers: Sequence[PhoneNumber]) -> None:
        first, *rest = numbers
        entry.contact = replace(entry.contact, number=first.number, kind=first.kind, others=tuple(rest))
        entry.person = self._records._key.of(first.number)

    def _say_who_picked_up(self, call: Call, said: Said) -> None:
        records, disposed = self._records, said.disposed
        answerer, known = disposed.kind.answerer, records._answerers.get(call.id)
        if known is answerer or (known is None and answerer is Answerer.PERSON):
            return
        records._answerers[call.id] = answerer
        person = records._started[call.id].person
        records.evidence.append(answerer_entry(call, person, answerer, disposed.author, disposed.at))

    # --- people

    def about(self, contacts: Collection[ContactId]) -> dict[str, Any]:
        """What was said of these contacts, promised to them, and who skipped them, as plain values."""
        said = (self._shown(said) for said in self._said if said.disposed.contact in contacts)
        promised = (each for each in self._callbacks.values() if each.contact in contacts)
        skips = sorted(
            (each for each in self._skips.values() if each.contact in contacts),
            key=lambda skip: (skip.at, skip.offer),
        )
        return {
            "dispositions": [_plain(one) for one in said],
            "callbacks": [_plain(one) for one in promised],
            "skips": [_plain(one) for one in skips],
        }

    def forget(self, contacts: Collection[ContactId], now: datetime) -> None:
        """Blank notes, answers and call-back notes of contacts; what was promised to them is taken back."""
        self._said = [_blank(said) if said.disposed.contact in contacts else said for said in self._said]
        for each in list(self._callbacks.values()):
            if each.contact in contacts:
                self._callbacks[each.id] = replace(each, note="")
                if each.state is CallbackState.OPEN:
                    self._end(each, CallbackState.CANCELLED, now)

    def forget_old(self, before: datetime) -> None:
        """Blank notes and answers that are older."""
        self._said = [_blank(said) if said.disposed.at < before else said for said in self._said]
        for each in list(self._callbacks.values()):
            if each.ended_at is not None and each.ended_at < before:
                self._callbacks[each.id] = replace(each, note="")


def _blank(said: Said) -> Said:
    return replace(said, disposed=replace(said.disposed, notes="", answers={}))


def _plain(one: Disposed | Callback | Skip) -> dict[str, Any]:
    values = ((each.name, getattr(one, each.name)) for each in fields(one))
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values}


def memory_work(records: MemoryRecords) -> MemoryWork:
    """What agents do with their calls, beside a record store in memory and its funnel."""
    leads = records.outward.leads
    if not isinstance(leads, MemoryLeads):
        raise TypeError("a store in memory counts its leads in memory")
    return MemoryWork(records, leads)
