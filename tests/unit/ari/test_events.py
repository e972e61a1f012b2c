from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.ari import (
    AriEvent,
    Channel,
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelEnteredBridge,
    ContactStatusChange,
    Dial,
    StasisStart,
    UnknownEvent,
    parse_event,
)
from controller.ari.events import _PARSERS, EPOCH
from tests.fakes.fake_ari import STAMP, channel

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
# Whole snapshots, snapshots of the wrong type, and snapshots with fields of the wrong type.
snapshots = json_values | st.builds(
    lambda overrides: channel("c1") | overrides,
    st.dictionaries(
        st.sampled_from(["id", "name", "caller", "dialplan", "channelvars", "technology"]), json_values
    ),
)
fields = st.sampled_from(
    ["channel", "bridge", "peer", "playback", "endpoint", "args", "cause", "tech_cause", "digit"]
)
stamps = st.sampled_from([STAMP, "0001-01-01T00:00:00+1400", "2026-11-24", "", None, 7]) | st.text()

quick = settings(max_examples=40, deadline=None)  # no deadline: the machine may be busy


def event(type_: str, **content: Any) -> AriEvent:
    return parse_event({"type": type_, "application": "ctl", "timestamp": STAMP, **content})


@quick
@given(st.sampled_from(sorted(_PARSERS)) | st.text(), stamps, st.dictionaries(fields, snapshots))
def test_parse_never_raises(type_: str, timestamp: object, content: dict[str, object]) -> None:
    parsed = parse_event({"type": type_, "timestamp": timestamp, **content})
    assert isinstance(parsed, AriEvent)
    assert parsed.timestamp.tzinfo is UTC


@quick
@given(json_values)
def test_parse_never_raises_whatever_the_frame(frame: object) -> None:
    assert isinstance(parse_event(frame), AriEvent)


@pytest.mark.parametrize("type_", sorted(set(_PARSERS) - {"ApplicationReplaced"}))
def test_event_without_what_it_is_about_is_unknown_and_says_why(type_: str) -> None:
    parsed = event(type_)
    assert isinstance(parsed, UnknownEvent)
    assert parsed.type == type_
    assert parsed.problem


@pytest.mark.parametrize("type_", sorted(_PARSERS))
def test_every_type_is_read_into_the_class_of_its_name(type_: str) -> None:
    parsed = event(
        type_,
        channel=channel("c1"),
        peer=channel("c1"),
        bridge={"id": "b1"},
        playback={"id": "p1"},
        endpoint={"technology": "PJSIP", "resource": "trunk"},
    )
    assert type(parsed).__name__ == type_
    assert parsed.application == "ctl"


def test_unknown_type_keeps_its_content_and_is_no_problem() -> None:
    parsed = event("ChannelTalkingStarted", channel=channel("c1"))
    assert isinstance(parsed, UnknownEvent)
    assert not parsed.problem
    assert parsed.raw["channel"]["id"] == "c1"


def test_channel_is_read_whole() -> None:
    raw = channel(
        "c1",
        state="Up",
        caller={"number": "0551"},
        connected={"number": "0552"},
        accountcode="camp7",
        channelvars={"X": "1"},
        dialplan={"context": "out", "exten": "call", "app_name": "Stasis", "app_data": "ctl,answered"},
    )
    parsed = event("StasisStart", channel=raw, args=["answered", "7"])
    assert isinstance(parsed, StasisStart)
    assert parsed.args == ("answered", "7")
    assert parsed.channel == Channel(
        "c1", "PJSIP/trunk-00000001", "Up", "0551", "0552", "camp7", "Stasis", "ctl,answered", "out", "call",
        {"X": "1"}, STAMP,
    )  # fmt: skip
    assert parsed.channel.stasis_app == "ctl"
    assert parsed.channel.created_at == parsed.timestamp
    assert hash(parsed.channel)


@pytest.mark.parametrize(("given_cause", "expected"), [(603, 603), (None, None), ("603", None), (True, None)])
def test_tech_cause_is_a_number_or_none(given_cause: object, expected: int | None) -> None:
    parsed = event("ChannelDestroyed", channel=channel("c1"), cause=21, cause_txt="R", tech_cause=given_cause)
    assert isinstance(parsed, ChannelDestroyed)
    assert (parsed.cause, parsed.cause_txt, parsed.tech_cause) == (21, "R", expected)


def test_details_of_other_events() -> None:
    dtmf = event("ChannelDtmfReceived", channel=channel("c1"), digit="9", duration_ms=120)
    assert isinstance(dtmf, ChannelDtmfReceived)
    assert (dtmf.digit, dtmf.duration_ms) == ("9", 120)
    dial = event("Dial", peer=channel("c1"), dialstring="trunk/39055", dialstatus="RINGING")
    assert isinstance(dial, Dial)
    assert (dial.dialstring, dial.dialstatus) == ("trunk/39055", "RINGING")
    entered = event("ChannelEnteredBridge", bridge={"id": "b1", "channels": ["c1"]}, channel=channel("c1"))
    assert isinstance(entered, ChannelEnteredBridge)
    assert entered.bridge.channel_ids == ("c1",)
    endpoint = {"technology": "PJSIP", "resource": "trunk", "state": "offline", "channel_ids": []}
    contact = event("ContactStatusChange", endpoint=endpoint, contact_info={"contact_status": "Unreachable"})
    assert isinstance(contact, ContactStatusChange)
    assert (contact.endpoint.state, contact.contact_status) == ("offline", "Unreachable")


def test_timestamp_in_local_time_becomes_utc() -> None:
    parsed = parse_event({"type": "X", "timestamp": "2026-07-01T10:00:00.123+0200"})
    assert parsed.timestamp == datetime(2026, 7, 1, 8, 0, 0, 123000, UTC)
    assert parsed.timestamp.tzinfo is UTC


@pytest.mark.parametrize(
    "timestamp", [None, 7, "", "yesterday", "2026-07-01T10:00:00", "0001-01-01T00:00:00+1400"]
)
def test_event_without_usable_time_is_unknown(timestamp: object) -> None:
    parsed = parse_event({"type": "StasisStart", "timestamp": timestamp, "channel": channel("c1")})
    assert isinstance(parsed, UnknownEvent)
    assert parsed.timestamp is EPOCH
    assert parsed.problem
