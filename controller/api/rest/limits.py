"""How often who may ask: token buckets, in memory, one for each asker."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_ASKERS = 10_000
"""Buckets kept at most; who has not asked for longest is forgotten, which only ever is in their favour."""


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class RateLimit:
    """So many requests a second on average, and so many at once."""

    def __init__(
        self, per_second: float, burst: int, monotonic: Callable[[], float], *, askers: int = _ASKERS
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._monotonic = monotonic
        self._askers = askers
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, asker: str) -> float:
        """Take one of the asker's requests; returns 0, or the seconds until there is one to be taken."""
        now = self._monotonic()
        bucket = self._buckets.pop(asker, None) or _Bucket(self._burst, now)
        self._buckets[asker] = bucket
        if len(self._buckets) > self._askers:
            self._buckets.popitem(last=False)
        bucket.level = min(self._burst, bucket.level + (now - bucket.at) * self._per_second)
        bucket.at = now
        if bucket.level < 1:
            return (1 - bucket.level) / self._per_second
        bucket.level -= 1
        return 0.0
