"""Ports on loopback, and a directory, for several labs side by side.

The range below the kernel's ephemeral ports is cut into slots; a lab holds a slot by a lock that ends with
its process, and looks whether anything else listens there. Asking the kernel for free ports one by one would
leave the time between asking and using them open to everybody.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from lab.errors import LabError

HOST: Final = "127.0.0.1"
_FIRST: Final = 12_000
_SLOT: Final = 2_500
_SLOTS: Final = 8
_CONTROL: Final = 100
"""The first ports of a slot are for servers; the others, in two halves, for the two Asterisks' media."""


class PortSlot:
    """A slot of ports, held until `release` or the end of the process."""

    def __init__(self) -> None:
        self._lock: int | None = None
        self._folder = Path()
        self._base = 0
        self._next = 0

    def acquire(self) -> None:
        """Take the first free slot.

        Raises:
            LabError: All are taken.
        """
        folder = Path(tempfile.gettempdir()) / f"campaign-controller-lab-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise LabError(f"{folder} belongs to another user")
        for index in range(_SLOTS):
            lock = os.open(folder / f"slot-{index}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            base = _FIRST + index * _SLOT
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                continue
            if all(_free(base + offset) for offset in range(8)):
                self._lock, self._base, self._next = lock, base, 0
                self._folder = folder / f"slot-{index}"
                return
            os.close(lock)
        raise LabError(f"all {_SLOTS} port ranges from {_FIRST} on are taken; stop another lab first")

    def release(self) -> None:
        """Give the slot back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def folder(self) -> Path:
        """A directory for the slot's holder alone; it may hold what a killed one left there."""
        return self._folder

    def take(self) -> int:
        """Return a port of the slot that is free for TCP and UDP."""
        while self._next < _CONTROL:
            port = self._base + self._next
            self._next += 1
            if _free(port):
                return port
        raise LabError("the slot's ports are used up")

    def media_range(self, index: int) -> tuple[int, int]:
        """Return the first and last media port for the Asterisk with this index, 0 or 1."""
        half = (_SLOT - _CONTROL) // 2
        first = self._base + _CONTROL + index * half
        return first, first + half - 1

    def __enter__(self) -> PortSlot:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                # As servers do: connections of an earlier lab in TIME_WAIT are no obstacle.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True


def accepts(port: int, timeout: float = 0.2) -> bool:
    """Whether something accepts TCP connections there."""
    with suppress(OSError), socket.create_connection((HOST, port), timeout):
        return True
    return False
