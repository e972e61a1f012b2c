"""Mail templates, follow-up rules and mail opt-outs, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Text,
    and_,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from controller.domain.followup import CallNote, FollowUpRule, MailOptOut, MailTemplate, followup_key
from controller.domain.ids import CallId, CampaignId, ContactId
from controller.domain.outbox import JobKind, NewJob
from controller.ports.leads import NewRule, NewTemplate
from controller.store.access import Access
from controller.store.campaign_rows import no_such_campaign
from controller.store.outbox import SqlJobs
from controller.store.schema import attempts, campaigns
from controller.store.schema_leads import followup_rules, mail_opt_outs, mail_templates, marks, outbox
from controller.store.schema_work import dispositions

_MARK = "follow-ups"
_OVERLAP = timedelta(hours=1)
"""What is looked at again: a disposition is committed some time after its ``at``, perhaps by another
controller whose clock is not quite ours."""


def followup_job(rule: int, contact: int, call: str, campaign: str, due_at: datetime) -> NewJob:
    """The job that writes to a contact after a call."""
    return NewJob(
        kind=JobKind.MAIL,
        key=followup_key(rule, ContactId(contact)),
        about=campaign,
        due_at=due_at,
        payload={"what": "followup", "rule": rule, "contact": contact, "call": call},
    )


class SqlFollowUps:
    """``FollowUps`` (controller.ports.leads) in the record store."""

    def __init__(self, access: Access, jobs: SqlJobs, dialect: str) -> None:
        self._access = access
        self._jobs = jobs
        make: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
        row = make(marks)
        self._mark = row.on_conflict_do_update(index_elements=["name"], set_={"at": row.excluded.at})
        self._opt_out = make(mail_opt_outs).on_conflict_do_nothing(index_elements=["scope", "person"])

    async def add_template(self, new: NewTemplate, now: datetime) -> MailTemplate:
        """Store the next version of a template in one language."""
        same = and_(mail_templates.c.name == new.name, mail_templates.c.language == new.language)

        def add(connection: Connection) -> MailTemplate:
            last = connection.scalar(select(func.max(mail_templates.c.version)).where(same)) or 0
            made = MailTemplate(
                name=new.name,
                language=new.language,
                version=last + 1,
                subject=new.subject,
                text=new.text,
                html=new.html,
                author=new.author,
                created_at=now,
            )
            values = {name: getattr(made, name) for name in MailTemplate.__slots__}
            connection.execute(insert(mail_templates).values(**values))
            return made

        return await self._access.write(add, "a mail template")

    async def template(self, name: str, language: str, version: int | None = None) -> MailTemplate | None:
        """A version of a template; the newest if none is named."""
        statement = (
            select(mail_templates)
            .where(mail_templates.c.name == name, mail_templates.c.language == language)
            .order_by(mail_templates.c.version.desc())
            .limit(1)
        )
        if version is not None:
            statement = statement.where(mail_templates.c.version == version)
        rows = await self._access.rows(statement, "a look at the mail templates")
        return _template(rows[0]) if rows else None

    async def templates(self) -> Sequence[MailTemplate]:
        """The newest version of each, by name and language."""
        ids = select(func.max(mail_templates.c.id)).group_by(mail_templates.c.name, mail_templates.c.language)
        statement = (
            select(mail_templates)
            .where(mail_templates.c.id.in_(ids))
            .order_by(mail_templates.c.name, mail_templates.c.language)
        )
        return [_template(row) for row in await self._access.rows(statement, "a look at the mail templates")]

    async def add_rule(self, new: NewRule, now: datetime) -> FollowUpRule:
        """Store a rule, active."""
        values: dict[str, Any] = {
            "campaign": new.campaign,
            "disposition": new.disposition,
            "template": new.template,
            "language": new.language,
            "delay": new.delay,
            "active": True,
            "author": new.author,
            "created_at": now,
        }

        def add(connection: Connection) -> FollowUpRule:
            if connection.scalar(select(campaigns.c.id).where(campaigns.c.id == new.campaign)) is None:
                raise no_such_campaign(new.campaign)
            made = connection.execute(insert(followup_rules).values(**values)).inserted_primary_key
            found = select(followup_rules).where(followup_rules.c.id == (made or [0])[0])
            return _rule(connection.execute(found).one())

        return await self._access.write(add, "a follow-up rule")

    async def set_rule(self, rule: int, *, active: bool) -> bool:
        """Switch a rule on or off."""
        statement = update(followup_rules).where(followup_rules.c.id == rule).values(active=active)
        return await self._access.write(lambda c: c.execute(statement).rowcount > 0, "a follow-up rule")

    async def rules(self, campaign: CampaignId | None = None) -> Sequence[FollowUpRule]:
        """Rules by id, of one campaign or of all."""
        statement = select(followup_rules).order_by(followup_rules.c.id)
        if campaign is not None:
            statement = statement.where(followup_rules.c.campaign == campaign)
        return [_rule(row) for row in await self._access.rows(statement, "a look at the follow-up rules")]

    async def queue_due(self, now: datetime, *, room: int) -> int:
        """Queue the follow-ups of dispositions recorded since the last time, in one transaction."""

        def queue(connection: Connection) -> int:
            since = connection.scalar(select(marks.c.at).where(marks.c.name == _MARK))
            rows = connection.execute(_unqueued(since, room)).all()
            jobs = [
                followup_job(row.rule, row.contact, row.call, row.campaign, row.at + row.delay)
                for row in rows
            ]
            new = self._jobs.insert(connection, jobs, now)
            # If there is more, the next time begins where this one ended.
            done = now if len(rows) < room else max(rows[-1].at, since or rows[-1].at)
            connection.execute(self._mark, {"name": _MARK, "at": done})
            return new

        # Looked at first without a transaction of the writer's, which calls wait for: mostly nothing is new.
        look = lambda connection: _anything_new(connection, now)  # noqa: E731
        if room <= 0 or not await self._access.read(look, "a look at the dispositions"):
            return 0
        return await self._access.write(queue, "follow-ups to be sent")

    async def note_of(self, call: CallId) -> CallNote | None:
        """What was noted last of a call."""
        statement = (
            select(
                dispositions.c.call,
                dispositions.c.contact,
                dispositions.c.code,
                attempts.c.agent,
                dispositions.c.at,
            )
            .join(attempts, attempts.c.id == dispositions.c.call)
            .where(dispositions.c.call == call)
            .order_by(dispositions.c.id.desc())
            .limit(1)
        )
        rows = await self._access.rows(statement, "a look at a disposition")
        if not rows:
            return None
        row = rows[0]
        return CallNote(
            call=CallId(row.call),
            contact=ContactId(row.contact),
            code=row.code,
            agent=row.agent or "",
            at=row.at,
        )

    async def opt_out(self, entry: MailOptOut) -> bool:
        """Note that an address must not be written to."""
        values = {name: getattr(entry, name) for name in MailOptOut.__slots__}
        statement = self._opt_out.values(**values)
        return await self._access.write(lambda c: c.execute(statement).rowcount > 0, "a mail opt-out")

    async def opt_in(self, scope: str, person: str) -> bool:
        """Take it back."""
        statement = delete(mail_opt_outs).where(
            mail_opt_outs.c.scope == scope, mail_opt_outs.c.person == person
        )
        return await self._access.write(lambda c: c.execute(statement).rowcount > 0, "a mail opt-out")

    async def opted_out(self, person: str, scopes: Sequence[str]) -> MailOptOut | None:
        """What binds of an address, if anything does."""
        statement = (
            select(mail_opt_outs)
            .where(mail_opt_outs.c.person == person, mail_opt_outs.c.scope.in_(scopes))
            .order_by(mail_opt_outs.c.scope)
            .limit(1)
        )
        rows = await self._access.rows(statement, "a look at the mail opt-outs")
        return MailOptOut(**rows[0]._mapping) if rows else None


def _unqueued(since: datetime | None, room: int) -> Any:
    """Dispositions that a rule wants a mail after, and that have no job yet; the oldest first."""
    later = dispositions.alias()
    corrected = exists().where(later.c.call == dispositions.c.call, later.c.id > dispositions.c.id)
    key = literal("followup:") + cast(followup_rules.c.id, Text) + ":" + cast(dispositions.c.contact, Text)
    statement = (
        select(
            dispositions.c.campaign,
            dispositions.c.contact,
            dispositions.c.call,
            dispositions.c.at,
            followup_rules.c.id.label("rule"),
            followup_rules.c.delay,
        )
        .join(
            followup_rules,
            and_(
                followup_rules.c.campaign == dispositions.c.campaign,
                func.lower(followup_rules.c.disposition) == func.lower(dispositions.c.code),
            ),
        )
        .where(
            followup_rules.c.active,
            dispositions.c.at >= followup_rules.c.created_at,
            ~corrected,
            ~exists().where(outbox.c.key == key),
        )
        .order_by(dispositions.c.at, dispositions.c.id)
        .limit(room)
    )
    return statement if since is None else statement.where(dispositions.c.at >= since - _OVERLAP)


def _anything_new(connection: Connection, now: datetime) -> bool:
    """Whether there is something to queue, or the mark is so old that each look takes long."""
    since = connection.scalar(select(marks.c.at).where(marks.c.name == _MARK))
    if since is None or now - since > _OVERLAP:
        return True
    return connection.execute(_unqueued(since, 1)).first() is not None


def _template(row: Row[Any]) -> MailTemplate:
    values = row._mapping
    return MailTemplate(**{name: values[name] for name in MailTemplate.__slots__})


def _rule(row: Row[Any]) -> FollowUpRule:
    values = row._mapping
    return FollowUpRule(**{name: values[name] for name in FollowUpRule.__slots__})
