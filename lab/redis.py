"""Redis of the lab: durable, without eviction, with faults on command."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from typing import Final

from lab.asterisk import write_private
from lab.ports import HOST, PortSlot
from lab.processes import Process
from lab.provision import Toolchain

_CONF: Final = """\
bind {host}
port {port}
requirepass {password}
dir {folder}
daemonize no
appendonly yes
appendfsync {fsync}
save ""
maxmemory-policy noeviction
"""
_READY: Final = 10.0


class Redis:
    """A Redis server in a directory of its own; what it holds survives `stop` or `kill` and `start`.

    Attributes:
        process: The process.
    """

    def __init__(self, tools: Toolchain, root: Path, slot: PortSlot, fsync: str = "everysec") -> None:
        self._port = slot.take()
        self._password = secrets.token_urlsafe(32)
        self._root = root
        self._fsync = fsync
        self._conf = root / "redis.conf"
        self.process = Process("redis", [*tools.redis_server, str(self._conf)], root / "redis.log")

    @property
    def url(self) -> str:
        """Where it is, with its password."""
        return f"redis://:{self._password}@{HOST}:{self._port}/0"

    def configure(self) -> None:
        """Write its configuration."""
        data = self._root / "data"
        data.mkdir(parents=True, exist_ok=True)
        content = _CONF.format(
            host=HOST, port=self._port, password=self._password, folder=data, fsync=self._fsync
        )
        write_private(self._conf, content)

    def launch(self) -> None:
        """Start it; returns at once."""
        self.process.start()

    def wait_ready(self) -> None:
        """Wait until it serves."""
        self.process.wait_ready(self.ready, _READY)

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """Stop it in order; it writes what it holds."""
        self.process.stop()

    def kill(self) -> None:
        """Let it die at once, as in a crash."""
        self.process.kill()

    def freeze(self) -> None:
        """Let it hang: connections stay open and get no answer."""
        self.process.freeze()

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        self.process.thaw()

    def ready(self) -> bool:
        """Whether it serves: its data are loaded."""
        try:
            return self.command("PING") == "+PONG"
        except OSError:
            return False

    def command(self, *words: str, timeout: float = 0.5) -> str:
        """Send one command that has a one-line answer, such as FLUSHALL.

        Args:
            words: The command; no word may hold a blank.
            timeout: In seconds.

        Returns:
            The answer, with its type's sign before it.

        Raises:
            OSError: It cannot be reached or did not answer in time.
        """
        with socket.create_connection((HOST, self._port), timeout) as connection:
            connection.sendall(f"AUTH {self._password}\r\n{' '.join(words)}\r\n".encode())
            with connection.makefile("rb") as answers:
                login = answers.readline().strip()
                return answers.readline().strip().decode() if login == b"+OK" else login.decode()
