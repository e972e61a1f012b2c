from __future__ import annotations

import json

import pytest

from controller.cli.report import Report, as_dict, as_text, build
from controller.domain.budget import Budget
from controller.domain.campaign import Campaign, Override
from controller.domain.ids import CampaignId
from controller.domain.outcome import Outcome
from controller.ports import CampaignFigures
from tests.fakes.law import LAX

SPRING = CampaignId("spring")


def report(
    *,
    connected: int = 200,
    silent: int = 3,
    lost: int = 1,
    longest: float | None = 2.71,
    open_: int = 0,
    budget: Budget | None = None,
    override: Override | None = None,
    bridging: tuple[float, ...] = (0.02, 0.01, 0.5),
) -> Report:
    figures = CampaignFigures(
        campaign=SPRING,
        contacts=500,
        pending=120,
        by_outcome={
            Outcome.CONNECTED: connected,
            Outcome.SILENT: silent,
            Outcome.LOST: lost,
            Outcome.NO_ANSWER: 100,
            Outcome.LEFT_EARLY: 2,
            Outcome.BUSY: 0,
        },
        open=open_,
        rescued=4,
        answer_to_bridge=bridging,
        longest_unattended=longest,
    )
    return build(Campaign(id=SPRING, caller="Acme", law=LAX, override=override), figures, budget)


def test_a_report_counts_what_the_law_counts() -> None:
    made = report()
    assert (made.calls, made.answered, made.connected, made.rescued) == (306, 206, 200, 4)
    assert (made.silent, made.lost, made.allowed) == (4, 1, 6)
    assert made.silent_per_100 == 2.0
    assert made.kept
    assert made.outcomes == {"connected": 200, "silent": 3, "left-early": 2, "lost": 1, "no-answer": 100}


def test_the_text_has_a_figure_a_line() -> None:
    text = as_text(report(open_=2))
    for line in [
        "campaign         spring, for Acme, under lax",
        "contacts         500, 120 still to call",
        "calls            308, 2 under way",
        "answered         206",
        "connected        200",
        "rescued          4 (connected after waiting in the noise)",
        "silent           4, 1 of them lost (nobody saw them end)",
        "silent per 100   2.00",
        "limit            3 per 100 successes: 6 silent so far",
        "answer to agent  p50 0.020 s, p99 0.500 s, max 0.500 s",
        "longest silent   2.710 s (limit 3.000 s)",
        "outcomes         connected 200, silent 3, left-early 2, lost 1, no-answer 100",
        "law              kept",
    ]:
        assert line in text.splitlines()


def test_the_json_says_the_same_and_null_for_nothing() -> None:
    document = json.loads(json.dumps(as_dict(report())))
    assert document["answer_to_bridge"] == {"p50": 0.02, "p99": 0.5, "max": 0.5}
    assert (document["silent_per_100_successes"], document["silent_allowed"]) == (2.0, 6)
    assert document["law_kept"] is True
    empty = as_dict(report(connected=0, silent=0, lost=0, longest=None, bridging=()))
    assert empty["silent_per_100_successes"] is None
    assert empty["answer_to_bridge"] == {"p50": None, "p99": None, "max": None}
    assert empty["longest_silent_call"] is None


def test_a_campaign_that_has_not_called_can_be_reported() -> None:
    made = build(
        Campaign(id=SPRING, caller="Acme", law=LAX),
        CampaignFigures(campaign=SPRING, contacts=0, pending=0),
        Budget(),
    )
    text = as_text(made)
    assert "no success yet" in text
    assert "outcomes         none" in text
    assert "law              kept" in text


@pytest.mark.parametrize(("silent", "longest"), [(6, 2.7), (0, 3.001)])
def test_a_breach_is_not_hidden(silent: int, longest: float) -> None:
    made = report(silent=silent, longest=longest)
    assert not made.kept
    assert "law              BROKEN" in as_text(made)
    assert as_dict(made)["law_kept"] is False


def test_a_lifted_budget_is_said() -> None:
    made = report(silent=50, override=Override(author="Anna", reason="demo"))
    assert "not applicable: the budget was lifted in a lab" in as_text(made)
    assert as_dict(made)["budget_lifted"] is True


def test_records_and_redis_are_compared_when_nothing_is_under_way() -> None:
    off = Budget(successes=199, silent=5, exposed=1)
    assert report(budget=Budget(successes=200, silent=4)).disagreements == []
    assert report(budget=off, open_=1).disagreements == []
    assert report(budget=off).disagreements == [
        "connected: 200 in the records, 199 in Redis",
        "silent: 4 in the records, 5 in Redis",
        "in flight without an agent: 0 in the records, 1 in Redis",
    ]
    assert "DISAGREEMENT" in as_text(report(budget=off))
