"""The two who check the evidence, and a record store whose evidence is worth tampering with."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from controller.domain.answer import Answerer
from controller.domain.campaign import CampaignState
from controller.domain.clearance import EVERYBODY, Check, CheckName
from controller.domain.evidence import Head
from controller.domain.ids import CallId
from controller.domain.outcome import Outcome
from controller.engine.verification import Verification, Verifier
from controller.ports import AttemptEnd, Authorship
from tests.contract.records.builders import (
    ANNA,
    HOUR,
    NOW,
    SPRING,
    admitted,
    campaign,
    end,
    ended,
    sql,
    with_contacts,
)

SCRIPT = Path(__file__).parents[3] / "scripts" / "verify-evidence"
COLUMNS = ("seq", "at", "kind", "campaign", "call", "person", "body", "hash")
WISH = Authorship(author="dora", reason="perché lo chiede: «basta»", source="")


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


async def a_morning(file: Path) -> None:
    """Some of everything that leaves entries: 28 of them, of 7 calls."""
    hours = Check(name=CheckName.HOURS, passed=True, why="lun 10:00, città di Forlì")
    async with sql(url_of(file), timeout=10, linger=0.001) as records:
        contacts = await with_contacts(records, 6)
        await records.record_start(campaign(), NOW)
        await records.set_campaign_state(SPRING, CampaignState.RUNNING)
        outcomes = (Outcome.CONNECTED, Outcome.SILENT, Outcome.NO_ANSWER, Outcome.CONNECTED, Outcome.FAILED)
        for number, (contact, outcome) in enumerate(zip(contacts, outcomes, strict=False)):
            call = admitted(contact, f"call-{number}", NOW + number * HOUR)
            assert await records.attempt_started(call, campaign(), [hours]) is None
            noise = NOW + timedelta(seconds=8, microseconds=300) if outcome.answered else None
            over = ended(call, outcome, noise_at=noise, admitted_at=call.admitted_at, sip=200)
            await records.attempt_ended(AttemptEnd(call=over, next_due=None, counts_as_attempt=True))
        await records.answered_by(CallId("call-0"), Answerer.MACHINE, "1001", NOW)
        await records.lists.opt_out(EVERYBODY, [contacts[0].number, contacts[1].number], ANNA, NOW)
        await records.lists.load_register({contacts[2].number: True}, NOW, ANNA, NOW)
        await records.people.erase(contacts[2].number, WISH, NOW)
        # Recorded under way, and one whose start was never confirmed.
        assert await records.attempt_started(admitted(contacts[5], "call-5"), campaign()) is None
        await records.attempt_ended(end(admitted(contacts[4], "call-6"), Outcome.FAILED))


@dataclass(frozen=True, slots=True)
class Read:
    """What the stand-alone script says."""

    code: int
    findings: Sequence[str]
    end: str

    @property
    def whole(self) -> bool:
        return self.code == 0


def script(file: Path, *options: str) -> Read:
    """Run scripts/verify-evidence as an inspector does, with nothing of ours to be imported."""
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, file, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not done.stderr, done.stderr
    *findings, last, verdict = done.stdout.splitlines()
    whole = verdict == "whole: nothing was changed"
    assert whole == (done.returncode == 0)
    assert whole == (not findings)
    return Read(done.returncode, findings, last.rpartition(" ")[2])


def ours(file: Path, expected: Head | None = None) -> Verification:
    """What our own verification says."""

    async def verified() -> Verification:
        async with sql(url_of(file), timeout=10) as records:
            return await Verifier(records.evidence, records).verify(expected)

    return asyncio.run(verified())


def tamper(file: Path, *statements: tuple[str, Sequence[object]]) -> None:
    """Change the database as somebody does who holds it: triggers are no hindrance."""
    with closing(sqlite3.connect(file)) as raw, raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        for statement, parameters in statements:
            raw.execute(statement, parameters)
        raw.execute("PRAGMA foreign_keys=OFF")


def places(found: Verification) -> list[str]:
    return [finding.place for finding in found.findings]


def script_places(read: Read) -> list[str]:
    return [finding.partition(":")[0] for finding in read.findings]
