"""The law around the call, as an administrator works with it: on the command line, while phones ring."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.domain.campaign import Override
from controller.domain.contact import Consent
from controller.domain.retry import RetryRule
from controller.law import PROFILES, load_directory
from lab.law import DEMO
from lab.numbers import Behaviour, number
from tests.integration.rig import CALLER, FIVE_DAYS, Rig

WHY = ("--author", "anna", "--reason", "asked not to be called")


async def cli(rig: Rig, *words: str, expect: int = 0) -> str:
    """Run a command as an administrator would; returns what it wrote to standard output."""
    argv = [sys.executable, "-m", "controller", "--config", str(rig.controller.config), *words]
    process = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode == expect, said.decode()
    return said.decode()


def people(count: int, hold: float = 1.0) -> list[str]:
    return [number(Behaviour.PERSON, ring=0.5, hold=hold, serial=i) for i in range(count)]


def rung(rig: Rig) -> list[str]:
    """By the network's log: whose phones rang, in order."""
    calls = rig.lab.calls(rig.began, analyse=False)
    return [call.number for call in sorted(calls, key=lambda call: call.dialed_at)]


async def test_a_list_loaded_while_the_campaign_runs_binds_the_next_call(rig: Rig) -> None:
    numbers = people(12)
    await rig.campaign("c", numbers, retry=RetryRule(max_attempts=1))
    await rig.log_in("1001")
    await rig.start("c")
    await rig.answered(2)
    so_far = set(rung(rig))
    objecting = [callee for callee in numbers if callee not in so_far][1:]
    file = rig.controller.root / "objections.txt"
    file.write_text("\n".join(objecting) + "\n")
    await cli(rig, "dnc", "load", str(file), "--caller", CALLER, *WHY)
    confirmed = len(rung(rig))
    await asyncio.sleep(8)
    # One call may have been recorded, and so dialed, before the list was; from the confirmation on, none.
    assert set(rung(rig)[confirmed:]) <= set(numbers) - set(objecting)
    status = await rig.until(lambda status: "opt-out" in status.campaigns[0].blocked)
    assert f"{len(objecting) - sum(each in objecting for each in rung(rig))} by opt-out" in (
        status.campaigns[0].blocked
    )
    told = json.loads(await cli(rig, "explain", objecting[-1], "--json"))
    (now,) = told["now"]
    failed = [check["check"] for check in now["checks"] if not check["passed"]]
    assert "opt-out" in failed
    assert "are clean" in await _audited(rig)


async def _audited(rig: Rig) -> str:
    said = await cli(rig, "audit")
    assert "Redis says the same" in said
    verified = await cli(rig, "evidence", "verify")
    assert "whole" in verified
    return "both are clean"


async def test_a_number_barred_by_hand_waits_until_it_is_released(rig: Rig) -> None:
    (callee,) = people(1)
    await rig.campaign("c", [callee])
    await cli(rig, "suppression", "add", callee, "--caller", CALLER, *WHY)
    await rig.log_in("1001")
    await rig.start("c")
    await asyncio.sleep(2)
    assert rung(rig) == []
    assert "asked not to be called" in await cli(rig, "suppression", "show", callee)
    await cli(rig, "suppression", "release", callee, "--caller", CALLER, *WHY)
    with closing(sqlite3.connect(rig.controller.records)) as db:
        db.execute("UPDATE contacts SET due_at = NULL")  # it was put off for five days; not the matter here
        db.commit()
    await rig.callees(1)
    kinds = json.loads(await cli(rig, "evidence", "show", "--number", callee, "--json"))
    assert [entry["kind"] for entry in kinds][:2] == ["suppression", "suppression"]


async def test_no_phone_rings_past_the_campaigns_end(rig: Rig) -> None:
    end = datetime.now(UTC) + timedelta(seconds=12)
    numbers = [number(Behaviour.NO_ANSWER, serial=i) for i in range(40)]
    await rig.campaign("c", numbers, closes_at=end, ring_timeout=timedelta(seconds=5))
    await rig.log_in("1001", "1002")
    await rig.start("c")
    await asyncio.sleep((end - datetime.now(UTC)).total_seconds() + 1)
    calls = rig.lab.calls(rig.began, analyse=False)
    assert calls
    assert all(call.ended_at is not None and call.ended_at <= end.timestamp() for call in calls)
    await rig.until(lambda status: status.campaigns[0].state.value == "stopped", timeout=15)


async def test_one_changed_byte_is_found_and_located(rig: Rig) -> None:
    await rig.campaign("c", people(3))
    await rig.log_in("1001", "1002")
    await rig.start("c")
    await rig.settled(3)
    whole = await cli(rig, "evidence", "verify", "--json")
    head = json.loads(whole)["head"]
    assert json.loads(whole)["attempts"] == 3
    await cli(rig, "evidence", "verify", "--expect", head)
    export = rig.controller.root / "evidence.jsonl"
    await cli(rig, "evidence", "export", str(export))
    checker = Path(__file__).parents[3] / "scripts" / "verify-evidence"
    independent = await asyncio.create_subprocess_exec(
        sys.executable, str(checker), str(export), "--expect", head, stdout=subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(independent.communicate(), timeout=30)
    assert independent.returncode == 0, said
    with closing(sqlite3.connect(rig.controller.records)) as db:
        for action in ("update", "delete"):
            db.execute(f"DROP TRIGGER evidence_no_{action}")
        seq, body = db.execute("SELECT seq, body FROM evidence WHERE kind = 'hang-up' LIMIT 1").fetchone()
        db.execute("UPDATE evidence SET body = ? WHERE seq = ?", (body.replace("16", "17", 1), seq))
        db.commit()
    tampered = json.loads(await cli(rig, "evidence", "verify", "--json", expect=1))
    assert f"entry {seq}" in [finding["place"] for finding in tampered["findings"]]


async def test_an_erased_person_leaves_no_number_anywhere_and_stays_protected(rig: Rig) -> None:
    numbers = [number(Behaviour.PERSON, ring=0.5, hold=20, serial=i) for i in range(2)]
    override = await _lifted(rig, numbers)
    await rig.log_in("1001")
    await rig.start(override)
    await rig.callees(1)
    await rig.until(
        lambda status: status.campaigns[0].talking + status.campaigns[0].in_flight == 0, timeout=40
    )
    await rig.settled(2)
    (silent,) = [callee for callee in numbers if rig.suppressed_for(callee)]
    key = rig.controller.number_key.of(silent)  # type: ignore[arg-type]
    everything = json.loads(await cli(rig, "person", "export", silent))
    assert everything
    await cli(rig, "person", "erase", silent, "--author", "anna", "--reason", "her wish", "--yes")
    left = rig.redis.pttl(f"cc:{{{CALLER}}}:suppress:#{key}")
    assert FIVE_DAYS - 60 < float(left) / 1000 <= FIVE_DAYS
    digits = silent.removeprefix("+")
    assert not [name for name in rig.redis.scan_iter("*") if digits in str(name)]
    with closing(sqlite3.connect(rig.controller.records)) as db:
        assert digits not in "\n".join(db.iterdump())
    # Somebody imports the number again, into another campaign: it is not called.
    await rig.campaign("again", [silent])
    await rig.start("again")
    await asyncio.sleep(2)
    assert rung(rig).count(silent) == 1
    await _audited(rig)


async def _lifted(rig: Rig, numbers: list[str]) -> str:
    lifted = Override(author="tests", reason="a silent call is needed")
    await rig.campaign(
        "c", numbers, overdial=2.0, calls_per_second=100.0, override=lifted, retry=RetryRule(max_attempts=1)
    )
    return "c"


async def test_italy_calls_only_who_agreed_and_was_checked_against_the_register(rig: Rig) -> None:
    checked, opposed, unknown, never_agreed = people(4)
    now = datetime.now(UTC)
    consent = Consent(basis="consent", source="form 7", given_at=now - timedelta(days=30))
    law = load_directory(rig.controller.root / "regulations", PROFILES)[DEMO]  # Italy's, at any hour
    italian: dict[str, Any] = {"law": law, "caller_number": "+390844123456"}
    await rig.campaign("c", [opposed, unknown, checked], consent, **italian)
    await rig.campaign("d", [never_agreed], **italian)
    file = rig.controller.root / "rpo.csv"
    file.write_text(f"numero,iscritto\n{checked},no\n{opposed},si\n{never_agreed},no\n")
    await cli(rig, "register", "load", str(file), "--checked-at", now.isoformat(), "--author", "anna")
    found: dict[str, Any] = json.loads(await cli(rig, "campaign", "check", "c", "--json"))
    assert found["callable"] == 1
    assert found["held"]["register"]["contacts"] == 2
    await rig.log_in("1001")
    started = await cli(rig, "campaign", "start", "c")
    assert "does not cover" in started
    await rig.start("d")
    await rig.callees(1)
    await asyncio.sleep(3)
    assert rung(rig) == [checked]
    # Its file is bad: nothing of it is loaded, and what was in force stays.
    file.write_text(f"numero,iscritto\n{unknown},no\nnonsense,si\n")
    refused = await cli(
        rig, "register", "load", str(file), "--checked-at", now.isoformat(), "--author", "anna", expect=2
    )
    assert "line 3" in refused
    await asyncio.sleep(1)
    assert rung(rig) == [checked]
    # A campaign that presents no number does not start.
    await rig.campaign("e", [checked], consent, law=law)
    assert "presents no number" in await cli(rig, "campaign", "start", "e", expect=1)
