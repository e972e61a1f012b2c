"""`python -m bench`, which is `make bench`: measure, print a table and the answers."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.console import Console

from bench import hopper, importing, pacing, pacing_lab, plan, segments, suppressions
from bench.clients import loaded_controller, measure_bare
from bench.lab_run import run_on_lab
from bench.results import COMPARED_AT, Results, Step, Transport
from controller.errors import ControllerError
from lab.errors import LabError
from lab.lab import Lab

T = TypeVar("T")

TRANSPORTS: Final[tuple[Transport, ...]] = ("http", "websocket")
AGENTS: Final = 60
"""Enough for 100 calls/s of 0.35 s each; one more costs PBX and simulated network 100 packets a second."""
TIME_LIMIT: Final = 230.0
PARTS: Final = ("suppressions", "clients")
ALONE: Final = ("hopper", "import", "segments", "pacing", "pacing-lab")
"""Parts that take minutes, and some gigabytes, and run only when they are asked for."""


async def run(transports: Sequence[Transport], results: Results, console: Console) -> None:
    """Measure both clients over these transports; each step is shown, and added to the results, when done."""

    def done(step: Step) -> Step:
        results.steps.append(step)
        verdict = "; ".join(step.shortcomings) or "ok"
        console.print(
            f"{step.client:<10} {step.transport:<9} {step.rate:4.0f} calls/s  "
            f"{step.cpu_per_call:5.2f} ms CPU per call  {verdict}",
            highlight=False,
        )
        return step

    async with asyncio.timeout(TIME_LIMIT), Lab(agents=AGENTS, record=False) as lab:
        for transport in transports:
            done(await measure_bare(lab, transport, COMPARED_AT))
            async with loaded_controller(lab, transport) as controller:
                tried: list[Step] = []
                while (rate := plan.next_rate(tried)) is not None:
                    tried.append(done(await controller.measure(rate)))
            # Once more, after the controller: what changes on the machine meanwhile is halved.
            done(await measure_bare(lab, transport, COMPARED_AT))


async def _until_signal(work: Coroutine[Any, Any, T]) -> T:
    """Do it; a signal ends it in order, so that nothing is left behind."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns 0, or 1 if it could not be done, 130 if it was interrupted."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 200)
    cpus = os.cpu_count() or 1
    machine = f"{cpus} CPUs ({_processor()}), Linux {platform.release()}, Python {platform.python_version()}"
    results = Results(machine=machine, began=datetime.now(UTC).isoformat(timespec="seconds"), cpus=cpus)
    parts = [options.part] if options.part else PARTS
    code, found = 0, {}
    try:
        if "suppressions" in parts:
            measured = asyncio.run(_until_signal(suppressions.measure()))
            console.print(*measured.summary(), sep="\n", highlight=False)
            found["suppressions"] = measured.as_dict()
        if "hopper" in parts:
            lists = asyncio.run(_until_signal(hopper.measure(options.contacts or hopper.COUNTS)))
            console.print(*lists.summary(), sep="\n", highlight=False)
            found["hopper"] = lists.as_dict()
        if "import" in parts:
            imported = asyncio.run(_until_signal(importing.measure(options.rows)))
            console.print(*importing.summary(imported), sep="\n", highlight=False)
            found["import"] = importing.as_dict(imported)
        if "segments" in parts:
            counted = asyncio.run(_until_signal(segments.measure()))
            console.print(*segments.summary(counted), sep="\n", highlight=False)
            found["segments"] = segments.as_dict(counted)
        if "pacing" in parts:
            found["pacing"] = pacing.measure_all(full=options.full, show=_plain(console))
        if "pacing-lab" in parts:
            found["pacing-lab"], agrees = _pacing_on_the_lab(options, _plain(console))
            code = 0 if agrees else 1
        if "clients" in parts:
            asyncio.run(_until_signal(run(options.transport or TRANSPORTS, results, console)))
    except (LabError, ControllerError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except TimeoutError:
        print(f"bench: not done within {TIME_LIMIT:g} s; this is what was measured", file=sys.stderr)
        code = 1
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 130
    if "clients" in parts:
        console.print(results.table(), *results.summary(), sep="\n", highlight=False)
    if options.json:
        options.json.write_text(json.dumps(results.as_dict() | found, indent=2) + "\n")
    return code


def _pacing_on_the_lab(
    options: argparse.Namespace, show: Callable[[str], object]
) -> tuple[dict[str, Any], bool]:
    """Run it on the lab, then in the simulator; returns whether they agree and the law was kept."""
    ran = asyncio.run(_until_signal(run_on_lab(options.minutes, options.seed, options.bank, show)))
    simulated = pacing_lab.run_simulated(ran.campaign, ran.day, options.seed)
    comparison, lines = pacing_lab.report(ran, *simulated)
    for line in lines:
        show(line)
    return pacing_lab.as_dict(ran, comparison), comparison.agrees and ran.judgement.clean


def _plain(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(line, highlight=False, markup=False, soft_wrap=True)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="The controller against a bare client, and a million suppressed numbers.",
    )
    parser.add_argument("part", nargs="?", choices=PARTS + ALONE, help="only this one")
    parser.add_argument(
        "--contacts", type=int, action="append", metavar="N", help="hopper: a list of this length (repeat)"
    )
    parser.add_argument(
        "--rows", type=int, default=importing.ROWS, metavar="N", help="import: rows of a list"
    )
    parser.add_argument("--full", action="store_true", help="pacing: the whole grid, which takes an hour")
    pacing_lab.add_options(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON, too")
    parser.add_argument("--transport", choices=TRANSPORTS, action="append", help="only this one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
