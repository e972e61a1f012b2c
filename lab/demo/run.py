"""The run of the demo: two acts on one lab, then the report."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import redis
from rich.console import Console
from rich.live import Live

from controller.api.client import ControlClient
from controller.domain.agent import AgentState
from controller.domain.ids import E164, AgentId, CampaignId
from controller.ports import CampaignStatus
from lab import law
from lab.controller import ControllerProcess, Value
from lab.demo import lists, manager, screen
from lab.demo.judgement import Judgement, judge
from lab.demo.stores import read_attempts, read_suppressed
from lab.demo.team import Team
from lab.errors import LabError
from lab.lab import Lab
from lab.mailsink import MailSink
from lab.provision import cache_dir, toolchain

CALLER: Final = "Esempio S.p.A."
AGENTS: Final = 5
ROME: Final = ZoneInfo("Europe/Rome")
DEFAULTS: Final[dict[str, Value]] = {
    "regulation": law.DEMO,
    "caller_number": "+390844123456",  # of the range set aside for such calls
}
ACT_ONE: Final = 45.0
ACT_TWO: Final = 15.0
ENCORE: Final = 3.0
_DRAIN: Final = 40.0
_MAILS_PATIENCE: Final = 20.0
_AGENTS_PATIENCE: Final = 10.0
_WIDTH: Final = 110
_REFRESH: Final = 0.25
_LINE_EVERY: Final = 5.0


@dataclass(frozen=True, slots=True)
class Act:
    """One campaign of the demo.

    Attributes:
        lifted: The budget is lifted, by the override that only a lab accepts.
        seconds: How long it dials.
    """

    campaign: str
    title: str
    seconds: float
    rows: Sequence[lists.Row]
    options: Sequence[str] = ()
    lifted: bool = False
    flaws: bool = False


FIRST: Final = Act(
    campaign="lawful",
    title="Act one: within the law",
    seconds=ACT_ONE,
    rows=lists.lawful(),
    options=("--mode", "ratio", "--overdial", "2", "--wrap-up", "1", "--set", "other_number_after=2"),
    flaws=True,
)
SECOND: Final = Act(
    campaign="burst",
    title="Act two: too many answers (budget lifted, lab only)",
    seconds=ACT_TWO,
    rows=lists.burst(),
    options=(
        *("--mode", "ratio", "--overdial", "4", "--wrap-up", "0", "--override-budget"),
        *("--author", "demo", "--reason", "show noise, rescue, cut and suppression"),
    ),
    lifted=True,
)


@dataclass(frozen=True, slots=True)
class Outside:
    """Where the demo's controller meets the world: its API, and the mail server it is told of."""

    api_port: int
    mail_port: int

    @property
    def api(self) -> str:
        """Address of the API, up to its version."""
        return f"http://127.0.0.1:{self.api_port}/api/v1"

    @property
    def settings(self) -> dict[str, dict[str, Value]]:
        """The tables that tell the controller."""
        return {
            "api": {"enabled": True, "port": self.api_port},
            "public": {"base_url": f"http://127.0.0.1:{self.api_port}"},
            "mail": {
                "host": "127.0.0.1",
                "port": self.mail_port,
                "tls": "none",
                "sender": "offerte@esempio.example",
            },
        }


class Demo:
    """Runs the acts on a lab and a controller that are up."""

    def __init__(
        self, lab: Lab, controller: ControllerProcess, console: Console, outside: Outside, sink: MailSink
    ) -> None:
        self._lab = lab
        self._controller = controller
        self._console = console
        self._outside = outside
        self._sink = sink
        self._failed: list[str] = []

    async def play(self) -> bool:
        """Run everything.

        Returns:
            Whether the law was kept and both sides agree.
        """
        await self._log_in()
        written = await self._first_act()
        await self._act(SECOND)
        await self._encore()
        verdicts = [await self._judge(act) for act in (FIRST, SECOND)]
        await self._log_out()
        await self._inspect()
        for act, verdict in zip((FIRST, SECOND), verdicts, strict=True):
            note = "Counted apart: the budget was lifted on purpose here." if act.lifted else ""
            screen.show(self._console, act.title, verdict, note)
        rung = self._called_against_their_will()
        if rung:
            self._console.print(f"called although they must not be: {', '.join(rung)}", style="bold red")
        return all(verdict.clean for verdict in verdicts) and written and not rung and not self._failed

    # ---- the acts ----------------------------------------------------------------------------------

    async def _first_act(self) -> bool:
        """A campaign with all that belongs to one; returns whether whoever wanted an offer was written to."""
        for name, filter_ in manager.SEGMENTS.items():
            await self._cli("segment", "save", name, filter_, "--author", "demo")
        team = Team(self._outside.api, await self._token())
        work = asyncio.create_task(team.work(), name="the demo's agents")
        try:
            await self._act(FIRST)
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
        return await self._follow_up(team)

    async def _token(self) -> str:
        made = await self._cli(
            "token", "create", "--role", "supervisor", "--label", "demo", "--days", "1", "--json", quiet=True
        )
        return str(json.loads(made)["token"])

    async def _follow_up(self, team: Team) -> bool:
        """Who wanted an offer gets a mail, once; nobody else does."""
        self._console.rule("What came of the conversations")
        leads = team.noted[manager.LEAD]
        mails = await self._sink.received(leads, timeout=_MAILS_PATIENCE)
        noted = ", ".join(f"{code} {count}" for code, count in team.noted.most_common())
        self._console.print(f"Agents noted by the API: {noted}", highlight=False)
        for problem in team.problems:
            self._console.print(f"  refused: {problem}", style="bold red", highlight=False)
        addresses = [str(mail["To"]) for mail in mails]
        right = len(addresses) == leads and len(set(addresses)) == leads and not team.problems
        self._console.print(
            f"{leads} wanted an offer; the mail sink has {len(mails)} mails to {len(set(addresses))} of them",
            style=None if right else "bold red",
            highlight=False,
        )
        if mails:
            self._console.print(f"  the first: {mails[0]['Subject']}", highlight=False, markup=False)
        for by in ((), ("--by", "disposition"), ("--by", "script")):
            await self._cli("funnel", "show", FIRST.campaign, *by)
        return right

    async def _act(self, act: Act) -> None:
        self._console.rule(act.title)
        file = self._controller.root / f"{act.campaign}.csv"
        lists.write(file, act.rows, flaws=act.flaws)
        await self._cli("campaign", "create", act.campaign, "--caller", CALLER, *act.options)
        if not act.lifted:
            for words in manager.commands(act.campaign, self._controller.root):
                await self._cli(*words)
            await self._cli("contacts", "preview", str(file), "--rows", "2")
        await self._cli("contacts", "import", act.campaign, str(file), "--source", "demo", "--author", "demo")
        if not act.lifted:
            for name in manager.SEGMENTS:
                await self._cli("segment", "count", act.campaign, name)
        await self._ask_the_register(act)
        await self._cli("campaign", "check", act.campaign)
        await self._dial(act.campaign, act.title, act.seconds)

    async def _ask_the_register(self, act: Act) -> None:
        """What has to be known of people before they are called, as an administrator would have it."""
        register = self._controller.root / f"{act.campaign}.register.csv"
        lists.write_register(register, act.rows)
        today = f"{datetime.now(ROME):%Y-%m-%d}"
        await self._cli("register", "load", str(register), "--checked-at", today, "--author", "demo")
        if not act.lifted:
            objections = self._controller.root / "objections.txt"
            lists.write_numbers(objections, lists.opted_out(act.rows))
            why = ("--author", "demo", "--reason", "asked not to be called")
            await self._cli("dnc", "load", str(objections), "--caller", CALLER, *why)

    async def _dial(self, campaign: str, title: str, seconds: float) -> None:
        name = CampaignId(campaign)
        async with ControlClient(self._controller.socket) as control:
            await control.start_campaign(name)
            await self._watch(control, title, campaign, seconds)
            if (await self._status(control, campaign)).state.value == "running":
                await control.stop_campaign(name)
            deadline = time.monotonic() + _DRAIN
            while not _over(await self._status(control, campaign)):
                if time.monotonic() > deadline:
                    raise LabError(f"campaign {campaign} still has calls {_DRAIN:g} s after its end")
                await asyncio.sleep(_REFRESH)

    async def _watch(self, control: ControlClient, title: str, campaign: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        printed = 0.0
        with Live(console=self._console, refresh_per_second=4, transient=True) as view:
            while (left := end - time.monotonic()) > 0:
                status = await control.status()
                if self._console.is_terminal:
                    view.update(screen.live(title, status, campaign, left))
                elif time.monotonic() - printed > _LINE_EVERY:
                    printed = time.monotonic()
                    self._console.print(screen.live(title, status, campaign, left))
                await asyncio.sleep(_REFRESH)

    async def _encore(self) -> None:
        """Try the numbers that got a silent call again: nobody may be called."""
        silent = sorted((await self._suppressed()).keys())
        self._console.rule(f"The {len(silent)} numbers that got a silent call, once more")
        file = self._controller.root / "again.csv"
        with file.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([["numero"], *([number] for number in silent)])
        consent = (
            "--consent-basis",
            "contratto",
            "--consent-source",
            "modulo",
            "--consent-date",
            "2026-01-15",
        )
        await self._cli("campaign", "create", "again", "--caller", CALLER)
        await self._cli("import", "again", str(file), *consent)
        await self._dial("again", "Every one of them is refused", ENCORE)

    async def _inspect(self) -> None:
        """What an inspector would ask for, and does not have to believe."""
        self._console.rule("What an inspector sees")
        silent = sorted((await self._suppressed()).keys())
        if silent:
            await self._cli("explain", silent[0])
        await self._cli("audit", FIRST.campaign)
        await self._cli("evidence", "verify")
        folder = cache_dir() / "demo-report"
        folder.mkdir(parents=True, exist_ok=True)
        for language in ("it", "en"):
            where = folder / language
            where.mkdir(exist_ok=True)
            await self._cli(
                "authority-report", FIRST.campaign, "--language", language, "--output", str(where)
            )

    def _called_against_their_will(self) -> list[str]:
        """By the network's log: whose phone rang although they objected."""
        objections = {*lists.opted_out(FIRST.rows), *lists.opposed(FIRST.rows), *lists.opposed(SECOND.rows)}
        return sorted({call.number for call in self._lab.calls(0, analyse=False)} & objections)

    # ---- agents ------------------------------------------------------------------------------------

    async def _log_in(self) -> None:
        for phone in self._lab.phones:
            await self._lab.phone_login(phone)
        async with ControlClient(self._controller.socket) as control:
            await self._agents_are(control, AgentState.IDLE)
        self._console.print(f"{AGENTS} agents have dialed *51 and are logged in.")

    async def _log_out(self) -> None:
        async with ControlClient(self._controller.socket) as control:
            for phone in self._lab.phones:
                await control.agent_logout(AgentId(phone))
            await self._agents_are(control, AgentState.AWAY)

    async def _agents_are(self, control: ControlClient, state: AgentState) -> None:
        deadline = time.monotonic() + _AGENTS_PATIENCE
        while sum(agent.state is state for agent in (await control.status()).agents) < AGENTS:
            if time.monotonic() > deadline:
                raise LabError(f"not all agents are {state.value} after {_AGENTS_PATIENCE:g} s")
            await asyncio.sleep(_REFRESH)

    # ---- asking and judging ------------------------------------------------------------------------

    async def _status(self, control: ControlClient, campaign: str) -> CampaignStatus:
        return next(entry for entry in (await control.status()).campaigns if entry.id == campaign)

    async def _cli(self, *words: str, quiet: bool = False) -> str:
        """Run the command line as an administrator would; ``quiet`` does not show what it answers."""
        shown = " ".join(f'"{word}"' if " " in word else word for word in words)
        self._console.print(f"$ campaign-controller {shown}", style="cyan", highlight=False, markup=False)
        argv = [sys.executable, "-m", "controller", "--config", str(self._controller.config), *words]
        process = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ}
        )
        output, complaints = await asyncio.wait_for(process.communicate(), timeout=120)
        told = [] if quiet else [output]
        for text in (*told, complaints):
            if text.strip():
                self._console.print(text.decode().rstrip(), highlight=False, markup=False)
        if process.returncode:
            self._failed.append(words[0])
            raise LabError(f"campaign-controller {words[0]} failed")
        return output.decode()

    async def _suppressed(self) -> dict[str, int]:
        """Read Redis beside the controller."""
        with redis.Redis.from_url(self._lab.redis_url, decode_responses=True) as reader:
            return await asyncio.to_thread(read_suppressed, reader)

    async def _judge(self, act: Act) -> Judgement:
        numbers = {E164(number) for number in lists.numbers(act.rows)}
        calls = [call for call in await self._lab.ended_calls(0) if call.number in numbers]
        attempts = [a for a in read_attempts(self._controller.records) if a.number in numbers]
        suppressed = {n: left for n, left in (await self._suppressed()).items() if n in numbers}
        return judge(calls, attempts, suppressed, share=None if act.lifted else (3, 100))


def _over(campaign: CampaignStatus) -> bool:
    return campaign.in_flight == 0 and campaign.talking == 0


async def demo() -> int:
    """Run the demo from nothing to nothing.

    Returns:
        0 if the law was kept and both sides agree, else 1.
    """
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    began = time.monotonic()
    with console.status("Asterisk and Redis: from PATH, or a private tree made once ..."):
        tools = await asyncio.to_thread(toolchain)
    console.print(
        f"Asterisk {'.'.join(map(str, tools.version))} and Redis from {tools.origin}", highlight=False
    )
    state = Path(tempfile.mkdtemp(prefix="cc-demo-"))
    try:
        async with Lab(agents=AGENTS, tools=tools) as lab:
            console.print("PBX, telephone network and Redis are up, on loopback only.")
            outside = Outside(lab.free_port(), lab.free_port())
            overrides = {"campaign_defaults": DEFAULTS} | outside.settings
            controller = ControllerProcess(lab, state, overrides)
            try:
                with MailSink(outside.mail_port) as sink:
                    await controller.start()
                    clean = await Demo(lab, controller, console, outside, sink).play()
            except BaseException:
                console.print(controller.log_tail(), style="dim", highlight=False, markup=False)
                raise
            finally:
                await asyncio.to_thread(controller.process.stop)
            left = await lab.no_leaks()
    finally:
        shutil.rmtree(state, ignore_errors=True)
    for what in left:
        console.print(f"left behind: {what}", style="bold red")
    console.print(f"Done in {time.monotonic() - began:.0f} s; nothing is left running.", highlight=False)
    return 0 if clean and not left else 1
