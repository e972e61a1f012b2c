"""CPU time of processes and of the machine, from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")
_UTIME: Final = 11
"""Index of utime among the fields of /proc/PID/stat after the name; stime, cutime and cstime follow."""
_IDLE: Final = (3, 4)
"""Idle and iowait in the first line of /proc/stat."""
_COUNTED: Final = 8
"""Fields of that line up to steal; guests' time, which follows, is in the others already."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What had been used up to an instant.

    Attributes:
        at: the instant, seconds of the monotonic clock.
        used: CPU seconds by process.
        machine: CPU seconds of the whole machine, all programs and the kernel.
    """

    at: float
    used: Mapping[str, float]
    machine: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used between two readings.

    Attributes:
        seconds: between them.
        cpu: CPU seconds by process.
        machine: CPU seconds of the whole machine.
    """

    seconds: float
    cpu: Mapping[str, float]
    machine: float

    @classmethod
    def between(cls, before: Reading, after: Reading) -> Usage:
        """The difference."""
        cpu = {name: used - before.used[name] for name, used in after.used.items()}
        return cls(after.at - before.at, cpu, after.machine - before.machine)

    def cores(self) -> dict[str, float]:
        """CPU seconds per second by process, and of everything else on the machine as `others`."""
        shares = {name: used / self.seconds for name, used in self.cpu.items()}
        shares["others"] = max(0.0, (self.machine - sum(self.cpu.values())) / self.seconds)
        return shares


class Meter:
    """Reads the CPU time of some processes."""

    def __init__(self, pids: Mapping[str, int], proc: Path = Path("/proc")) -> None:
        """Watch some processes.

        Args:
            pids: what to call them, and their ids.
            proc: where the kernel tells of processes.
        """
        self._proc = proc
        self._stats = {name: proc / str(pid) / "stat" for name, pid in pids.items()}

    def read(self) -> Reading:
        """What has been used up to now. A process must still run."""
        used = {name: _process(stat.read_text()) for name, stat in self._stats.items()}
        return Reading(time.monotonic(), used, _machine((self._proc / "stat").read_text()))


def _process(stat: str) -> float:
    # The name, in brackets, may hold anything, blanks and brackets too.
    fields = stat.rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[_UTIME : _UTIME + 4]) * _TICK


def _machine(stat: str) -> float:
    ticks = [int(field) for field in stat.partition("\n")[0].split()[1 : 1 + _COUNTED]]
    return (sum(ticks) - sum(ticks[index] for index in _IDLE)) * _TICK
