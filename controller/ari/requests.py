"""Every ARI request the controller makes, as data. PURE.

This table decides, for each verb, whether it may be repeated and whether it may block; `resources.py` gives
the verbs their ari-py names. "Blocking" ones wait for the channel's own thread (res/stasis/command.c:86-99),
which an ARI playback occupies to its end: setChannelVar, answer, addChannel and removeChannel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controller.ari.protocol import Param, Repeat, Request, path_of

HANGUP_REASONS = frozenset(
    {
        "normal", "busy", "congestion", "no_answer", "timeout", "rejected", "unallocated",
        "normal_unspecified", "number_incomplete", "codec_mismatch", "interworking", "failure",
        "answered_elsewhere",
    }
)  # fmt: skip
"""Reasons Asterisk knows (resource_channels.c); any Q.850 number may be given instead."""


def _given(**params: Param | None) -> dict[str, Param]:
    """Drop the parameters that were not given."""
    return {name: value for name, value in params.items() if value is not None}


def get(*segments: str, **query: Param) -> Request:
    """Read something."""
    return Request("GET", path_of(*segments), query, repeat=Repeat.SAFE)


def set_global(name: str, value: str | None) -> Request:
    """Set a global variable; without a value it is removed.

    Never repeated: the first one might come late, over what the dialplan has written since.
    """
    given = _given(variable=name, value=value)
    return Request("POST", path_of("asterisk", "variable"), given, repeat=Repeat.NEVER)


def delete(*segments: str, **query: Param) -> Request:
    """End something; done twice is the same as once, but for a 404."""
    return Request("DELETE", path_of(*segments), query, repeat=Repeat.SAFE, nonblocking=True)


def originate(
    *,
    endpoint: str,
    channel_id: str | None = None,
    context: str | None = None,
    extension: str | None = None,
    priority: int | None = None,
    label: str | None = None,
    app: str | None = None,
    app_args: str | None = None,
    caller_id: str | None = None,
    timeout: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> Request:
    """Place a call. With an id of our own it may be repeated: Asterisk refuses the second with 409."""
    body: dict[str, Any] = _given(
        endpoint=endpoint,
        channelId=channel_id,
        context=context,
        extension=extension,
        priority=priority,
        label=label,
        app=app,
        appArgs=app_args,
        callerId=caller_id,
        timeout=timeout,
    )
    if variables:
        body["variables"] = dict(variables)
    repeat = Repeat.IF_CONFLICT_MEANS_DONE if channel_id else Repeat.NEVER
    return Request("POST", "/channels", body=body, repeat=repeat, nonblocking=True)


def hangup(channel_id: str, reason: str | int) -> Request:
    """Hang up: a direct soft hang-up, which waits for nobody (resource_channels.c:1003)."""
    if isinstance(reason, int) or reason not in HANGUP_REASONS:
        return delete("channels", channel_id, reason_code=reason)
    return delete("channels", channel_id, reason=reason)


def answer(channel_id: str) -> Request:
    """Answer a ringing channel; blocks."""
    return Request("POST", path_of("channels", channel_id, "answer"))


def set_variable(channel_id: str, name: str, value: str) -> Request:
    """Set a channel variable or function; blocks. Setting the same twice is setting it once."""
    path = path_of("channels", channel_id, "variable")
    return Request("POST", path, {"variable": name, "value": value}, repeat=Repeat.SAFE)


def start_moh(channel_id: str, moh_class: str | None) -> Request:
    """Start music on hold; twice is the same as once."""
    path = path_of("channels", channel_id, "moh")
    return Request("POST", path, _given(mohClass=moh_class), repeat=Repeat.SAFE, nonblocking=True)


def continue_in_dialplan(
    channel_id: str, context: str | None, extension: str | None, priority: int | None, label: str | None
) -> Request:
    """Leave Stasis for the dialplan."""
    query = _given(context=context, extension=extension, priority=priority, label=label)
    return Request("POST", path_of("channels", channel_id, "continue"), query)


def send_dtmf(channel_id: str, digits: str, between_ms: int, duration_ms: int) -> Request:
    """Press keys."""
    query: dict[str, Param] = {"dtmf": digits, "between": between_ms, "duration": duration_ms}
    return Request("POST", path_of("channels", channel_id, "dtmf"), query)


def play(kind: str, target_id: str, media: str, playback_id: str | None) -> Request:
    """Play a sound into a channel or a bridge (kind "channels" or "bridges"); returns as it is queued."""
    path = path_of(kind, target_id, "play")
    return Request("POST", path, _given(media=media, playbackId=playback_id), nonblocking=True)


def create_bridge(bridge_id: str | None, bridge_type: str, name: str | None) -> Request:
    """Make a bridge. With an id of our own it may be repeated: Asterisk refuses the second with 409."""
    repeat = Repeat.IF_CONFLICT_MEANS_DONE if bridge_id else Repeat.NEVER
    return Request("POST", "/bridges", _given(type=bridge_type, bridgeId=bridge_id, name=name), repeat=repeat)


def add_channel(bridge_id: str, channel_ids: Iterable[str], role: str | None) -> Request:
    """Put channels into a bridge; blocks. Twice is the same as once."""
    query = _given(channel=",".join(channel_ids), role=role)
    return Request("POST", path_of("bridges", bridge_id, "addChannel"), query, repeat=Repeat.SAFE)


def remove_channel(bridge_id: str, channel_ids: Iterable[str]) -> Request:
    """Take channels out of a bridge; blocks."""
    query = _given(channel=",".join(channel_ids))
    return Request("POST", path_of("bridges", bridge_id, "removeChannel"), query)


def subscribe(app: str, event_source: str) -> Request:
    """Follow an event source; twice is the same as once."""
    path = path_of("applications", app, "subscription")
    return Request("POST", path, {"eventSource": event_source}, repeat=Repeat.SAFE)


def set_event_filter(app: str, *, disallowed: Iterable[str]) -> Request:
    """Tell Asterisk which event types not to send; an empty list resets. See `config.DISALLOWED_EVENTS`."""
    body = {"disallowed": [{"type": name} for name in disallowed]}
    return Request("PUT", path_of("applications", app, "eventFilter"), body=body, repeat=Repeat.SAFE)


def asterisk_info(only: str | None = None) -> Request:
    """Ask which Asterisk this is; `only` is build, system, config or status."""
    return Request("GET", "/asterisk/info", _given(only=only), repeat=Repeat.SAFE)
