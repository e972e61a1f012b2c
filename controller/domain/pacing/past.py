"""What a pacer starts from: the record of the campaign's own calls, and of others of the same caller.

The past is a prior, not the present: together past calls count for a bounded number of observations, so what
happens now soon weighs more. Recent calls weigh more than old ones, the campaign's own more than others'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from controller.domain.ids import CampaignId
from controller.domain.pacing.curves import LONGEST_RING, AnswerCurve, DurationCurve
from controller.domain.pacing.groups import AnswerGroups, Group, part_of_day

MOST: Final = 200.0
"""Calls that the whole past counts for, at most."""
_KIN: Final = 0.3
"""What a call of another campaign counts for, at most, where one of the campaign's own counts for 1."""
_HALF: Final = timedelta(days=3)
"""Age at which a call counts for half."""
_USUAL: Final = 30.0
"""Calls that the usual answer rate counts for beside that of the record."""
_FEW: Final = 10.0
"""Calls that the usual form of a curve counts for beside the record."""
_TALKS: Final = 60.0
"""Conversations that those of the past count for, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """A call that is over, as far as it teaches pacing.

    Attributes:
        placed: when (aware).
        rang: seconds from dialing to the answer, or to the end of the ringing.
        answered: None if it was taken back while it rang, so that nobody knows.
        talked: seconds that an agent talked; None if none did.
        segment: as of ``Call``; None: not recorded.
    """

    placed: datetime
    rang: float
    answered: bool | None
    talked: float | None = None
    segment: str | None = None

    def group(self, zone: tzinfo) -> Group | None:
        """The group it is of, by a campaign's clock; None if that is not recorded."""
        return (
            None if self.segment is None else Group(self.segment, part_of_day(self.placed.astimezone(zone)))
        )


@dataclass(frozen=True, slots=True)
class _Weighed:
    call: PastCall
    weight: float


class Experience:
    """Past calls, weighed.

    Attributes:
        answers, talks, groups: what they teach, for a pacer to go on from.
    """

    def __init__(
        self,
        own: Sequence[PastCall],
        others: Sequence[tuple[CampaignId, Sequence[PastCall]]],
        *,
        campaign: CampaignId,
        now: datetime,
        zone: tzinfo,
        ring_timeout: float,
    ) -> None:
        """Weigh them.

        Args:
            own: the campaign's.
            others: those of each other campaign of the same caller.
            campaign: whose pacer it is for.
            now: aware.
            zone: of the campaign's clock.
            ring_timeout: seconds after which no call of the campaign rings on.
        """
        self._told = [(campaign, len(own)), *((name, len(calls)) for name, calls in others)]
        mine = _weighed(own, now, 1.0)
        theirs = _weighed((call for _, calls in others for call in calls), now, _KIN)
        every = sorted([*mine, *theirs], key=lambda each: each.call.placed)
        room = max(0.0, MOST - _total(mine))
        own_scale = min(1.0, MOST / _total(mine)) if mine else 1.0
        kin_scale = min(1.0, room / _total(theirs)) if theirs else 1.0
        scaled = [_Weighed(each.call, each.weight * own_scale) for each in mine]
        scaled += [_Weighed(each.call, each.weight * kin_scale) for each in theirs]
        self.answers = _answers(scaled, ring_timeout)
        self.talks = _talks(scaled)
        self.groups = _groups(every, self.answers, zone)

    @property
    def calls(self) -> int:
        """How many there are."""
        return sum(count for _, count in self._told)

    def __str__(self) -> str:
        """Such as ``312 calls of campaign spring``; empty if there are none."""
        return " and ".join(f"{count} calls of campaign {name}" for name, count in self._told if count)


def _weighed(calls: Iterable[PastCall], now: datetime, most: float) -> list[_Weighed]:
    return [_Weighed(call, most * 0.5 ** (max(timedelta(0), now - call.placed) / _HALF)) for call in calls]


def _total(weighed: Iterable[_Weighed]) -> float:
    return sum(each.weight for each in weighed)


def _answers(past: Sequence[_Weighed], ring_timeout: float) -> AnswerCurve:
    """The usual curve, brought to the level of the record; of its shape, what the record does not tell."""
    known = [each for each in past if each.call.answered is not None]
    total, usual = _total(known), AnswerCurve(ring_timeout=ring_timeout)
    if not total:
        return usual
    answered = _total(each for each in known if each.call.answered)
    rate = (answered + _USUAL * usual.rate) / (total + _USUAL)
    curve = AnswerCurve(answer_rate=rate, ring_timeout=ring_timeout, weight=_FEW)
    curve.teach((each.call.rang, each.call.answered, each.weight) for each in past)
    return curve


def _talks(past: Sequence[_Weighed]) -> DurationCurve | None:
    talks = [(each.call.talked, each.weight) for each in past if each.call.talked is not None]
    total = sum(weight for _, weight in talks)
    if not total:
        return None
    scale = min(1.0, _TALKS / total)
    usual = DurationCurve.log_normal_prior(90.0, 1.0, _FEW / 2)
    return DurationCurve([*usual, *((seconds, weight * scale) for seconds, weight in talks)])


def _groups(past: Sequence[_Weighed], answers: AnswerCurve, zone: tzinfo) -> AnswerGroups:
    """In the order in which they came, as they would have been learned; this forgets by itself."""
    groups = AnswerGroups()
    for each in past:
        call, group = each.call, each.call.group(zone)
        if group is None:
            continue
        odds, answered = groups.odds(group), call.answered
        came = answers.within(call.rang, LONGEST_RING, odds) if answered is None else float(answered)
        groups.saw(group, expected=answers.rate_of(odds), answered=came, weight=max(1e-3, each.weight))
    return groups
