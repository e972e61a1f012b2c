from __future__ import annotations

from dataclasses import replace

import pytest

from bench.lab_day import RING_TIMEOUT, WRAP_UP, scenario
from bench.lab_figures import Window
from bench.lab_run import Run
from bench.lab_watch import Looks, States
from bench.meter import Usage
from bench.pacing_lab import Simulated, as_dict, report, run_simulated
from controller.domain.agent import AgentState
from controller.domain.campaign import Campaign
from controller.domain.ids import CampaignId
from controller.domain.latency import Latency
from controller.law import IT_GARANTE_2014
from lab.demo.judgement import Attempt, judge
from lab.evidence import CalleeCall

CAMPAIGN = Campaign(
    id=CampaignId("c"), caller="a", law=IT_GARANTE_2014, wrap_up=WRAP_UP, ring_timeout=RING_TIMEOUT
)
DAY = scenario(CAMPAIGN, 1, bank=20)
TALK = CalleeCall(
    number="a",
    dialed_at=1001.0,
    answered_at=1003.0,
    ended_at=1033.0,
    first_audio_after=0.02,
    agent_heard_after=0.02,
)
SPOKE = Attempt(
    number="a",
    outcome="connected",
    answered_at=1003.0,
    bridged_at=1003.0,
    ended_at=1033.0,
    admitted_at=1000.9,
)


@pytest.fixture(scope="module")
def simulated() -> tuple[Simulated, Simulated]:
    return run_simulated(CAMPAIGN, DAY, 1, runs=2)


def ran(*calls: CalleeCall, cpu: float = 6.0, machine: float = 12.0) -> Run:
    states, looks = States("http://nowhere", ""), Looks()
    states.seen = [(999.0, "1", AgentState.IDLE), (1003.0, "1", AgentState.TALKING)]
    looks.reasons.update({"ramp limit": 40, "the budget of silent calls allows no more": 20})
    looks.ringing, looks.loads = [4, 6], [0.5, 1.5]
    attempts = [replace(SPOKE, number=call.number) for call in calls]
    return Run(
        campaign=CAMPAIGN,
        day=DAY,
        window=Window(began=1000.0, ended=1060.0, agents=20, wrap_up=5.0),
        calls=calls,
        attempts=attempts,
        states=states,
        looks=looks,
        judgement=judge(calls, attempts, {}, before=667),
        usage=Usage(60.0, {"pbx": cpu}, machine),
        answer_to_command=Latency(count=1, p50=0.002, p99=0.003, max=0.004),
        taken_back=0,
    )


def test_the_same_people_talk_as_long_and_others_do_not(simulated: tuple[Simulated, Simulated]) -> None:
    same, others = simulated

    assert [record.seed for record in same.records] == [1, 1]
    assert [record.seed for record in others.records] == [2, 3]
    assert same.figures[0].answered == pytest.approx(same.figures[1].answered, abs=2)
    assert sum(same.policies[0].reasons.values()) == pytest.approx(DAY.seconds, abs=2)


def test_all_is_put_beside_each_other(simulated: tuple[Simulated, Simulated]) -> None:
    comparison, lines = report(ran(TALK), *simulated)
    text = "\n".join(lines)

    assert not comparison.agrees  # twenty agents, one conversation
    assert "callees' phones 0.029, the controller's record 0.029, the agents' states 0.950" in text
    assert "calls in flight: lab 5.0" in text
    assert "  66.7% / " in text
    assert "load average: 0.5 to 1.5, mean 1.0" in text
    assert "decision to the callee's network: p50 100.0 ms" in text
    assert "answer to command to bridge: p50 2.0 ms, p99 3.0, longest 4" in text
    assert "breaches, at any instant: 0" in text
    assert "DISTURBED" not in text


def test_a_breach_and_a_busy_machine_are_told(simulated: tuple[Simulated, Simulated]) -> None:
    unattended = replace(TALK, number="b", agent_heard_after=3.2)
    run = ran(TALK, unattended, machine=90.0)

    comparison, lines = report(run, *simulated)

    assert "breaches, at any instant: 1" in lines
    assert "DISTURBED: other programs used 1.40 cores" in lines
    assert as_dict(run, comparison)["clean"] is False
