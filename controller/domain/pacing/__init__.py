"""How many calls to place now, and why."""

from controller.domain.pacing.calibration import Calibration
from controller.domain.pacing.curves import AnswerCurve, DurationCurve
from controller.domain.pacing.groups import AnswerGroups, Group, part_of_day
from controller.domain.pacing.journal import Explained, Inputs, Journal
from controller.domain.pacing.modes import Mode, cancel_after, unsuited
from controller.domain.pacing.pacer import Decision, Pacer, Scene, Terms
from controller.domain.pacing.ratio import Placement, Situation, decide

__all__ = [
    "AnswerCurve",
    "AnswerGroups",
    "Calibration",
    "Decision",
    "DurationCurve",
    "Explained",
    "Group",
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
    "part_of_day",
    "unsuited",
]
