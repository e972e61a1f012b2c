"""The whole lab: PBX, simulated network with callees and agents' phones, Redis; it leaves no trace."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from lab import ariuser
from lab.errors import LabError
from lab.evidence import CalleeCall, read_calls
from lab.network import Network
from lab.pbx import Pbx
from lab.ports import PortSlot
from lab.processes import Process
from lab.provision import Toolchain, toolchain
from lab.redis import Redis

_READY: Final = 20.0
_FIRST_PHONE: Final = 1001
_MOST_PHONES: Final = 99
_POLL: Final = 0.05
_RECORDING_LATE: Final = 3.0
"""A recording is closed at most so long after the end of its call, in seconds; otherwise there is none."""


class Lab:
    """Use it as a context manager, with or without `async`; or call `start` and `stop`.

    Attributes:
        workdir: Where everything is; a temporary directory unless given.
        pbx: Our Asterisk.
        network: The simulated network.
        redis: Redis.
        phones: The agents' phones.
        trunk_endpoint: The endpoint of the calls to callees.
        dial_string: What to originate for a number in E.164.
    """

    trunk_endpoint: Final = "PJSIP/trunk"
    dial_string: Final = "PJSIP/{number}@trunk"
    ari_user: Final = ariuser.USER

    def __init__(
        self,
        workdir: Path | None = None,
        *,
        agents: int = 5,
        record: bool = True,
        noise: Path | None = None,
        dialplan: str = "",
        tools: Toolchain | None = None,
    ) -> None:
        """Describe a lab; nothing is started yet.

        Args:
            workdir: Where to put everything, and to leave it afterwards; a temporary directory by default.
            agents: How many agents' phones, from 1001 on.
            record: Whether to record what callees hear.
            noise: Directory of the comfort noise; the shipped one by default.
            dialplan: More dialplan for the PBX, for tests.
            tools: How to run the programs; found or made by default.
        """
        if not 0 <= agents <= _MOST_PHONES:
            raise LabError(f"agents must be 0..{_MOST_PHONES}, got {agents}")
        self.phones = [str(_FIRST_PHONE + index) for index in range(agents)]
        self._given = workdir
        self._record = record
        self._noise = noise
        self._dialplan = dialplan
        self._tools = tools
        self._slot = PortSlot()
        self._started = False

    # ---- start and stop --------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything and wait until it serves. Call it from a thread that lives as long as the lab.

        Raises:
            LabError: Something did not start; what did is stopped again.
        """
        try:
            self._launch()
            self._wait_ready()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        tools = self._tools or toolchain()
        self._slot.acquire()
        self._started = True
        if self._given is None:
            shutil.rmtree(self._slot.folder, ignore_errors=True)
        self.workdir = (self._given or self._slot.folder).resolve()
        self.workdir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.redis = Redis(tools, self.workdir / "redis", self._slot)
        self.pbx = Pbx(tools, self.workdir / "pbx", self._slot)
        self.network = Network(tools, self.workdir / "network", self._slot, record=self._record)
        self.redis.configure()
        self.pbx.configure(self.network.sip_port, self.phones, noise=self._noise, dialplan=self._dialplan)
        self.network.configure(self.pbx.sip_port)
        self.redis.launch()
        self.pbx.start()
        self.network.start()

    def _wait_ready(self) -> None:
        self.redis.wait_ready()
        self.pbx.process.wait_ready(self.pbx.ready, _READY)
        self.network.process.wait_ready(self.network.ready, _READY)

    def stop(self) -> None:
        """Stop everything; safe to call at any time, and twice."""
        if not self._started:
            return
        self._started = False
        for process in self._processes():
            process.stop()
        if self._given is None:
            shutil.rmtree(self.workdir, ignore_errors=True)
        self._slot.release()

    def _processes(self) -> list[Process]:
        parts = (getattr(self, name, None) for name in ("pbx", "network", "redis"))
        return [part.process for part in parts if part is not None]

    def __enter__(self) -> Lab:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Lab:
        # Launched here, in the loop's own thread: the programs die with the thread that starts them.
        try:
            self._launch()
            await asyncio.to_thread(self._wait_ready)
        except BaseException:
            self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    # ---- what the controller needs ---------------------------------------------------------------

    @property
    def ari_url(self) -> str:
        """Where the PBX's ARI is, without a trailing slash."""
        return self.pbx.ari_url

    @property
    def ari_password(self) -> str:
        """Password of `ari_user`."""
        return self.pbx.ari_password

    @property
    def redis_url(self) -> str:
        """Where Redis is, with its password."""
        return self.redis.url

    def agent_endpoint(self, phone: str) -> str:
        """What to originate for an agent's phone."""
        return f"PJSIP/{phone}"

    # ---- the agents' phones ----------------------------------------------------------------------

    async def phone_login(self, phone: str) -> None:
        """Let a phone dial *51 and stay in the call."""
        await self.network.dial(phone, "*51")

    async def phone_dial(self, phone: str, extension: str, timeout: float = 5.0) -> None:
        """Let a phone dial an extension of the PBX; returns when the PBX has answered.

        Args:
            phone: Who dials, such as `1001`.
            extension: What it dials, such as `*53`.
            timeout: How long to wait for the answer, in seconds.

        Raises:
            PhoneError: The PBX did not answer.
        """
        await self.network.dial(phone, extension, timeout)

    async def phone_hangup(self, phone: str) -> int:
        """Let a phone hang up; returns in how many calls it was."""
        return await self.network.hang_up(phone)

    async def phone_dtmf(self, phone: str, digits: str) -> None:
        """Let a phone press keys in its call."""
        await self.network.send_dtmf(phone, digits)

    # ---- evidence --------------------------------------------------------------------------------

    def free_port(self) -> int:
        """A port of the lab's own range that nothing uses yet."""
        return self._slot.take()

    def mark(self) -> float:
        """A point in time, for `calls(since=...)`."""
        return time.time()

    def calls(self, since: float = 0.0, *, analyse: bool = True) -> list[CalleeCall]:
        """The calls as the callees saw them, in the order in which they came.

        Args:
            since: Leave out calls that came before this mark.
            analyse: Whether to listen to the recordings.

        Returns:
            The calls, those that are still up included.
        """
        return read_calls(self.network.call_log, self.network.home.recordings, since=since, analyse=analyse)

    async def ended_calls(self, count: int, since: float = 0.0, timeout: float = 10.0) -> list[CalleeCall]:
        """Wait until at least so many calls are over.

        Args:
            count: How many.
            since: Calls from this mark on.
            timeout: How long to wait, in seconds.

        Returns:
            The calls that are over.

        Raises:
            LabError: They were not over in time.
        """
        deadline = time.monotonic() + timeout
        while True:
            over = [call for call in self.calls(since, analyse=False) if call.ended_at is not None]
            if len(over) >= count and not any(self._recording_due(call) for call in over):
                return [call for call in self.calls(since) if call.ended_at is not None]
            if time.monotonic() > deadline:
                raise LabError(f"{len(over)} of {count} calls over after {timeout:g} s: {self.calls(since)}")
            await asyncio.sleep(_POLL)

    def _recording_due(self, call: CalleeCall) -> bool:
        """Whether the recording of a call that is over is still to come; a very short call has none."""
        expected = self._record and call.recording is None and (call.duration or 0.0) > 0.1
        return expected and call.ended_at is not None and time.time() - call.ended_at < _RECORDING_LATE

    def leaks_now(self) -> list[str]:
        """The channels and bridges that are on either Asterisk now."""
        return [name for asterisk in (self.pbx, self.network) for name in asterisk.leftovers()]

    def no_leaks_now(self, timeout: float = 3.0) -> list[str]:
        """Wait until nothing is left on either Asterisk.

        Args:
            timeout: How long to wait, in seconds.

        Returns:
            What is left after that time; empty: nothing.
        """
        deadline = time.monotonic() + timeout
        while (found := self.leaks_now()) and time.monotonic() < deadline:
            time.sleep(_POLL)
        return found

    async def leaks(self) -> list[str]:
        """The channels and bridges that are on either Asterisk now."""
        return await asyncio.to_thread(self.leaks_now)

    async def no_leaks(self, timeout: float = 3.0) -> list[str]:
        """Wait until nothing is left on either Asterisk; see `no_leaks_now`."""
        return await asyncio.to_thread(self.no_leaks_now, timeout)

    def restore(self) -> None:
        """Undo faults: let frozen programs go on, start dead ones again, end all calls.

        Call it from a thread that lives as long as the lab.
        """
        for process in self._processes():
            if process.alive:
                process.thaw()
        if not self.redis.process.alive:
            self.redis.launch()
        for asterisk in (self.pbx, self.network):
            if not asterisk.process.alive:
                asterisk.start()
        self._wait_ready()
        for asterisk in (self.pbx, self.network):
            asterisk.cli_now("channel request hangup all")
        for bridge in self.pbx.leftover_bridges():
            self.pbx.destroy_bridge(bridge)
