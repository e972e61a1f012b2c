"""What a campaign's manager may decide, by name: read from JSON or from a command's words, and shown again.

CLI and API use the same names and the same checks: neither can make a campaign that the other refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from controller.domain.campaign import Campaign, CampaignState, ListOrder
from controller.domain.dialing_plan import Mixer, SegmentShare
from controller.domain.disposition import DispositionSet
from controller.domain.hours import written
from controller.domain.ids import AgentId
from controller.domain.outcome import Outcome
from controller.domain.pacing.modes import SHORTEST_RING, Mode
from controller.domain.preview import LONGEST, SHORTEST
from controller.domain.retry import TRIED_KEPT
from controller.engine.calendar import checked_region, checked_zone
from controller.engine.field_values import (
    Value,
    hours_of,
    instant_of,
    mapping_of,
    number_of,
    pause_of,
    text_of,
    truth_of,
    whole_of,
    words_of,
)
from controller.errors import BadInput


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that may be decided.

    Attributes:
        read: makes the campaign with the value; raises ValueError in words where it cannot be used.
        show: the value as JSON.
        fixed: not changed any more once the campaign has run: what was promised and counted hangs on it.
        help: what it is, on one line.
    """

    read: Callable[[Campaign, Value], Campaign]
    show: Callable[[Campaign], Value]
    help: str
    fixed: bool = False


# --- fields -------------------------------------------------------------------------------------------

_WORD: Final = r"[A-Za-z0-9_.-]{1,64}"
_LONGEST_PAUSE: Final = timedelta(days=366)
_PREVIEW: Final = (SHORTEST.total_seconds(), LONGEST.total_seconds())
_SHARE: Final = re.compile(r"(?P<segment>[^:@]+)(?::(?P<weight>\d+))?(?:@(?P<priority>-?\d+))?")


def _set_retry(campaign: Campaign, **changes: Any) -> Campaign:
    return replace(campaign, retry=replace(campaign.retry, **changes))


def _set_pauses(campaign: Campaign, value: Value) -> Campaign:
    """Outcomes named get a new pause; with null or ``never`` they are final; others stay as they are."""
    pauses = dict(campaign.retry.pauses)
    for name, given in mapping_of(value, "such as busy=20m; no-answer=3h; rejected=never").items():
        try:
            outcome = Outcome(name)
        except ValueError:
            outcome = None
        if outcome is None or outcome.counts_as_silent or outcome.final:
            known = [each.value for each in Outcome if not each.counts_as_silent and not each.final]
            raise ValueError(f"{name!r} is no outcome that may be tried again: {', '.join(known)}")
        if given in (None, "never"):
            pauses.pop(outcome, None)
        else:
            pauses[outcome] = pause_of(given, _LONGEST_PAUSE)
    return _set_retry(campaign, pauses=pauses)


def _set_dialing(campaign: Campaign, value: Value) -> Campaign:
    allowed = "such as vip:2@10, rest (name:weight@priority)"
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, Sequence):
        raise ValueError(f"{value!r} cannot be used: {allowed}")
    shares = tuple(_share(item, allowed) for item in value)
    Mixer(shares)  # says what is wrong with them together
    return replace(campaign, dialing=shares)


def _share(item: Value, allowed: str) -> SegmentShare:
    if isinstance(item, str) and (found := _SHARE.fullmatch(item)):
        item = {name: text for name, text in found.groupdict().items() if text is not None}
    if not isinstance(item, Mapping) or not item.keys() <= {"segment", "weight", "priority"}:
        raise ValueError(f"{item!r} cannot be used: {allowed}")
    return SegmentShare(
        segment=text_of(item.get("segment"), _WORD, "the name of a segment"),
        weight=whole_of(item.get("weight", 1), 1, 10_000),
        priority=whole_of(item.get("priority", 0), -1000, 1000),
    )


def _set_segment_hours(campaign: Campaign, value: Value) -> Campaign:
    given = mapping_of(value, "such as seniors=mon-fri 10:00-12:00")
    hours = {segment: found for segment, text in given.items() if (found := hours_of(text)) is not None}
    return replace(campaign, segment_hours=hours)


def _set_dial_string(campaign: Campaign, value: Value) -> Campaign:
    text = text_of(value, r"\w+/\S{1,200}", "TECHNOLOGY/... with {number} or {digits} once")
    fields = re.findall(r"\{(\w*)\}", text)
    numbers = [name for name in fields if name in ("number", "digits")]
    if (
        len(numbers) != 1
        or set(fields) - {"number", "digits", "trunk"}
        or re.search(r"[{}]", re.sub(r"\{\w*\}", "", text))
    ):
        raise ValueError(f"{value!r} dials no contact: TECHNOLOGY/... with {{number}} or {{digits}} once")
    return replace(campaign, dial_string=text)


def _set_order(campaign: Campaign, value: Value) -> Campaign:
    known = ", ".join(order.value for order in ListOrder)
    if value not in [order.value for order in ListOrder]:
        raise ValueError(f"{value!r} is no order: {known}")
    return replace(campaign, order=ListOrder(value))


def _set_mode(campaign: Campaign, value: Value) -> Campaign:
    known = [mode.value for mode in Mode]
    if value not in known:
        raise ValueError(f"{value!r} is no mode: {', '.join(known)}")
    return replace(campaign, mode=Mode(value))


def _set_take_back_after(campaign: Campaign, value: Value) -> Campaign:
    seconds = number_of(value, 0, 120)
    least = SHORTEST_RING.total_seconds()
    if 0 < seconds < least:
        raise ValueError(f"{seconds:g} s: a phone rings {least:g} s at least (0: calls are never taken back)")
    return replace(campaign, take_back_after=timedelta(seconds=seconds) if seconds else None)


def _seconds(value: timedelta) -> float:
    return value.total_seconds()


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _limit(value: Value, most: int) -> int | None:
    return None if value in (None, "", "none") else whole_of(value, 1, most)


def _shown_pauses(campaign: Campaign) -> dict[str, float]:
    return {outcome.value: _seconds(pause) for outcome, pause in campaign.retry.pauses.items()}


FIELDS: Final[Mapping[str, Field]] = {
    "caller": Field(
        lambda c, v: replace(
            c, caller=text_of(v, r"[^{}:\x00-\x1f]{1,64}", "a name of up to 64 characters without { } :")
        ),
        lambda c: c.caller,
        "on whose behalf one calls",
        fixed=True,
    ),
    "caller_number": Field(
        lambda c, v: replace(c, caller_number=text_of(v, r"(\+?[0-9]{3,15})?", "3 to 15 digits, or nothing")),
        lambda c: c.caller_number,
        "number presented to the callees",
    ),
    "caller_number_answers": Field(
        lambda c, v: replace(c, caller_number_answers=truth_of(v)),
        lambda c: c.caller_number_answers,
        "whether calls to that number are answered",
    ),
    "dial_string": Field(_set_dial_string, lambda c: c.dial_string, "endpoint dialed, with {number} in it"),
    "trunk": Field(
        lambda c, v: replace(
            c,
            trunk=text_of(
                v, r"\w+/[^\s,]+(\s*,\s*\w+/[^\s,]+)*", "such as PJSIP/trunk, or several with commas"
            ),
        ),
        lambda c: c.trunk,
        "endpoint of the trunk's events; several take turns",
    ),
    "mode": Field(
        _set_mode,
        lambda c: c.mode.value,
        "how it dials: predictive, progressive, reserved, ratio, preview or agentless",
    ),
    "overdial": Field(
        lambda c, v: replace(c, overdial=number_of(v, 1, 10)),
        lambda c: c.overdial,
        "mode ratio: lines per free agent once the budget allows",
    ),
    "ring_timeout": Field(
        lambda c, v: replace(c, ring_timeout=timedelta(seconds=number_of(v, 5, 120))),
        lambda c: _seconds(c.ring_timeout),
        "seconds a phone may ring",
    ),
    "take_back_after": Field(
        _set_take_back_after,
        lambda c: _seconds(c.take_back_after) if c.take_back_after else 0,
        "mode predictive: seconds a phone rings before its call may be taken back; 0: never",
    ),
    "wrap_up": Field(
        lambda c, v: replace(c, wrap_up=timedelta(seconds=number_of(v, 0, 3600))),
        lambda c: _seconds(c.wrap_up),
        "seconds after a conversation",
    ),
    "preview_timeout": Field(
        lambda c, v: replace(c, preview_timeout=timedelta(seconds=number_of(v, *_PREVIEW))),
        lambda c: _seconds(c.preview_timeout),
        "mode preview: seconds to decide on a contact",
    ),
    "calls_per_second": Field(
        lambda c, v: replace(c, calls_per_second=number_of(v, 0.01, 1000)),
        lambda c: c.calls_per_second,
        "ceiling of new calls per second",
    ),
    "max_lines": Field(
        lambda c, v: replace(c, max_lines=whole_of(v, 1, 10_000)),
        lambda c: c.max_lines,
        "ceiling of calls in flight",
    ),
    "max_attempts": Field(
        lambda c, v: _set_retry(c, max_attempts=whole_of(v, 1, 100)),
        lambda c: c.retry.max_attempts,
        "calls to a contact that is not reached",
    ),
    "retry": Field(_set_pauses, _shown_pauses, "time until the next call, by outcome"),
    "per_day": Field(
        lambda c, v: _set_retry(c, per_day=_limit(v, TRIED_KEPT)),
        lambda c: c.retry.per_day,
        "calls to a contact in a day at most",
    ),
    "per_week": Field(
        lambda c, v: _set_retry(c, per_week=_limit(v, TRIED_KEPT)),
        lambda c: c.retry.per_week,
        "calls to a contact in 7 days at most",
    ),
    "other_number_after": Field(
        lambda c, v: _set_retry(c, other_number_after=pause_of(v, _LONGEST_PAUSE)),
        lambda c: _seconds(c.retry.other_number_after),
        "seconds until another number of a contact is tried",
    ),
    "change_part_of_day": Field(
        lambda c, v: _set_retry(c, change_part_of_day=truth_of(v)),
        lambda c: c.retry.change_part_of_day,
        "whether who does not answer is tried in another part of the day",
    ),
    "zone": Field(
        lambda c, v: replace(c, zone=checked_zone(text_of(v, r"\S+", "an IANA name such as Europe/Rome"))),
        lambda c: c.zone,
        "time zone of its days, and of callees whose own is unknown",
        fixed=True,
    ),
    "region": Field(
        lambda c, v: replace(
            c, region=checked_region(text_of(v, r"[A-Z]{2}(-[A-Z0-9]{1,3})?", "IT or IT-MI"))
        ),
        lambda c: c.region,
        "country, or part of it, whose holidays hold",
    ),
    "hours": Field(
        lambda c, v: replace(c, hours=hours_of(v)),
        lambda c: written(c.hours) if c.hours else None,
        "calling hours narrower than the law's",
    ),
    "segment_hours": Field(
        _set_segment_hours,
        lambda c: {segment: written(hours) for segment, hours in c.segment_hours.items()},
        "hours that are narrower still, by the list's segment",
    ),
    "opens_at": Field(
        lambda c, v: replace(c, opens_at=instant_of(v, c.zone)),
        lambda c: _iso(c.opens_at),
        "when it is started",
    ),
    "closes_at": Field(
        lambda c, v: replace(c, closes_at=instant_of(v, c.zone)),
        lambda c: _iso(c.closes_at),
        "when it is stopped",
    ),
    "message": Field(
        lambda c, v: replace(c, message=text_of(v, r"[\w./:-]{0,200}", "a sound of Asterisk's")),
        lambda c: c.message,
        "sound for callees whom no agent reaches",
    ),
    "segments": Field(
        _set_dialing,
        lambda c: [
            {"segment": share.segment, "weight": share.weight, "priority": share.priority}
            for share in c.dialing
        ],
        "saved segments it dials, by weight and priority; none: all contacts",
    ),
    "order": Field(_set_order, lambda c: c.order.value, "in which order contacts are called"),
    "agents": Field(
        lambda c, v: replace(c, agents=frozenset(map(AgentId, words_of(v, _WORD, "extensions of agents")))),
        lambda c: sorted(c.agents),
        "who may take its calls; none named: everybody",
    ),
    "skills": Field(
        lambda c, v: replace(c, skills=frozenset(words_of(v, _WORD, "words, as agents have them"))),
        lambda c: sorted(c.skills),
        "what an agent needs for its calls",
    ),
    "script": Field(
        lambda c, v: replace(c, script=text_of(v, rf"({_WORD})?", "the name of a script, or nothing")),
        lambda c: c.script,
        "script that agents read",
    ),
    "dispositions": Field(
        lambda c, v: replace(c, dispositions=DispositionSet.from_json(v)),
        lambda c: c.dispositions.to_json(),
        "its words for what came of a conversation",
    ),
}
"""Every field by its name, in the order in which it is shown."""


def shown(campaign: Campaign) -> dict[str, Value]:
    """All fields as JSON."""
    return {name: field.show(campaign) for name, field in FIELDS.items()}


def changed(campaign: Campaign, values: Mapping[str, Value]) -> Campaign:
    """The campaign with these values, all or none.

    Raises:
        BadInput: a name is unknown, or a value cannot be used, alone or with the others.
    """
    # The zone first: times of the others may be by its clock.
    for name in sorted(values, key=lambda each: each != "zone"):
        field = FIELDS.get(name)
        if field is None:
            raise BadInput(name, "is nothing that a campaign has", ", ".join(FIELDS))
        try:
            campaign = field.read(campaign, values[name])
        except BadInput as error:
            raise BadInput(name, error.problem, error.allowed) from None
        except ValueError as error:
            raise BadInput(name, str(error)) from None
    if campaign.opens_at and campaign.closes_at and campaign.closes_at <= campaign.opens_at:
        raise BadInput("closes_at", "is not after opens_at", "a later time")
    if len(campaign.trunks) > 1 and "{trunk}" not in campaign.dial_string:
        raise BadInput("dial_string", "does not say where one of several trunks goes", "{trunk} in it")
    return campaign


def differences(before: Campaign, after: Campaign) -> dict[str, Value]:
    """What is new, by field: from what, to what."""
    old, new = shown(before), shown(after)
    return {name: {"from": old[name], "to": new[name]} for name in FIELDS if old[name] != new[name]}


_CHANGEABLE_STILL: Final = frozenset({CampaignState.DRAFT, CampaignState.SCHEDULED})


def fixed_now(state: CampaignState, changes: Mapping[str, Value]) -> list[str]:
    """Which of these changes come too late for a campaign in this state."""
    if state in _CHANGEABLE_STILL:
        return []
    return [name for name, change in changes.items() if FIELDS[name].fixed or _turns_agentless(name, change)]


def _turns_agentless(name: str, change: Value) -> bool:
    """Whether calls led without agents and calls led by agents would be mixed in one campaign's figures."""
    return name == "mode" and Mode.AGENTLESS.value in (change["from"], change["to"])
