"""Metrics: what a status becomes, and that it tells of the calls what the records tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from controller import __version__
from controller.api.metrics import exposition
from controller.domain.agent import AgentState
from controller.domain.budget import Budget, Tally
from controller.domain.campaign import CampaignState
from controller.domain.latency import BOUNDS, Histogram
from controller.domain.occupancy import FREE, SPENT
from controller.domain.outcome import Outcome
from controller.domain.pacing import Decision, Mode
from controller.ports import Blocked, ControllerStatus, QueueStatus
from controller.simulation.callee import Answers, Busy
from tests.fakes.call_centre import call_centre, number, virtual
from tests.fakes.law import LAX
from tests.unit.api.operations import FIGURES, STATUS

BUDGET = Budget(
    successes=500, silent=4, exposed=5, tallies=(Tally(limit=LAX.limits[0], successes=400, silent=3),)
)
FULL = replace(
    STATUS,
    campaigns=[
        replace(
            STATUS.campaigns[0], figures=FIGURES, budget=BUDGET, allowance=12, blocked_by=Blocked.AGENTS_BUSY,
            taken_back=6,
        )
    ],
    answer_times=Histogram(counts=(0, 3, *[4] * (len(BOUNDS) - 1)), total=0.05),
    edges={"asterisk": True, "redis": False},
    unsettled=2,
    spent={FREE: 10.5, "talking": 60.0},
    queues=[QueueStatus(name="events", waiting=7, room=20_000, overflows=1)],
)  # fmt: skip


def families(status: ControllerStatus) -> Mapping[str, Metric]:
    text = exposition(status).decode()
    return {each.name: each for each in text_string_to_metric_families(text)}


def value(found: Mapping[str, Metric], name: str, **labels: str) -> float:
    """The one sample of this name with these labels."""
    samples = [
        sample
        for family in found.values()
        for sample in family.samples
        if sample.name == f"campaign_controller_{name}" and sample.labels.items() >= labels.items()
    ]
    assert len(samples) == 1, (name, labels, samples)
    return samples[0].value


SPRING = {"campaign": "spring"}


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("build_info", {"version": __version__}, 1),
        ("edge_up", {"edge": "asterisk"}, 1),
        ("edge_up", {"edge": "redis"}, 0),
        ("unsettled_calls", {}, 2),
        ("agents", {"state": "talking"}, 1),
        ("agents", {"state": "idle"}, 0),
        ("agent_seconds_total", {"state": "free"}, 10.5),
        ("agent_seconds_total", {"state": "talking"}, 60),
        ("answer_to_command_seconds_bucket", {"le": "0.002"}, 0),
        ("answer_to_command_seconds_bucket", {"le": "0.005"}, 3),
        ("answer_to_command_seconds_bucket", {"le": "+Inf"}, 4),
        ("answer_to_command_seconds_count", {}, 4),
        ("answer_to_command_seconds_sum", {}, 0.05),
        ("queue_length", {"queue": "events"}, 7),
        ("queue_overflows_total", {"queue": "events"}, 1),
        ("campaign_state", {**SPRING, "state": "running"}, 1),
        ("campaign_state", {**SPRING, "state": "paused"}, 0),
        ("campaign_blocked", {**SPRING, "reason": "agents-busy"}, 1),
        ("campaign_blocked", {**SPRING, "reason": "edge"}, 0),
        ("calls_placed_total", SPRING, 150),
        ("calls_ended_total", {**SPRING, "outcome": "connected"}, 100),
        ("calls_ended_total", {**SPRING, "outcome": "silent"}, 0),
        ("calls_rescued_total", SPRING, 1),
        ("calls_taken_back_total", SPRING, 6),
        ("calls_in_flight", SPRING, 4),
        ("conversations", SPRING, 5),
        ("successes_total", SPRING, 500),
        ("silent_calls_total", SPRING, 4),
        ("exposed_calls", SPRING, 5),
        ("budget_lifted", SPRING, 0),
        ("limit_allowance", SPRING, BUDGET.tallies[0].allowance),
        ("limit_left", SPRING, BUDGET.tallies[0].allowance - 3),
        ("limit_room", SPRING, BUDGET.tallies[0].allowance - 8),
        ("pacing_mode", {**SPRING, "mode": "predictive"}, 1),
        ("pacing_mode", {**SPRING, "mode": "progressive"}, 0),
        ("pacing_decisions_total", SPRING, 1234),
        ("pacing_calibration_good", SPRING, 1),
        ("pacing_predicted_silent_calls", SPRING, 2.5),
        ("pacing_actual_silent_calls", SPRING, 3),
        ("pacing_answer_rate", SPRING, 0.31),
        ("pacing_talk_seconds", {**SPRING, "quantile": "0.9"}, 190),
        ("pacing_wanted_calls", {**SPRING, "cover": "exposed"}, 2),
        ("pacing_price", SPRING, 0.062),
        ("pacing_risk", SPRING, 0.081),
        ("pacing_bank", SPRING, 7),
        ("pacing_soon_free_agents", SPRING, 1.8),
        ("pacing_soon_answered_calls", SPRING, 1.2),
        ("pacing_agents", {**SPRING, "state": "wrap-up"}, 2),
        ("pacing_calls", {**SPRING, "state": "ringing"}, 3),
        ("pacing_free_lines", SPRING, 196),
    ],
)
def test_a_status_becomes_metrics(name: str, labels: dict[str, str], expected: float) -> None:
    assert value(families(FULL), name, **labels) == pytest.approx(expected)


def test_every_metric_is_named_and_explained_as_prometheus_wants_it() -> None:
    for family in families(FULL).values():
        assert re.fullmatch(r"campaign_controller_[a-z_]+", family.name)
        assert len(family.documentation) > 20, family.name
        assert family.documentation.endswith((".", ")")), family.name
        assert family.samples, f"{family.name} is tested by nothing here"


def test_labels_hold_nothing_that_grows_with_the_work() -> None:
    """Nor anything of a person: the agent 1001 and the call call-1 are in this status."""
    bounded = {
        "version": {__version__},
        "edge": {"asterisk", "redis"},
        "queue": {"events"},
        "campaign": {"spring"},
        "state": {each.value for enum in (AgentState, CampaignState) for each in enum}
        | {FREE, "ringing", "waiting", "exposed"},
        "reason": {each.value for each in Blocked},
        "outcome": {each.value for each in Outcome},
        "mode": {each.value for each in Mode},
        "cover": {"covered", "exposed"},
        "quantile": {"0.1", "0.5", "0.9"},
        "le": {*map(str, BOUNDS), "+Inf"},
    }
    for family in families(FULL).values():
        for sample in family.samples:
            for label, text in sample.labels.items():
                assert text in bounded[label], (sample.name, label, text)


def test_the_guide_names_metrics_that_there_are() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    there = {sample.name for family in families(FULL).values() for sample in family.samples}
    named = set(re.findall(r"campaign_controller_[a-z_]+", guide))
    table = re.search(r"\| metric \| tells \|(.*?)\n\n", guide, re.DOTALL)
    assert table
    for line in table[1].splitlines()[2:]:
        named |= {f"campaign_controller_{name}" for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])}
    assert len(named) > 15
    unknown = {name for name in named if not any(each.startswith(name) for each in there)}
    assert not unknown
    blocks = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    scraped, alerts = (yaml.safe_load(block) for block in blocks)
    assert scraped["scrape_configs"][0]["job_name"] == "campaign-controller"
    assert len(alerts["groups"][0]["rules"]) == 3


def test_what_is_not_known_has_no_samples() -> None:
    lifted = replace(FIGURES, inputs=replace(FIGURES.inputs, room=None) if FIGURES.inputs else None)
    plain = replace(STATUS.campaigns[0], budget=Budget())
    found = families(replace(STATUS, campaigns=[plain]))
    assert not found["campaign_controller_limit_room"].samples
    assert not found["campaign_controller_pacing_decisions"].samples
    found = families(replace(STATUS, campaigns=[replace(plain, figures=lifted)]))
    assert not found["campaign_controller_pacing_bank"].samples
    assert found["campaign_controller_pacing_free_lines"].samples
    idle = replace(FIGURES, decision=Decision(reason="no more lines"))
    found = families(replace(STATUS, campaigns=[replace(plain, figures=idle)]))
    assert not found["campaign_controller_pacing_price"].samples
    assert value(found, "pacing_wanted_calls", cover="covered") == 0
    undecided = replace(FIGURES, inputs=None, decision=None, effective=Mode.PROGRESSIVE)
    found = families(replace(STATUS, campaigns=[replace(plain, figures=undecided)]))
    assert not found["campaign_controller_pacing_price"].samples
    assert value(found, "pacing_mode", mode="progressive") == 1


@virtual
async def test_a_running_call_centre_tells_what_its_records_tell() -> None:
    async with call_centre(agents=2) as centre:
        people = [number(i) for i in range(40)]
        for i, each in enumerate(people):
            centre.telephony.behave(each, Answers(after=2.0, talks=10.0) if i % 2 else Busy(after=1.0))
        campaign = await centre.campaign(contacts=people, mode=Mode.PREDICTIVE, credit=100)
        began = centre.time()
        await centre.start(campaign)
        await centre.sleep(45)

        midway = families(centre.controller.status())
        talking = sum(centre.state(i) is AgentState.TALKING for i in range(2))
        assert value(midway, "agents", state="talking") == talking
        assert value(midway, "conversations") == talking
        assert value(midway, "campaign_state", state="running") == 1
        assert value(midway, "calls_in_flight") == len(centre.telephony.live) - talking
        await centre.until(lambda: centre.status().placed >= len(people), within=600)
        await centre.sleep(30)

        found = families(centre.controller.status())
        figures = await centre.records.figures(campaign.id)
        for outcome in Outcome:
            told = value(found, "calls_ended_total", outcome=outcome.value)
            assert told == figures.by_outcome.get(outcome, 0), outcome
        assert value(found, "calls_placed_total") == sum(figures.by_outcome.values())
        budget = await centre.budget(campaign)
        assert value(found, "successes_total") == budget.successes
        assert value(found, "limit_left") == budget.margin(0)
        connected = figures.by_outcome[Outcome.CONNECTED]
        assert value(found, "answer_to_command_seconds_count") >= connected - figures.rescued
        assert value(found, "edge_up", edge="redis") == 1
        talked = value(found, "agent_seconds_total", state="talking")
        assert talked == pytest.approx(10.0 * connected, rel=0.05)
        assert value(found, "agent_seconds_total", state="wrap-up") == pytest.approx(
            5.0 * connected, rel=0.01
        )
        spent = sum(value(found, "agent_seconds_total", state=each) for each in set(SPENT.values()))
        assert 2 * (centre.time() - began) <= spent <= 2 * centre.time()
        assert value(found, "pacing_decisions_total") > connected
