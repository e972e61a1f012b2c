"""What was decided lately, from what and why: a supervisor can read at three why it dialed so at two."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final, Self

from controller.domain.pacing.pacer import Decision, Scene

KEPT: Final = 5000
"""Decisions that are kept of a campaign; older ones go. About 3.3 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a decision was made from: a ``Scene``, its calls and agents counted.

    Attributes:
        room: exposed calls that the budget still allowed; None if it was lifted.
        lines: lines that were free.
    """

    idle: int = 0
    reserved: int = 0
    ringing: int = 0
    waiting: int = 0
    talking: int = 0
    wrapping: int = 0
    exposed: int = 0
    room: int | None = 0
    lines: int = 0

    @classmethod
    def of(cls, scene: Scene) -> Self:
        """Count."""
        return cls(
            idle=scene.idle,
            reserved=scene.reserved,
            ringing=len(scene.ringing),
            waiting=scene.waiting,
            talking=len(scene.talking),
            wrapping=len(scene.wrapping),
            exposed=scene.exposed,
            room=scene.room,
            lines=scene.lines,
        )

    @property
    def bank(self) -> int | None:
        """Silent calls that the budget allowed and that had not happened; None if it was lifted."""
        return None if self.room is None else self.room + self.exposed


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A decision, with what it was made from. Decisions in a row to place no call, for one reason, are one.

    Attributes:
        at: when it was made (aware UTC); of several, the first.
        until: the last of them; ``at`` of a single one.
        looks: how many they are.
        inputs: what the last of them was made from.
        decision: the last of them, without the risk of each call.
        placed: calls that were placed on it: fewer than decided where there were no contacts, or where
            ``calls_per_second`` held them back.
        taken_back: ringing calls that were ended with it, because no agent would have been free for them.
    """

    at: datetime
    until: datetime
    looks: int
    inputs: Inputs
    decision: Decision
    placed: int = 0
    taken_back: int = 0


class Journal:
    """The latest decisions of one campaign.

    Attributes:
        decisions: how many there were in all.
    """

    def __init__(self, kept: int = KEPT) -> None:
        """An empty one.

        Args:
            kept: how many are kept.
        """
        self.decisions = 0
        self._kept: deque[Explained] = deque(maxlen=kept)

    def note(self, at: datetime, inputs: Inputs, decision: Decision, *, taken_back: int = 0) -> None:
        """A decision was made; see ``Explained``."""
        self.decisions += 1
        last = self.latest
        if decision.risks:
            decision = replace(decision, risks=())  # nobody reads them later, and they may be many
        new = Explained(at=at, until=at, looks=1, inputs=inputs, decision=decision, taken_back=taken_back)
        if last is not None and _idle(last) and _idle(new) and last.decision.reason == decision.reason:
            new = replace(new, at=last.at, looks=last.looks + 1, placed=last.placed)
            self._kept.pop()
        self._kept.append(new)

    def placed(self) -> None:
        """A call was placed on the latest decision."""
        if (last := self.latest) is not None:
            self._kept[-1] = replace(last, placed=last.placed + 1)

    @property
    def latest(self) -> Explained | None:
        """The latest; None if there was none."""
        return self._kept[-1] if self._kept else None

    def recent(self, limit: int, before: datetime | None = None) -> Sequence[Explained]:
        """The latest decisions, newest first.

        Args:
            limit: how many at most.
            before: only those made at this time (aware) or earlier; None: all.
        """
        newest = (each for each in reversed(self._kept) if before is None or each.at <= before)
        return list(islice(newest, limit))


def _idle(one: Explained) -> bool:
    return not (one.decision.covered or one.decision.exposed or one.taken_back)
