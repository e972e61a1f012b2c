"""A simulation's results as rows, as CSV, and as a chart."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from controller.simulation.record import Record

COLUMNS: Final = (
    "policy",
    "agents",
    "occupancy",
    "idle_p50",
    "idle_p90",
    "successes",
    "silent",
    "silent_per_100",
    "highest_silent_per_100",
    "limit_passed",
    "calls_per_success",
    "rescued_per_100",
    "taken_back_per_100_calls",
)
_COLOURS: Final = ("#0b6e4f", "#c1292e", "#235789", "#f1a208", "#7b2d8b", "#161925", "#8c564b", "#7f7f7f")
_WIDTH, _HEIGHT, _LEFT, _TOP = 860, 420, 60, 30


def row(record: Record) -> dict[str, str]:
    """The figures of one run, by column. ``limit_passed`` counts how often, from the first call on."""
    return dict(
        zip(
            COLUMNS,
            (
                record.policy,
                str(record.scenario.agents),
                f"{record.occupancy:.3f}",
                f"{record.wait(0.5):.1f}",
                f"{record.wait(0.9):.1f}",
                str(record.successes),
                str(record.silent),
                f"{100 * record.silent_share:.2f}",
                f"{100 * record.worst:.2f}",
                str(record.breaches),
                f"{record.calls_per_success:.2f}",
                f"{100 * record.rescue_share:.1f}",
                f"{100 * record.cancelled / max(1, record.placed):.1f}",
            ),
            strict=True,
        )
    )


def as_csv(records: Sequence[Record]) -> str:
    """All runs, with a header."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row(record) for record in records)
    return out.getvalue()


def as_svg(records: Sequence[Record]) -> str:
    """Silent calls per 100 successes over time, a line for each run, and the limit."""
    limit = 100 * float(records[0].scenario.share)
    hours = max(record.scenario.hours for record in records)
    highest = max(limit * 1.5, min(4 * limit, max(100 * record.worst for record in records)))

    def x(seconds: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 20) * seconds / (hours * 3600)

    def y(per_100: float) -> float:
        return _TOP + (_HEIGHT - _TOP - 50) * (1 - min(per_100, highest) / highest)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT + 20 * len(records)}" '
        'font-family="sans-serif" font-size="13">',
        f"<title>Silent calls per 100 successes, {escape(records[0].scenario.name)}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="18">Silent calls per 100 successes over time (hours)</text>',
        f'<path d="M{_LEFT} {_TOP}V{y(0):.1f}H{_WIDTH - 20}" fill="none" stroke="#161925"/>',
        f'<path d="M{_LEFT} {y(limit):.1f}H{_WIDTH - 20}" stroke="#161925" stroke-dasharray="6 4"/>',
        f'<text x="8" y="{y(limit) + 4:.1f}">limit {limit:g}</text>',
        f'<text x="8" y="{_TOP + 4}">{highest:.1f}</text>',
        f'<text x="40" y="{y(0) + 4:.1f}">0</text>',
    ]
    parts += [
        f'<text x="{x(hour * 3600):.1f}" y="{y(0) + 18:.1f}" text-anchor="middle">{hour}</text>'
        for hour in range(0, int(hours) + 1, max(1, int(hours) // 12))
    ]
    for place, record in enumerate(records):
        colour = _COLOURS[place % len(_COLOURS)]
        points = " ".join(
            f"{x(at):.1f},{y(100 * silent / successes):.1f}"
            for at, successes, silent in record.course
            if successes
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        below = _HEIGHT - 5 + 20 * place
        parts.append(f'<text x="{_LEFT}" y="{below}" fill="{colour}">{escape(_legend(record))}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _legend(record: Record) -> str:
    return (
        f"{record.policy}: occupancy {record.occupancy:.3f}, {record.silent} silent of {record.successes},"
        f" limit passed {record.breaches} times"
    )
