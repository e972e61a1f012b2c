"""Where Asterisk and Redis come from: PATH, else a private tree of Debian forky, made once and cached.

The tree is never entered: its programs run in place through its own loader, so no chroot, no mount and no
root is needed to run them, and none to make it either.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import ProvisionError

MINIMUM: Final = (22, 10, 1)
"""The first Asterisk without a hole in ARI that matters here (GHSA-wcvv-g26m-wx5c)."""
TREE_VARIABLE: Final = "CC_LAB_TREE"
"""Environment variable that names a ready tree."""

_SUITE: Final = "forky"
_PACKAGES: Final = "asterisk,asterisk-modules,redis-server"
_TREE_NAME: Final = "forky-1"
"""Raise the number when the list of packages changes: a cached tree is then made anew."""
_BUILD_TIMEOUT: Final = 900.0
_LOCK_TIMEOUT: Final = 900.0
_MODULES: Final = ("usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules", "usr/lib64/asterisk/modules")
_DATA: Final = ("usr/share/asterisk", "var/lib/asterisk")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """How to run the programs.

    Attributes:
        origin: Where they come from, for people.
        asterisk: Start of the command line that runs Asterisk.
        redis_server: Start of the command line that runs the Redis server.
        modules: Asterisk's modules.
        data: Asterisk's data: documentation/ and rest-api/ are what it cannot do without.
        version: Asterisk's version.
    """

    origin: str
    asterisk: tuple[str, ...]
    redis_server: tuple[str, ...]
    modules: Path
    data: Path
    version: tuple[int, ...]


def toolchain() -> Toolchain:
    """Find the programs, or make the tree that holds them.

    Returns:
        How to run them.

    Raises:
        ProvisionError: They are not there and could not be made.
    """
    named = os.environ.get(TREE_VARIABLE)
    if named:
        return _from_tree(Path(named))
    return _from_path() or _from_tree(build_tree())


def cache_dir() -> Path:
    """Where trees are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "campaign-controller"


def build_tree() -> Path:
    """Make the tree unless it is cached; of several runs at the same time one makes it, the others wait.

    Returns:
        Its root.

    Raises:
        ProvisionError: It could not be made.
    """
    tree = cache_dir() / _TREE_NAME
    if tree.is_dir():
        return tree
    cache_dir().mkdir(parents=True, exist_ok=True)
    with _locked(cache_dir() / f"{_TREE_NAME}.lock"):
        if tree.is_dir():
            return tree
        partial = cache_dir() / f"{_TREE_NAME}.partial"
        shutil.rmtree(partial, ignore_errors=True)  # Left over from a run that was killed.
        _require_tools()
        print(f"Making Asterisk's private tree in {tree} (once, about 10 to 30 s) ...", file=sys.stderr)
        try:
            _mmdebstrap(partial)
            _from_tree(partial)
            partial.rename(tree)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return tree


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        deadline = time.monotonic() + _LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ProvisionError(
                        f"another process has been making the tree for too long ({path})"
                    ) from None
                time.sleep(0.2)
        yield


def _require_tools() -> None:
    missing = [] if shutil.which("mmdebstrap") else ["mmdebstrap"]
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        missing.append("debian-archive-keyring")
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ProvisionError(f"needed once: sudo {' '.join(install)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if _run(install, env) == 0:
        return
    # The package lists may be missing (a fresh container) or old.
    if _run(["apt-get", "update"], env) != 0 or _run(install, env) != 0:
        raise ProvisionError(f"this failed: {' '.join(install)}")


def _run(argv: list[str], env: dict[str, str]) -> int:
    return subprocess.run(argv, env=env, stdout=sys.stderr, timeout=_BUILD_TIMEOUT, check=False).returncode


def _mmdebstrap(target: Path) -> None:
    argv = ["mmdebstrap", "--variant=extract", f"--include={_PACKAGES}"]
    # A mirror that is a snapshot has a Release file past its date; its signature is checked all the same.
    argv.append('--aptopt=Acquire::Check-Valid-Until "false"')
    argv.append("--aptopt=Acquire::Languages none")
    if os.geteuid() != 0:
        # Extracting needs no privilege, not even subordinate user ids, if nothing is run inside.
        argv.append("--mode=chrootless")
    try:
        done = subprocess.run(
            [*argv, _SUITE, str(target)], capture_output=True, text=True, timeout=_BUILD_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise ProvisionError(f"mmdebstrap took over {_BUILD_TIMEOUT:g} s") from None
    if done.returncode != 0:
        raise ProvisionError(f"mmdebstrap failed:\n{done.stderr[-3000:]}")


def _from_path() -> Toolchain | None:
    asterisk, redis_server = shutil.which("asterisk"), shutil.which("redis-server")
    if not asterisk or not redis_server:
        return None
    modules, data = _first(Path("/"), _MODULES), _first(Path("/"), _DATA, holding="rest-api")
    version = _version((asterisk,))
    if modules is None or data is None or version is None or version < MINIMUM:
        return None
    return Toolchain("PATH", (asterisk,), (redis_server,), modules, data, version)


def _from_tree(tree: Path) -> Toolchain:
    library = _first(tree, ("usr/lib/*-linux-gnu*",))
    loader = _first(library, ("ld-linux*.so.*",)) if library else None
    modules, data = _first(tree, _MODULES), _first(tree, _DATA, holding="rest-api")
    if library is None or loader is None or modules is None or data is None:
        raise ProvisionError(f"{tree} holds no Asterisk; remove it, and it will be made anew")
    run = (str(loader), "--library-path", str(library))
    asterisk = (*run, str(tree / "usr/sbin/asterisk"))
    # The file is a link to a program that looks at the name it was called by.
    redis_server = (*run, "--argv0", "redis-server", str(tree / "usr/bin/redis-server"))
    version = _version(asterisk)
    if version is None or version < MINIMUM:
        raise ProvisionError(
            f"Asterisk in {tree} does not run or is too old; remove it, and it will be made anew"
        )
    return Toolchain(str(tree), asterisk, redis_server, modules, data, version)


def _first(root: Path, patterns: tuple[str, ...], holding: str = "") -> Path | None:
    found = (path for pattern in patterns for path in sorted(root.glob(pattern)))
    return next((path for path in found if (path / holding).exists()), None)


def _version(asterisk: tuple[str, ...]) -> tuple[int, ...] | None:
    try:
        done = subprocess.run([*asterisk, "-V"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"Asterisk (?:certified/)?(\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(int(part) for part in match.groups()) if match else None
