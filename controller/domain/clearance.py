"""Whether a contact may be called, as a list of checks, each with its result and its reason.

The same checks decide before a call, explain a number to a person (``explain``), and tell before a start what
a campaign would do (dry run). In doubt a check fails: nobody is called whom we cannot show to be callable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from zoneinfo import ZoneInfo

from controller.domain.campaign import Campaign
from controller.domain.contact import Consent, Contact
from controller.domain.ids import E164
from controller.domain.recital import AUTOMATED_CALLS


class CheckName(Enum):
    """The checks, in the order in which they are made."""

    CAMPAIGN = "campaign"
    CALLER_ID = "caller-id"
    CONTACT = "contact"
    CONSENT = "consent"
    OPT_OUT = "opt-out"
    REGISTER = "register"
    HOURS = "hours"
    SUPPRESSION = "suppression"
    OPERATOR = "operator"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check's verdict.

    Attributes:
        why: in words for a person, also when it passed.
        until: where it failed: when it may pass by itself (aware); None if only a person can change that.
    """

    name: CheckName
    passed: bool
    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """A number that must not be called: an entry of a do-not-call list.

    Attributes:
        scope: ``*`` for everybody, ``caller:<caller>``, or ``campaign:<campaign>`` (see ``scopes``).
        number: in E.164; empty if the person had their data erased, and only the hash is left.
        number_hash: under the number key.
        reason: why, such as ``asked during a call``.
        source: where it came from: a file, a person, an erasure.
        author: who entered it.
        added_at: when (aware).
    """

    scope: str
    number: E164 | None
    number_hash: str
    reason: str
    source: str
    author: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCheck:
    """What the opposition register said of a number.

    Attributes:
        checked_at: when the register was asked (aware), not when the answer was loaded.
        opposed: the number is in the register.
        source: the file with the answer.
    """

    number_hash: str
    checked_at: datetime
    opposed: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the record store knows of a number, beyond its contact."""

    opt_outs: Sequence[OptOut] = ()
    register: RegisterCheck | None = None


EVERYBODY = "*"


def scopes(caller: str, campaign: str) -> tuple[str, ...]:
    """The scopes of the do-not-call lists that bind a campaign, widest first."""
    return EVERYBODY, caller_scope(caller), f"campaign:{campaign}"


def caller_scope(caller: str) -> str:
    """The scope of the list of one caller, across all campaigns."""
    return f"caller:{caller}"


def standing_checks(
    standing: Standing, consent: Consent | None, campaign: Campaign, now: datetime
) -> tuple[Check, ...]:
    """Consent, do-not-call lists and register: checked in the very transaction that records a call."""
    return (
        consent_check(consent, campaign, now),
        opt_out_check(standing, campaign),
        register_check(standing.register, campaign, now),
    )


def consent_check(consent: Consent | None, campaign: Campaign, now: datetime) -> Check:
    """Whether there is a basis for calling, where the law asks for one."""
    name, law = CheckName.CONSENT, campaign.law
    if consent is None:
        if law.consent_required or not campaign.mode.needs_agents:
            return Check(name=name, passed=False, why=f"{law.name} asks for a basis, and the list gives none")
        return Check(name=name, passed=True, why=f"not asked for by {law.name}")
    if consent.given_at > now:
        why = f"{consent.basis} is dated {_day(consent.given_at, campaign)}, which is still to come"
        return Check(name=name, passed=False, why=why, until=consent.given_at)
    if not campaign.mode.needs_agents and consent.basis.casefold() != AUTOMATED_CALLS:
        why = (
            f"{consent.basis} is no consent to calls in which nobody speaks: in an agentless campaign the "
            f"basis has to be {AUTOMATED_CALLS}"
        )
        return Check(name=name, passed=False, why=why)
    why = f"{consent.basis}, {_day(consent.given_at, campaign)}, {consent.source}"
    return Check(name=name, passed=True, why=why)


def opt_out_check(standing: Standing, campaign: Campaign) -> Check:
    """Whether the number is on no do-not-call list."""
    if not standing.opt_outs:
        return Check(name=CheckName.OPT_OUT, passed=True, why="on no do-not-call list")
    entry = standing.opt_outs[0]
    why = f"on the do-not-call list {entry.scope} since {_day(entry.added_at, campaign)}: {entry.reason}"
    return Check(name=CheckName.OPT_OUT, passed=False, why=why)


def register_check(found: RegisterCheck | None, campaign: Campaign, now: datetime) -> Check:
    """Whether the register was asked lately enough, and did not object."""
    name, law, rule = CheckName.REGISTER, campaign.law, campaign.law.register
    if found is not None and found.opposed:
        # Also where the law names no register: somebody loaded it, and the person objects.
        why = f"in the opposition register, as of {_day(found.checked_at, campaign)}"
        return Check(name=name, passed=False, why=why)
    if rule is None:
        return Check(name=name, passed=True, why=f"no register in {law.name}")
    if found is None:
        return Check(name=name, passed=False, why=f"never checked against the {rule.name}")
    days, asked = rule.max_age.days, _day(found.checked_at, campaign)
    if now - found.checked_at > rule.max_age:
        why = f"checked against the {rule.name} on {asked}, more than {days} days ago"
        return Check(name=name, passed=False, why=why)
    if found.checked_at > now:
        why = f"the check against the {rule.name} is dated {asked}, which is still to come"
        return Check(name=name, passed=False, why=why, until=found.checked_at)
    return Check(name=name, passed=True, why=f"not in the {rule.name}, checked {asked}")


def caller_id_check(campaign: Campaign) -> Check:
    """Whether the number presented is one that the law accepts."""
    name, rule, number = CheckName.CALLER_ID, campaign.law.caller_id, campaign.caller_number
    if not number:
        if rule.required:
            why = f"the campaign presents no number, and {campaign.law.name} demands one"
            return Check(name=name, passed=False, why=why)
        return Check(name=name, passed=True, why="left to the trunk")
    if rule.free_prefixes and number.startswith(rule.free_prefixes):
        return Check(name=name, passed=True, why=f"{number} is of a range set aside for such calls")
    if rule.must_answer and not campaign.caller_number_answers:
        why = (
            f"{number} is neither of the ranges {', '.join(rule.free_prefixes) or 'set aside'} nor declared "
            "to be answered when called back"
        )
        return Check(name=name, passed=False, why=why)
    answers = ", answered when called back" if campaign.caller_number_answers else ""
    return Check(name=name, passed=True, why=f"{number}{answers}")


def contact_check(contact: Contact, *, done: bool, now: datetime) -> Check:
    """Whether the campaign still wants the contact, now."""
    name = CheckName.CONTACT
    if done:
        return Check(name=name, passed=False, why="the campaign is done with it")
    if contact.due_at is not None and contact.due_at > now:
        why = f"not due before {contact.due_at:%Y-%m-%d %H:%M} UTC"
        return Check(name=name, passed=False, why=why, until=contact.due_at)
    return Check(name=name, passed=True, why=f"due, {contact.attempts} attempts so far")


def _day(at: datetime, campaign: Campaign) -> str:
    """The day by the campaign's clock: a date was mostly given as such, and stands for its midnight there."""
    return f"{at.astimezone(ZoneInfo(campaign.zone)):%Y-%m-%d}"


def first_failed(checks: Iterable[Check]) -> Check | None:
    """The first check that failed; None if all passed."""
    return next((check for check in checks if not check.passed), None)
