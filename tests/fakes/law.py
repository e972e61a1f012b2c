"""A law for tests whose subject is something else: Italy's limits, without hours, lists and consent."""

from __future__ import annotations

from dataclasses import replace

from controller.domain.regulation import CallerIdRule
from controller.law import IT_GARANTE_2014

LAX = replace(
    IT_GARANTE_2014,
    name="lax",
    hours=None,
    consent_required=False,
    register=None,
    caller_id=CallerIdRule(),
    limits=IT_GARANTE_2014.limits[:1],
)
