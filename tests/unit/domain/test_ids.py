from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.ids import (
    AgentId,
    CallId,
    agent_of_bridge,
    agent_of_channel,
    bridge_of_agent,
    call_of_channel,
    channel_of_agent_call,
    channel_of_call,
    masked,
)

names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,20}", fullmatch=True)
nonces = st.from_regex(r"[0-9a-f]{1,16}", fullmatch=True)
numbers = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)


@settings(max_examples=50, deadline=None)
@given(names)
def test_a_calls_channel_leads_back_to_the_call(name: str) -> None:
    assert call_of_channel(channel_of_call(CallId(name))) == name


@settings(max_examples=50, deadline=None)
@given(names, nonces)
def test_an_agents_channel_leads_back_to_the_agent(name: str, nonce: str) -> None:
    assert agent_of_channel(channel_of_agent_call(AgentId(name), nonce)) == name


@settings(max_examples=50, deadline=None)
@given(names)
def test_an_agents_bridge_leads_back_to_the_agent(name: str) -> None:
    assert agent_of_bridge(bridge_of_agent(AgentId(name))) == name


@settings(max_examples=50, deadline=None)
@given(names, nonces)
def test_no_id_is_taken_for_one_of_another_kind(name: str, nonce: str) -> None:
    call, agent = channel_of_call(CallId(name)), channel_of_agent_call(AgentId(name), nonce)
    bridge = bridge_of_agent(AgentId(name))

    assert agent_of_channel(call) is None
    assert agent_of_bridge(call) is None
    assert call_of_channel(agent) is None
    assert agent_of_bridge(agent) is None
    assert call_of_channel(bridge) is None
    assert agent_of_channel(bridge) is None


@pytest.mark.parametrize("foreign", ["", "1700000000.17", "cc-", "PJSIP/trunk-00000001", "x-cc-call-1"])
def test_what_is_not_ours_is_nobodys(foreign: str) -> None:
    assert call_of_channel(foreign) is None
    assert agent_of_channel(foreign) is None
    assert agent_of_bridge(foreign) is None


def test_different_nonces_make_different_channels() -> None:
    assert channel_of_agent_call(AgentId("101"), "a") != channel_of_agent_call(AgentId("101"), "b")


def test_an_agents_channel_without_a_nonce_is_not_ours() -> None:
    assert agent_of_channel("cc-agent-101") is None


@settings(max_examples=50, deadline=None)
@given(st.from_regex(r"\+?[0-9]{0,20}", fullmatch=True))
def test_masking_keeps_the_length_and_never_shows_more_than_seven_characters(number: str) -> None:
    hidden = masked(number)

    assert len(hidden) == len(number)
    assert all(shown in ("*", digit) for shown, digit in zip(hidden, number, strict=True))
    assert len(hidden.replace("*", "")) <= 7
    assert len(re.sub(r"\D", "", hidden)) <= 7


@settings(max_examples=50, deadline=None)
@given(numbers)
def test_a_masked_number_is_never_the_number(number: str) -> None:
    assert "*" in masked(number)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+393471234567", "+3934******67"),
        ("+12345678", "+1234**78"),
        ("+1234567", "+1234*67"),
        ("1234567", "*******"),
        ("", ""),
    ],
)
def test_masked_numbers(number: str, shown: str) -> None:
    assert masked(number) == shown
