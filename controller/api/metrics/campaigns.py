"""Metrics of campaigns: their calls, and where they stand with the law."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import Metric

from controller.api.metrics.families import CAMPAIGN, counter, gauge, states
from controller.domain.budget import Tally
from controller.domain.campaign import CampaignState
from controller.domain.outcome import Outcome
from controller.ports import Blocked, CampaignStatus

_COUNTED: Sequence[tuple[str, str, Callable[[CampaignStatus], int]]] = (
    ("calls_placed", "Calls placed by this controller.", lambda one: one.placed),
    (
        "calls_rescued",
        "Answered calls that found no agent at once, and got one in time.",
        lambda one: one.rescued,
    ),
    (
        "calls_taken_back",
        "Ringing calls that were ended because no agent would have been free for them.",
        lambda one: one.taken_back,
    ),
    (
        "successes",
        "Answered calls that reached an agent, since the campaign began, of all controllers that dial it.",
        lambda one: one.budget.successes,
    ),
    (
        "silent_calls",
        "Silent calls, the lost ones included, since the campaign began, of all controllers that dial it.",
        lambda one: one.budget.silent,
    ),
)
_MEASURED: Sequence[tuple[str, str, Callable[[CampaignStatus], int]]] = (
    ("calls_in_flight", "Lines in use by calls that ring or wait.", lambda one: one.in_flight),
    ("conversations", "Conversations going on.", lambda one: one.talking),
    (
        "exposed_calls",
        "Calls in flight that no agent stands ready for: each may become a silent call.",
        lambda one: one.budget.exposed,
    ),
    (
        "budget_lifted",
        "Whether the budget of silent calls is lifted (1), in a lab.",
        lambda one: one.override,
    ),
)
_OF_LIMIT: Sequence[tuple[str, str, Callable[[CampaignStatus, Tally], int]]] = (
    (
        "limit_allowance",
        "Silent calls that the law's tightest limit allows so far, in its window.",
        lambda one, tally: tally.allowance,
    ),
    (
        "limit_left",
        "Silent calls that may still happen under the tightest limit. Below 0 it is broken.",
        lambda one, tally: tally.room(0),
    ),
    (
        "limit_room",
        "How many more calls may be placed ahead of the agents: what is left of the tightest limit, without "
        "the calls that are exposed already.",
        lambda one, tally: one.budget.room,
    ),
)


def campaign_metrics(campaigns: Sequence[CampaignStatus]) -> Iterator[Metric]:
    """What there is to say of each campaign that dialed here since the controller started."""
    yield states(
        "campaign_state",
        "Where the campaign stands.",
        "state",
        CampaignState,
        {one.id: one.state for one in campaigns},
    )
    yield states(
        "campaign_blocked",
        "Why a running campaign places no calls.",
        "reason",
        Blocked,
        {one.id: one.blocked_by for one in campaigns},
    )
    yield counter(
        "calls_ended",
        "Calls of this controller that ended, by outcome.",
        [CAMPAIGN, "outcome"],
        {(one.id, each.value): one.outcomes.get(each, 0) for one in campaigns for each in Outcome},
    )
    for name, about, count in _COUNTED:
        yield counter(name, about, [CAMPAIGN], {(one.id,): count(one) for one in campaigns})
    for name, about, measure in _MEASURED:
        yield gauge(name, about, [CAMPAIGN], {(one.id,): measure(one) for one in campaigns})
    limited = [(one, tally) for one in campaigns if (tally := one.budget.tightest) is not None]
    for name, about, left in _OF_LIMIT:
        yield gauge(name, about, [CAMPAIGN], {(one.id,): left(one, tally) for one, tally in limited})
