"""Two thousand calls, an answer rate that jumps from 10 % to 60 %, agents who leave in the middle: no breach.

Judged from the callees' side, at every instant after every call; and then everybody else is asked whether
they say the same: Redis, the record, the evidence.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from controller.domain.agent import AgentState
from controller.domain.campaign import Campaign
from controller.domain.ids import AgentId
from controller.domain.retry import RetryRule
from controller.engine.audit import Auditor
from controller.engine.verification import Verifier
from controller.store.ledger import RedisLedger
from lab.demo.judgement import judge
from lab.demo.stores import read_attempts, read_suppressed
from lab.evidence import CalleeCall
from lab.numbers import Behaviour, number
from tests.integration.rig import CALLER, Rig

HALF = 1000
ROOT = Path(__file__).parents[3]
PHONES = [str(phone) for phone in range(1001, 1011)]


def _half(rng: Random, answered: int, first: int) -> list[str]:
    """A thousand numbers, so many of whose owners pick up, in no order."""
    people = [
        number(Behaviour.PERSON, ring=round(rng.uniform(0.2, 0.9), 1), hold=1, serial=i + first // 10)
        for i in range(answered)
    ]
    kinds = [Behaviour.BUSY, Behaviour.DECLINES, Behaviour.UNREACHABLE]
    # The hold means nothing to who does not answer; it only tells the numbers of the two halves apart.
    others = [
        number(kinds[i % 3], ring=round(rng.uniform(0.1, 0.3), 1), hold=1 + first // HALF, serial=i)
        for i in range(HALF - answered)
    ]
    both = people + others
    rng.shuffle(both)
    return both


async def _leave_and_come_back(rig: Rig) -> None:
    """From the jump on agents go and come; never all of them at once."""
    rng = Random(60)
    await rig.until(lambda status: status.campaigns[0].placed >= HALF, timeout=200)
    async with rig.control() as control:
        for _ in range(12):
            gone = rng.sample(PHONES, 4)
            for phone in gone:
                await control.agent_logout(AgentId(phone))
            await asyncio.sleep(rng.uniform(1.0, 4.0))
            await rig.until(
                lambda status, gone=gone: all(  # type: ignore[misc]
                    agent.state is AgentState.AWAY for agent in status.agents if agent.id in gone
                ),
                timeout=30,
            )
            for phone in gone:
                await rig.lab.phone_login(phone)
            await asyncio.sleep(rng.uniform(0.5, 2.0))


async def _everybody_says_the_same(rig: Rig, campaign: Campaign) -> None:
    ledger = RedisLedger(rig.lab.redis_url, "main", number_key=rig.controller.number_key)
    async with rig.controller.open_records() as records:
        auditor = Auditor(ledger, records, rig.controller.number_key)
        audit = await auditor.audit(campaign, datetime.now(UTC))
        assert audit.clean, audit
        assert audit.attempts == 2 * HALF
        found = await Verifier(records.evidence, records).verify()
        assert found.whole, found.findings[:5]
    await ledger.aclose()
    checker = [
        sys.executable,
        str(ROOT / "scripts" / "verify-evidence"),
        "--sqlite",
        str(rig.controller.records),
    ]
    independent = await asyncio.create_subprocess_exec(*checker, stdout=subprocess.PIPE)
    said, _ = await asyncio.wait_for(independent.communicate(), timeout=60)
    assert independent.returncode == 0, said
    assert f"{found.head.seq}:{found.head.hash}" in said.decode()


def _of(disagreements: Sequence[str], calls: Sequence[CalleeCall], rig: Rig) -> list[object]:
    """Both sides' whole story of the calls that they do not agree on."""
    numbers = {each.partition(":")[0] for each in disagreements}
    theirs = [call for call in calls if call.number in numbers]
    return [*disagreements, *theirs, *(row for row in rig.attempts() if row["number"] in numbers)]


@pytest.mark.timeout(600)
async def test_two_thousand_calls_with_an_answer_rate_that_jumps(rig: Rig) -> None:
    rng = Random(10)
    numbers = _half(rng, 100, 0) + _half(rng, 600, HALF)
    assert len(set(numbers)) == 2 * HALF
    campaign = await rig.campaign(
        "jump",
        numbers,
        overdial=3.0,
        calls_per_second=60.0,
        retry=RetryRule(max_attempts=1),
    )
    await rig.log_in(*PHONES)
    await rig.start("jump")
    coming_and_going = asyncio.create_task(_leave_and_come_back(rig))
    try:
        await rig.settled(2 * HALF, timeout=500)
    finally:
        coming_and_going.cancel()
        await asyncio.gather(coming_and_going, return_exceptions=True)
    calls = await rig.callees(2 * HALF, timeout=60)
    suppressed = {
        callee: seconds for callee, seconds in read_suppressed(rig.redis).items() if callee in set(numbers)
    }
    verdict = judge(calls, read_attempts(rig.controller.records), suppressed)
    assert not verdict.breaches
    assert not verdict.disagreements, _of(verdict.disagreements, calls, rig)
    assert not verdict.unprotected
    assert not verdict.called_again
    # It was no idle test: callees were overdialed, and some of them went without an agent or waited for one.
    assert verdict.callees.answered >= 650
    assert verdict.callees.silent + verdict.callees.rescued > 0
    assert int(rig.redis.hget(f"cc:{{{CALLER}}}:budget:jump", "silent") or 0) == verdict.controller.silent
    await _everybody_says_the_same(rig, campaign)
