"""The machine's clocks."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, as the engine reads it. Waiting is asyncio's business."""

    def now(self) -> datetime:
        """Aware UTC; for records."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump; for measuring how long something took."""
        ...
