"""The PBX of the lab: asterisk-conf/ as shipped, and beside it only what belongs to this installation."""

from __future__ import annotations

import base64
import contextlib
import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final
from urllib.parse import quote

from lab import ariuser
from lab.asterisk import Asterisk
from lab.errors import LabError
from lab.ports import HOST, PortSlot, accepts
from lab.provision import Toolchain

_REPOSITORY: Final = Path(__file__).resolve().parent.parent

_ARI_TIMEOUT: Final = 2.0

_PJSIP: Final = """\
[loopback]
type = transport
protocol = udp
bind = {host}:{sip}

[lab-endpoint](!)
type = endpoint
transport = loopback
disallow = all
allow = alaw,ulaw
direct_media = no
media_address = {host}
bind_rtp_to_media_address = yes

[trunk](lab-endpoint)
context = campaign-trunk-in
aors = trunk

[trunk]
type = aor
contact = sip:{host}:{network}

[trunk]
type = identify
endpoint = trunk
match = {host}
"""

_PHONE: Final = """
[{phone}](lab-endpoint)
context = campaign-agents
aors = {phone}
callerid = "{phone}" <{phone}>

[{phone}]
type = aor
contact = sip:{phone}@{host}:{network}
"""


class Pbx(Asterisk):
    """Our Asterisk.

    Attributes:
        ari_port: Where its HTTP server listens.
        ari_password: Of the user `campaign-controller`.
        lab_token: Value of the global variable CC_LAB, by which the controller knows that this is a lab.
    """

    def __init__(self, tools: Toolchain, root: Path, slot: PortSlot) -> None:
        super().__init__("pbx", tools, root)
        self.ari_port = slot.take()
        self.sip_port = slot.take()
        self._rtp = slot.media_range(0)
        self.ari_password = ariuser.new_password()
        self.lab_token = secrets.token_hex(16)

    @property
    def ari_url(self) -> str:
        """Where ARI is."""
        return f"http://{HOST}:{self.ari_port}/ari"

    def configure(
        self, network_port: int, phones: list[str], *, noise: Path | None = None, dialplan: str = ""
    ) -> None:
        """Lay out its directories.

        Args:
            network_port: Where the simulated network takes SIP.
            phones: The agents' phones.
            noise: Directory of the comfort noise; the shipped one by default.
            dialplan: More dialplan, for tests.
        """
        pjsip = _PJSIP.format(host=HOST, sip=self.sip_port, network=network_port)
        pjsip += "".join(_PHONE.format(phone=phone, host=HOST, network=network_port) for phone in phones)
        generated = {
            ariuser.FILE: ariuser.content(self.ari_password),
            "local.http.conf": f"[general](+)\nbindport = {self.ari_port}\n",
            "local.rtp.conf": f"[general](+)\nrtpstart = {self._rtp[0]}\nrtpend = {self._rtp[1]}\n",
            "local.pjsip.conf": pjsip,
            "local.extensions.conf": f"[globals]\nCC_LAB = {self.lab_token}\n\n{dialplan}",
        }
        self.prepare(shipped("asterisk-conf"), generated, {"comfort-noise": noise or shipped_noise()})

    def destroy_bridge(self, bridge: str) -> None:
        """Destroy a bridge that ARI has made; Asterisk's command line cannot."""
        credentials = base64.b64encode(f"{ariuser.USER}:{self.ari_password}".encode()).decode()
        request = urllib.request.Request(
            f"{self.ari_url}/bridges/{quote(bridge, safe='')}",
            method="DELETE",
            headers={"Authorization": f"Basic {credentials}"},
        )
        with contextlib.suppress(urllib.error.HTTPError):  # gone meanwhile
            urllib.request.urlopen(request, timeout=_ARI_TIMEOUT).close()

    def ready(self) -> bool:
        """Whether it serves."""
        return accepts(self.ari_port) and self.booted()


def shipped(name: str) -> Path:
    """Return a directory of the repository, or its copy in the installed package.

    Raises:
        LabError: It is in neither place.
    """
    for folder in (_REPOSITORY / name, _REPOSITORY / "controller" / "_share" / name):
        if folder.is_dir():
            return folder
    raise LabError(f"{name} is neither in the repository nor in the installed package")


def shipped_noise() -> Path:
    """The comfort noise as shipped."""
    return shipped("sounds") / "comfort-noise"
