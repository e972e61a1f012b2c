"""The Lua scripts that run inside Redis: what has to be atomic between controllers.

Each script is ``common.lua`` and then its own file. They are written so that all reads, which a value of the
wrong type would break, come before the first write. They need Redis 6.2 or Valkey.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the name Redis knows it by once it is loaded."""

    source: str
    sha: str


def _load(name: str) -> Script:
    here = files(__name__)
    source = "\n".join(here.joinpath(part).read_text("utf-8") for part in ("common.lua", name))
    return Script(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


ADMIT = _load("admit.lua")
CONNECTED = _load("connected.lua")
CLOSE = _load("close.lua")
REPORT = _load("report.lua")
FORGET = _load("forget.lua")
ALL = (ADMIT, CONNECTED, CLOSE, REPORT, FORGET)
