"""Silent calls per 100 over time, with the limit as a line: SVG for the page and for print. PURE.

A bar shows the highest value at any instant of an hour or day, the stepped line the value at its end. Colours
differ in lightness too, so that a grey print tells the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from controller.authority.limits import LimitHistory, Step
from controller.authority.markup import Markup, element, join
from controller.authority.period import Period
from controller.authority.words import Words

_WIDTH, _HEIGHT = 680, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 62, 30, 42
_PLOT_WIDTH = _WIDTH - _LEFT - _RIGHT
_PLOT_HEIGHT = _HEIGHT - _TOP - _BOTTOM
_WIDEST_BAR = 46
_LABELS = 9
_TIMES_THE_LIMIT = 4
"""The axis ends there at the latest: a first silent call may be 100 per 100, and would flatten the rest."""

_BAR, _BAR_OVER, _LINE, _LIMIT, _TEXT, _GRID = "#b9cbe0", "#8e1b1b", "#17365c", "#c0392b", "#333", "#d9d9d9"
_FONT = "DejaVu Sans, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class _Scale:
    top: float
    tick: float
    slot: float

    def y(self, value: float) -> float:
        return _TOP + _PLOT_HEIGHT * (1 - min(value, self.top) / self.top)

    def x(self, index: float) -> float:
        return _LEFT + index * self.slot


def chart(history: LimitHistory, period: Period, words: Words, unit: str) -> Markup:
    """The chart of one limit.

    Args:
        history: the limit, followed through the period.
        period: of the report.
        words: the language.
        unit: names this chart's elements; a letter or two, unique on the page.
    """
    steps, share = history.steps, 100 * float(history.limit.share)
    scale = _scale([step.highest for step in steps if step.highest is not None], share, len(steps))
    empty = all(step.highest is None for step in steps)
    kind = "hour" if period.hourly else "day"
    parts = [
        _heading(history, period, words, unit),
        _grid(scale, words),
        _bars(steps, scale),
        Markup("") if empty else _line(steps, scale),
        _limit(share, scale, words),
        _dates(steps, scale, period, words),
        _legend(steps, scale, words, kind),
    ]
    if empty:
        x, y = _LEFT + _PLOT_WIDTH / 2, _TOP + _PLOT_HEIGHT / 2
        parts.append(_text(words("chart.empty"), x, y, anchor="middle", size=12))
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=_WIDTH,
        height=_HEIGHT,
        role="img",
        **{"aria-labelledby": f"{unit}-title {unit}-desc", "font-family": _FONT},
    )


def _scale(values: Iterable[float], share: float, count: int) -> _Scale:
    finite = max((value for value in values if math.isfinite(value)), default=0.0)
    wanted = max(share * 1.3, min(finite * 1.1, max(share * _TIMES_THE_LIMIT, 1.0)), 0.5)
    tick = _tick(wanted / 5)
    return _Scale(top=math.ceil(wanted / tick) * tick, tick=tick, slot=_PLOT_WIDTH / max(count, 1))


def _tick(least: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(least))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= least * 0.999)


def _heading(history: LimitHistory, period: Period, words: Words, unit: str) -> Markup:
    limit = history.limit
    described = words(
        "chart.desc",
        since=words.date(period.since),
        until=words.date(period.until),
        share=words.trimmed(100 * float(limit.share)),
        highest=words.per_100(history.worst.per_100 if history.worst else None),
        final=words.per_100(history.steps[-1].at_end),
    )
    return join(
        element("title", titled(history, words), id=f"{unit}-title"),
        element("desc", described, id=f"{unit}-desc"),
    )


def titled(history: LimitHistory, words: Words) -> str:
    """What the chart shows, in words."""
    limit = history.limit
    return words(
        "chart.title",
        denominator=words(f"denominator.{limit.denominator.value}"),
        window=window(limit.days, words),
    )


def window(days: int | None, words: Words) -> str:
    """The window of a limit, in words."""
    if days is None:
        return words("window.all")
    return words("window.day") if days == 1 else words("window.days", days=days)


def _grid(scale: _Scale, words: Words) -> Markup:
    parts = [_text(words("chart.axis"), 0, 10, size=9)]
    for n in range(round(scale.top / scale.tick) + 1):
        value = n * scale.tick
        y = scale.y(value)
        parts.append(_path(f"M{_LEFT} {y:.2f}H{_WIDTH - _RIGHT}", stroke=_GRID if n else _TEXT, width=0.8))
        parts.append(_text(words.trimmed(value), _LEFT - 6, y + 3, anchor="end", size=9))
    return join(*parts)


def _bars(steps: Iterable[Step], scale: _Scale) -> Markup:
    width = min(scale.slot * 0.8, _WIDEST_BAR)
    base = scale.y(0)
    kept: list[str] = []
    over: list[str] = []
    off: list[str] = []
    for index, step in enumerate(steps):
        if not step.highest:
            continue
        middle = scale.x(index + 0.5)
        outline = f"M{middle - width / 2:.2f} {base:.2f}V{scale.y(step.highest):.2f}h{width:.2f}V{base:.2f}Z"
        (over if step.over else kept).append(outline)
        if step.highest > scale.top:
            off.append(f"M{middle - 4:.2f} {_TOP - 2}h8l-4 -6Z")
    return join(
        *(
            element("path", d="".join(outlines), fill=fill)
            for outlines, fill in ((kept, _BAR), (over, _BAR_OVER), (off, _BAR_OVER))
            if outlines
        )
    )


def _line(steps: Iterable[Step], scale: _Scale) -> Markup:
    """A horizontal piece for each step, joined where the one before has a value as well."""
    drawn, before = "", False
    for index, step in enumerate(steps):
        if step.at_end is None or math.isinf(step.at_end):
            before = False
            continue
        y = f"{scale.y(step.at_end):.2f}"
        drawn += f"V{y}" if before else f"M{scale.x(index):.2f} {y}"
        drawn += f"H{scale.x(index + 1):.2f}"
        before = True
    return _path(drawn, stroke=_LINE, width=1.6) if drawn else Markup("")


def _limit(share: float, scale: _Scale, words: Words) -> Markup:
    y = scale.y(share)
    label = words("chart.limit", share=words.trimmed(share))
    return join(
        _path(f"M{_LEFT} {y:.2f}H{_WIDTH - _RIGHT}", stroke=_LIMIT, width=1.4, dashes="6 3"),
        _text(label, _WIDTH - _RIGHT + 4, y + 3, size=10, fill=_LIMIT, weight="bold"),
    )


def _dates(steps: tuple[Step, ...], scale: _Scale, period: Period, words: Words) -> Markup:
    every = _label_every(len(steps), hourly=period.hourly)
    parts = []
    write = _hour(period, words) if period.hourly else _day(period, words)
    for index in range(0, len(steps), every):
        x = scale.x(index + (0 if period.hourly else 0.5))
        parts.append(_path(f"M{x:.2f} {scale.y(0):.2f}v4", stroke=_TEXT, width=0.8))
        parts.append(_text(write(steps[index].start), x, scale.y(0) + 14, anchor="middle", size=9))
    return join(*parts)


def _label_every(count: int, *, hourly: bool) -> int:
    if hourly:
        return 3 if count <= 25 else 6
    return -(-count // _LABELS)


def _hour(period: Period, words: Words) -> Callable[[datetime], str]:
    def write(at: datetime) -> str:
        local = at.astimezone(period.zone)
        return words.short_date(local.date()) if local.hour == 0 else f"{local:%H:%M}"

    return write


def _day(period: Period, words: Words) -> Callable[[datetime], str]:
    one_year = period.since.year == period.until.year

    def write(at: datetime) -> str:
        day = period.day_of(at)
        return words.short_date(day) if one_year else words.date(day)

    return write


def _legend(steps: Iterable[Step], scale: _Scale, words: Words, kind: str) -> Markup:
    y = _HEIGHT - 8
    shown = [(_BAR, words(f"chart.highest.{kind}")), (_LINE, words(f"chart.end.{kind}"))]
    steps = list(steps)
    if any(step.over for step in steps):
        shown.append((_BAR_OVER, words("chart.over")))
    parts, x = [], float(_LEFT)
    for fill, label in shown:
        height = 3 if fill == _LINE else 8
        parts.append(element("rect", x=f"{x:.1f}", y=y - 4 - height / 2, width=14, height=height, fill=fill))
        parts.append(_text(label, x + 19, y, size=9))
        x += 19 + 5.6 * len(label) + 22
    if any(step.highest is not None and step.highest > scale.top for step in steps):
        parts.append(_text(words("chart.off"), x, y, size=9, fill=_BAR_OVER))
    return join(*parts)


def _path(d: str, *, stroke: str, width: float, dashes: str | None = None) -> Markup:
    return element("path", d=d, fill="none", stroke=stroke, stroke_width=width, stroke_dasharray=dashes)


def _text(
    text: str,
    x: float,
    y: float,
    *,
    anchor: str = "start",
    size: int = 10,
    fill: str = _TEXT,
    weight: str | None = None,
) -> Markup:
    return element(
        "text",
        text,
        x=f"{x:.2f}",
        y=f"{y:.2f}",
        text_anchor=anchor,
        font_size=size,
        font_weight=weight,
        fill=fill,
    )
