"""The predictive pacer: places a call while the risk that it finds no agent is worth its price.

At each event it asks: if one more call were placed now and answered, how likely is it that no agent is free
within the time the law leaves? For that it foresees, at typical times of the answer, how many agents will
have become free (each busy one by how long it has been busy) and how many of the calls that ring already will
have been answered (each by how long it has rung). Calls are placed while the risk is below a price, and the
price follows the budget: the fuller the bank of silent calls not used, the bolder. So the use of the budget
approaches the limit by itself, and the bank that is built up at first is the working capital of the day: no
more calls may be exposed at a time than it holds.

What can never be lost is not decided here but by the budget: whatever this module estimates, exposed calls
never exceed the room that ``Budget`` leaves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from operator import add, mul
from typing import Final

from controller.domain.pacing.calibration import Calibration
from controller.domain.pacing.curves import LONGEST_RING, AnswerCurve, DurationCurve
from controller.domain.pacing.groups import AnswerGroups, Group
from controller.domain.pacing.modes import Mode
from controller.domain.pacing.outlook import Outlook
from controller.domain.pacing.past import Experience

_NODES: Final = 5
"""Typical times of the answer at which the risk is looked at."""
_NEAR: Final = (0.5, 2.0, 4.5)
"""Seconds from now at which the risk of calls that ring long already is looked at."""
_FEW: Final = 120
"""Ringing calls up to which half a second counts; of more, where there are groups, whole seconds do."""
_STEPS: Final = 1024
"""More than there are steps of groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How bold the pacer is.

    Attributes:
        window: seconds from the answer within which an agent still rescues a call.
        boldness: price of the risk for each silent call in the bank, divided by the number of agents.
        highest: the price never exceeds this, however full the bank.
        cancel_after: a call without cover that has rung for so many seconds is taken back when it would
            find no agent; None: never. Not below what the law demands.
        cancel_risk: the risk from which on that is done.
        ramp: exposed calls that may come on top within one second, per agent, and two at least.
    """

    window: float = 2.7
    boldness: float = 0.044
    highest: float = 0.3
    cancel_after: float | None = None
    cancel_risk: float = 0.5
    ramp: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the pacer looks at. Times in seconds.

    Attributes:
        now: by any clock that only goes forward.
        idle: free agents whom no call counts on.
        reserved: free agents whom a ringing call counts on.
        ringing: how long each ringing call has rung.
        groups: whose each of these is, in the same order; empty: nothing is known of them.
        coming: of which groups those are who are called next, as far as is known; each is as likely.
        waiting: answered calls without an agent.
        talking: how long each conversation has lasted.
        wrapping: how long each wrap-up has lasted.
        exposed: calls in flight that nobody stands ready for.
        room: exposed calls that the budget still allows; None if it is lifted.
        lines: lines that are free.
    """

    now: float = 0.0
    idle: int = 0
    reserved: int = 0
    ringing: Sequence[float] = ()
    groups: Sequence[Group | None] = ()
    coming: Sequence[Group | None] = ()
    waiting: int = 0
    talking: Sequence[float] = ()
    wrapping: Sequence[float] = ()
    exposed: int = 0
    room: int | None = 0
    lines: int = 1000

    @property
    def agents(self) -> int:
        """Agents who are there for calls."""
        return self.idle + self.reserved + len(self.talking) + len(self.wrapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How many calls to place now, and why.

    Attributes:
        covered: calls to place with an idle agent reserved for each.
        exposed: calls to place that nobody stands ready for yet.
        cancel: exposed calls that have rung for ``Terms.cancel_after`` are to be taken back.
        reason: why it is not one more, in plain words.
        risks: of each call to be placed, that it is answered by nobody if it is answered.
        risk: of the call that was not placed any more.
        price: the risk up to which calls are placed.
        bank: silent calls that the budget allows and that have not happened.
        answer_rate: share of the calls placed now that will be answered, as learned.
        soon_free: agents expected to become free within a typical time of ringing.
        soon_answered: ringing calls expected to be answered by then.
        weighed: risk and price were weighed; if not, there was nothing to decide, and they say nothing.
    """

    covered: int = 0
    exposed: int = 0
    cancel: bool = False
    reason: str = ""
    risks: tuple[float, ...] = ()
    risk: float = 0.0
    price: float = 0.0
    bank: int | None = None
    answer_rate: float = 0.0
    soon_free: float = 0.0
    soon_answered: float = 0.0
    weighed: bool = False

    def __str__(self) -> str:
        if not self.weighed:
            return f"{self.covered} covered + {self.exposed} exposed: {self.reason}"
        bank = "no limit" if self.bank is None else f"{self.bank}"
        return (
            f"{self.covered} covered + {self.exposed} exposed: {self.reason}"
            f" (risk {self.risk:.3f}, price {self.price:.3f}, bank {bank},"
            f" answer rate {self.answer_rate:.2f},"
            f" soon free {self.soon_free:.1f}, soon answered {self.soon_answered:.1f})"
        )


class Pacer:
    """What one campaign has learned, and its decisions.

    Attributes:
        mode: as the campaign wants it; PREDICTIVE falls back to PROGRESSIVE while predictions are wrong.
        calibration: whether what was predicted comes true.
        decision: the latest.
    """

    def __init__(
        self,
        terms: Terms | None = None,
        *,
        mode: Mode = Mode.PREDICTIVE,
        answers: AnswerCurve | None = None,
        talks: DurationCurve | None = None,
        wrap_ups: DurationCurve | None = None,
    ) -> None:
        """Start.

        Args:
            terms: how bold it is.
            mode: what the campaign wants.
            answers: prior knowledge of ringing calls, say of past campaigns.
            talks: the same of conversations.
            wrap_ups: the same of wrap-ups.
        """
        self.terms = terms or Terms()
        self.mode = mode
        self.answers = answers or AnswerCurve()
        self.groups = AnswerGroups()
        self.talks = talks or DurationCurve.log_normal(90.0, 1.0, 12.0)
        self.wrap_ups = wrap_ups or DurationCurve([(15.0, 3.0)])
        self.calibration = Calibration()
        self.decision = Decision()
        self._risks: dict[Hashable, float] = {}
        self._ramp = 2.0
        self._ramped = 0.0
        self._version = (-1, -1, -1)
        self._soon_free = 0.0
        self._soon_answered = 0.0
        self._times: list[float] = []
        self._new: list[float] = []
        self._wraps: list[float] = []
        self._rate = self.answers.rate
        self._ring_rows: dict[int, list[float]] = {}
        self._fresh_rows: dict[int, list[float]] = {}
        self._talk_rows: dict[int, list[float]] = {}
        self._wrap_rows: dict[int, list[float]] = {}

    def start_from(self, past: Experience) -> None:
        """Go on from what past calls taught, instead of from nothing. To be called before it decides."""
        self.answers, self.groups = past.answers, past.groups
        self.talks = past.talks or self.talks
        self._version = (-1, -1, -1)

    # --- learning -------------------------------------------------------------------------------------

    def placed(self, call: Hashable, risk: float) -> None:
        """A call was placed, at this risk."""
        self._risks[call] = risk

    def rang(self, call: Hashable, seconds: float, *, answered: bool, group: Group | None = None) -> None:
        """A call's ringing ended after so many seconds, by an answer or otherwise."""
        odds = self.groups.odds(group)
        self.groups.saw(group, expected=self.answers.rate_of(odds), answered=answered)
        before = self.answers.usual_rate
        self.answers.ended(seconds, answered=answered, odds=odds)
        self.groups.campaign_moved(before, self.answers.usual_rate)
        if not answered:
            self._risks.pop(call, None)

    def cancelled(self, call: Hashable, seconds: float, group: Group | None = None) -> None:
        """A call was taken back after it had rung for so many seconds."""
        odds = self.groups.odds(group)
        still = self.answers.within(seconds, LONGEST_RING, odds)
        self.groups.saw(group, expected=self.answers.rate_of(odds), answered=still)
        self.answers.cancelled(seconds)
        self._risks.pop(call, None)

    def met(self, call: Hashable, *, agent: bool) -> None:
        """An answered call got an agent, or none in time."""
        self.calibration.saw(self._risks.pop(call, 0.0), came_true=not agent)

    def forget(self, call: Hashable) -> None:
        """A call is over, however it ended."""
        self._risks.pop(call, None)

    def talked(self, seconds: float) -> None:
        """A conversation has ended."""
        self.talks.lasted(seconds)

    def wrapped_up(self, seconds: float) -> None:
        """A wrap-up has ended."""
        self.wrap_ups.lasted(seconds)

    # --- deciding -------------------------------------------------------------------------------------

    def decide(self, scene: Scene, *, instead: bool = False) -> Decision:
        """How many calls to place now, and why.

        Args:
            scene: what there is to be seen.
            instead: it takes the place of the decision before, which was not carried out.
        """
        if instead:
            self._ramp += self.decision.exposed
        covered = max(0, min(scene.idle, scene.lines))
        most, reason = self._most(scene, covered)
        may_cancel = self.terms.cancel_after is not None and scene.exposed > 0
        if covered + most == 0 and not may_cancel:
            self.decision = Decision(reason=reason)
            return self.decision
        bank = None if scene.room is None else scene.room + scene.exposed
        price = self._price(bank, scene.agents)
        ahead = self._ahead(scene)
        cancel = may_cancel and ahead.risk(_NODES, _NODES + len(_NEAR)) > self.terms.cancel_risk
        risks: list[float] = []
        risk = ahead.risk(0, _NODES)
        while len(risks) < covered + most:
            if len(risks) >= covered and risk > price:
                reason = "one more call would too likely find no agent"
                break
            risks.append(risk)
            ahead.add()
            risk = ahead.risk(0, _NODES)
        self._ramp -= len(risks) - covered
        self.decision = Decision(
            covered=covered,
            exposed=len(risks) - covered,
            cancel=cancel,
            reason=reason,
            risks=tuple(risks),
            risk=risk,
            price=price,
            bank=bank,
            answer_rate=self._rate,
            soon_free=self._soon_free,
            soon_answered=self._soon_answered,
            weighed=True,
        )
        return self.decision

    def _most(self, scene: Scene, covered: int) -> tuple[int, str]:
        """How many exposed calls may be placed at all, and what it is that allows no more."""
        if not self.mode.overdials:
            return 0, f"{self.mode.value}: one call per free agent"
        if not self.calibration.good:
            return 0, f"progressive for now: {self.calibration}"
        limits = [(scene.lines - covered, "no more lines"), (self._ramp_allows(scene), "ramp limit")]
        if scene.room is not None:
            limits.append((scene.room, "the budget of silent calls allows no more"))
        most, reason = min(limits)
        return max(0, most), reason

    def _ramp_allows(self, scene: Scene) -> int:
        pace = max(2.0, self.terms.ramp * scene.agents)
        self._ramp = min(pace, self._ramp + (scene.now - self._ramped) * pace)
        self._ramped = scene.now
        return int(self._ramp)

    def _price(self, bank: int | None, agents: int) -> float:
        terms = self.terms
        if bank is None:
            return terms.highest
        return min(terms.highest, terms.boldness * bank / max(1, agents))

    def _ahead(self, scene: Scene) -> Outlook:
        self._renew()
        self._expect(scene.coming)
        # Alike ones are counted, not looked at one by one.
        rings = Counter(self._ring_keys(scene))
        wraps = Counter([int(lasted * 4) for lasted in scene.wrapping])
        talks = Counter(map(self.talks.place, scene.talking))
        rows = [self._ring_rows.get(key) or self._ring_row(key) for key in rings]
        frees = [self._wrap_row(key) for key in wraps] + [self._talk_row(key) for key in talks]
        counts, busy = list(rings.values()), [*wraps.values(), *talks.values()]
        middle, ringing = _NODES // 2, len(scene.ringing)
        self._soon_free = sum(count * row[middle] for count, row in zip(busy, frees, strict=True))
        self._soon_answered = ringing - sum(n * row[middle] for n, row in zip(counts, rows, strict=True))
        columns: list[tuple[float, ...]] = list(zip(*rows, *frees, strict=True)) or [()] * len(self._times)
        free = scene.idle + scene.reserved - scene.waiting
        return Outlook(columns, counts + busy, self._new, free=free, ringing=ringing)

    def _expect(self, coming: Sequence[Group | None]) -> None:
        """Foresee the calls that may be placed now: a mixture of those that are next."""
        mixture = Counter(map(self.groups.step, coming)) or Counter([0])
        rows = [self._fresh_row(step) for step in mixture]
        total, shares = mixture.total(), list(mixture.values())
        self._new = [sum(map(mul, shares, column)) / total for column in zip(*rows, strict=True)]
        rates = [self.answers.rate_of(self.groups.odds_of(step)) for step in mixture]
        self._rate = sum(map(mul, shares, rates)) / total

    def _fresh_row(self, step: int) -> list[float]:
        row = self._fresh_rows.get(step)
        if row is None:
            within, odds = self.answers.within, self.groups.odds_of(step)
            row = self._fresh_rows[step] = [1 - within(0.0, time, odds) for time in self._times]
        return row

    def _ring_keys(self, scene: Scene) -> list[int]:
        """For each ringing call how long it has rung, in quarters of a second, and the step of its group."""
        if not scene.groups or len(scene.ringing) <= _FEW:
            keys = [(int(rang * 2) * 2 + 1) * _STEPS for rang in scene.ringing]
        else:
            keys = [(int(rang) * 4 + 2) * _STEPS for rang in scene.ringing]
        if not scene.groups:
            return keys
        steps = {group: self.groups.step(group) for group in set(scene.groups)}
        return list(map(add, keys, [steps[group] for group in scene.groups]))

    def _ring_row(self, key: int) -> list[float]:
        quarters, step = divmod(key + _STEPS // 2, _STEPS)
        within, odds = self.answers.within, self.groups.odds_of(step - _STEPS // 2)
        row = self._ring_rows[key] = [1 - within(quarters / 4, time, odds) for time in self._times]
        return row

    def _wrap_row(self, key: int) -> list[float]:
        row = self._wrap_rows.get(key)
        if row is None:
            ends, window = self.wrap_ups.ends_within, self.terms.window
            row = self._wrap_rows[key] = [ends(key / 4, time + window) for time in self._times]
        return row

    def _talk_row(self, key: int) -> list[float]:
        row = self._talk_rows.get(key)
        if row is None:
            middle, window = self.talks.middle(key), self.terms.window
            row = self._talk_rows[key] = [self._frees(middle, time + window) for time in self._times]
        return row

    def _frees(self, talked: float, within: float) -> float:
        """The chance that an agent who has talked so long ends talk and wrap-up in time."""
        ends = self.talks.ends_within
        chances = [ends(talked, within - wrap) for wrap in self._wraps if wrap < within]
        return sum(chances) / len(self._wraps)

    def _renew(self) -> None:
        version = (self.answers.version, self.talks.version, self.wrap_ups.version)
        if version == self._version:
            return
        times = [round(time * 2) / 2 for time in self.answers.answer_times(_NODES)] + list(_NEAR)
        if version[1:] != self._version[1:] or times != self._times:
            self._wraps = self.wrap_ups.quantiles(3)
            self._talk_rows.clear()
            self._wrap_rows.clear()
        self._times = times
        self._ring_rows.clear()
        self._fresh_rows.clear()
        self._version = version
