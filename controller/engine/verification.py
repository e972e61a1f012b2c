"""Whether the evidence is whole: the chain by itself, and the record beside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from controller.domain.answer import AnswerClass
from controller.domain.evidence import GENESIS, Head, Kind, Sealed
from controller.domain.ids import CampaignId
from controller.domain.instants import micros
from controller.engine.pages import facts_of
from controller.ports import AttemptFact, Evidence, Records

_PAGE = 5000
_AT_A_TIME = 200
"""Entries or attempts that are looked at without giving way."""
_LOOKS = 5
"""How often a call that changes while it is looked at is looked at again."""
_BEFORE_ALL = -(2**63)
"""Before any number that a column can hold: entries with impossible numbers are to be found, too."""
_MOST = 1000
"""Findings that are told one by one; more would say no more."""


def printable(text: str) -> str:
    """Text in which bytes that were no text are written out; they can be neither printed nor sent."""
    return text.encode("utf-8", "backslashreplace").decode()


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

    @property
    def full(self) -> bool:
        """So much was found that no more is noted."""
        return len(self.findings) >= _MOST

    def add(self, place: str, what: str) -> None:
        """Note a finding."""
        if not self.full:
            self.findings.append(Finding(printable(place), printable(what)))


class Verifier:
    """Reads the whole chain, trusting nothing in it. May be done while controllers go on writing."""

    def __init__(self, evidence: Evidence, records: Records) -> None:
        self._evidence = evidence
        self._records = records

    async def verify(self, expected: Head | None = None) -> Verification:
        """Look for edited, missing, swapped and added entries, and for attempts that tell another story.

        Args:
            expected: an entry's number and hash as they were noted earlier, outside of the database: shows
                whether everything was written anew since.
        """
        found, told = Verification(), _Story()
        chain = _Chain(found, expected)
        await self._read(chain, told)
        unread = False
        for row in await self._records.campaigns():
            try:
                await self._compare(row.campaign.id, told, found)
            except ValueError as error:
                unread = True
                found.add(
                    f"campaign {row.campaign.id}", f"an attempt cannot be read, nor those after: {error}"
                )
        for call in () if unread else sorted(told.left):
            found.add(f"call {call}", "is in the evidence, but its attempt is not in the record")
        return found

    async def _read(self, chain: _Chain, told: _Story) -> None:
        async def take(page: Sequence[Sealed]) -> None:
            for number, entry in enumerate(page):
                chain.take(entry)
                told.take(entry)
                if number % _AT_A_TIME == 0:
                    await asyncio.sleep(0)  # a controller's calls must not wait for us

        chain.end(await read_chain(self._evidence, take))

    async def _compare(self, campaign: CampaignId, told: _Story, found: Verification) -> None:
        async for fact in facts_of(self._records, campaign):
            if found.attempts % _AT_A_TIME == 0:
                await asyncio.sleep(0)
            found.attempts += 1
            if not told.fits(fact) and not found.full:
                for what in await self._differences(fact):
                    found.add(f"call {fact.call}", what)

    async def _differences(self, fact: AttemptFact) -> list[str]:
        """How an attempt differs from what is told of it, both as they are now.

        The call may have begun or ended since the chain was read. Attempt and entries change together, so
        what is read between two equal looks at the entries belongs to them.
        """
        entries = await self._evidence.entries_of(call=fact.call)
        for _ in range(_LOOKS):
            near = await self._records.facts(fact.campaign, after=(fact.placed, ""), limit=100)
            fact = next((each for each in near if each.call == fact.call), fact)
            before, entries = entries, await self._evidence.entries_of(call=fact.call)
            if before == entries:
                break
        return list(differences(entries, fact))


async def read_chain(evidence: Evidence, take: Callable[[Sequence[Sealed]], Awaitable[None]]) -> Head:
    """Hand all entries to ``take``, page by page; return what is written down as the last of these."""
    after = _BEFORE_ALL
    while True:
        while page := await evidence.entries(after, _PAGE):
            await take(page)
            after = page[-1].seq
        noted = await evidence.head()
        # If somebody has written since our last look, there is more to be read, and another end.
        if not await evidence.entries(after, 1):
            return noted


class _Chain:
    """The chain, entry by entry."""

    def __init__(self, found: Verification, expected: Head | None) -> None:
        self._found = found
        self._expected = expected
        self._met = expected is None or expected.seq == 0
        # What the next entry may follow. After an entry that is not right: its hash as stored, or as it
        # should be, whichever was left alone. So one change is one finding.
        self._before: list[bytes] = [GENESIS]

    def take(self, entry: Sealed) -> None:
        """Check an entry against what came before it."""
        found, last, place = self._found, self._found.head.seq, f"entry {entry.seq}"
        found.entries += 1
        number: object = entry.seq
        if not isinstance(number, int):  # SQLite lets a column hold anything
            found.add(place, "what stands for its number is no number")
            return
        computed: list[bytes] = []
        if entry.seq <= last:
            found.add(place, f"is out of order, after entry {last}")
        elif entry.seq > last + 1:
            missing = str(last + 1) if entry.seq == last + 2 else f"{last + 1} to {entry.seq - 1}"
            found.add(place, f"follows entry {last}: missing is {missing}")
        else:
            right = [_right_hash(entry, before) for before in self._before]
            if entry.hash not in right:
                found.add(place, "its content, its hash or its place is not what was written")
                computed = [bytes.fromhex(each) for each in right if each]
        if self._expected is not None and entry.seq == self._expected.seq:
            self._met = True
            if entry.hash != self._expected.hash:
                found.add(place, f"has the hash {entry.hash}, but {self._expected.hash} was noted")
        self._before = _stored_hash(entry) + computed
        found.head = Head(entry.seq, entry.hash)

    def end(self, noted: Head) -> None:
        """Check the last entry against what was written down as the last."""
        found = self._found
        if noted != found.head:
            found.add(
                "end of the chain",
                f"the last entry is {found.head.seq} ({found.head.hash[:16]}...), but {noted.seq} "
                f"({noted.hash[:16]}...) was written down as the last",
            )
        if not self._met and self._expected is not None:
            found.add(f"entry {self._expected.seq}", "was noted, but is not there any more")


def _right_hash(entry: Sealed, before: bytes) -> str:
    """The hash that an entry should have; empty if its content is nothing that was ever hashed."""
    try:
        return entry.expected_hash(before)
    except (TypeError, ValueError):  # not text, or not UTF-8
        return ""


def _stored_hash(entry: Sealed) -> list[bytes]:
    try:
        return [bytes.fromhex(entry.hash)]
    except ValueError:
        return []


class _Story:
    """What the evidence tells of each call. Of calls that are over only a digest: there may be millions."""

    def __init__(self) -> None:
        self._going_on: dict[str, dict[str, Any]] = {}
        self._over: dict[str, bytes] = {}
        self._answerers: dict[str, tuple[Any, Any]] = {}

    @property
    def left(self) -> set[str]:
        """Calls whose attempt was not asked for."""
        return self._going_on.keys() | self._over.keys()

    def take(self, entry: Sealed) -> None:
        """Take an entry into account."""
        if not entry.call:
            return
        try:
            told = _told(entry)
        except (ValueError, TypeError, KeyError, AttributeError):
            told = {}  # its hash cannot be right either
        if entry.call not in self._over:
            known = self._going_on.setdefault(entry.call, {})
            known |= told
            if entry.kind == Kind.HANG_UP.value:
                self._over[entry.call] = _digest(self._going_on.pop(entry.call))
        elif entry.kind == Kind.ANSWERER.value:
            self._answerers[entry.call] = told.get("answerer"), told.get("answer_class")
        else:
            self._over[entry.call] = b""  # after its end nothing else can happen in a call

    def fits(self, fact: AttemptFact) -> bool:
        """Whether an attempt is as it is told, at first sight. Only then it certainly is."""
        going_on = self._going_on.pop(fact.call, None)
        over = self._over.pop(fact.call, None)
        recorded = _recorded(fact)
        if fact.call in self._answerers:
            told = self._answerers.pop(fact.call)
            if told != (recorded["answerer"], recorded["answer_class"]):
                return False
            recorded |= {"answerer": None, "answer_class": AnswerClass.AGENT.value}
        return _digest(recorded) == (over if going_on is None else _digest(going_on))


def _digest(told: Mapping[str, Any]) -> bytes:
    known = sorted((name, value) for name, value in told.items() if value is not None)
    return blake2b(repr(known).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def differences(entries: Sequence[Sealed], fact: AttemptFact) -> Iterator[str]:
    """How an attempt differs from what is told of it, in words.

    Args:
        entries: all entries of its call, in order.
        fact: the attempt as recorded.
    """
    told: dict[str, Any] = {}
    for entry in entries:
        try:
            told |= _told(entry)
        except (ValueError, TypeError, KeyError, AttributeError):
            yield f"entry {entry.seq}, which tells of it, cannot be read"
    if not entries:
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
    return None if at is None else micros(at)
