from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.callback import (
    Callback,
    CallbackRule,
    CallbackState,
    Dial,
    Fallback,
    Keep,
    Presence,
    PutOff,
    Wait,
    not_reached,
    step,
)
from controller.domain.ids import AgentId, CampaignId, ContactId

HOUR = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ANNA = AgentId("1001")
RULE = CallbackRule(ahead=2 * MINUTE, patience=10 * MINUTE, again=15 * MINUTE, tries=3)


def made(agent: AgentId | None = ANNA, tries: int = 0) -> Callback:
    return Callback(
        id=1,
        campaign=CampaignId("spring"),
        contact=ContactId(1),
        at=HOUR,
        agent=agent,
        author="1001",
        created_at=HOUR - timedelta(days=1),
        tries=tries,
    )


@pytest.mark.parametrize(
    ("minutes", "presence", "expected"),
    [
        (-60, Presence.FREE, Wait(HOUR - 2 * MINUTE)),
        (-2, Presence.FREE, Keep(ANNA, HOUR)),
        (-1, Presence.BUSY, Keep(ANNA, HOUR)),
        (-1, Presence.AWAY, Wait(HOUR)),
        (0, Presence.FREE, Dial(ANNA)),
        (0, Presence.BUSY, Keep(ANNA, HOUR + 10 * MINUTE)),
        (0, Presence.AWAY, Wait(HOUR + 10 * MINUTE)),
        (9, Presence.FREE, Dial(ANNA)),
        (10, Presence.BUSY, Dial(None)),
        (10, Presence.AWAY, Dial(None)),
        (600, Presence.FREE, Dial(ANNA)),
    ],
)
def test_what_one_agent_promised(minutes: int, presence: Presence, expected: object) -> None:
    assert step(made(), HOUR + minutes * MINUTE, presence, RULE) == expected


def test_what_anybody_may_keep() -> None:
    assert step(made(None), HOUR - MINUTE, Presence.AWAY, RULE) == Wait(HOUR)
    assert step(made(None), HOUR, Presence.AWAY, RULE) == Dial(None)


def test_put_off_but_not_for_ever() -> None:
    rule = CallbackRule(patience=10 * MINUTE, fallback=Fallback.PUT_OFF, again=15 * MINUTE, tries=3)
    late = HOUR + 10 * MINUTE
    assert step(made(), late, Presence.BUSY, rule) == PutOff(late + 15 * MINUTE)
    assert step(made(tries=1), late, Presence.AWAY, rule) == PutOff(late + 15 * MINUTE)
    assert step(made(tries=2), late, Presence.AWAY, rule) == Dial(None)


rules = st.builds(
    CallbackRule,
    ahead=st.timedeltas(timedelta(), timedelta(hours=1)),
    patience=st.timedeltas(timedelta(), timedelta(hours=2)),
    fallback=st.sampled_from(Fallback),
    again=st.timedeltas(MINUTE, timedelta(days=2)),
    tries=st.integers(1, 5),
)
offsets = st.timedeltas(-timedelta(hours=5), timedelta(hours=9))


@given(rules, offsets, st.sampled_from(Presence), st.sampled_from([ANNA, None]), st.integers(0, 6))
def test_never_early_never_by_another_in_their_time(
    rule: CallbackRule, offset: timedelta, presence: Presence, agent: AgentId | None, tries: int
) -> None:
    now = HOUR + offset
    match step(made(agent, tries), now, presence, rule):
        case Dial(who):
            assert now >= HOUR
            assert who in (agent, None)
            if who is None and agent is not None:
                assert now >= HOUR + rule.patience
                assert presence is not Presence.FREE
        case Keep(who, until):
            assert who == agent
            assert presence is not Presence.AWAY
            assert now < until <= HOUR + rule.patience
            assert now >= HOUR - rule.ahead
        case Wait(until):
            assert until > now
        case PutOff(until):
            assert until >= now + rule.again
            assert rule.fallback is Fallback.PUT_OFF
            assert now >= HOUR + rule.patience


@given(
    rules, offsets, st.lists(st.sampled_from(Presence), min_size=1, max_size=4), st.sampled_from([ANNA, None])
)
def test_whoever_looks_when_told_to_dials_in_the_end(
    rule: CallbackRule, offset: timedelta, presences: list[Presence], agent: AgentId | None
) -> None:
    """Whatever the agent does meanwhile: every promise leads to a call after a bounded number of looks."""
    callback, now = made(agent), HOUR + offset
    for look in range(4 * rule.tries + 4):
        found = step(callback, now, presences[look % len(presences)], rule)
        match found:
            case Dial():
                return
            case Wait(until) | Keep(_, until):
                now = until
            case PutOff(until):
                callback = Callback(
                    id=1,
                    campaign=callback.campaign,
                    contact=callback.contact,
                    at=until,
                    agent=agent,
                    author="1001",
                    created_at=callback.created_at,
                    tries=callback.tries + 1,
                )
                now = until
    raise AssertionError("never dialed")


@given(rules, st.integers(0, 6), st.none() | offsets, offsets, st.booleans())
def test_after_a_call_that_did_not_reach_them(
    rule: CallbackRule, tries: int, pause: timedelta | None, ended: timedelta, counts: bool
) -> None:
    next_due, over = None if pause is None else HOUR + pause, HOUR + ended
    found = not_reached(made(tries=tries), over, next_due, rule, counts=counts)
    assert found.tries == tries + counts
    if counts and found.tries >= rule.tries:
        assert (found.state, found.ended_at) == (CallbackState.MISSED, over)
        return
    assert (found.state, found.ended_at) == (CallbackState.OPEN, None)
    assert found.at >= HOUR
    assert next_due is None or found.at >= next_due
    assert not counts or found.at >= over + rule.again
    assert counts or found.at in (HOUR, next_due)


@pytest.mark.parametrize(
    "more",
    [{"ahead": -MINUTE}, {"patience": -MINUTE}, {"again": timedelta()}, {"tries": 0}],
)
def test_what_is_no_rule(more: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="call-back"):
        CallbackRule(**more)  # type: ignore[arg-type]
