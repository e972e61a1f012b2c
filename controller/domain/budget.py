"""The budget of silent calls: the invariant L3 in worst case.

A call for which no agent stands ready is *exposed*: whatever happens, the worst it can become is one
silent call. As long as a new exposed call is placed only while ``silent + exposed + 1`` stays within
``floor(share x successes)``, no interleaving of outcomes can bring ``silent`` above the limit: an exposed
call that turns silent moves from one term of the sum to the other, successes never shrink.

The same arithmetic runs inside Redis (store/scripts/admit.lua), where it is atomic between controllers;
one contract test holds both to the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one campaign has used of its silent calls so far.

    Attributes:
        successes: answered calls that reached an agent. Counting only these is the stricter reading of
            "andate a buon fine" (docs/regulation.md).
        silent: silent calls, the lost ones (outcome unknown after a crash) included.
        exposed: calls in flight, ringing or waiting, that no agent stands ready for.
    """

    successes: int = 0
    silent: int = 0
    exposed: int = 0

    def allowance(self, share: Fraction) -> int:
        """Silent calls allowed in all: ``floor(share x successes)``, in exact arithmetic."""
        return share.numerator * self.successes // share.denominator

    def room(self, share: Fraction) -> int:
        """Exposed calls that may be placed now; 0 at least."""
        return max(0, self.allowance(share) - self.silent - self.exposed)

    def kept(self, share: Fraction) -> bool:
        """Whether the law is kept at this instant."""
        return self.silent <= self.allowance(share)
