"""Command line of the lab: `python -m lab up` and `python -m lab provision`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from lab import ariuser
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
        return _up(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab", description="A telephone network, a PBX and Redis."
    )
    commands = parser.add_subparsers(dest="command", required=True)
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
    lab = Lab(options.workdir, agents=options.agents, record=not options.no_record)
    with lab:
        print(description(lab), flush=True)
        stop.wait()
        print("stopping", flush=True)
    return 0


def description(lab: Lab) -> str:
    """What a person needs to use a running lab: its settings as TOML, and what the numbers mean."""
    phones = f"{lab.phones[0]}..{lab.phones[-1]}" if lab.phones else "none"
    return f"""\
# The lab is up, in {lab.workdir}. Ctrl-C stops it.
[asterisk]
ari_url = "{lab.ari_url}"
ari_user = "{lab.ari_user}"
ari_password = "{lab.ari_password}"
trunk = "{lab.trunk_endpoint}"
dial_string = "{lab.dial_string}"

[redis]
url = "{lab.redis_url}"

# Agents' phones: {phones}
# Numbers:
""" + "\n".join(f"#   {line}".rstrip() for line in legend().splitlines())


if __name__ == "__main__":
    sys.exit(main())
