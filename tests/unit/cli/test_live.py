from __future__ import annotations

from dataclasses import replace

import pytest

from controller.cli.live import campaign_as_dict, show_campaigns
from tests.unit.api.operations import STATUS

(SPRING,) = STATUS.campaigns


def test_the_status_says_what_the_pacer_began_with(capsys: pytest.CaptureFixture[str]) -> None:
    known = replace(SPRING, mode="predictive", began_with="312 calls of campaign winter")
    show_campaigns([known])

    told = capsys.readouterr().out
    assert (
        "pacing of spring (predictive) began with what it learned from 312 calls of campaign winter" in told
    )
    assert campaign_as_dict(known)["pacing_began_with"] == "312 calls of campaign winter"


def test_a_pacer_that_began_with_nothing_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show_campaigns([SPRING])

    assert "began with" not in capsys.readouterr().out
