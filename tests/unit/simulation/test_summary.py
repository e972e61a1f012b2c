from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from controller.domain.campaign import Campaign
from controller.domain.ids import CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.errors import BadInput
from controller.ports import AttemptFact
from controller.simulation import summary
from controller.simulation.baselines import OneToOne, Ratio
from controller.simulation.clock import EPOCH
from controller.simulation.model import simulate
from controller.simulation.recorded import Recording
from controller.simulation.scenario import Scenario, Shift
from tests.fakes.law import LAX

HALF = Scenario(name="half <an> hour", hours=0.5, shifts=(Shift(agents=4),))
RECORDS = [simulate(HALF, OneToOne()), simulate(HALF, Ratio(3.0))]


def test_csv_has_a_row_for_each_policy() -> None:
    rows = list(csv.DictReader(io.StringIO(summary.as_csv(RECORDS))))

    assert [row["policy"] for row in rows] == ["1:1", "ratio 3"]
    assert float(rows[1]["silent_per_100"]) > float(rows[0]["silent_per_100"]) == 0
    assert float(rows[0]["occupancy"]) == pytest.approx(RECORDS[0].occupancy, abs=0.001)


def test_the_chart_is_well_formed_and_has_a_line_for_each() -> None:
    root = ElementTree.fromstring(summary.as_svg(RECORDS))

    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 2
    assert "half <an> hour" in (root.findtext("{http://www.w3.org/2000/svg}title") or "")


CAMPAIGN = Campaign(id=CampaignId("spring"), caller="Acme", law=LAX, zone="UTC")


def fact(number: int, at: timedelta, *, rang: float, talked: float | None = None) -> AttemptFact:
    placed = EPOCH + at
    over = placed + timedelta(seconds=rang)
    answered = None if talked is None else over
    return AttemptFact(
        call=CallId(str(number)),
        campaign=CAMPAIGN.id,
        person="x",
        caller="Acme",
        caller_number="",
        law="lax",
        override=False,
        covered=True,
        guaranteed=False,
        placed=placed,
        answered_at=answered,
        heard_at=answered,
        ended_at=over + timedelta(seconds=talked or 0),
        outcome=Outcome.NO_ANSWER if talked is None else Outcome.CONNECTED,
    )


def test_a_campaign_becomes_a_scenario() -> None:
    recording = Recording(CAMPAIGN)
    for i in range(60):  # the first hour: one in three answers, one in three is busy
        minute = timedelta(minutes=i)
        recording.add(fact(3 * i, minute, rang=9.0, talked=90.0))
        recording.add(fact(3 * i + 1, minute, rang=1.0))
        recording.add(fact(3 * i + 2, minute, rang=30.0))
    for i in range(40):  # the third: all answer
        recording.add(fact(1000 + i, timedelta(hours=2, minutes=i), rang=9.0, talked=90.0))
    day = recording.scenario()

    assert day.hours == 3
    assert day.agents == 2, "90 s of conversation, one beginning each minute"
    assert day.answer_rate.at(60) == pytest.approx(1 / 3)
    assert day.answer_rate.at(2.5 * 3600) == 1
    assert day.failing == pytest.approx(0.5)
    assert (day.ring.mean, day.talk.mean, day.wrap_up.mean) == (9.0, 90.0, 15.0)
    assert simulate(day, OneToOne()).successes > 50


def test_its_segments_become_segments() -> None:
    recording = Recording(CAMPAIGN)
    for i in range(120):
        minute = timedelta(minutes=i)
        warm, few = fact(3 * i, minute, rang=9.0, talked=90.0), fact(3 * i + 1, minute, rang=30.0)
        recording.add(replace(warm, segment="warm"))
        recording.add(replace(few, segment=("cold", "few")[i % 6 == 0]))
        if i < 60:
            recording.add(replace(fact(3 * i + 2, minute, rang=30.0), segment="cold"))
    cold, others, warm_one = recording.scenario().segments

    assert (cold.name, others.name, warm_one.name) == ("cold", "others", "warm")
    assert [each.answer_rate.at(60) for each in (cold, others, warm_one)] == [0, 0, 1]
    assert cold.share.at(60) == pytest.approx(110 / 180)
    assert cold.share.at(3700) == pytest.approx(50 / 120)
    assert warm_one.share.at(3700) == pytest.approx(60 / 120)


def test_a_campaign_with_few_calls_is_refused() -> None:
    recording = Recording(CAMPAIGN)
    recording.add(fact(1, timedelta(0), rang=9.0, talked=90.0))
    with pytest.raises(BadInput, match="too few"):
        recording.scenario()
