from __future__ import annotations

from datetime import UTC, datetime, timedelta

from controller.domain.pacing import Decision, Inputs, Journal, Scene

START = datetime(2026, 3, 2, 14, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_inputs_are_a_scene_counted() -> None:
    scene = Scene(
        now=9.0, idle=1, reserved=2, ringing=[1.0, 2.0], waiting=3, talking=[4.0], wrapping=[5.0, 6.0, 7.0],
        exposed=4, room=5, lines=6,
    )  # fmt: skip

    inputs = Inputs.of(scene)
    assert inputs == Inputs(
        idle=1, reserved=2, ringing=2, waiting=3, talking=1, wrapping=3, exposed=4, room=5, lines=6
    )
    assert inputs.bank == 9
    assert Inputs(room=None, exposed=4).bank is None


def test_each_decision_to_place_calls_is_kept_with_what_was_placed() -> None:
    journal = Journal()
    for second in range(2):
        journal.note(at(second), Inputs(idle=1), Decision(covered=1, exposed=2, reason="no more lines"))
        journal.placed()
    journal.placed()

    newest, oldest = journal.recent(10)
    assert (newest.at, newest.placed, newest.looks) == (at(1), 2, 1)
    assert (oldest.at, oldest.placed, oldest.looks) == (at(0), 1, 1)
    assert journal.decisions == 2


def test_decisions_to_place_none_for_the_same_reason_are_one() -> None:
    journal = Journal()
    for second in range(5):
        journal.note(at(second), Inputs(talking=second), Decision(reason="no agent"))
    journal.note(at(5), Inputs(), Decision(reason="no agent", cancel=True), taken_back=2)
    journal.note(at(6), Inputs(), Decision(reason="no agent", cancel=True))
    journal.note(at(7), Inputs(), Decision(reason="no lines"))

    last, after, taken, first = journal.recent(10)
    assert (first.at, first.until, first.looks, first.inputs.talking) == (at(0), at(4), 5, 4)
    assert [each.taken_back for each in (first, taken, after, last)] == [0, 2, 0, 0]
    assert [after.decision.reason, last.decision.reason] == ["no agent", "no lines"]
    assert journal.decisions == 8


def test_a_call_placed_on_a_decision_to_place_none_is_counted_where_it_was() -> None:
    journal = Journal()
    journal.note(at(0), Inputs(), Decision(reason="no agent"))
    journal.placed()  # a promised call-back is placed whatever the pacer says
    journal.note(at(1), Inputs(), Decision(reason="no agent"))

    assert [(each.looks, each.placed) for each in journal.recent(10)] == [(2, 1)]


def test_only_so_many_are_kept_and_told_also_of_earlier() -> None:
    journal = Journal(kept=5)
    assert journal.latest is None
    journal.placed()
    for second in range(9):
        journal.note(at(second), Inputs(), Decision(covered=1))

    assert [each.at for each in journal.recent(10)] == [at(second) for second in (8, 7, 6, 5, 4)]
    assert [each.at for each in journal.recent(2, before=at(6.5))] == [at(6), at(5)]
    assert journal.recent(2, before=at(3)) == []
    assert journal.decisions == 9
