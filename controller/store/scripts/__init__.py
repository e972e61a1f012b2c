"""The Lua scripts that run inside Redis: what has to be atomic between controllers.

Each script is ``common.lua`` (the hopper's: ``hopper_common.lua``) and then its own file. They are written so
that all reads, which a value of the wrong type would break, come before the first write. They need Redis 6.2
or Valkey.
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


def _load(name: str, common: str = "common.lua") -> Script:
    here = files(__name__)
    source = "\n".join(here.joinpath(part).read_text("utf-8") for part in (common, name))
    return Script(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


ADMIT = _load("admit.lua")
CONNECTED = _load("connected.lua")
CLOSE = _load("close.lua")
REPORT = _load("report.lua")
FORGET = _load("forget.lua")
ALL = (ADMIT, CONNECTED, CLOSE, REPORT, FORGET)


def _load_hopper(name: str) -> Script:
    return _load(f"hopper_{name}.lua", "hopper_common.lua")


HOPPER_OFFER = _load_hopper("offer")
HOPPER_TAKE = _load_hopper("take")
HOPPER_RENEW = _load_hopper("renew")
HOPPER_DONE = _load_hopper("done")
HOPPER_GIVE_BACK = _load_hopper("give_back")
HOPPER_RECLAIM = _load_hopper("reclaim")
HOPPER_ABANDON = _load_hopper("abandon")
HOPPER_SIZES = _load_hopper("sizes")
HOPPER_CLEAR = _load_hopper("clear")
HOPPER = (
    HOPPER_OFFER,
    HOPPER_TAKE,
    HOPPER_RENEW,
    HOPPER_DONE,
    HOPPER_GIVE_BACK,
    HOPPER_RECLAIM,
    HOPPER_ABANDON,
    HOPPER_SIZES,
    HOPPER_CLEAR,
)
