"""What is measured: how long, at which rates, with whom one speaks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.results import COMPARED_AT, Step
from controller.engine.office import LATEST
from lab.numbers import SERIALS, Behaviour, number

WARM_UP: Final = 1.5
"""Seconds before the window in which is measured: caches fill, the rate settles."""
TAIL: Final = 0.5
"""Seconds after it, so that it ends under load."""
_SHORTEST: Final = 4.0
_SAMPLES: Final = LATEST + 100
"""Calls in a window at least: more than the controller's summary covers, which else told of earlier steps."""

STEP: Final = 25.0
HIGHEST: Final = 200.0
SLOWER: Final = (50.0, 25.0)
"""Rates tried when the first is not sustained."""

_HOLDS: Final = (0.3, 0.4)
"""Seconds that callees stay after their answer: long enough to hear the agent, or the call is no success."""


def window(rate: float) -> float:
    """Seconds to measure at this rate."""
    return max(_SHORTEST, _SAMPLES / rate)


def calls(rate: float, seconds: float) -> int:
    """How many calls a step takes, warm-up and tail included."""
    return round(rate * (WARM_UP + seconds + TAIL))


def callees(count: int) -> list[str]:
    """Numbers whose owners answer at once and hang up soon; repeated only where the plan has no more."""
    kinds = len(_HOLDS)
    return [
        number(Behaviour.LEAVER, hold=_HOLDS[index % kinds], serial=index // kinds % SERIALS)
        for index in range(count)
    ]


def most_callees() -> int:
    """How many different ones there are: a campaign calls nobody twice."""
    return len(_HOLDS) * SERIALS


def next_rate(tried: Sequence[Step]) -> float | None:
    """The rate to try next, given the controller's steps over one transport; None when the answer is known.

    Upwards from where CPU is compared, to the first rate that fails twice (once may be the machine's other
    programs); downwards, to the first that holds, if that is the first one already.
    """
    if not tried:
        return COMPARED_AT
    last = tried[-1]
    if last.sustained:
        higher = last.rate + STEP
        return higher if last.rate >= COMPARED_AT and higher <= HIGHEST else None
    if last.rate >= COMPARED_AT and sum(step.rate == last.rate for step in tried) == 1:
        return last.rate
    return next((rate for rate in SLOWER if rate < last.rate), None) if last.rate <= COMPARED_AT else None
