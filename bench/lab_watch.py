"""Who looks on while a campaign runs on the lab: at the agents, at the decisions, at the machine."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import aiohttp

from bench.lab_figures import reason_of
from controller.api.client import ControlClient
from controller.domain.agent import AgentState
from controller.domain.ids import CampaignId
from controller.ports import CampaignStatus, ControllerStatus
from lab.errors import LabError

LOOK: Final = 1.0
"""Seconds between two looks at the controller's status."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=5, sock_read=60)
_AGAIN: Final = 0.2


class States:
    """The agents' states, by the API's live events.

    Attributes:
        seen: when (seconds since the epoch) which agent came into which state, in order.
        listening: the first connection is made.
    """

    def __init__(self, api: str, token: str) -> None:
        """Describe it.

        Args:
            api: address of the API, up to its version.
            token: of whoever may listen.
        """
        self.seen: list[tuple[float, str, AgentState]] = []
        self.listening = asyncio.Event()
        self._url = f"{api}/events"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def listen(self) -> None:
        """Listen until cancelled.

        Raises:
            LabError: Events were lost, or the API refused.
        """
        async with aiohttp.ClientSession(headers=self._headers, timeout=_TIMEOUT) as session:
            try:
                async for kind, data in self._events(session):
                    if kind == "gap":
                        raise LabError(f"the API's live stream has lost events: {data['reason']}")
                    at = datetime.fromisoformat(data["at"]).timestamp()
                    self.seen.append((at, data["agent"], AgentState(data["state"])))
            except aiohttp.ClientError as error:
                raise LabError(f"the API's live stream broke off: {error}") from None

    async def _events(self, session: aiohttp.ClientSession) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        last = kind = ""
        while True:
            headers = {"Last-Event-ID": last} if last else {}
            async with session.get(self._url, params={"kind": "agent.state"}, headers=headers) as stream:
                if stream.status != 200:
                    raise LabError(f"the API's live stream: {stream.status} {await stream.text()}")
                self.listening.set()
                with suppress(aiohttp.ClientPayloadError):
                    async for line in stream.content:
                        name, _, value = line.decode().rstrip("\n").partition(": ")
                        if name == "id":
                            last = value
                        elif name == "event":
                            kind = value
                        elif name == "data":
                            yield kind, json.loads(value)
            await asyncio.sleep(_AGAIN)


@dataclass(slots=True)
class Looks:
    """What was seen at each look at the status.

    Attributes:
        reasons: why not one call more was placed, in how many looks.
        ringing: calls in flight at each look.
        loads: load averages (one minute) of the machine.
        faults: edges that gave no answer, and other reasons not to dial, in how many looks.
        latest: the campaign at the latest.
    """

    reasons: Counter[str] = field(default_factory=Counter)
    ringing: list[int] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    latest: CampaignStatus | None = None

    def note(self, status: ControllerStatus, campaign: CampaignId) -> None:
        """Take one look."""
        now = self.latest = campaign_of(status, campaign)
        self.reasons[reason_of(now.pacing)] += 1
        self.ringing.append(now.in_flight)
        self.loads.append(os.getloadavg()[0])
        self.faults.update(status.faults)

    async def watch(self, control: ControlClient, campaign: CampaignId, seconds: float) -> None:
        """Look once a second for so long."""
        time = asyncio.get_running_loop().time
        end = time() + seconds
        while (left := end - time()) > 0:
            self.note(await control.status(), campaign)
            await asyncio.sleep(min(LOOK, left))


def campaign_of(status: ControllerStatus, campaign: CampaignId) -> CampaignStatus:
    """The campaign in the status."""
    return next(each for each in status.campaigns if each.id == campaign)
