"""Metrics of pacing: from what each campaign decided last how many calls to place, and what it decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import Metric

from controller.api.metrics.families import CAMPAIGN, counter, gauge, states
from controller.domain.ids import CampaignId
from controller.domain.pacing import Decision, Inputs, Mode
from controller.ports import CampaignStatus, Learned, PacingFigures, Spread

_STANDING: Sequence[tuple[str, str, Callable[[PacingFigures], float]]] = (
    (
        "pacing_calibration_good",
        "Whether the pacer's predictions come true (1). If not (0), a predictive campaign is progressive.",
        lambda pacing: pacing.calibrated,
    ),
    (
        "pacing_predicted_silent_calls",
        "Silent calls that the pacer expected among the last answered calls; older ones fade.",
        lambda pacing: pacing.predicted,
    ),
    (
        "pacing_actual_silent_calls",
        "Silent calls that there were among the last answered calls; older ones fade.",
        lambda pacing: pacing.actual,
    ),
    (
        "pacing_answer_rate",
        "Share of the calls placed now that will be answered, as learned.",
        lambda pacing: pacing.learned.answer_rate,
    ),
)
_WEIGHED: Sequence[tuple[str, str, Callable[[Decision], float]]] = (
    (
        "pacing_price",
        "The risk up to which calls are placed ahead of agents. Missing where there was nothing to weigh.",
        lambda decision: decision.price,
    ),
    (
        "pacing_risk",
        "The risk of the call that was not placed any more: that it is answered and finds no agent.",
        lambda decision: decision.risk,
    ),
    (
        "pacing_soon_free_agents",
        "Agents expected to become free within a typical time of ringing.",
        lambda decision: decision.soon_free,
    ),
    (
        "pacing_soon_answered_calls",
        "Ringing calls expected to be answered by then.",
        lambda decision: decision.soon_answered,
    ),
)

_LEARNED: Sequence[tuple[str, str, Callable[[Learned], Spread]]] = (
    ("pacing_answer_seconds", "From dialing to the answer", lambda learned: learned.answers),
    ("pacing_talk_seconds", "Durations of conversations", lambda learned: learned.talks),
    ("pacing_wrap_up_seconds", "Durations of wrap-ups", lambda learned: learned.wrap_ups),
)


def pacing_metrics(campaigns: Sequence[CampaignStatus]) -> Iterator[Metric]:
    """What there is to say of each campaign that dialed here."""
    all_ = {one.id: one.figures for one in campaigns if one.figures is not None}
    yield states(
        "pacing_mode",
        "How the campaign dials now: progressive instead of predictive while its predictions are wrong.",
        "mode",
        Mode,
        {name: pacing.effective for name, pacing in all_.items()},
    )
    yield counter(
        "pacing_decisions",
        "How often the pacer looked and decided.",
        [CAMPAIGN],
        {(name,): pacing.decisions for name, pacing in all_.items()},
    )
    for name, about, value in _STANDING:
        yield gauge(name, about, [CAMPAIGN], {(one,): value(pacing) for one, pacing in all_.items()})
    yield from _learned(all_)
    decisions = {one: pacing.decision for one, pacing in all_.items() if pacing.decision is not None}
    yield gauge(
        "pacing_wanted_calls",
        "Calls that the latest decision wants placed: covered by a free agent, or exposed, ahead of agents.",
        [CAMPAIGN, "cover"],
        {
            (one, cover): count
            for one, decision in decisions.items()
            for cover, count in (("covered", decision.covered), ("exposed", decision.exposed))
        },
    )
    weighed = {one: decision for one, decision in decisions.items() if decision.weighed}
    for name, about, figure in _WEIGHED:
        yield gauge(name, about, [CAMPAIGN], {(one,): figure(each) for one, each in weighed.items()})
    yield from _inputs({one: pacing.inputs for one, pacing in all_.items() if pacing.inputs is not None})


def _learned(all_: Mapping[CampaignId, PacingFigures]) -> Iterator[Metric]:
    for name, about, spread_of in _LEARNED:
        samples: dict[tuple[str, ...], float] = {}
        for one, pacing in all_.items():
            spread = spread_of(pacing.learned)
            samples |= {(one, "0.1"): spread.p10, (one, "0.5"): spread.p50, (one, "0.9"): spread.p90}
        yield gauge(name, f"{about}, as learned: percentiles.", [CAMPAIGN, "quantile"], samples)


def _inputs(all_: Mapping[CampaignId, Inputs]) -> Iterator[Metric]:
    yield gauge(
        "pacing_agents",
        "Agents as the latest decision saw them.",
        [CAMPAIGN, "state"],
        {
            (one, state): count
            for one, seen in all_.items()
            for state, count in (
                ("idle", seen.idle),
                ("reserved", seen.reserved),
                ("talking", seen.talking),
                ("wrap-up", seen.wrapping),
            )
        },
    )
    yield gauge(
        "pacing_calls",
        "Calls as the latest decision saw them. Ringing and waiting: of all campaigns; exposed: of this one.",
        [CAMPAIGN, "state"],
        {
            (one, state): count
            for one, seen in all_.items()
            for state, count in (
                ("ringing", seen.ringing),
                ("waiting", seen.waiting),
                ("exposed", seen.exposed),
            )
        },
    )
    yield gauge(
        "pacing_free_lines",
        "Lines that the latest decision could use.",
        [CAMPAIGN],
        {(one,): seen.lines for one, seen in all_.items()},
    )
    yield gauge(
        "pacing_bank",
        "Silent calls that the budget allows and that have not happened, as the latest decision saw it: what "
        "makes the price. Missing where the budget is lifted.",
        [CAMPAIGN],
        {(one,): seen.bank for one, seen in all_.items() if seen.bank is not None},
    )
