"""The lab itself: quick, several side by side, gone without a trace, faults on command."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.errors import ProcessError
from lab.lab import Lab
from lab.processes import wait_until

CHILD = """
import sys, time
from lab.lab import Lab
lab = Lab(agents=1)
lab.start()
print(*(part.process.pid for part in (lab.pbx, lab.network, lab.redis)), lab.workdir, flush=True)
time.sleep(60)
"""


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_second_lab_beside_the_first_in_seconds(lab: Lab) -> None:
    began = time.monotonic()
    with Lab(agents=2) as second:
        assert time.monotonic() - began < 6.0
        assert second.pbx.ari_port != lab.pbx.ari_port
        assert second.workdir != lab.workdir
        pids = [part.process.pid for part in (second.pbx, second.network, second.redis)]
        folder = second.workdir
    assert all(map(gone, pids))
    assert not folder.exists()


async def test_as_an_asynchronous_context() -> None:
    async with Lab(agents=0, record=False) as lab:
        assert await lab.leaks() == []
        assert "campaign-call" in await lab.pbx.cli("dialplan show campaign-call")


def test_what_it_started_dies_with_it_even_by_sigkill() -> None:
    root = Path(__file__).resolve().parents[3]
    env = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True, env=env) as child:
        assert child.stdout is not None
        *pids, folder = child.stdout.readline().split()
        assert len(pids) == 3
        assert not any(gone(int(pid)) for pid in pids)
        child.send_signal(signal.SIGKILL)
    wait_until(lambda: all(gone(int(pid)) for pid in pids), 5.0, "the lab's programs gone")
    # All that a killed lab leaves; the next one in its place would remove it.
    shutil.rmtree(folder)


def test_passwords_are_for_the_owner_alone(lab: Lab) -> None:
    secrets = [lab.ari_password, lab.redis_url.split("@")[0].split(":")[-1], lab.network._secret]
    for path in lab.workdir.rglob("*.conf"):
        if any(secret in path.read_text() for secret in secrets):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(lab.workdir.stat().st_mode) == 0o700


def test_everything_listens_on_loopback_only(lab: Lab) -> None:
    pids = [part.process.pid for part in (lab.pbx, lab.network, lab.redis)]
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(descriptor) if descriptor.is_symlink() else ""
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    for table in ("tcp", "udp", "tcp6", "udp6"):
        path = Path(f"/proc/net/{table}")
        rows = path.read_text().splitlines()[1:] if path.exists() else []
        for fields in (row.split() for row in rows):
            # pjproject's DNS client is bound anywhere, to a port that the kernel chose; it serves nobody.
            client = table.startswith("udp") and int(fields[1].split(":")[1], 16) >= 32768
            if fields[9] in inodes and not client:
                assert fields[1].startswith("0100007F:"), (table, fields[1])


def test_redis_keeps_what_it_holds(lab: Lab) -> None:
    assert lab.redis.command("SET", "kept", "1") == "+OK"
    lab.redis.stop()
    assert not lab.redis.ready()
    lab.redis.start()
    assert lab.redis.command("EXISTS", "kept") == ":1"
    assert lab.redis.command("DEL", "kept") == ":1"


def test_redis_survives_a_crash(lab: Lab) -> None:
    lab.redis.command("SET", "kept", "1")
    lab.redis.kill()
    lab.redis.start()
    assert lab.redis.command("DEL", "kept") == ":1"


def test_redis_hangs(lab: Lab) -> None:
    lab.redis.freeze()
    try:
        with pytest.raises(OSError, match="timed out"):
            lab.redis.command("PING", timeout=0.2)
    finally:
        lab.redis.thaw()
    assert lab.redis.ready()


def test_a_dead_pbx_is_started_again(lab: Lab) -> None:
    lab.pbx.process.kill()
    assert not lab.pbx.ready()
    lab.restore()
    assert lab.pbx.ready()


def test_a_program_that_does_not_start_says_why(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="redis"):
        lab.redis.process.start()
