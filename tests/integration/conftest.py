"""A lab for all integration tests of a run, and what must hold after each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.lab import Lab

HERE = Path(__file__).resolve().parent

# A schedule of sounds and silences, against which the recordings' clock is checked.
TIMING = """\
[lab-timing]
exten => s,1,Wait(0.5)
 same => n,Playtones(600)
 same => n,Wait(0.5)
 same => n,StopPlaytones()
 same => n,Wait(0.7)
 same => n,Playtones(600)
 same => n,Wait(0.3)
 same => n,StopPlaytones()
 same => n,Wait(0.25)
 same => n,Playtones(1000)
 same => n,Wait(0.5)
 same => n,Hangup()
"""


@dataclass(frozen=True)
class AriAccess:
    """How to reach the PBX's ARI."""

    ari_url: str
    ari_user: str
    ari_password: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """One lab for the whole run; take `lab.mark()` first and pass it to `lab.calls()`."""
    with Lab(agents=10, dialplan=TIMING) as running:
        yield running


@pytest.fixture
def asterisk(lab: Lab) -> AriAccess:
    return AriAccess(lab.ari_url, lab.ari_user, lab.ari_password)


@pytest.fixture
def redis_url(lab: Lab) -> str:
    """Redis, empty."""
    assert lab.redis.command("FLUSHALL", timeout=5.0) == "+OK"
    return lab.redis.url


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test no channel and no bridge is left on either Asterisk, and the lab is whole again."""
    if "lab" not in request.fixturenames:
        yield
        return
    lab: Lab = request.getfixturevalue("lab")
    yield
    dead = not (lab.pbx.process.alive and lab.network.process.alive)
    left = [] if dead else lab.no_leaks_now(3.0)
    if dead or left or not lab.redis.ready():
        lab.restore()
    assert not left, "left over after the test: " + ", ".join(left)
