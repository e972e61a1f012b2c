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
        """Whether it serves: its data are loaded and it knows its password."""
        try:
            with socket.create_connection((HOST, self._port), 0.5) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                connection.settimeout(0.5)
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(100)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"
