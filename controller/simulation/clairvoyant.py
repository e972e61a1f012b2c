"""The upper bound: a dialer that knows beforehand who will answer when, and how long all will take."""

from __future__ import annotations

import heapq

from controller.simulation.scenario import Fates, Scenario


def upper_bound(scenario: Scenario, seed: int) -> float:
    """The occupancy that nobody can exceed: each agent's next call is answered as they become free.

    Only the very first calls cost time: nobody can be dialed before the agent is there. Breaks are left out.
    """
    fates, end = Fates(scenario, seed), scenario.seconds
    free = [
        (shift.begins, shift.begins, min(shift.ends, end))
        for shift in scenario.shifts
        for _ in range(shift.agents)
    ]
    present = sum(ends - begins for _, begins, ends in free)
    heapq.heapify(free)
    working = 0.0
    while free:
        at, begins, ends = heapq.heappop(free)
        fate = fates.next(at)
        if not fate.answered:
            heapq.heappush(free, (at, begins, ends))  # it knew, and called somebody else
            continue
        answered = max(at, begins + fate.after)
        over = answered + fate.talk + fate.wrap_up
        working += max(0.0, min(over, ends) - answered)
        if over < ends:
            heapq.heappush(free, (over, begins, ends))
    return working / present
