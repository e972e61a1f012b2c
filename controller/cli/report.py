"""What a campaign did, against what the law allows, in words. PURE."""

from __future__ import annotations

from controller.domain.latency import Latency
from controller.engine.report import Report, as_dict, build

__all__ = ["Report", "as_dict", "as_text", "build"]


def as_text(report: Report) -> str:
    """For people: one figure a line."""
    rate = report.silent_per_100
    lost = f", {report.lost} of them lost (nobody saw them end)" if report.lost else ""
    waiting = f", {report.open} under way" if report.open else ""
    lines = [
        ("campaign", f"{report.campaign}, for {report.caller}, under {report.regulation}"),
        ("contacts", f"{report.contacts}, {report.pending} still to call"),
        ("calls", f"{report.calls}{waiting}"),
        ("answered", str(report.answered)),
        ("connected", str(report.connected)),
        ("rescued", f"{report.rescued} (connected after waiting in the noise)"),
        ("silent", f"{report.silent}{lost}"),
        ("silent per 100", f"{rate:.2f}" if rate is not None else "no success yet"),
        ("limit", f"{report.share}: {report.allowed} silent so far"),
        ("answer to agent", _bridging(report)),
        ("longest silent", f"{_seconds(report.longest_silent)} (limit {report.cut_after:.3f} s)"),
        ("outcomes", ", ".join(f"{name} {count}" for name, count in report.outcomes.items()) or "none"),
        ("law", _verdict(report)),
        *(("DISAGREEMENT", text) for text in report.disagreements),
    ]
    width = max(len(label) for label, _ in lines)
    return "\n".join(f"{label:<{width}}  {value}" for label, value in lines)


def _bridging(report: Report) -> str:
    bridging = Latency.of(report.bridging)
    if bridging is None:
        return "-"
    return f"p50 {_seconds(bridging.p50)}, p99 {_seconds(bridging.p99)}, max {_seconds(bridging.max)}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f} s"


def _verdict(report: Report) -> str:
    if report.lifted:
        return "not applicable: the budget was lifted in a lab"
    return "kept" if report.kept else "BROKEN"
