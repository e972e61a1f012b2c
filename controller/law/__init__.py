"""The regulation profiles."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from controller.domain.regulation import CallerIdRule, Limit, RegisterRule, Regulation

IT_GARANTE_2014 = Regulation(
    name="it-garante-2014",
    country="IT",
    limits=(
        Limit(name="campaign", share=Fraction(3, 100)),
        Limit(name="day", share=Fraction(4, 100), days=1),
    ),
    cut_after=timedelta(seconds=3),
    hang_up_after=timedelta(seconds=2.7),
    dead_man_after=timedelta(seconds=2.8),
    noise_within=timedelta(milliseconds=200),
    leave_alone=timedelta(days=5),
    caller_id=CallerIdRule(required=True, free_prefixes=("+390843", "+390844"), must_answer=True),
    consent_required=True,
    register=RegisterRule(name="RPO", max_age=timedelta(days=15)),
)
"""Garante per la protezione dei dati personali, 20 February 2014, n. 83 (doc. web 3017499)."""

PROFILES = {IT_GARANTE_2014.name: IT_GARANTE_2014}
