"""How many calls to place now, and why."""

from controller.domain.pacing.calibration import Calibration
from controller.domain.pacing.curves import AnswerCurve, DurationCurve
from controller.domain.pacing.journal import Explained, Inputs, Journal
from controller.domain.pacing.modes import Mode, cancel_after, unsuited
from controller.domain.pacing.pacer import Decision, Pacer, Scene, Terms
from controller.domain.pacing.ratio import Placement, Situation, decide

__all__ = [
    "AnswerCurve",
    "Calibration",
    "Decision",
    "DurationCurve",
    "Explained",
    "Inputs",
    "Journal",
    "Mode",
    "Pacer",
    "Placement",
    "Scene",
    "Situation",
    "Terms",
    "cancel_after",
    "decide",
    "unsuited",
]
