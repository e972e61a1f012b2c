"""For those who watch: metrics for Prometheus, and why a campaign dials as it does."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web
from pydantic import Field

from controller.api import metrics
from controller.api.rest.ask import Ask
from controller.api.rest.models import PAGE_AT_MOST, CampaignPath, Instant, Model, Wanted, Whole
from controller.api.rest.routes import Resource
from controller.domain.access import Right
from controller.domain.ids import CampaignId
from controller.domain.pacing import Explained, Mode, Terms
from controller.ports import RECENT, PacingReport, Spread

watching = Resource("Watching", "Figures of the controller at work, and why it dials as it does")


class SpreadView(Model):
    """Percentiles of durations, in seconds: a tenth, half, and nine tenths are shorter."""

    p10: float
    p50: float
    p90: float


class LearnedView(Model):
    """What the pacer has learned; where little was seen yet, mostly what it was told beforehand."""

    answer_rate: float = Field(description="Share of the calls placed now that will be answered")
    answer_seconds: SpreadView = Field(description="From dialing to the answer")
    talk_seconds: SpreadView
    wrap_up_seconds: SpreadView


class CalibrationView(Model):
    """Whether what the pacer predicts comes true, over the last answered calls; older ones fade."""

    good: bool = Field(description="If not, a predictive campaign is progressive")
    predicted: float = Field(description="Silent calls that were predicted")
    actual: float = Field(description="Silent calls that there were")


class TermsView(Model):
    """How bold the pacer is. Times are in seconds."""

    window: float = Field(description="From the answer, within which an agent still rescues a call")
    boldness: float = Field(description="Price of the risk, for each silent call in the bank, by agents")
    highest: float = Field(description="The price is never higher")
    cancel_after: float | None = Field(
        description="Ringing after which hopeless calls are ended; null: never"
    )
    cancel_risk: float = Field(description="The risk from which on a call is hopeless")
    ramp: float = Field(description="Exposed calls that may come on top within a second, per agent")


class DecisionView(Model):
    """A decision, with what it was made from. Those in a row to place none, for one reason, are one."""

    at: datetime = Field(description="When it was made; of several, the first")
    until: datetime = Field(description="The last of them")
    looks: int = Field(description="How many they are")
    covered: int = Field(description="Calls to place with an idle agent reserved for each")
    exposed: int = Field(description="Calls to place that nobody stands ready for yet")
    placed: int = Field(description="Calls that were placed on it: no more than contacts and pace allow")
    cancel: bool = Field(description="Exposed calls that have rung long enough are to be taken back")
    taken_back: int = Field(description="Ringing calls that were ended with it")
    reason: str = Field(description="Why it is not one more")
    weighed: bool = Field(description="Whether there was anything to weigh; if not, the next five are 0")
    risk: float = Field(description="That one more call, answered, finds no agent")
    price: float = Field(description="The risk up to which calls are placed")
    answer_rate: float
    soon_free: float = Field(description="Agents expected to become free within a typical time of ringing")
    soon_answered: float = Field(description="Ringing calls expected to be answered by then")
    agents_idle: int
    agents_reserved: int = Field(description="Free agents whom a ringing call counts on")
    agents_talking: int
    agents_wrapping_up: int
    calls_ringing: int = Field(description="Of all campaigns: they take agents whom this one counts on")
    calls_waiting: int = Field(description="Answered calls without an agent, of all campaigns")
    calls_exposed: int = Field(description="Of this campaign: in flight, and nobody stands ready")
    bank: int | None = Field(description="Silent calls allowed that have not happened; null: budget lifted")
    room: int | None = Field(description="Exposed calls that the budget still allowed; null: budget lifted")
    lines: int = Field(description="Lines that were free")


class PacingView(Model):
    """Why a campaign dials as it does."""

    campaign: str
    mode: Mode
    effective_mode: Mode = Field(description="Progressive, not predictive, while predictions are wrong")
    decisions: int = Field(description="Since the controller started")
    calibration: CalibrationView
    learned: LearnedView
    terms: TermsView
    recent: list[DecisionView] = Field(description="The latest decisions, newest first")


class Lately(Wanted):
    """Which decisions."""

    limit: Whole = Field(default=RECENT, ge=1, le=PAGE_AT_MOST, description="Decisions at most")
    before: Instant | None = Field(default=None, description="Those made at this time or earlier; none: now")


@watching.get("/campaigns/{campaign}/pacing", Right.SEE_CAMPAIGNS)
async def campaign_pacing(ask: Ask, path: CampaignPath, query: Lately) -> PacingView | None:
    """Why a campaign dials as it does: its latest decisions, and what its pacing has learned.

    Null: it has not dialed since the controller started. The latest decisions are kept in memory.
    """
    await ask.campaign(path.campaign)
    report = ask.services.operations.pacing(CampaignId(path.campaign), query.limit, query.before)
    return None if report is None else pacing_view(report)


@watching.get("/metrics", Right.SEE_AGENTS, streams=True, sends="text/plain", outside=True)
async def get_metrics(ask: Ask) -> web.Response:
    """How the controller and its campaigns stand, as metrics for Prometheus."""
    text = metrics.exposition(ask.services.operations.status())
    return web.Response(body=text, headers={"Content-Type": metrics.CONTENT_TYPE})


def pacing_view(report: PacingReport) -> PacingView:
    """A report as it is sent."""
    figures = report.figures
    learned = figures.learned
    return PacingView(
        campaign=report.campaign,
        mode=figures.mode,
        effective_mode=figures.effective,
        decisions=figures.decisions,
        calibration=CalibrationView(
            good=figures.calibrated, predicted=figures.predicted, actual=figures.actual
        ),
        learned=LearnedView(
            answer_rate=learned.answer_rate,
            answer_seconds=_spread(learned.answers),
            talk_seconds=_spread(learned.talks),
            wrap_up_seconds=_spread(learned.wrap_ups),
        ),
        terms=_terms(figures.terms),
        recent=[_decision(each) for each in report.recent],
    )


def _spread(one: Spread) -> SpreadView:
    return SpreadView(p10=one.p10, p50=one.p50, p90=one.p90)


def _terms(one: Terms) -> TermsView:
    return TermsView(
        window=one.window,
        boldness=one.boldness,
        highest=one.highest,
        cancel_after=one.cancel_after,
        cancel_risk=one.cancel_risk,
        ramp=one.ramp,
    )


def _decision(one: Explained) -> DecisionView:
    decision, seen = one.decision, one.inputs
    return DecisionView(
        at=one.at,
        until=one.until,
        looks=one.looks,
        covered=decision.covered,
        exposed=decision.exposed,
        placed=one.placed,
        cancel=decision.cancel,
        taken_back=one.taken_back,
        reason=decision.reason,
        weighed=decision.weighed,
        risk=decision.risk,
        price=decision.price,
        bank=seen.bank,
        answer_rate=decision.answer_rate,
        soon_free=decision.soon_free,
        soon_answered=decision.soon_answered,
        agents_idle=seen.idle,
        agents_reserved=seen.reserved,
        agents_talking=seen.talking,
        agents_wrapping_up=seen.wrapping,
        calls_ringing=seen.ringing,
        calls_waiting=seen.waiting,
        calls_exposed=seen.exposed,
        room=seen.room,
        lines=seen.lines,
    )
