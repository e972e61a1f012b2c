"""What lasts beside the campaigns: do-not-call lists, the evidence, people's data. In the record store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from controller.domain.clearance import OptOut, RegisterCheck, Standing
from controller.domain.evidence import Entry, Head, Kind, Sealed
from controller.domain.ids import E164


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorship:
    """Who changed something, and why. Neither is ever empty.

    Attributes:
        source: a file's name, if it came from one.
    """

    author: str
    reason: str
    source: str = ""


class Lists(Protocol):
    """Do-not-call lists, and the answers of the opposition register. Each change is evidence, too."""

    async def opt_out(self, scope: str, numbers: Sequence[E164], who: Authorship, now: datetime) -> int:
        """Put numbers on a list, all or none; returns how many were not on it yet."""
        ...

    async def opt_in(self, scope: str, numbers: Sequence[E164], who: Authorship, now: datetime) -> int:
        """Take numbers off a list, all or none; returns how many were on it."""
        ...

    async def opt_outs(
        self, scope: str | None = None, *, after: tuple[str, str] = ("", ""), limit: int = 1000
    ) -> Sequence[OptOut]:
        """Entries in the order of (person, scope), from the one after ``after``, ``limit`` at most."""
        ...

    async def opt_out_counts(self) -> Mapping[str, int]:
        """How many entries each scope has."""
        ...

    async def load_register(
        self, answers: Mapping[E164, bool], checked_at: datetime, who: Authorship, now: datetime
    ) -> int:
        """Store what the register said (True: opposed) of each number; returns how many were stored.

        All or none; an older answer never replaces a newer one.
        """
        ...

    async def standing(self, number: E164, binding: Sequence[str]) -> Standing:
        """What lists of these scopes (domain.clearance.scopes) and the register say of a number, now."""
        ...

    async def register_check(self, number: E164) -> RegisterCheck | None:
        """What the register said last of a number."""
        ...

    async def register_counts(self, since: datetime) -> tuple[int, int]:
        """How many numbers are known, and how many of them were checked at or after ``since``."""
        ...


class Evidence(Protocol):
    """The chained record."""

    async def note(self, *entries: Entry) -> None:
        """Append entries, all or none."""
        ...

    async def head(self) -> Head:
        """The end of the chain as the store has it written down."""
        ...

    async def entries(self, after: int = 0, limit: int = 5000) -> Sequence[Sealed]:
        """Entries in order, from the one after ``after``; just as stored, trusted in nothing."""
        ...

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
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFile:
    """Everything that is stored of one person, as plain values fit for JSON.

    Attributes:
        contacts, attempts, opt_outs, register, evidence, dispositions, callbacks, skips, submissions,
            stage_changes: rows by column; times in ISO 8601, UTC.
    """

    number: E164
    person: str
    contacts: Sequence[Mapping[str, Any]] = ()
    attempts: Sequence[Mapping[str, Any]] = ()
    opt_outs: Sequence[Mapping[str, Any]] = ()
    register: Mapping[str, Any] | None = None
    evidence: Sequence[Mapping[str, Any]] = ()
    dispositions: Sequence[Mapping[str, Any]] = ()
    callbacks: Sequence[Mapping[str, Any]] = ()
    skips: Sequence[Mapping[str, Any]] = ()
    submissions: Sequence[Mapping[str, Any]] = ()
    stage_changes: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """How many rows were relieved of personal data."""

    contacts: int = 0
    attempts: int = 0
    opt_outs: int = 0


class People(Protocol):
    """Personal data: shown to the person, erased at their wish, reduced when their time is over."""

    async def person(self, number: E164) -> PersonFile:
        """Everything that is stored of a person."""
        ...

    async def erase(self, number: E164, who: Authorship, now: datetime) -> Reduced:
        """Erase number, name and attributes everywhere in the store; statistics and evidence stay.

        The number's keyed hash goes on the global do-not-call list: who wants to be forgotten is not called.

        Raises:
            Refused: a call to the number is under way.
        """
        ...

    async def reduce(self, before: datetime, now: datetime, who: Authorship) -> Reduced:
        """Take the personal data out of what is older; statistics and evidence stay.

        That is: out of attempts that ended before, and out of contacts with which the campaign is done and
        whose every attempt ended before.
        """
        ...
