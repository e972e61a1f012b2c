"""Lists, evidence and people's data in memory: the twins of those in SQL, for tests and simulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from controller.domain.clearance import EVERYBODY, OptOut, RegisterCheck, Standing
from controller.domain.evidence import Entry, Head, Kind, Sealed, seal
from controller.domain.ids import E164
from controller.domain.instants import moment
from controller.domain.privacy import NumberKey
from controller.ports import Authorship
from controller.store.lists import list_entry
from controller.store.people import ERASED


class MemoryEvidence:
    """``Evidence`` (controller.ports) in memory."""

    def __init__(self, answer: Callable[[], None]) -> None:
        """An empty chain; ``answer`` raises while the store is told to fail."""
        self._answer = answer
        self._entries: list[Sealed] = []
        self._head = Head()

    def append(self, *entries: Entry) -> None:
        """Chain entries to the record."""
        for entry in entries:
            sealed = seal(entry, self._head)
            self._entries.append(sealed)
            self._head = Head(sealed.seq, sealed.hash)

    def about(self, person: str) -> list[dict[str, Any]]:
        """Entries about a person: of their own, and changes of lists that name them among others."""
        return [
            {name: getattr(entry, name) for name in Sealed.__slots__} | {"at": moment(entry.at).isoformat()}
            for entry in self._entries
            if entry.person == person or f'"{person}"' in entry.body
        ]

    async def note(self, *entries: Entry) -> None:
        """Append entries, all or none."""
        self._answer()
        self.append(*entries)

    async def head(self) -> Head:
        """The end of the chain."""
        self._answer()
        return self._head

    async def entries(self, after: int = 0, limit: int = 5000) -> Sequence[Sealed]:
        """Entries in order, from the one after ``after``."""
        self._answer()
        return [entry for entry in self._entries if entry.seq > after][:limit]

    async def entries_of(
        self,
        *,
        person: str = "",
        call: str = "",
        campaign: str = "",
        kinds: Sequence[Kind] = (),
        limit: int = 10_000,
    ) -> Sequence[Sealed]:
        """Entries that concern all of these, in order."""
        self._answer()
        wanted = {kind.value for kind in kinds}
        return [
            entry
            for entry in self._entries
            if (not person or entry.person == person)
            and (not call or entry.call == call)
            and (not campaign or entry.campaign == campaign)
            and (not wanted or entry.kind in wanted)
        ][:limit]


class MemoryLists:
    """``Lists`` (controller.ports) in memory."""

    def __init__(self, key: NumberKey, evidence: MemoryEvidence, answer: Callable[[], None]) -> None:
        """Empty lists whose changes go into ``evidence``."""
        self._key = key
        self._evidence = evidence
        self._answer = answer
        self._listed: dict[tuple[str, str], OptOut] = {}
        self._checked: dict[str, RegisterCheck] = {}

    async def standing(self, number: E164, binding: Sequence[str]) -> Standing:
        """What lists of these scopes and the register say of a number, now."""
        self._answer()
        return self.standing_of(self._key.of(number), binding)

    def standing_of(self, person: str, binding: Sequence[str], others: Sequence[str] = ()) -> Standing:
        """What lists of these scopes and the register say of a person; ``others`` are their other numbers."""
        found = [self._listed.get((scope, each)) for each in (person, *others) for scope in sorted(binding)]
        return Standing(
            opt_outs=[entry for entry in found if entry is not None], register=self._checked.get(person)
        )

    def of(self, person: str) -> list[dict[str, Any]]:
        """A person's entries on every list."""
        return [
            {"scope": entry.scope, "number": entry.number, "reason": entry.reason, "source": entry.source}
            for (_, listed), entry in sorted(self._listed.items())
            if listed == person
        ]

    async def opt_out(self, scope: str, numbers: Sequence[E164], who: Authorship, now: datetime) -> int:
        """Put numbers on a list, all or none; returns how many were not on it yet."""
        self._answer()
        before = len(self._listed)
        persons = {self._key.of(number): number for number in numbers}
        for person, number in persons.items():
            entry = OptOut(
                scope=scope,
                number=number,
                number_hash=person,
                reason=who.reason,
                source=who.source,
                author=who.author,
                added_at=now,
            )
            self._listed.setdefault((scope, person), entry)
        self._evidence.append(list_entry(Kind.OPT_OUT, list(persons), who, now, action="add", scope=scope))
        return len(self._listed) - before

    async def opt_in(self, scope: str, numbers: Sequence[E164], who: Authorship, now: datetime) -> int:
        """Take numbers off a list, all or none; returns how many were on it."""
        self._answer()
        persons = [self._key.of(number) for number in numbers]
        removed = [self._listed.pop((scope, person), None) for person in persons]
        self._evidence.append(list_entry(Kind.OPT_OUT, persons, who, now, action="remove", scope=scope))
        return sum(entry is not None for entry in removed)

    async def opt_outs(
        self, scope: str | None = None, *, after: tuple[str, str] = ("", ""), limit: int = 1000
    ) -> Sequence[OptOut]:
        """Entries in the order of (person, scope), from the one after ``after``, ``limit`` at most."""
        self._answer()
        ordered = sorted(self._listed.values(), key=lambda entry: (entry.number_hash, entry.scope))
        return [
            entry
            for entry in ordered
            if (entry.number_hash, entry.scope) > after and scope in (None, entry.scope)
        ][:limit]

    async def opt_out_counts(self) -> Mapping[str, int]:
        """How many entries each scope has."""
        self._answer()
        counts: dict[str, int] = {}
        for scope, _ in self._listed:
            counts[scope] = counts.get(scope, 0) + 1
        return counts

    async def load_register(
        self, answers: Mapping[E164, bool], checked_at: datetime, who: Authorship, now: datetime
    ) -> int:
        """Store what the register said (True: opposed) of each number; returns how many were stored."""
        self._answer()
        persons = {self._key.of(number): opposed for number, opposed in answers.items()}
        for person, opposed in persons.items():
            known = self._checked.get(person)
            if known is None or known.checked_at <= checked_at:
                self._checked[person] = RegisterCheck(
                    number_hash=person, checked_at=checked_at, opposed=opposed, source=who.source
                )
        checked = checked_at.isoformat()
        count = sum(answers.values())
        entry = list_entry(Kind.REGISTER, list(persons), who, now, checked_at=checked, opposed=count)
        self._evidence.append(entry)
        return len(answers)

    async def register_check(self, number: E164) -> RegisterCheck | None:
        """What the register said last of a number."""
        self._answer()
        return self._checked.get(self._key.of(number))

    async def register_counts(self, since: datetime) -> tuple[int, int]:
        """How many numbers are known, and how many of them were checked at or after ``since``."""
        self._answer()
        return len(self._checked), sum(check.checked_at >= since for check in self._checked.values())

    def forget(self, person: str, who: Authorship, now: datetime) -> int:
        """Erase a person's number from all lists, and put its hash on everybody's."""
        named = [key for key, entry in self._listed.items() if key[1] == person and entry.number is not None]
        for key in named:
            self._listed[key] = replace(self._listed[key], number=None)
        entry = OptOut(
            scope=EVERYBODY,
            number=None,
            number_hash=person,
            reason=ERASED,
            source=who.source,
            author=who.author,
            added_at=now,
        )
        self._listed.setdefault((EVERYBODY, person), entry)
        return len(named)
