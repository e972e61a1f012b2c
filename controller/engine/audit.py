"""Whether Redis says what the records say: everything recomputed from the record, compared, named.

While calls end, the two differ for some milliseconds (the record is written first). So a difference counts
only if it is still there when asked again.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.domain.budget import Tally
from controller.domain.campaign import Campaign
from controller.domain.ids import CallId
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.engine.pages import facts_of
from controller.ports import AttemptFact, FlightMark, Ledger, Records

AGAIN_AFTER = 1.0
_TRIES = 5
_ALL = 10_000_000


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """Something on which Redis and the records disagree.

    Attributes:
        what: what it is, in words.
        redis: what Redis says.
        records: what follows from the records.
    """

    what: str
    redis: str
    records: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One campaign, compared.

    Attributes:
        attempts: recorded attempts that were recomputed.
        over: windows that are over their limit, in words.
    """

    campaign: str
    attempts: int
    differences: Sequence[Difference] = ()
    over: Sequence[str] = ()

    @property
    def clean(self) -> bool:
        """No difference, and every limit kept."""
        return not self.differences and not self.over


@dataclass(slots=True)
class Recount:
    """The ledger as it must be, by the records.

    Attributes:
        tallies: successes and silent calls by the label of the window.
        silent: when the last silent call of each person ended, by keyed hash.
        open: attempts that are under way.
    """

    attempts: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    tallies: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    silent: dict[str, datetime] = field(default_factory=dict)
    open: set[CallId] = field(default_factory=set)

    def add(self, fact: AttemptFact, campaign: Campaign) -> None:
        """Take an attempt into account."""
        self.attempts += 1
        if fact.outcome is None:
            self.open.add(fact.call)
            return
        self.outcomes[fact.outcome] += 1
        if fact.outcome is Outcome.CONNECTED:
            self._count(campaign, fact.placed, 0)
        if fact.outcome.counts_as_silent:
            self._count(campaign, fact.placed, 1)
            ended = fact.ended_at or fact.placed
            self.silent[fact.person] = max(ended, self.silent.get(fact.person, ended))

    def talking(self, mark: FlightMark, campaign: Campaign) -> None:
        """A conversation under way: Redis counts it as a success, the records when it is over."""
        self._count(campaign, mark.placed, 0)

    def _count(self, campaign: Campaign, placed: datetime, which: int) -> None:
        labels = {"", *(label for _, label in campaign.windows(placed))}
        for label in labels:
            self.tallies[label][which] += 1


class Auditor:
    """Compares a campaign's ledger with its records."""

    def __init__(self, ledger: Ledger, records: Records, key: NumberKey) -> None:
        self._ledger = ledger
        self._records = records
        self._key = key

    async def audit(self, campaign: Campaign, now: datetime) -> Audit:
        """Compare; asks again as long as differences come and go."""
        found = await self._once(campaign, now)
        for _ in range(_TRIES - 1):
            if not found.differences:
                break
            await asyncio.sleep(AGAIN_AFTER)
            again = await self._once(campaign, now)
            lasting = sorted(set(found.differences) & set(again.differences))
            found = Audit(
                campaign=again.campaign, attempts=again.attempts, differences=lasting, over=again.over
            )
        return found

    async def _once(self, campaign: Campaign, now: datetime) -> Audit:
        outcomes = await self._ledger.outcomes(campaign)
        tallies = await self._ledger.tallies(campaign)
        marks = [
            mark
            for mark in await self._ledger.flights(campaign.caller, everybody=True)
            if mark.campaign == campaign.id
        ]
        recount = Recount()
        async for fact in facts_of(self._records, campaign.id):
            recount.add(fact, campaign)
        for mark in marks:
            if mark.connected and mark.call in recount.open:
                recount.talking(mark, campaign)
        return Audit(
            campaign=campaign.id,
            attempts=recount.attempts,
            differences=[
                *_outcome_differences(outcomes, recount),
                *_tally_differences(tallies, recount),
                *_flight_differences(marks, recount),
                *await self._suppression_differences(campaign, recount, now),
            ],
            over=_over(campaign, recount),
        )

    async def _suppression_differences(
        self, campaign: Campaign, recount: Recount, now: datetime
    ) -> Sequence[Difference]:
        held = {
            entry.number_hash or self._key.of(entry.number)
            for entry in await self._ledger.suppressions(campaign.caller, _ALL)
            if not entry.by_hand  # which protects as well, but not for as long as the law says
        }
        # A minute's grace: the time of the record and the expiry of the key are two clocks'.
        young = now - campaign.law.leave_alone + timedelta(minutes=1)
        return [
            Difference(
                f"suppression of the person {person}", "none", f"silent call until {ended:%Y-%m-%d %H:%M} UTC"
            )
            for person, ended in recount.silent.items()
            if ended > young and person not in held
        ]


def _outcome_differences(outcomes: Mapping[Outcome, int], recount: Recount) -> list[Difference]:
    return [
        Difference(f"calls that ended {outcome.value}", str(redis), str(records))
        for outcome in Outcome
        if (redis := outcomes.get(outcome, 0)) != (records := recount.outcomes[outcome])
    ]


def _tally_differences(tallies: Mapping[str, tuple[int, int]], recount: Recount) -> list[Difference]:
    found = []
    for label in sorted(tallies.keys() | recount.tallies.keys()):
        redis, records = tuple(tallies.get(label, (0, 0))), tuple(recount.tallies.get(label, (0, 0)))
        for what, said, follows in zip(("successes", "silent calls"), redis, records, strict=True):
            if said != follows:
                found.append(
                    Difference(f"{what} of {label or 'the whole campaign'}", str(said), str(follows))
                )
    return found


def _flight_differences(marks: Sequence[FlightMark], recount: Recount) -> list[Difference]:
    marked = {mark.call for mark in marks}
    return [
        *(Difference(f"call {call}", "not in flight", "under way") for call in recount.open - marked),
        *(Difference(f"call {call}", "in flight", "not under way") for call in marked - recount.open),
    ]


def _over(campaign: Campaign, recount: Recount) -> list[str]:
    if campaign.override is not None:
        return []  # somebody answers for that, on record; a report counts these calls apart
    over = []
    for label, (successes, silent) in sorted(recount.tallies.items()):
        for limit in campaign.law.limits:
            if not limit.has_window(label):
                continue
            tally = Tally(limit=limit, window=label, successes=successes, silent=silent)
            if not tally.kept:
                allowed = f"{tally.allowance} allowed by {successes} successes"
                over.append(f"{limit.name} {label}: {silent} silent calls, {allowed}")
    return over
