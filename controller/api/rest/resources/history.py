"""Why a contact is, or is not, called: every check, now and at each call there was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import Model
from controller.api.rest.resources.contacts import ContactPath, contact
from controller.api.rest.routes import Resource
from controller.domain.access import Right
from controller.domain.clearance import Check, CheckName

history = Resource("History", "Why a contact is, or is not, called")


class CheckView(Model):
    """One check, with its verdict."""

    check: CheckName
    passed: bool
    why: str
    until: datetime | None = Field(
        description="When it may pass by itself; null: only a person can change that"
    )


class NowView(Model):
    """Whether a campaign would call the number now."""

    campaign: str
    callable: bool
    checks: list[CheckView]


class PastView(Model):
    """A call that was placed, with its checks at that time."""

    call: str
    campaign: str
    placed: datetime
    outcome: str = Field(description="Empty while it is under way")
    checks: list[CheckView]


class HistoryView(Model):
    """Why a number is, or is not, called, and every call that there was."""

    now: list[NowView]
    past: list[PastView]


@history.get("/campaigns/{campaign}/contacts/{contact}/history", Right.SEE_CONTACTS)
async def contact_history(ask: Ask, path: ContactPath) -> HistoryView:
    """Why a contact is, or is not, called now, and every call to its number with the checks of that time."""
    number = (await contact(ask, path)).contact.number
    if number.startswith("#"):
        return HistoryView(now=[], past=[])
    now = await ask.services.explainer.explain(number, ask.now)
    past = await ask.services.explainer.history(number)
    return HistoryView(
        now=[
            NowView(campaign=each.campaign, callable=each.callable, checks=_checks(ask, each.checks))
            for each in now
        ],
        past=[
            PastView(
                call=each.call,
                campaign=each.campaign,
                placed=each.placed,
                outcome=each.ended,
                checks=_checks(ask, each.checks),
            )
            for each in past
        ],
    )


def _checks(ask: Ask, checks: Sequence[Check]) -> list[CheckView]:
    return [
        CheckView(check=check.name, passed=check.passed, why=_why(ask, check), until=check.until)
        for check in checks
    ]


def _why(ask: Ask, check: Check) -> str:
    # A consent's source tells who somebody is: the form that they filled in, the number of their contract.
    if check.name is CheckName.CONSENT and check.passed and not ask.in_clear:
        return "a basis is on record, or none is asked for"
    return check.why
