"""Programs that the lab runs: start, readiness, faults, stop; always by pid.

A program dies with the lab even where the lab gets no chance to stop it (SIGKILL): the kernel is told so
before the program is executed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from lab.errors import ProcessError

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LOG_TAIL: Final = 2000
_NO_DNS: Final = {"RES_OPTIONS": "attempts:0"}
"""Makes the C library ask /etc/hosts only. Nothing in the lab needs DNS, but Asterisk looks up the host's own
name: where no server answers, for 5 s each time, at the start and with calls."""


def _die_with(parent: int) -> Callable[[], None]:
    """Make the function that a new process runs before its program: it ties its life to the parent's.

    The kernel watches the *thread* that forked, so that one has to live as long as the lab.
    """

    def tie() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # It died between fork and prctl; the signal will not come.
            os._exit(1)

    return tie


def wait_until(ready: Callable[[], bool], timeout: float, what: str, every: float = 0.01) -> None:
    """Wait until a condition holds.

    Args:
        ready: The condition.
        timeout: How long to wait, in seconds.
        what: What is awaited, for the error's text.
        every: Pause between two looks, in seconds.

    Raises:
        ProcessError: It did not hold in time.
    """
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() >= deadline:
            raise ProcessError(f"{what}: not within {timeout:g} s")
        time.sleep(every)


class Process:
    """One program with its log file; can be started again after it ended.

    Attributes:
        name: For messages and the log's name.
        log: Where its standard output and error go.
    """

    def __init__(self, name: str, argv: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self._argv = list(argv)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id.

        Raises:
            ProcessError: It is not running.
        """
        if self._child is None or self._child.poll() is not None:
            raise ProcessError(f"{self.name} is not running{self._log_tail()}")
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it runs (a frozen one does)."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the program; returns at once. Call it from a thread that lives as long as the lab."""
        if self.alive:
            raise ProcessError(f"{self.name} runs already, as {self.pid}")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the lab, which then stops its programs in order.
                env={**os.environ, **_NO_DNS},
                preexec_fn=_die_with(os.getpid()),
            )

    def wait_ready(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until the program serves.

        Args:
            ready: Asks it.
            timeout: How long to wait, in seconds.

        Raises:
            ProcessError: It ended, or did not get ready in time; with the end of its log.
        """
        try:
            wait_until(lambda: not self.alive or ready(), timeout, f"{self.name} ready")
        except ProcessError as error:
            raise ProcessError(f"{error}{self._log_tail()}") from None
        _ = self.pid

    def stop(self, timeout: float = 5.0) -> None:
        """End it, also a frozen one: SIGTERM, and SIGKILL if it is there after `timeout` seconds."""
        child = self._child
        if child is None or child.poll() is not None:
            return
        child.send_signal(signal.SIGCONT)
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(timeout)

    def kill(self) -> None:
        """Let it die at once (SIGKILL), as in a crash."""
        child = self._child
        if child is not None and child.poll() is None:
            child.kill()
            child.wait(5.0)

    def freeze(self) -> None:
        """Stop its clock (SIGSTOP); connections to it stay open and get no answer."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen program go on."""
        os.kill(self.pid, signal.SIGCONT)

    def _log_tail(self) -> str:
        try:
            text = self.log.read_text(errors="replace")[-_LOG_TAIL:]
        except OSError:
            return ""
        return f"; end of {self.log}:\n{text}" if text else ""
