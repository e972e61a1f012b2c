"""Which segment the next contact is taken from, where a campaign dials segments by priority and weight."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

MOST_SHARES: Final = 50
"""Segments that one campaign dials at most."""

_ROUNDS_KEPT: Final = 64
"""Rounds that a mixer remembers; of one that is forgotten, less than a contact of each share is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentShare:
    """A segment's part in what a campaign dials.

    Attributes:
        segment: its name.
        weight: of the contacts taken at its priority, the part it gets: weight / sum of weights. 1 or more.
        priority: segments of a higher one go first, as long as one of them has contacts.

    Raises:
        ValueError: the weight is below 1, or the segment has no name.
    """

    segment: str
    weight: int = 1
    priority: int = 0

    def __post_init__(self) -> None:
        if not self.segment:
            raise ValueError("a share needs the name of a segment")
        if self.weight < 1:
            raise ValueError(f"the weight of segment {self.segment} is {self.weight}: it has to be 1 or more")


class Mixer:
    """Says whose turn it is. Starts even, and remembers what it said.

    As long as the same segments have contacts, each of them has got its part of what was taken, to within
    less than one contact, at every moment: after 4 contacts as after 4,000. A segment that runs empty and
    fills again goes on where it was among the same others; it is never caught up with.
    """

    def __init__(self, shares: Sequence[SegmentShare]) -> None:
        """A mixer of these shares.

        Raises:
            ValueError: a segment is named twice, or there are more than MOST_SHARES.
        """
        if len({share.segment for share in shares}) < len(shares):
            raise ValueError("a segment has more than one share")
        if len(shares) > MOST_SHARES:
            raise ValueError(f"{len(shares)} segments are more than {MOST_SHARES}")
        self._shares = tuple(sorted(shares, key=lambda share: -share.priority))
        self._rounds: dict[tuple[str, ...], dict[str, int]] = {}

    def next(self, empty: Collection[str] = ()) -> str | None:
        """The segment that the next contact is taken from; None if all are empty.

        Args:
            empty: segments that have no contact to give now.
        """
        filled = [share for share in self._shares if share.segment not in empty]
        if not filled:
            return None
        mixed = [share for share in filled if share.priority == filled[0].priority]
        taken = self._round(mixed)
        chosen = _whose_turn(mixed, taken)
        taken[chosen.segment] += 1
        if sum(taken.values()) == sum(share.weight for share in mixed):
            taken.update(dict.fromkeys(taken, 0))  # all have had exactly their part
        return chosen.segment

    def _round(self, mixed: Sequence[SegmentShare]) -> dict[str, int]:
        """What each of these has got since the last time that they were even."""
        names = tuple(share.segment for share in mixed)
        taken = self._rounds.pop(names, None)  # put back at the end: the one unused for longest is first
        if taken is None:
            taken = dict.fromkeys(names, 0)
            if len(self._rounds) == _ROUNDS_KEPT:
                del self._rounds[next(iter(self._rounds))]
        self._rounds[names] = taken
        return taken


def _whose_turn(mixed: Sequence[SegmentShare], taken: dict[str, int]) -> SegmentShare:
    """Who must not wait any longer, among those that have not more than their part.

    This is the quota method of Balinski and Young, who proved that nobody is ever a whole contact off. (The
    usual smooth round robin, who has waited most, drifts further with many shares.)
    """
    total, turn = sum(share.weight for share in mixed), sum(taken.values()) + 1
    owed = [share for share in mixed if taken[share.segment] * total < turn * share.weight]
    return min(owed, key=lambda share: (taken[share.segment] + 1) / share.weight)
