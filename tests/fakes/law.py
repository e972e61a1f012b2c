"""Laws for tests whose subject is something else: Italy's limits, without hours, lists and consent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from controller.domain.regulation import CallerIdRule, Played
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

LAX_MESSAGE = replace(
    LAX,
    name="lax-message",
    played=Played.MESSAGE,
    hang_up_after=timedelta(seconds=1.7),
    dead_man_after=timedelta(seconds=1.8),
    cut_after=timedelta(seconds=2),
)
"""The same for a law that demands a message: its times are those of the American and the British one."""

LAX_AGENTLESS = replace(LAX_MESSAGE, name="lax-agentless", agentless=True, consent_required=True)
"""The same for a law under which people may be called although nobody speaks."""

KNOWN = {law.name: law for law in (IT_GARANTE_2014, LAX, LAX_MESSAGE, LAX_AGENTLESS)}
"""The profiles of a test's record store."""
