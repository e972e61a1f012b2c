"""The pacer of the engine as a policy of the simulation."""

from __future__ import annotations

from dataclasses import replace

from controller.domain.ids import CallId
from controller.domain.pacing.groups import PART_HOURS, Group
from controller.domain.pacing.pacer import Pacer, Scene, Terms
from controller.simulation.model import CallEnded, Centre, Connected, Dropped, Happening, Talked, WrappedUp

LOOK_AGAIN = 1.0
"""Seconds after which it looks again even if nothing happens, like the engine's dialer."""
IN_HAND = 10
"""Contacts who are next and whose segments it knows: the fewest that the engine's supply takes at a time."""


class Ours:
    """Feeds the pacer with what happens, and asks it."""

    keeps_budget: bool = True
    every: float | None = None

    def __init__(self, terms: Terms | None = None, name: str = "ours", *, groups: bool = True) -> None:
        """Start with nothing learned.

        Args:
            terms: how bold it is.
            name: as shown in tables.
            groups: tell segments and parts of the day from each other.
        """
        self.name = name
        self.groups = groups
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
        decision = self.pacer.decide(self._scene(centre))
        after = self.pacer.terms.cancel_after
        while decision.cancel and after is not None and centre.take_one_back(after):
            decision = self.pacer.decide(self._scene(centre), instead=True)
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
                pacer.cancelled(call, rang, self._group(centre, call))
            case CallEnded(call, rang, answered):
                pacer.rang(call, rang, answered=answered, group=self._group(centre, call))
            case Connected(call):
                pacer.met(call, agent=True)
            case Dropped(call):
                pacer.met(call, agent=False)
            case Talked(seconds):
                pacer.talked(seconds)
            case WrappedUp(seconds):
                pacer.wrapped_up(seconds)

    def _scene(self, centre: Centre) -> Scene:
        if not self.groups:
            return scene_of(centre)
        part = _part(centre)
        return replace(
            scene_of(centre),
            groups=[Group(centre.segment_of(call), part) for call in centre.ringing],
            coming=[Group(segment, part) for segment in centre.coming(IN_HAND) or [""]],
        )

    def _group(self, centre: Centre, call: CallId) -> Group | None:
        return Group(centre.segment_of(call), _part(centre)) if self.groups else None


def _part(centre: Centre) -> int:
    return int(centre.now // 3600) // PART_HOURS


def scene_of(centre: Centre) -> Scene:
    """What the pacer looks at, groups left out."""
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
