"""Whether the evidence is whole: the chain by itself, and the record beside it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.domain.evidence import GENESIS, Head, Kind, Sealed
from controller.domain.ids import CampaignId
from controller.ports import AttemptFact, Evidence, Records

_PAGE = 5000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 1000
"""Findings that are told one by one; more would say no more."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written.

    Attributes:
        place: such as ``entry 17`` or ``call 5f0c...``.
        what: what is wrong with it.
    """

    place: str
    what: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.place}: {self.what}"


@dataclass(slots=True)
class Verification:
    """The result.

    Attributes:
        entries: entries that were read.
        attempts: recorded attempts that were compared with them.
        head: the end of the chain as it was found.
    """

    entries: int = 0
    attempts: int = 0
    head: Head = field(default_factory=Head)
    findings: list[Finding] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Nothing was found."""
        return not self.findings

    def add(self, place: str, what: str) -> None:
        """Note a finding."""
        if len(self.findings) < _MOST:
            self.findings.append(Finding(place, what))


class Verifier:
    """Reads the whole chain, trusting nothing in it."""

    def __init__(self, evidence: Evidence, records: Records) -> None:
        self._evidence = evidence
        self._records = records

    async def verify(self, expected: Head | None = None) -> Verification:
        """Look for edited, missing, swapped and added entries, and for attempts that tell another story.

        Args:
            expected: an entry's number and hash as they were noted earlier, outside of the database: shows
                whether everything was written anew since.
        """
        found, told = Verification(), Story()
        chain = _Chain(found, expected)
        async for entry in self._entries():
            chain.take(entry)
            told.take(entry)
        chain.end(await self._evidence.head())
        for row in await self._records.campaigns():
            async for fact in self._facts(row.campaign.id):
                found.attempts += 1
                for what in told.differences(fact):
                    found.add(f"call {fact.call}", what)
        for call in sorted(told.untold):
            found.add(f"call {call}", "is in the evidence, but its attempt is not in the record")
        return found

    async def _entries(self) -> AsyncIterator[Sealed]:
        after = -1
        while page := await self._evidence.entries(after, _PAGE):
            for entry in page:
                yield entry
            after = page[-1].seq

    async def _facts(self, campaign: CampaignId) -> AsyncIterator[AttemptFact]:
        after: tuple[datetime, str] | None = None
        while page := await self._records.facts(campaign, after=after, limit=_PAGE):
            for fact in page:
                yield fact
            after = page[-1].placed, page[-1].call


class _Chain:
    """The chain, entry by entry."""

    def __init__(self, found: Verification, expected: Head | None) -> None:
        self._found = found
        self._expected = expected
        self._met = expected is None or expected.seq == 0

    def take(self, entry: Sealed) -> None:
        found, before = self._found, self._found.head
        place = f"entry {entry.seq}"
        if entry.seq > before.seq + 1:
            missing = (
                f"{before.seq + 1} to {entry.seq - 1}" if entry.seq > before.seq + 2 else str(entry.seq - 1)
            )
            found.add(place, f"follows entry {before.seq}: missing is {missing}")
        elif entry.seq <= before.seq:
            found.add(place, f"is out of order, after entry {before.seq}")
        # After a gap its hash cannot be right; but from what is stored the chain may go on.
        if entry.seq == before.seq + 1 and entry.expected_hash(_bytes(before.hash)) != entry.hash:
            found.add(place, "its content, its hash or its place is not what was written")
        if self._expected is not None and entry.seq == self._expected.seq:
            self._met = True
            if entry.hash != self._expected.hash:
                found.add(place, f"has the hash {entry.hash}, but {self._expected.hash} was noted")
        found.entries += 1
        found.head = Head(entry.seq, entry.hash)

    def end(self, noted: Head) -> None:
        found = self._found
        if noted != found.head:
            found.add(
                "end of the chain",
                f"the last entry is {found.head.seq} ({found.head.hash[:16]}...), but {noted.seq} "
                f"({noted.hash[:16]}...) was written down as the last",
            )
        if not self._met and self._expected is not None:
            found.add(f"entry {self._expected.seq}", "was noted, but is not there any more")


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return GENESIS  # what is no hash cannot be followed; the entry after it will be found, too


class Story:
    """What the evidence tells of each call, to be compared with its attempt."""

    def __init__(self) -> None:
        self._calls: dict[str, dict[str, Any]] = {}

    @property
    def untold(self) -> set[str]:
        """Calls that no attempt has been compared with."""
        return set(self._calls)

    def take(self, entry: Sealed) -> None:
        """Take an entry into account."""
        if not entry.call:
            return
        try:
            told = _told(entry)
        except (ValueError, TypeError, AttributeError):
            return  # its hash cannot be right either
        self._calls.setdefault(entry.call, {}).update(told)

    def differences(self, fact: AttemptFact) -> Iterator[str]:
        """How an attempt differs from what was told of it."""
        told = self._calls.pop(fact.call, None)
        if told is None:
            yield "is in the record, but the evidence knows nothing of it"
            return
        recorded = _recorded(fact)
        # Of a call whose start was only told when it was closed, the evidence says less.
        must_be_told = {name for name, value in recorded.items() if value is not None} - _AT_START
        for name in sorted(told.keys() | must_be_told):
            if told.get(name) != recorded[name]:
                yield f"{name} is {recorded[name]} in the record, {told.get(name)} in the evidence"


_AT_START = frozenset({"caller", "caller_number", "law", "covered", "guaranteed", "override"})


def _told(entry: Sealed) -> dict[str, Any]:
    body = json.loads(entry.body)
    told: dict[str, Any] = {"campaign": entry.campaign, "person": entry.person}
    match entry.kind:
        case Kind.ATTEMPT.value:
            told["placed"] = entry.at
            told |= {name: body[name] for name in _AT_START if name in body}
        case Kind.ANSWER.value:
            told["answered_at"] = entry.at
        case Kind.NOISE.value:
            told["noise_at"] = entry.at
        case Kind.BRIDGE.value:
            told["bridged_at"] = entry.at
            told["heard_at"] = _micros(datetime.fromisoformat(body["heard_at"])) if body["heard_at"] else None
        case Kind.HANG_UP.value:
            told["ended_at"] = entry.at
            told |= {name: body[name] for name in ("outcome", "answer_class", "ended_by", "cause", "sip")}
        case Kind.ANSWERER.value:
            told |= {"answerer": body["answerer"], "answer_class": body["answer_class"]}
    return told


def _recorded(fact: AttemptFact) -> dict[str, Any]:
    over = fact.outcome is not None
    return {
        "campaign": fact.campaign,
        "person": fact.person,
        "placed": _micros(fact.placed),
        "caller": fact.caller,
        "caller_number": fact.caller_number,
        "law": fact.law,
        "covered": fact.covered,
        "guaranteed": fact.guaranteed,
        "override": fact.override,
        "answered_at": _micros(fact.answered_at),
        "noise_at": _micros(fact.noise_at),
        "bridged_at": _micros(fact.bridged_at),
        "heard_at": _micros(fact.heard_at),
        "ended_at": _micros(fact.ended_at),
        "outcome": fact.outcome.value if fact.outcome else None,
        "answer_class": fact.answer_class.value if fact.answer_class else None,
        "answerer": fact.answerer.value if fact.answerer else None,
        "ended_by": fact.ended_by.value if fact.ended_by else None,
        "cause": fact.cause if over else None,
        "sip": fact.sip,
    }


def _micros(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // timedelta(microseconds=1)
