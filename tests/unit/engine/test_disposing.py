"""Recording what came of a conversation: the wish not to be called first, everything else at once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.domain.call import Call, CallState
from controller.domain.callback import CallbackState, Promise
from controller.domain.campaign import Campaign
from controller.domain.contact import Contact, NewContact, PhoneNumber
from controller.domain.disposition import Disposition, DispositionKind, DispositionSet, Reach
from controller.domain.hours import parse_hours
from controller.domain.ids import E164, AgentId, CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.retry import RetryRule
from controller.domain.script import Question, QuestionKind
from controller.engine.calendar import Calendar
from controller.engine.callbacks import CallbackDesk
from controller.engine.disposing import Disposing, Words
from controller.engine.feed import Feed
from controller.errors import BadAnswers, BadInput, RecordsUnreachable, Refused
from controller.ports import AttemptEnd, Authorship
from controller.store.memory_records import MemoryRecords
from tests.fakes.law import LAX

DAYTIME = replace(LAX, name="daytime", hours=parse_hours("mon-fri 09:00-20:00"))
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday, 11:00 in Rome
TOMORROW = NOW + timedelta(days=1)
HOUR = timedelta(hours=1)
CALL = CallId("call-1")
ANNA = AgentId("1001")
NUMBER, OTHER = E164("+393471234567"), E164("+390612345678")
SPRING = Campaign(
    id=CampaignId("spring"), caller="Acme", law=DAYTIME, script="roofs", retry=RetryRule(max_attempts=3)
)
ROOMS = Question(id="rooms", text="How many?", kind=QuestionKind.NUMBER, required=True)


class StillClock:
    """Stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Scene:
    """A store with one contact, and an agent who may be talking with it."""

    def __init__(self, campaign: Campaign = SPRING) -> None:
        self.records = MemoryRecords(profiles={"daytime": DAYTIME})
        self.campaign = campaign
        self.talking: AgentId | None = None
        self.feed = Feed(StillClock())
        desk = CallbackDesk(self.records, self.records.work, Calendar())
        self.disposing = Disposing(
            self.records,
            self.records.work,
            self.records.lists,
            desk,
            talking=lambda call: self.talking,
            feed=self.feed,
        )
        self.contact: Contact

    async def ready(self, *, ended: Outcome | None = Outcome.CONNECTED) -> "Scene":
        await self.records.save_campaign(self.campaign)
        new = NewContact(number=NUMBER, others=(PhoneNumber(number=OTHER),), name="Ada")
        await self.records.add_contacts(self.campaign.id, [new])
        (self.contact,) = await self.records.due_contacts(self.campaign.id, NOW, 1)
        call = Call(id=CALL, contact=self.contact, admitted_at=NOW)
        assert await self.records.attempt_started(call, self.campaign) is None
        if ended is not None:
            await self.hang_up(ended)
        return self

    async def hang_up(self, outcome: Outcome = Outcome.CONNECTED, name: CallId = CALL) -> None:
        over = Call(
            id=name,
            contact=self.contact,
            state=CallState.ENDED,
            admitted_at=NOW,
            answered_at=NOW,
            heard_at=NOW,
            ended_at=NOW + timedelta(minutes=1),
            outcome=outcome,
            agent=ANNA,
        )
        due = None if outcome is Outcome.CONNECTED else TOMORROW
        await self.records.attempt_ended(AttemptEnd(call=over, next_due=due, counts_as_attempt=True))

    async def say(self, code: str, now: datetime = NOW, **more: Any) -> Any:
        return await self.disposing.record(CALL, Words(code=code, author="1001", **more), now)

    async def listed(self) -> set[tuple[str, str | None]]:
        return {(entry.scope, entry.number) for entry in await self.records.lists.opt_outs()}

    async def now(self) -> tuple[bool, datetime | None]:
        (found,) = await self.records.contacts(self.campaign.id)
        return found.done, found.contact.due_at


async def test_recorded_and_told() -> None:
    scene = await Scene().ready()
    disposed = await scene.say("SALE", notes="  Two windows. ")
    assert (disposed.code, disposed.notes, disposed.author, disposed.at) == (
        "sale",
        "Two windows.",
        "1001",
        NOW,
    )
    event, stage = scene.feed.since(0) or scene.feed._ring
    assert (stage.kind, stage.data["stage"]) == ("lead.stage", "customer")
    assert event.kind == "disposition.recorded"
    assert event.data == {
        "call": CALL, "campaign": "spring", "contact": scene.contact.id, "code": "sale", "kind": "customer",
        "stage": "customer", "author": "1001",
    }  # fmt: skip
    assert await scene.say("sale", TOMORROW, notes="Two windows.") == disposed
    assert len(scene.feed._ring) == 2  # the same thing is told once


async def test_during_the_conversation_by_who_knows_of_it() -> None:
    scene = await Scene().ready(ended=None)
    with pytest.raises(BadInput, match="under way"):
        await scene.say("sale")
    scene.talking = ANNA
    await scene.say("machine")
    await scene.hang_up()
    assert await scene.now() == (False, NOW + 3 * HOUR)


@pytest.mark.parametrize("outcome", [Outcome.BUSY, Outcome.SILENT, Outcome.LOST])
async def test_of_what_was_no_conversation_nothing_is_said(outcome: Outcome) -> None:
    scene = await Scene().ready(ended=outcome)
    scene.talking = ANNA  # whatever the process believes: the record decides
    with pytest.raises(BadInput, match="no agent reached"):
        await scene.say("do-not-call")
    with pytest.raises(BadInput, match="no agent reached"):
        await scene.disposing.record(CallId("other"), Words(code="sale", author="1001"), NOW)
    assert await scene.listed() == set()


async def test_a_word_that_the_campaign_has_not() -> None:
    scene = await Scene().ready()
    with pytest.raises(BadInput, match="no disposition 'gold'") as refusal:
        await scene.say("gold")
    assert "sale" in refusal.value.allowed
    with pytest.raises(BadInput, match="notes"):
        await scene.say("sale", notes="x" * 4001)
    assert await scene.records.work.dispositions() == []


# --- the wish not to be called


@pytest.mark.parametrize(
    ("reach", "scope"),
    [(None, "caller:Acme"), (Reach.CAMPAIGN, "campaign:spring"), (Reach.EVERYBODY, "*")],
)
async def test_who_does_not_want_to_be_called_is_listed_with_all_numbers(
    reach: Reach | None, scope: str
) -> None:
    word = Disposition(code="no", label="No", kind=DispositionKind.DO_NOT_CALL, opt_out=reach)
    scene = await Scene(replace(SPRING, dispositions=DispositionSet((word,)))).ready()
    await scene.say("no")
    assert await scene.listed() == {(scope, NUMBER), (scope, OTHER)}
    assert await scene.now() == (True, None)
    (entry, *_) = await scene.records.lists.opt_outs()
    assert (entry.author, entry.reason, entry.source) == ("1001", "said in a call", "call call-1")


async def test_the_wish_is_not_lost_when_the_rest_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await Scene().ready()

    async def fail(_new: object) -> object:
        raise RecordsUnreachable

    with monkeypatch.context() as patched:
        patched.setattr(scene.records.work, "dispose", fail)
        with pytest.raises(RecordsUnreachable):
            await scene.say("do-not-call")
    assert await scene.listed() == {("caller:Acme", NUMBER), ("caller:Acme", OTHER)}
    evidence = len(await scene.records.evidence.entries())
    await scene.say("do-not-call")
    assert len(await scene.records.evidence.entries()) == evidence  # listed once
    assert await scene.now() == (True, None)


async def test_when_the_wish_cannot_be_listed_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await Scene().ready()

    async def fail(*_: object) -> int:
        raise RecordsUnreachable

    monkeypatch.setattr(scene.records.lists, "opt_out", fail)
    with pytest.raises(RecordsUnreachable):
        await scene.say("do-not-call")
    assert await scene.records.work.dispositions() == []


async def test_a_correction_leaves_the_wish() -> None:
    scene = await Scene().ready()
    await scene.say("do-not-call")
    await scene.say("sale", NOW + HOUR)
    assert len(await scene.listed()) == 2


async def test_of_the_erased_no_number_is_listed_anew() -> None:
    scene = await Scene().ready()
    await scene.records.people.erase(NUMBER, Authorship(author="dora", reason="asked"), NOW)
    before = await scene.listed()
    await scene.say("do-not-call", notes="Ada")
    await scene.say("machine", NOW + HOUR)
    assert await scene.listed() == before
    with pytest.raises(Refused, match="erased"):
        await scene.say("call-back", callback=Promise(at=TOMORROW))
    assert (await scene.now())[0]


# --- called again, within the campaign's limits


@pytest.mark.parametrize("first", ["agent", "call"])
async def test_the_campaigns_attempts_are_its_limit(first: str) -> None:
    scene = Scene(replace(SPRING, retry=RetryRule(max_attempts=1)))
    await scene.ready(ended=Outcome.CONNECTED if first == "call" else None)
    scene.talking = ANNA
    await scene.say("machine")
    if first == "agent":
        await scene.hang_up()
    assert await scene.now() == (True, None)


async def test_the_limit_of_a_day_puts_off_until_the_next() -> None:
    scene = await Scene(replace(SPRING, retry=RetryRule(max_attempts=3, per_day=1))).ready(ended=None)
    scene.talking = ANNA
    await scene.say("machine")
    await scene.hang_up()
    assert await scene.now() == (False, datetime(2026, 3, 2, 23, tzinfo=UTC))  # midnight in Rome


# --- promises


async def test_a_call_back_needs_an_hour_at_which_a_telephone_may_ring() -> None:
    scene = await Scene().ready()
    with pytest.raises(BadInput, match="when do they want"):
        await scene.say("call-back")
    night = Promise(at=NOW + 12 * HOUR)
    with pytest.raises(Refused, match="next time"):
        await scene.say("call-back", callback=night)
    assert await scene.records.work.dispositions() == []
    await scene.say("call-back", callback=night, nearest=True)
    (made,) = await scene.records.work.callbacks()
    assert made.at == datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert await scene.now() == (False, made.at)


@pytest.mark.parametrize("code", ["do-not-call", "wrong-number", "fax"])
async def test_nobody_is_called_back_who_was_not_there_or_does_not_want_it(code: str) -> None:
    scene = await Scene().ready()
    with pytest.raises(BadInput, match="nobody is called back"):
        await scene.say(code, callback=Promise(at=TOMORROW))
    assert await scene.listed() == set()


async def test_the_same_promise_again_is_the_same_also_past_its_hour() -> None:
    scene = await Scene().ready()
    wanted = Promise(at=TOMORROW, agent=ANNA)
    one = await scene.say("call-back", callback=wanted)
    assert await scene.say("call-back", TOMORROW + HOUR, callback=wanted) == one
    assert [made.state for made in await scene.records.work.callbacks()] == [CallbackState.OPEN]


# --- answers


async def test_answers_are_those_of_the_version_that_was_read() -> None:
    scene = await Scene().ready()
    save = scene.records.work.save_script
    await save("roofs", "Hello", (ROOMS,), "dora", NOW)
    await save("roofs", "Hello", (Question(id="other", text="Other?"),), "dora", NOW)
    disposed = await scene.say("sale", script_version=1, answers={"rooms": "3"})
    assert (disposed.script, disposed.script_version, disposed.answers) == ("roofs", 1, {"rooms": 3})


@pytest.mark.parametrize(
    ("code", "answers", "errors"),
    [
        ("sale", {"rooms": "many", "x": "y"}, {"rooms", "x"}),
        ("sale", {}, {"rooms"}),
        ("not-interested", {"rooms": "many"}, {"rooms"}),
        ("not-interested", {}, set()),
    ],
)
async def test_each_answer_that_cannot_be_recorded_is_told(
    code: str, answers: Mapping[str, object], errors: set[str]
) -> None:
    scene = await Scene().ready()
    await scene.records.work.save_script("roofs", "Hello", (ROOMS,), "dora", NOW)
    if not errors:
        await scene.say(code, script_version=1, answers=answers)
        return
    with pytest.raises(BadAnswers) as refusal:
        await scene.say(code, script_version=1, answers=answers)
    assert set(refusal.value.errors) == errors
    assert await scene.records.work.dispositions() == []


async def test_answers_to_nothing() -> None:
    scene = await Scene().ready()
    with pytest.raises(BadInput, match="which version"):
        await scene.say("sale", answers={"rooms": 3})
    with pytest.raises(BadInput, match="'roofs', version 7"):
        await scene.say("sale", script_version=7)
    without = await Scene(replace(SPRING, script="")).ready()
    with pytest.raises(BadInput, match="no script at all"):
        await without.say("sale", script_version=1)
