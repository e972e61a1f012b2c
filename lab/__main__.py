"""Command line of the lab: `python -m lab demo`, `up`, `provision` and `ari-user`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from lab import ariuser
from lab.asterisk import write_private
from lab.controller import settings_toml
from lab.errors import LabError
from lab.lab import Lab
from lab.numbers import legend
from lab.provision import toolchain


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; those of this process by default.

    Returns:
        The exit code: 0 well, 1 it could not be done, 2 wrong usage.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.command == "provision":
            return _provision()
        if options.command == "ari-user":
            return _ari_user(options.folder)
        if options.command == "demo":
            return _demo()
        return _up(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab", description="A telephone network, a PBX and Redis."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="run a campaign and report it from the callees' side")
    commands.add_parser("provision", help="find or make Asterisk and Redis")
    user = commands.add_parser("ari-user", help="write the controller's ARI user, with a new password")
    user.add_argument("folder", type=Path, help="Asterisk's configuration directory")
    up = commands.add_parser("up", help="run a lab until Ctrl-C")
    up.add_argument("--agents", type=int, default=5, help="how many agents' phones (default: 5)")
    up.add_argument("--workdir", type=Path, help="where to put everything and leave it (default: temporary)")
    up.add_argument("--no-record", action="store_true", help="do not record what callees hear")
    return parser


def _provision() -> int:
    tools = toolchain()
    print(f"Asterisk {'.'.join(map(str, tools.version))} and Redis from {tools.origin}")
    return 0


def _ari_user(folder: Path) -> int:
    ariuser.write(folder)
    print(
        f"wrote {folder / ariuser.FILE} (mode 0600); make Asterisk's user its owner,"
        " then on Asterisk's command line: module reload res_ari.so"
    )
    return 0


def _up(options: argparse.Namespace) -> int:
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    with Lab(options.workdir, agents=options.agents, record=not options.no_record) as lab:
        print(description(lab), flush=True)
        stop.wait()
        print("stopping", flush=True)
    return 0


def description(lab: Lab) -> str:
    """How to start a controller on a running lab, and what its numbers mean; for people."""
    state = lab.workdir / "controller"
    state.mkdir(mode=0o700, exist_ok=True)
    config = state / "campaign-controller.toml"
    write_private(config, settings_toml(lab, state, {}))
    phones = " ".join(lab.phones) or "none"
    return f"""\
The lab is up, in {lab.workdir}. Ctrl-C stops it.

In another terminal:
  export CC_CONFIG={config}
  campaign-controller run

Agents' phones: {phones}
  campaign-controller agent login ID
Numbers say how their owners behave:
""" + "\n".join(f"  {line}".rstrip() for line in legend().splitlines())


def _demo() -> int:
    from lab.demo.run import demo  # rich and all; the other commands start without it

    try:
        return asyncio.run(demo())
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
