from __future__ import annotations

import pytest

from controller.domain.answer import AnswerClass, Answerer, answer_class
from controller.domain.call import Call, HungUpBy
from controller.domain.contact import Contact
from controller.domain.ids import E164, CallId, CampaignId, ContactId
from controller.domain.outcome import Outcome

CONTACT = Contact(id=ContactId(1), campaign=CampaignId("spring"), number=E164("+390299990001"))


def call(outcome: Outcome, by: HungUpBy | None = None, cause: int = 16, sip: int | None = None) -> Call:
    return Call(id=CallId("c"), contact=CONTACT, outcome=outcome, ended_by=by, cause=cause, sip=sip)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_answered_call_has_a_class_and_no_other_call_has_one(outcome: Outcome) -> None:
    for by in (None, *HungUpBy):
        for cause in (0, 16, 38, 127):
            for answerer in (None, *Answerer):
                made = answer_class(call(outcome, by, cause), answerer)
                assert (made is not None) is outcome.answered


@pytest.mark.parametrize(
    ("answerer", "expected"),
    [
        (None, AnswerClass.AGENT),
        (Answerer.PERSON, AnswerClass.AGENT),
        (Answerer.MACHINE, AnswerClass.MACHINE),
        (Answerer.FAX, AnswerClass.FAX),
    ],
)
def test_the_agent_says_who_picked_up(answerer: Answerer | None, expected: AnswerClass) -> None:
    assert answer_class(call(Outcome.CONNECTED), answerer) is expected


@pytest.mark.parametrize(
    ("by", "cause", "sip", "expected"),
    [
        (HungUpBy.CONTROLLER, 16, None, AnswerClass.SILENT),
        (HungUpBy.UNKNOWN, 16, None, AnswerClass.SILENT),
        (HungUpBy.CALLEE, 16, None, AnswerClass.LEFT),
        (HungUpBy.CALLEE, 38, None, AnswerClass.FAILURE),
        (HungUpBy.CALLEE, 16, 503, AnswerClass.FAILURE),
    ],
)
def test_a_call_without_an_agent_is_told_by_cause_sip_code_and_who_hung_up(
    by: HungUpBy, cause: int, sip: int | None, expected: AnswerClass
) -> None:
    assert answer_class(call(Outcome.SILENT, by, cause, sip)) is expected


@pytest.mark.parametrize("answerer", Answerer)
def test_nobody_can_talk_a_silent_call_away(answerer: Answerer) -> None:
    silent = call(Outcome.SILENT, HungUpBy.CONTROLLER)
    assert answer_class(silent, answerer) is AnswerClass.SILENT
    assert silent.outcome is not None
    assert silent.outcome.counts_as_silent


def test_what_nobody_saw_end_is_a_failure_and_counts() -> None:
    assert answer_class(call(Outcome.LOST)) is AnswerClass.FAILURE
    assert Outcome.LOST.counts_as_silent
