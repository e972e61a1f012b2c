"""The budget of silent calls: the invariant L3 in worst case.

A call for which no agent stands ready is *exposed*: whatever happens, the worst it can become is one
silent call. As long as a new exposed call is placed only while, in every window that the law names,
``silent + exposed + 1`` stays within ``floor(share x successes)``, no interleaving of outcomes can bring
``silent`` above the limit: an exposed call that turns silent moves from one term of the sum to the other,
successes never shrink. Every exposed call of a campaign is charged to the window that is current, also those
placed in the window before: the strict side at midnight, and when a clock steps.

The same arithmetic runs inside Redis (store/scripts/admit.lua), where it is atomic between controllers;
one contract test holds both to the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.domain.regulation import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one window of one limit has used.

    Attributes:
        window: its label (Limit.window).
        successes: calls placed in it that reached an agent.
        silent: those that counted as silent, the lost ones (outcome unknown after a crash) included.
    """

    limit: Limit
    window: str = ""
    successes: int = 0
    silent: int = 0

    @property
    def allowance(self) -> int:
        """Silent calls allowed in all: ``floor(share x successes)``, in exact arithmetic."""
        share = self.limit.per_success
        return share.numerator * self.successes // share.denominator

    def room(self, exposed: int) -> int:
        """Exposed calls that may be placed now beside ``exposed`` others; below 0 by how many it is over."""
        return self.allowance - self.silent - exposed

    @property
    def kept(self) -> bool:
        """Whether the limit is kept at this instant."""
        return self.silent <= self.allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one campaign has used of its silent calls so far.

    Attributes:
        successes: answered calls that reached an agent, of the whole campaign.
        silent: silent calls of the whole campaign, the lost ones included.
        exposed: calls in flight, ringing or waiting, that no agent stands ready for.
        tallies: the current window of each limit of the campaign's law. Empty: no law is known, so nothing
            may be exposed.
    """

    successes: int = 0
    silent: int = 0
    exposed: int = 0
    tallies: tuple[Tally, ...] = ()

    @property
    def room(self) -> int:
        """Exposed calls that may be placed now: what the tightest limit leaves, 0 at least."""
        return max(0, self.margin(self.exposed))

    def margin(self, exposed: int) -> int:
        """What the tightest limit leaves beside ``exposed`` calls in flight; negative if it is too many."""
        return min((tally.room(exposed) for tally in self.tallies), default=-exposed)

    @property
    def tightest(self) -> Tally | None:
        """The tally that leaves the least; None if there is no limit."""
        return min(self.tallies, key=lambda tally: tally.room(0), default=None)

    @property
    def kept(self) -> bool:
        """Whether every limit is kept at this instant."""
        return all(tally.kept for tally in self.tallies)
