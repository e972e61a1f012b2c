"""Why a number is, or is not, called: every check with its result, now and at each past attempt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from controller.domain.campaign import Campaign, CampaignState
from controller.domain.clearance import Check, CheckName, Standing, first_failed
from controller.domain.evidence import Kind, Sealed
from controller.domain.fitness import unlawful
from controller.domain.ids import E164, ContactId
from controller.domain.instants import moment
from controller.domain.privacy import NumberKey
from controller.engine.gate import Gate
from controller.ports import CampaignRow, Evidence, Ledger, ListedContact, Records, Suppression
from controller.ports.inquiries import Explanation, Forecast, PastAttempt

__all__ = ["Explainer", "Explanation", "Forecast", "PastAttempt"]

_PAGE = 1000
_ALL = 10_000_000


class Explainer:
    """Asks all who decide, and takes nothing."""

    def __init__(
        self, ledger: Ledger, records: Records, evidence: Evidence, key: NumberKey, gate: Gate | None = None
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._evidence = evidence
        self._key = key
        self._gate = gate or Gate()

    async def explain(self, number: E164, now: datetime) -> Sequence[Explanation]:
        """Every campaign that has the number, with its checks as they stand."""
        rows = {row.campaign.id: row for row in await self._records.campaigns()}
        found = []
        for listed in await self._records.contacts_of(number):
            row = rows[listed.contact.campaign]
            standings = await self._records.standings(row.campaign, [listed.contact])
            standing = standings.get(listed.contact.id, Standing())
            found.append(await self._explanation(row, listed, standing, now))
        return found

    async def history(self, number: E164) -> Sequence[PastAttempt]:
        """Every recorded call to the number, oldest first, with its checks at that time."""
        entries = await self._evidence.entries_of(
            person=self._key.of(number), kinds=(Kind.ATTEMPT, Kind.HANG_UP)
        )
        ends = {entry.call: entry for entry in entries if entry.kind == Kind.HANG_UP.value}
        return [_past(entry, ends.get(entry.call)) for entry in entries if entry.kind == Kind.ATTEMPT.value]

    async def forecast(self, row: CampaignRow, now: datetime) -> Forecast:
        """What would become of the campaign's contacts if it were started now."""
        campaign = row.campaign
        suppressed: dict[E164, Suppression] = {}
        for entry in await self._ledger.suppressions(campaign.caller, _ALL):
            known = suppressed.get(entry.number)
            if known is None or _ends_later(entry, known):
                suppressed[entry.number] = entry
        held: Counter[CheckName] = Counter()
        until: dict[CheckName, datetime] = {}
        contacts = callable_now = operator = done = 0
        async for listed, standing in self._contacts(campaign):
            contacts += 1
            if listed.done:
                done += 1
                continue
            checks = (
                *self._gate.checks(campaign, listed.contact, standing, now),
                _suppression_check(suppressed.get(listed.contact.number), now),
            )
            failed = first_failed(checks)
            if failed is None:
                callable_now += 1
                operator += listed.contact.operator_due
                continue
            held[failed.name] += 1
            if failed.until is not None:
                until[failed.name] = min(failed.until, until.get(failed.name, failed.until))
        return Forecast(
            contacts=contacts,
            unfit=unlawful(campaign),
            callable=callable_now,
            operator=operator,
            done=done,
            held=held,
            until=until,
        )

    async def _contacts(self, campaign: Campaign) -> AsyncIterator[tuple[ListedContact, Standing]]:
        after: ContactId | None = None
        while page := await self._records.contacts(campaign.id, after=after, limit=_PAGE):
            standings = await self._records.standings(campaign, [listed.contact for listed in page])
            for listed in page:
                yield listed, standings.get(listed.contact.id, Standing())
            after = page[-1].contact.id

    async def _explanation(
        self, row: CampaignRow, listed: ListedContact, standing: Standing, now: datetime
    ) -> Explanation:
        campaign, contact = row.campaign, listed.contact
        suppression = await self._ledger.suppression(campaign.caller, contact.number)
        owed = contact.operator_due or await self._ledger.operator_due(campaign.caller, contact.number)
        budget = await self._ledger.budget(campaign)
        operator = "owed: an agent is reserved before it is dialed" if owed else "not owed"
        room = (
            f"room for {budget.room} calls without a reserved agent; with one, always "
            f"({budget.silent} silent of {budget.successes} successes)"
        )
        checks = (
            _campaign_check(row),
            *self._gate.checks(campaign, contact, standing, now, done=listed.done),
            _suppression_check(suppression, now),
            Check(name=CheckName.OPERATOR, passed=True, why=operator),
            Check(name=CheckName.BUDGET, passed=True, why=room),
        )
        return Explanation(campaign=campaign.id, caller=campaign.caller, contact=contact, checks=checks)


def _ends_later(one: Suppression, other: Suppression) -> bool:
    return other.expires_in >= 0 and (one.expires_in < 0 or one.expires_in > other.expires_in)


def _campaign_check(row: CampaignRow) -> Check:
    running = row.state is CampaignState.RUNNING
    why = f"is {row.state.value}" + (f" ({row.reason})" if row.reason else "")
    if running and (unfit := unlawful(row.campaign)):
        return Check(name=CheckName.CAMPAIGN, passed=False, why="; ".join(unfit))
    return Check(name=CheckName.CAMPAIGN, passed=running, why=why)


def _suppression_check(found: Suppression | None, now: datetime) -> Check:
    name = CheckName.SUPPRESSION
    if found is None:
        return Check(name=name, passed=True, why="not suppressed")
    until = now + timedelta(seconds=found.expires_in) if found.expires_in >= 0 else None
    end = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    return Check(
        name=name,
        passed=False,
        why=f"{found.reason}, since {found.since:%Y-%m-%d %H:%M} UTC{end}",
        until=until,
    )


def _past(attempt: Sealed, end: Sealed | None) -> PastAttempt:
    body = json.loads(attempt.body)
    return PastAttempt(
        call=attempt.call,
        campaign=attempt.campaign,
        placed=moment(attempt.at),
        checks=[
            Check(name=CheckName(name), passed=passed, why=why)
            for name, passed, why in body.get("checks", ())
        ],
        ended=json.loads(end.body).get("outcome", "") if end else "",
    )
