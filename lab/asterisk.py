"""One Asterisk of the lab: its directories, its configuration, its start, its command line."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError, ProcessError
from lab.processes import Process
from lab.provision import Toolchain

_SOCKET_PATH_LIMIT: Final = 100
"""A Unix socket's path may have 107 characters."""

_EMPTY: Final = (
    "acl",
    "ccss",
    "features",
    "indications",
    "manager",
    "pjproject",
    "stasis",
    "udptl",
    "websocket_client",
)
"""Files whose absence Asterisk reports as an error; in its log only real ones should stand."""

_ASTERISK_CONF: Final = """\
; Written by the lab: everything below one directory.
[directories]
astetcdir = {etc}
astmoddir = {modules}
astvarlibdir = {data}
astdbdir = {var}
astkeydir = {data}
astdatadir = {data}
astagidir = {data}
astspooldir = {var}/spool
astrundir = {run}
astlogdir = {log}
"""


@dataclass(frozen=True, slots=True)
class Home:
    """The directories of one Asterisk, all below one."""

    root: Path

    @property
    def etc(self) -> Path:
        """Its configuration."""
        return self.root / "etc"

    @property
    def data(self) -> Path:
        """What it only reads: sounds, documentation, the description of ARI."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """Its logs."""
        return self.root / "log"

    @property
    def recordings(self) -> Path:
        """Where MixMonitor writes."""
        return self.root / "var" / "spool" / "monitor"

    @property
    def socket(self) -> Path:
        """The socket of its command line."""
        return self.root / "run" / "asterisk.ctl"


class Asterisk:
    """An Asterisk process in a home of its own.

    Attributes:
        name: For messages.
        home: Its directories.
        process: The process, for faults (kill, freeze, thaw).
    """

    def __init__(self, name: str, tools: Toolchain, root: Path) -> None:
        self.name = name
        self.home = Home(root)
        self._tools = tools
        self._conf = self.home.etc / "asterisk.conf"
        argv = [*tools.asterisk, "-f", "-n", "-C", str(self._conf)]
        self.process = Process(name, argv, root / "stdout.log")

    def prepare(self, conf: Path, generated: Mapping[str, str], sounds: Mapping[str, Path]) -> None:
        """Lay out its directories.

        Args:
            conf: Directory of configuration files to copy as they are.
            generated: Name and content of the files to add; they may hold passwords.
            sounds: Name below the data directory, and the directory of sounds it stands for.

        Raises:
            LabError: The path is too long for a Unix socket.
        """
        home = self.home
        if len(str(home.socket)) > _SOCKET_PATH_LIMIT:
            raise LabError(
                f"{home.root} is too long a path for Asterisk's socket; choose a shorter working directory"
            )
        for folder in (home.etc, home.data, home.log / "cel-custom", home.recordings, home.socket.parent):
            folder.mkdir(parents=True, exist_ok=True)
        for source in conf.glob("*.conf"):
            shutil.copyfile(source, home.etc / source.name)
        for name in _EMPTY:
            if not (home.etc / f"{name}.conf").exists():
                (home.etc / f"{name}.conf").write_text("; Empty: all defaults.\n")
        self._conf.write_text(self._asterisk_conf())
        for name, content in generated.items():
            write_private(home.etc / name, content)
        for source in self._tools.data.iterdir():
            if source.name not in sounds:
                _link(home.data / source.name, source)
        for name, source in sounds.items():
            _link(home.data / name, source)

    def _asterisk_conf(self) -> str:
        home = self.home
        return _ASTERISK_CONF.format(
            etc=home.etc,
            modules=self._tools.modules,
            data=home.data,
            var=home.root / "var",
            run=home.socket.parent,
            log=home.log,
        )

    def start(self) -> None:
        """Start it; returns at once."""
        # Left over from a killed one, it would be taken for a sign of life.
        self.home.socket.unlink(missing_ok=True)
        self.process.start()

    def stop(self) -> None:
        """Stop it, its calls with it."""
        self.process.stop()

    def cli_now(self, command: str, timeout: float = 10.0) -> str:
        """Run one command on its command line.

        Args:
            command: Such as `core show channels`.
            timeout: In seconds.

        Returns:
            What it printed.

        Raises:
            ProcessError: It cannot be reached or did not answer in time.
        """
        argv = [*self._tools.asterisk, "-C", str(self._conf), "-rx", command]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            raise ProcessError(f"{self.name}: no answer to {command!r} within {timeout:g} s") from None
        if done.returncode != 0:
            raise ProcessError(f"{self.name}: {command!r} failed: {done.stdout}{done.stderr}")
        return done.stdout

    async def cli(self, command: str, timeout: float = 10.0) -> str:
        """Run one command on its command line; see `cli_now`."""
        return await asyncio.to_thread(self.cli_now, command, timeout)

    def leftovers(self) -> list[str]:
        """Its channels and bridges, by name and id."""
        channels = self.cli_now("core show channels concise").splitlines()
        found = [f"{self.name}: channel {line.split('!', 1)[0]}" for line in channels if "!" in line]
        return found + [f"{self.name}: bridge {bridge}" for bridge in self.leftover_bridges()]

    def leftover_bridges(self) -> list[str]:
        """The ids of its bridges."""
        # Before the table's head there may be a complaint, such as that the machine has no network card.
        _, _, bridges = self.cli_now("bridge show all").partition("Duration\n")
        return [line.split()[0] for line in bridges.splitlines()]

    def booted(self) -> bool:
        """Whether it is up and takes calls."""
        if not self.home.socket.exists():
            return False
        try:
            return "fully booted" in self.cli_now("core waitfullybooted").lower()
        except ProcessError:
            return False  # The socket is there a moment before somebody listens.


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner may read, and never leaves it readable in between."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target.resolve())
