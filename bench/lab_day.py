"""The day of a call centre that simulator and lab both go through: the same people, in the same order. Pure.

The lab's numbers say how their owners behave (lab/numbers.py), but only in steps; the scenario is made of the
same steps, so what is simulated is what is called.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Final, cast

from controller.domain.campaign import Campaign
from controller.domain.pacing import Pacer
from controller.engine.campaign_run import CampaignRun
from controller.engine.office import Office
from controller.engine.pacing import CampaignPacing
from controller.simulation.scenario import (
    Curve,
    Distribution,
    Fate,
    Fates,
    Fixed,
    LogNormal,
    Scenario,
    Shift,
    Uniform,
)
from lab.numbers import Behaviour, number

AGENTS: Final = 20
WRAP_UP: Final = timedelta(seconds=5)
RING_TIMEOUT: Final = timedelta(seconds=20)
SETTING_UP: Final = 0.1
"""Seconds from a decision to the ringing at most: admission, the record's commit, Asterisk."""
_CONTACTS_A_MINUTE: Final = 300
"""Twice what 20 agents with these people get through."""
_HOLDS: Final = 100
"""Hold times, which say nothing where nobody answers, so they tell apart more numbers."""

_Owner = tuple[Behaviour, float, float]


@dataclass(frozen=True, slots=True)
class Steps:
    """A distribution as far as the lab's numbers can tell it.

    Attributes:
        of: what is drawn from.
        per_second: steps in a second.
        low: its lowest value, in seconds; what is below becomes this.
        high: its highest.
    """

    of: Distribution
    per_second: int
    low: float
    high: float

    @property
    def mean(self) -> float:
        """That of the distribution without steps and bounds."""
        return self.of.mean

    def draw(self, random: Random) -> float:
        """One value."""
        value = min(self.high, max(self.low, self.of.draw(random)))
        return round(value * self.per_second) / self.per_second


@dataclass(frozen=True, slots=True)
class Late:
    """A little later than a distribution says, as on a real machine: by 0 to ``SETTING_UP`` seconds.

    Attributes:
        of: what is drawn from; the people stay the same.
        by: where the delay comes from.
    """

    of: Distribution
    by: Random

    @property
    def mean(self) -> float:
        """Its mean."""
        return self.of.mean + SETTING_UP / 2

    def draw(self, random: Random) -> float:
        """One value."""
        return self.of.draw(random) + self.by.uniform(0.0, SETTING_UP)


def scenario(campaign: Campaign, minutes: float, bank: int) -> Scenario:
    """Short calls, so that minutes suffice: what the campaign will go through.

    Args:
        campaign: whose limits hold.
        minutes: how long it is.
        bank: silent calls that its budget allows from the start.
    """
    return Scenario(
        name="real lab",
        hours=minutes / 60,
        shifts=(Shift(agents=AGENTS),),
        answer_rate=Curve.constant(0.3),
        ring=Steps(Uniform(2.0, 9.9), 10, 2.0, 9.9),
        ring_timeout=campaign.ring_timeout.total_seconds(),
        failing=1 / 3,
        failing_after=Steps(Uniform(1.0, 3.0), 10, 1.0, 3.0),
        # Shorter than the rescue lasts, and a callee would leave before the cut.
        talk=Steps(LogNormal(25.0, 0.6), 1, 4.0, 99.0),
        wrap_up=Fixed(campaign.wrap_up.total_seconds()),
        max_lines=campaign.max_lines,
        calls_per_second=campaign.calls_per_second,
        window=campaign.law.hang_up_after.total_seconds(),
        share=campaign.law.limits[0].share,
        bank=bank,
    )


def successes_before(day: Scenario) -> int:
    """How many successes of the days before make the scenario's bank."""
    return math.ceil(day.bank / day.share)


def pacer(campaign: Campaign) -> Pacer:
    """The pacer as production makes it for a campaign without a past."""
    run = cast(CampaignRun, SimpleNamespace(campaign=campaign))
    return CampaignPacing(run, cast(Office, SimpleNamespace())).pacer


def people(day: Scenario, seed: int) -> list[str]:
    """Numbers whose owners behave like the people of the scenario, in the order in which they are called.

    Args:
        day: its answer rate must be constant: at which hour a contact is called is not known here.
        seed: as given to the simulator; the n-th call meets the same person there.

    Returns:
        Numbers in E.164, each only once.
    """
    fates, used = Fates(day, seed), Counter[_Owner]()
    numbers = []
    for nth in range(round(day.seconds / 60 * _CONTACTS_A_MINUTE)):
        owner = _owner(fates.next(0.0), day.ring_timeout, nth)
        behaviour, ring, hold = owner
        numbers.append(number(behaviour, ring=ring, hold=hold, serial=used[owner]))
        used[owner] += 1
    return numbers


def _owner(fate: Fate, ring_timeout: float, nth: int) -> _Owner:
    if fate.answered:
        return Behaviour.PERSON, fate.after, fate.talk
    if fate.after < ring_timeout:
        return Behaviour.BUSY, fate.after, float(nth % _HOLDS)
    return Behaviour.NO_ANSWER, 0.0, float(nth % _HOLDS)
