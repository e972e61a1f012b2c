"""Leads and follow-ups in memory: twins of those in SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from controller.domain.call import Call
from controller.domain.contact import Contact
from controller.domain.followup import (
    CallNote,
    FollowUpRule,
    MailOptOut,
    MailTemplate,
    Recipient,
    followup_key,
    mail_person,
)
from controller.domain.funnel import By, Funnel, FunnelLine, Stage, StageChange
from controller.domain.ids import E164, AgentId, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome
from controller.ports.compliance import Authorship
from controller.ports.leads import NewRule, NewTemplate, Outward
from controller.store.followups import followup_job
from controller.store.leads import no_such_contact
from controller.store.memory_intake import MemoryIntake
from controller.store.memory_outbox import MemoryJobs, MemorySubscriptions
from controller.store.outward_people import opt_out_of_erased

if TYPE_CHECKING:
    from controller.store.memory_records import MemoryRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What an agent noted of a call, as far as funnel and follow-ups care."""

    call: CallId
    contact: ContactId
    campaign: CampaignId
    code: str
    at: datetime
    script: str = ""
    script_version: int = 0
    agent: AgentId | None = None
    stage: Stage = Stage.REACHED


class MemoryLeads:
    """``Leads`` (controller.ports.leads) in memory.

    Attributes:
        stages: contacts' stages, where they are not CONTACT.
        noted: dispositions in the order in which they were recorded.
    """

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self.stages: dict[ContactId, Stage] = {}
        self.noted: list[Noted] = []
        self._changes: list[StageChange] = []

    async def funnel(self, campaign: CampaignId, by: By = By.NOTHING) -> Funnel:
        """A campaign's funnel."""
        self._records._answer()
        zone = ZoneInfo(self._records._known(campaign).row.campaign.zone)
        entries = [entry for entry in self._records._contacts.values() if entry.contact.campaign == campaign]
        calls = [
            call
            for call in self._records._calls.values()
            if call.contact.campaign == campaign and call.outcome is not None
        ]
        last = {noted.call: noted for noted in self.noted}
        spoken = {call.contact.id for call in calls if _spoken(call, last.get(call.id))}
        stages: defaultdict[str, list[Stage]] = defaultdict(list)
        for entry in entries:
            key = entry.contact.id
            least = Stage.REACHED if key in spoken else Stage.CONTACT
            stages[entry.contact.habits.segment].append(max(self.stages.get(key, Stage.CONTACT), least))
        total = _line("", [stage for some in stages.values() for stage in some])
        lines: list[FunnelLine] = []
        if by is By.SEGMENT:
            lines = [_line(segment, stages[segment]) for segment in sorted(stages)]
        elif by is not By.NOTHING:
            lines = self._of_calls(calls, by, zone)
        return Funnel(campaign=campaign, by=by, total=total, lines=tuple(lines))

    def _of_calls(self, calls: Sequence[Call], by: By, zone: ZoneInfo) -> list[FunnelLine]:
        last = {noted.call: noted for noted in self.noted}
        started = {call.id: self._records._started[call.id].placed for call in calls}
        called: defaultdict[str, set[ContactId]] = defaultdict(set)
        reached: defaultdict[str, set[ContactId]] = defaultdict(set)
        decisive: dict[ContactId, str] = {}
        for call in sorted(calls, key=lambda call: (started[call.id], call.id)):
            noted = last.get(call.id)
            if by is not By.HOUR and call.outcome is not Outcome.CONNECTED and noted is None:
                continue
            label = f"{started[call.id].astimezone(zone):%H}" if by is By.HOUR else _label(noted, by)
            called[label].add(call.contact.id)
            if _spoken(call, noted):
                reached[label].add(call.contact.id)
                decisive[call.contact.id] = label
        came: Counter[tuple[str, Stage]] = Counter()
        for contact, label in decisive.items():
            for stage in (Stage.INTERESTED, Stage.LEAD, Stage.CUSTOMER):
                came[label, stage] += self.stages.get(contact, Stage.CONTACT) >= stage
        return [
            FunnelLine(
                label=label,
                counts=(
                    len(called[label]),
                    len(reached[label]),
                    came[label, Stage.INTERESTED],
                    came[label, Stage.LEAD],
                    came[label, Stage.CUSTOMER],
                ),
            )
            for label in sorted(called)
        ]

    async def set_stage(
        self, contact: ContactId, stage: Stage, who: Authorship, now: datetime
    ) -> StageChange | None:
        """Set a contact's stage by hand and record it."""
        self._records._answer()
        entry = self._records._contacts.get(contact)
        if entry is None:
            raise no_such_contact(contact)
        before = self.stages.get(contact, Stage.CONTACT)
        if before is stage:
            return None
        self.stages[contact] = stage
        made = StageChange(
            contact=contact,
            campaign=entry.contact.campaign,
            before=before,
            after=stage,
            author=who.author,
            reason=who.reason,
            at=now,
        )
        self._changes.append(made)
        return made

    async def stage_changes(self, campaign: CampaignId, limit: int = 1000) -> Sequence[StageChange]:
        """Stages that were set by hand, the last ones first."""
        self._records._answer()
        return [change for change in reversed(self._changes) if change.campaign == campaign][:limit]

    async def recipient(self, contact: ContactId) -> Recipient | None:
        """A contact as mails need it."""
        self._records._answer()
        entry = self._records._contacts.get(contact)
        if entry is None:
            return None
        known = entry.contact
        of = self._records._campaigns[known.campaign]
        numbers = {number for number, key in of.by_number.items() if key == contact}
        return Recipient(
            contact=contact,
            campaign=known.campaign,
            numbers=tuple(sorted(numbers)),
            name=known.name,
            email=known.email,
            attributes=known.attributes,
            erased=known.number.startswith("#"),
        )


def _spoken(call: Call, noted: Noted | None) -> bool:
    """An agent spoke to the contact, not to a machine, a fax or somebody else who picked up."""
    return call.outcome is Outcome.CONNECTED and (noted is None or noted.stage >= Stage.REACHED)


def _label(noted: Noted | None, by: By) -> str:
    if noted is None:
        return ""
    if by is By.SCRIPT:
        return f"{noted.script} v{noted.script_version}" if noted.script else ""
    return noted.code


def _line(label: str, stages: Iterable[Stage]) -> FunnelLine:
    came = list(stages)
    one, two, three, four, five = (sum(stage >= least for stage in came) for least in Stage)
    return FunnelLine(label=label, counts=(one, two, three, four, five))


class MemoryFollowUps:
    """``FollowUps`` (controller.ports.leads) in memory."""

    def __init__(self, records: MemoryRecords, leads: MemoryLeads, jobs: MemoryJobs) -> None:
        self._records = records
        self._leads = leads
        self._jobs = jobs
        self._templates: list[MailTemplate] = []
        self._rules: dict[int, FollowUpRule] = {}
        self._opt_outs: dict[tuple[str, str], MailOptOut] = {}

    async def add_template(self, new: NewTemplate, now: datetime) -> MailTemplate:
        """Store the next version of a template in one language."""
        last = await self.template(new.name, new.language)
        made = MailTemplate(
            name=new.name,
            language=new.language,
            version=last.version + 1 if last else 1,
            subject=new.subject,
            text=new.text,
            html=new.html,
            author=new.author,
            created_at=now,
        )
        self._templates.append(made)
        return made

    async def template(self, name: str, language: str, version: int | None = None) -> MailTemplate | None:
        """A version of a template; the newest if none is named."""
        self._records._answer()
        found = [
            known
            for known in self._templates
            if (known.name, known.language) == (name, language) and version in (None, known.version)
        ]
        return found[-1] if found else None

    async def templates(self) -> Sequence[MailTemplate]:
        """The newest version of each, by name and language."""
        self._records._answer()
        newest = {(known.name, known.language): known for known in self._templates}
        return [newest[key] for key in sorted(newest)]

    async def add_rule(self, new: NewRule, now: datetime) -> FollowUpRule:
        """Store a rule, active."""
        self._records._answer()
        self._records._known(new.campaign)
        made = FollowUpRule(
            id=len(self._rules) + 1,
            campaign=new.campaign,
            disposition=new.disposition,
            template=new.template,
            language=new.language,
            delay=new.delay,
            active=True,
            author=new.author,
            created_at=now,
        )
        self._rules[made.id] = made
        return made

    async def set_rule(self, rule: int, *, active: bool) -> bool:
        """Switch a rule on or off."""
        self._records._answer()
        if rule not in self._rules:
            return False
        self._rules[rule] = replace(self._rules[rule], active=active)
        return True

    async def rules(self, campaign: CampaignId | None = None) -> Sequence[FollowUpRule]:
        """Rules by id, of one campaign or of all."""
        self._records._answer()
        return [rule for rule in self._rules.values() if campaign in (None, rule.campaign)]

    async def queue_due(self, now: datetime, *, room: int) -> int:
        """Queue the follow-ups of dispositions that have no job yet."""
        self._records._answer()
        wanted = [
            followup_job(rule.id, noted.contact, noted.call, noted.campaign, noted.at + rule.delay)
            for noted in self._last_notes()
            for rule in self._rules.values()
            if rule.active
            and (rule.campaign, rule.disposition.lower()) == (noted.campaign, noted.code.lower())
            and noted.at >= rule.created_at
            and not self._jobs.known(followup_key(rule.id, noted.contact))
        ]
        return self._jobs.insert(wanted[: max(room, 0)], now)

    def _last_notes(self) -> list[Noted]:
        last = {noted.call: noted for noted in self._leads.noted}
        return sorted(last.values(), key=lambda noted: noted.at)

    async def note_of(self, call: CallId) -> CallNote | None:
        """What was noted last of a call."""
        self._records._answer()
        found = [noted for noted in self._leads.noted if noted.call == call]
        if not found:
            return None
        noted = found[-1]
        recorded = self._records._calls.get(call)
        agent = (recorded.agent if recorded else None) or ""
        return CallNote(call=call, contact=noted.contact, code=noted.code, agent=agent, at=noted.at)

    async def opt_out(self, entry: MailOptOut) -> bool:
        """Note that an address must not be written to."""
        self._records._answer()
        key = (entry.scope, entry.person)
        new = key not in self._opt_outs
        self._opt_outs.setdefault(key, entry)
        return new

    async def opt_in(self, scope: str, person: str) -> bool:
        """Take it back."""
        self._records._answer()
        return self._opt_outs.pop((scope, person), None) is not None

    async def opted_out(self, person: str, scopes: Sequence[str]) -> MailOptOut | None:
        """What binds of an address, if anything does."""
        self._records._answer()
        found = (self._opt_outs.get((scope, person)) for scope in sorted(scopes))
        return next((entry for entry in found if entry is not None), None)


def about_outward(outward: Outward, person: str, ids: Sequence[ContactId]) -> dict[str, list[dict[str, Any]]]:
    """What a person sent, and the stages set by hand of their contacts; fields of a PersonFile."""
    leads, intake = outward.leads, outward.intake
    if not isinstance(leads, MemoryLeads) or not isinstance(intake, MemoryIntake):
        raise TypeError("not in memory")
    sent = [known for known in intake._received.values() if known.person == person]
    return {
        "submissions": [
            {"id": known.id, "form": known.form, "state": known.state.value, "values": dict(known.values)}
            for known in sent
        ],
        "stage_changes": [
            {"contact": change.contact, "after": int(change.after), "author": change.author}
            for change in leads._changes
            if change.contact in ids
        ],
    }


async def forget_outward(
    records: MemoryRecords, theirs: Sequence[Contact], numbers: Iterable[E164], who: Authorship, now: datetime
) -> None:
    """Empty what a person sent, and bar their addresses."""
    for number in numbers:
        await records.outward.intake.forget(records._key.of(number))
    for contact in theirs:
        if contact.email:
            barred = opt_out_of_erased(mail_person(records._key, contact.email), who, now)
            await records.outward.followups.opt_out(barred)


def memory_outward(records: MemoryRecords) -> Outward:
    """Leads, follow-ups, intake, outbox and webhooks in memory, beside a record store in memory."""
    leads, jobs = MemoryLeads(records), MemoryJobs(records._answer)
    return Outward(
        leads=leads,
        followups=MemoryFollowUps(records, leads, jobs),
        intake=MemoryIntake(records),
        jobs=jobs,
        hooks=MemorySubscriptions(records._answer),
    )
