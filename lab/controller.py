"""The controller as its users run it: a process of its own, with a configuration file for this lab."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from controller.api.client import ControlClient
from controller.config import number_key
from controller.domain.privacy import NumberKey
from controller.domain.regulation import Regulation
from controller.errors import ControllerError
from controller.law import PROFILES, load_directory
from controller.ports import ControllerStatus
from controller.store.records import SqlRecords
from lab import law
from lab.asterisk import write_private
from lab.errors import LabError
from lab.lab import Lab
from lab.processes import Process

_READY: Final = 15.0
_POLL: Final = 0.05

Value = str | int | float | bool


class ControllerProcess:
    """One controller on a lab. Its files survive its death, as they would on a real machine.

    Attributes:
        root: Its state directory.
        config: Its configuration file.
        process: The process; `kill`, `freeze` and `thaw` are its faults.
    """

    def __init__(
        self, lab: Lab, root: Path | None = None, overrides: Mapping[str, Mapping[str, Value]] | None = None
    ) -> None:
        """Describe a controller; nothing is started yet.

        Args:
            lab: Where it works.
            root: Its state directory; a temporary one by default (a socket's path must be short).
            overrides: Settings by table, beside those which the lab demands.
        """
        self.root = root or Path(tempfile.mkdtemp(prefix="cc-state-"))
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.config = self.root / "campaign-controller.toml"
        law.write(self.root / "regulations")
        write_private(self.config, settings_toml(lab, self.root, overrides or {}))
        argv = [sys.executable, "-m", "controller", "--config", str(self.config), "run"]
        self.process = Process("controller", argv, self.root / "controller.log")

    @property
    def socket(self) -> Path:
        """By which it takes orders."""
        return self.root / "control.sock"

    @property
    def records(self) -> Path:
        """Its SQLite file."""
        return self.root / "records.sqlite"

    @property
    def law(self) -> Regulation:
        """The lab's profile."""
        return law.load(self.root / "regulations")

    @property
    def number_key(self) -> NumberKey:
        """The key under which it records people."""
        return number_key(self.root / "number.key")

    def open_records(self) -> SqlRecords:
        """Its record store, for a second program beside it."""
        profiles = {**PROFILES, **load_directory(self.root / "regulations", PROFILES)}
        return SqlRecords(
            f"sqlite+aiosqlite:///{self.records}", number_key=self.number_key, profiles=profiles
        )

    async def start(self) -> None:
        """Start it and wait until it may place calls.

        Raises:
            LabError: It does not get there.
        """
        self.process.start()
        await self.fit()

    async def fit(self, timeout: float = _READY) -> None:
        """Wait until no edge is missing.

        Raises:
            LabError: Not in time; with what is missing, or the end of its log.
        """
        seen = "no answer on its control socket"
        try:
            async with asyncio.timeout(timeout):
                while self.process.alive:
                    try:
                        faults = (await self.status()).faults
                    except ControllerError:
                        faults = [seen]
                    if not faults:
                        return
                    seen = "; ".join(faults)
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            raise LabError(f"the controller is not ready after {timeout:g} s: {seen}") from None
        raise LabError(f"the controller ended: {self.log_tail()}")

    async def status(self) -> ControllerStatus:
        """How things stand, in its own words."""
        async with ControlClient(self.socket) as client:
            return await client.status()

    def log_tail(self, lines: int = 20) -> str:
        """The end of its log."""
        log = self.root / "controller.log"
        return "\n".join(log.read_text().splitlines()[-lines:]) if log.exists() else ""


def settings_toml(lab: Lab, root: Path, overrides: Mapping[str, Mapping[str, Value]]) -> str:
    """The configuration file of a controller on this lab, with its secrets."""
    tables: dict[str, dict[str, Value]] = {
        "controller": {"state_dir": str(root), "log_level": "debug"},
        "asterisk": {"url": lab.ari_url, "username": lab.ari_user, "password": lab.ari_password},
        "redis": {"url": lab.redis_url},
        "agi": {"enabled": False},  # its port is the machine's, and several labs may run
        "regulation": {"directory": str(root / "regulations")},
        "campaign_defaults": {
            "dial_string": lab.dial_string,
            "trunk": lab.trunk_endpoint,
            "regulation": law.NAME,
        },
        "lab": {"allow_budget_override": True, "lab_token": lab.pbx.lab_token},
    }
    for table, values in overrides.items():
        tables.setdefault(table, {}).update(values)
    lines = []
    for table, values in tables.items():
        lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""]
    for phone in lab.phones:
        lines += ["[[agents]]", f'id = "{phone}"', f'endpoint = "{lab.agent_endpoint(phone)}"', ""]
    return "\n".join(lines)
