"""Identifiers, and how they are written into Asterisk so that what is ours can be told from the rest."""

from __future__ import annotations

from typing import NewType

CallId = NewType("CallId", str)
"""One attempt to reach one contact; ours, made before anything is asked of Asterisk."""

AgentId = NewType("AgentId", str)
"""An agent as the PBX knows them: the extension of their phone."""

CampaignId = NewType("CampaignId", str)
"""Short name chosen by the campaign manager: letters, digits, ``-`` and ``_``."""

ContactId = NewType("ContactId", int)
"""Row of a contact in the record store."""

E164 = NewType("E164", str)
"""A telephone number as ``+`` and 7 to 15 digits (ITU-T E.164). The only form used inside."""

ChannelId = NewType("ChannelId", str)
BridgeId = NewType("BridgeId", str)

_CALL = "cc-call-"
_AGENT = "cc-agent-"
_BRIDGE = "cc-desk-"


def channel_of_call(call: CallId) -> ChannelId:
    """The id we give the call's channel, so that a repeated originate is refused with 409 by Asterisk."""
    return ChannelId(_CALL + call)


def call_of_channel(channel: str) -> CallId | None:
    """The call a channel belongs to, or None if the channel is not one of our calls."""
    return CallId(channel.removeprefix(_CALL)) if channel.startswith(_CALL) else None


def channel_of_agent_call(agent: AgentId, nonce: str) -> ChannelId:
    """The id for a channel by which the controller calls an agent's phone. ``nonce`` makes it unique."""
    return ChannelId(f"{_AGENT}{agent}-{nonce}")


def agent_of_channel(channel: str) -> AgentId | None:
    """The agent whose phone we call on this channel, or None if the channel is not such a call."""
    if not channel.startswith(_AGENT):
        return None
    agent, _, _ = channel.removeprefix(_AGENT).rpartition("-")
    return AgentId(agent) if agent else None


def bridge_of_agent(agent: AgentId) -> BridgeId:
    """The mixing bridge in which an agent's phone stays for the whole shift."""
    return BridgeId(_BRIDGE + agent)


def agent_of_bridge(bridge: str) -> AgentId | None:
    """The agent whose bridge this is, or None if the bridge is not ours."""
    return AgentId(bridge.removeprefix(_BRIDGE)) if bridge.startswith(_BRIDGE) else None


def masked(number: str) -> str:
    """A number fit for a log: enough to recognise it beside a list, too little to call it.

    >>> masked("+393471234567")
    '+3934******67'
    """
    if len(number) < 8:
        return "*" * len(number)
    return number[:5] + "*" * (len(number) - 7) + number[-2:]
