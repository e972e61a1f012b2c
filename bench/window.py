"""The stretch of time in which is measured, and who looks at it: /proc, and the callees."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bench import plan
from bench.meter import Meter, Usage
from lab.lab import Lab


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of steady load.

    Attributes:
        began, ended: by the callees' clock.
        usage: CPU used in it.
    """

    began: float
    ended: float
    usage: Usage

    def answered(self, lab: Lab) -> int:
        """Calls that callees answered in it, by their own record."""
        calls = lab.calls(self.began - plan.WARM_UP, analyse=False)
        return sum(
            call.answered_at is not None and self.began <= call.answered_at < self.ended for call in calls
        )


def parts(lab: Lab) -> dict[str, int]:
    """The lab's processes, whose CPU time is read beside the client's."""
    return {"pbx": lab.pbx.process.pid, "network": lab.network.process.pid, "redis": lab.redis.process.pid}


async def measure(lab: Lab, client: int, seconds: float) -> Window:
    """Let the load settle, then watch it.

    Args:
        lab: where.
        client: process id of the client.
        seconds: how long to watch.
    """
    meter = Meter({"client": client, **parts(lab)})
    await asyncio.sleep(plan.WARM_UP)
    began, before = lab.mark(), meter.read()
    await asyncio.sleep(seconds)
    ended, after = lab.mark(), meter.read()
    return Window(began, ended, Usage.between(before, after))
