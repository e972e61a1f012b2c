"""What a pacer learns on line: when ringing calls are answered, and when busy agents become free.

Both are survival curves in discrete time, learned from durations with decay, on top of a prior that counts as
a few observations. The law of large numbers is slow where a team is small, so the answer curve is split: its
shape over the ringing time changes little and is learned slowly; how many answer at all may drift or jump
from one minute to the next and is one factor on the shape, learned fast.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import Final

LONGEST_RING: Final = 60
"""Seconds; calls that ring longer are seen as ringing that long."""

_SHAPE_MEMORY: Final = 1500.0
"""Calls over which the shape of the answer curve is learned."""
_LEVEL_MEMORY: Final = 120.0
"""Calls over which the level of the answer curve is learned."""
_LEVEL_PRIOR: Final = 6.0
"""Expected answers that the prior of the level counts for."""
_NOISE: Final = 1.5
"""Standard deviations below which a change of the level is taken for chance."""
_DURATION_MEMORY: Final = 600.0
"""Conversations over which durations are learned."""
_REFRESH: Final = 4
"""Observations after which a curve is computed anew at first; later after one in ``_SHARE`` of all."""
_SHARE: Final = 20
_SELDOM: Final = 60
"""The most of them."""
_LEAP: Final = 0.15
"""Change of the level at which the answer curve is computed anew at once."""


def _patience(seen: int) -> int:
    return max(_REFRESH, min(_SELDOM, seen // _SHARE))


class AnswerCurve:
    """The chance that a ringing call is answered, by how long it has rung.

    Two things end the ringing: an answer, or anything else (busy, refused, nobody there). Each has a hazard
    per second of ringing. ``level`` is the fast factor on the hazard of the answer.

    Attributes:
        usual_rate: the share of calls that are answered over the longer memory, ``level`` left out.
        version: grows whenever the curve is computed anew.
    """

    def __init__(self, *, answer_rate: float = 0.3, ring_timeout: float = 30.0, weight: float = 30.0) -> None:
        """Start from a prior.

        Args:
            answer_rate: share of calls that are answered.
            ring_timeout: seconds after which nobody rings on.
            weight: calls that the prior counts for.
        """
        size = LONGEST_RING
        self._risk = [0.0] * size
        self._answered = [0.0] * size
        self._ended = [0.0] * size
        self._weight = 1.0
        last = min(size - 1, max(2, math.ceil(ring_timeout)))
        self._last = last
        alive = weight
        for second in range(last + 1):
            answers = weight * answer_rate / (last + 1)
            ends = alive - answers if second == last else weight * (1 - answer_rate) * 0.3 / (last + 1)
            self._risk[second] = alive
            self._answered[second], self._ended[second] = answers, max(0.0, ends)
            alive = max(0.0, alive - answers - ends)
        self._seen = 0
        self._seen_answers = 0.0
        self._expected = 0.0
        self._dirty = 0
        self.version = 0
        self.usual_rate = answer_rate
        self._cumulated: list[float] = []
        self._survival: list[float] = []
        self._incidence: list[float] = []
        self._refresh()

    # --- learning -------------------------------------------------------------------------------------

    def ended(self, rang: float, *, answered: bool, odds: float = 1.0) -> None:
        """A call rang so many seconds, and was answered or ended otherwise.

        Args:
            rang: seconds.
            answered: by whomever.
            odds: of its group, as multiples of the campaign's (groups.py): what a group is known for is no
                change of the level.
        """
        second = min(LONGEST_RING - 1, max(0, int(rang)))
        self._expected += self._cumulated[second] if odds == 1.0 else self._cumulated_at(second, odds)
        self._seen_answers += answered
        decay = 1 - 1 / _LEVEL_MEMORY
        self._expected *= decay
        self._seen_answers *= decay
        self._weight *= 1 + 1 / _SHAPE_MEMORY
        weight = self._weight
        # Newer calls weigh more, which is the same as older ones fading, and cheaper.
        (self._answered if answered else self._ended)[second] += weight
        for each in range(second + 1):
            self._risk[each] += weight
        if weight > 1e6:
            for row in (self._risk, self._answered, self._ended):
                row[:] = [value / weight for value in row]
            self._weight = 1.0
        self._dirty += 1
        self._seen += 1
        if self._dirty >= _patience(self._seen) or abs(self.level - self._used_level) > _LEAP:
            self._refresh()

    def cancelled(self, rang: float) -> None:
        """A call was taken back while it rang: nothing is known of what would have come."""
        weight = self._weight
        for each in range(min(LONGEST_RING, int(rang))):
            self._risk[each] += weight

    def teach(self, past: Iterable[tuple[float, bool | None, float]]) -> None:
        """Take in calls of the past. They say nothing of the present level.

        Args:
            past: of each how many seconds it rang, whether it was answered (None if it was taken back, so
                that nobody knows), and the observations that it counts for.
        """
        over = [0.0] * (LONGEST_RING + 1)  # by the second in which they were not at risk any more
        for rang, answered, weight in past:
            second = min(LONGEST_RING - 1, max(0, int(rang)))
            weight *= self._weight
            over[second + (answered is not None)] += weight
            if answered is not None:
                (self._answered if answered else self._ended)[second] += weight
        at_risk = 0.0
        for second in reversed(range(LONGEST_RING)):
            at_risk += over[second + 1]
            self._risk[second] += at_risk
        self._refresh()

    @property
    def level(self) -> float:
        """How much likelier answers are now than over the longer memory; 1 unless that is significant."""
        raw = (self._seen_answers + _LEVEL_PRIOR) / (self._expected + _LEVEL_PRIOR)
        noise = _NOISE * _NOISE * (self._expected + _LEVEL_PRIOR)
        signal = (self._seen_answers - self._expected) ** 2
        return 1 + (raw - 1) * (1 - noise / signal) if signal > noise else 1.0

    def _refresh(self) -> None:
        self._dirty = 0
        self.version += 1
        cumulated, total = [], 0.0
        level, alive, incidence = self.level, 1.0, 0.0
        usually_alive, usually = 1.0, 0.0
        self._used_level = level
        self._survival, self._incidence = [1.0], [0.0]
        for second in range(LONGEST_RING):
            risk = self._risk[second]
            hazard = self._answered[second] / risk if risk > 0 else 0.0
            other = self._ended[second] / risk if risk > 0 else (1.0 if second > self._last else 0.0)
            total += hazard
            cumulated.append(total)
            other = min(other, 1.0)
            usually += usually_alive * min(hazard, 0.95)
            usually_alive *= (1 - min(hazard, 0.95)) * max(0.0, 1 - other)
            hazard = min(hazard * level, 0.95)
            # Both may happen within the same second; the answer is taken to come first.
            incidence += alive * hazard
            alive *= (1 - hazard) * max(0.0, 1 - other)
            self._survival.append(alive)
            self._incidence.append(incidence)
        self._cumulated = cumulated
        self.usual_rate = usually

    # --- asking ---------------------------------------------------------------------------------------

    @property
    def rate(self) -> float:
        """The share of calls placed now that will be answered."""
        return self._incidence[-1]

    def rate_of(self, odds: float) -> float:
        """The same for calls whose odds of an answer are so many times the campaign's."""
        rate = self._incidence[-1]
        return odds * rate / (1 - rate + odds * rate)

    def within(self, rang: float, seconds: float, odds: float = 1.0) -> float:
        """The chance that a call that has rung so long is answered within the next ``seconds``.

        Of calls with other ``odds`` than the campaign's, more or fewer are answered; those that are, are
        answered after the same times, and those that are not, end after the same times. So among the calls
        that still ring, those that will be answered weigh ``odds`` times as much.
        """
        alive, before = self._at(self._survival, rang), self._at(self._incidence, rang)
        if alive < 1e-9:
            return 0.0
        gained = self._at(self._incidence, rang + seconds) - before
        if odds != 1.0:
            later = self._incidence[-1] - before
            gained, alive = odds * gained, odds * later + max(0.0, alive - later)
            if alive < 1e-9:
                return 0.0
        return min(1.0, max(0.0, gained / alive))

    def answer_times(self, nodes: int) -> list[float]:
        """Typical times from dialing to the answer: the middles of ``nodes`` equally likely classes."""
        total, curve = self._incidence[-1], self._incidence
        if total <= 0:
            return [float(self._last) / 2] * nodes
        times = []
        for node in range(nodes):
            wanted = total * (node + 0.5) / nodes
            place = bisect_right(curve, wanted) - 1
            step = curve[place + 1] - curve[place] if place + 1 < len(curve) else 0.0
            times.append(place + ((wanted - curve[place]) / step if step > 0 else 0.0))
        return times

    def _cumulated_at(self, second: int, odds: float) -> float:
        """The answers expected of a call that rang for so long, as ``_cumulated`` has them for odds of 1."""
        total, rate = 0.0, self._incidence[-1]
        for each in range(second + 1):
            alive, before, after = self._survival[each], self._incidence[each], self._incidence[each + 1]
            weighed = odds * (rate - before) + max(0.0, alive - (rate - before))
            total += odds * (after - before) / weighed if weighed > 1e-9 else 0.0
        return total / self._used_level

    @staticmethod
    def _at(curve: Sequence[float], seconds: float) -> float:
        if seconds >= LONGEST_RING:
            return curve[LONGEST_RING]
        whole = int(seconds)
        low = curve[whole]
        return low + (curve[whole + 1] - low) * (seconds - whole)


def _edges() -> list[float]:
    edges, edge = [0.0], 0.5
    while edge < 7200:
        edges.append(edge)
        edge += max(0.5, edge * 0.06)
    return edges


class DurationCurve:
    """How long something lasts (a conversation, a wrap-up), given how long it has lasted."""

    _EDGES: Final = _edges()

    def __init__(self, prior: Iterable[tuple[float, float]]) -> None:
        """Start from a prior.

        Args:
            prior: durations in seconds, each with the number of observations it counts for.
        """
        self._counts = [0.0] * len(self._EDGES)
        self._seen = 0
        self._weight = 1.0
        self._dirty = 0
        self.version = 0
        self._survival: list[float] = []
        for seconds, weight in prior:
            self._add(seconds, weight)
        self._refresh()

    @classmethod
    def log_normal(cls, mean: float, sigma: float, weight: float) -> DurationCurve:
        """A curve that starts from ``log_normal_prior``."""
        return cls(cls.log_normal_prior(mean, sigma, weight))

    @staticmethod
    def log_normal_prior(mean: float, sigma: float, weight: float) -> list[tuple[float, float]]:
        """A prior of log-normal form: 40 equally likely durations that together count for ``weight``."""
        centre, normal = math.log(mean) - sigma * sigma / 2, NormalDist()
        return [(math.exp(centre + sigma * normal.inv_cdf((i + 0.5) / 40)), weight / 40) for i in range(40)]

    def lasted(self, seconds: float) -> None:
        """One has ended."""
        self._weight *= 1 + 1 / _DURATION_MEMORY
        self._add(seconds, self._weight)
        self._dirty += 1
        self._seen += 1
        if self._weight > 1e6:
            self._counts = [count / self._weight for count in self._counts]
            self._weight = 1.0
        if self._dirty >= _patience(self._seen):
            self._refresh()

    def ends_within(self, lasted: float, seconds: float) -> float:
        """The chance that what has lasted so long ends within the next ``seconds``."""
        alive = self._alive(lasted)
        if alive < 1e-6:
            return 0.5 if seconds > 0 else 0.0  # longer than all that was ever seen
        return min(1.0, max(0.0, 1 - self._alive(lasted + seconds) / alive))

    def place(self, seconds: float) -> int:
        """The number of the class of durations that this one belongs to."""
        return bisect_right(self._EDGES, seconds) - 1

    def middle(self, place: int) -> float:
        """The middle of a class."""
        following = self._EDGES[min(place + 1, len(self._EDGES) - 1)]
        return (self._EDGES[place] + following) / 2

    def quantiles(self, nodes: int) -> list[float]:
        """The middles of ``nodes`` equally likely classes of durations."""
        result, place = [], 0
        for node in range(nodes):
            wanted = 1 - (node + 0.5) / nodes
            while place + 1 < len(self._survival) and self._survival[place + 1] > wanted:
                place += 1
            low, high = self._survival[place], self._survival[min(place + 1, len(self._survival) - 1)]
            begin = self._EDGES[place]
            end = self._EDGES[min(place + 1, len(self._EDGES) - 1)]
            result.append(begin + (end - begin) * ((low - wanted) / (low - high) if low > high else 0.0))
        return result

    def _add(self, seconds: float, weight: float) -> None:
        self._counts[bisect_right(self._EDGES, max(0.0, seconds)) - 1] += weight

    def _refresh(self) -> None:
        self._dirty = 0
        self.version += 1
        total = sum(self._counts)
        left, survival = total, []
        for count in self._counts:
            survival.append(left / total)
            left -= count
        self._survival = survival

    def _alive(self, seconds: float) -> float:
        edges, survival = self._EDGES, self._survival
        place = bisect_right(edges, seconds) - 1
        if place + 1 >= len(edges):
            return 0.0
        begin = edges[place]
        low = survival[place]
        return low + (survival[place + 1] - low) * (seconds - begin) / (edges[place + 1] - begin)
