"""The pacer of the engine as a policy of the simulation."""

from __future__ import annotations

from controller.domain.ids import CallId
from controller.domain.pacing.pacer import Pacer, Scene, Terms
from controller.simulation.model import CallEnded, Centre, Connected, Dropped, Happening, Talked, WrappedUp

LOOK_AGAIN = 1.0
"""Seconds after which it looks again even if nothing happens, like the engine's dialer."""


class Ours:
    """Feeds the pacer with what happens, and asks it."""

    keeps_budget: bool = True
    every: float | None = None

    def __init__(self, terms: Terms | None = None, name: str = "ours") -> None:
        self.name = name
        self.pacer = Pacer(terms)
        self._risks: list[float] = []
        self._due = 0.0

    def wanted(self, centre: Centre) -> int:
        """How many calls to place now."""
        if centre.now < self._due:
            centre.look_at(self._due)
            return 0
        # A large team is looked at a few times a second: there an event alone changes little.
        self._due = centre.now + min(0.25, centre.scenario.agents / 200)
        decision = self.pacer.decide(scene_of(centre))
        after = self.pacer.terms.cancel_after
        while decision.cancel and after is not None and centre.take_one_back(after):
            decision = self.pacer.decide(scene_of(centre))
        centre.look_at(centre.now + LOOK_AGAIN)
        self._risks = list(reversed(decision.risks))
        return decision.covered + decision.exposed

    def placed(self, call: CallId) -> None:
        """One of these has been placed."""
        self.pacer.placed(call, self._risks.pop())

    def saw(self, centre: Centre, what: Happening) -> None:
        """Learn from what happened."""
        pacer = self.pacer
        match what:
            case CallEnded(call, rang, cancelled=True):
                pacer.cancelled(call, rang)
            case CallEnded(call, rang, answered):
                pacer.rang(call, rang, answered=answered)
            case Connected(call):
                pacer.met(call, agent=True)
            case Dropped(call):
                pacer.met(call, agent=False)
            case Talked(seconds):
                pacer.talked(seconds)
            case WrappedUp(seconds):
                pacer.wrapped_up(seconds)


def scene_of(centre: Centre) -> Scene:
    """What the pacer looks at."""
    now, idle = centre.now, centre.idle
    return Scene(
        now=now,
        idle=idle,
        reserved=centre.ready - idle,
        ringing=[now - placed for placed in centre.ringing.values()],
        waiting=len(centre.waiting),
        talking=[now - since for since in centre.talking.values()],
        wrapping=[now - since for since in centre.wrapping.values()],
        exposed=centre.exposed,
        room=centre.room,
        lines=centre.lines,
    )
