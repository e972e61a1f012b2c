"""The public telephone network and the agents' phones: a second Asterisk."""

from __future__ import annotations

import itertools
import secrets
from pathlib import Path
from typing import Final

from lab.ami import Ami, AmiError
from lab.asterisk import Asterisk
from lab.errors import PhoneError
from lab.ports import HOST, PortSlot, accepts
from lab.provision import Toolchain
from lab.sounds import make_network_sounds

_CONF: Final = Path(__file__).resolve().parent / "network-conf"
_AMI_USER: Final = "lab"

_PJSIP: Final = """\
[loopback]
type = transport
protocol = udp
bind = {host}:{sip}

[pbx]
type = aor
contact = sip:{host}:{pbx}
"""

_MANAGER: Final = """
[lab]
secret = {secret}
read = call,system
write = call,originate,system,command
"""


class Network(Asterisk):
    """The simulated network."""

    def __init__(self, tools: Toolchain, root: Path, slot: PortSlot, *, record: bool) -> None:
        super().__init__("network", tools, root)
        self.sip_port = slot.take()
        self._ami_port = slot.take()
        self._rtp = slot.media_range(1)
        self._secret = secrets.token_urlsafe(32)
        self._record = record
        self._dials = itertools.count(1)

    @property
    def call_log(self) -> Path:
        """The log of all calls, written by Asterisk (channel event logging)."""
        return self.home.log / "cel-custom" / "calls.csv"

    def configure(self, pbx_port: int) -> None:
        """Lay out its directories; `pbx_port` is where the PBX takes SIP."""
        sounds = self.home.root / "sounds"
        make_network_sounds(sounds)
        generated = {
            "generated.extensions.conf": f"[globals]\nRECORD = {int(self._record)}\n",
            "generated.pjsip.conf": _PJSIP.format(host=HOST, sip=self.sip_port, pbx=pbx_port),
            "generated.rtp.conf": f"rtpstart = {self._rtp[0]}\nrtpend = {self._rtp[1]}\n",
            "generated.manager.conf": f"port = {self._ami_port}\n{_MANAGER.format(secret=self._secret)}",
        }
        self.prepare(_CONF, generated, {"sounds": sounds / "sounds", "voice": sounds / "voice"})

    def ready(self) -> bool:
        """Whether it serves."""
        return accepts(self._ami_port) and self.booted()

    def _ami(self) -> Ami:
        return Ami(HOST, self._ami_port, _AMI_USER, self._secret)

    async def dial(self, phone: str, extension: str, timeout: float = 5.0) -> str:
        """Let a phone dial the PBX; returns when the PBX has answered.

        Args:
            phone: Who dials, such as `1001`.
            extension: What it dials, such as `*51`.
            timeout: How long to wait for the answer, in seconds.

        Returns:
            The id of the phone's channel.

        Raises:
            PhoneError: The PBX did not answer.
        """
        channel_id = f"phone-{phone}-{next(self._dials)}"
        fields = {
            "Channel": f"PJSIP/{extension}@pbx",
            "Context": "phone",
            "Exten": phone,
            "Priority": "1",
            "CallerID": f'"{phone}" <{phone}>',
            "Timeout": str(round(timeout * 1000)),
            "ChannelId": channel_id,
        }
        try:
            async with self._ami() as ami:
                await ami.action("Originate", fields, timeout=timeout + 2.0)
        except AmiError as error:
            raise PhoneError(f"phone {phone} dialed {extension}: {error}") from None
        return channel_id

    async def phone_channels(self, phone: str) -> list[str]:
        """The names of the channels in which a phone is."""
        lines = (await self.cli("core show channels concise")).splitlines()
        rows = [line.split("!") for line in lines]
        return [row[0] for row in rows if len(row) > 3 and row[1:3] == ["phone", phone]]

    async def hang_up(self, phone: str) -> int:
        """Let a phone hang up whatever it is in; returns in how many calls it was."""
        channels = await self.phone_channels(phone)
        async with self._ami() as ami:
            for channel in channels:
                await ami.action("Hangup", {"Channel": channel, "Cause": "16"})
        return len(channels)

    async def send_dtmf(self, phone: str, digits: str) -> None:
        """Let a phone press keys in its call.

        Args:
            phone: Which phone.
            digits: Which keys, one after the other.

        Raises:
            PhoneError: It is in no call.
        """
        channels = await self.phone_channels(phone)
        if not channels:
            raise PhoneError(f"phone {phone} is in no call")
        async with self._ami() as ami:
            for digit in digits:
                await ami.action("PlayDTMF", {"Channel": channels[0], "Digit": digit, "Duration": "120"})
